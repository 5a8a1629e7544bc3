// Set up: from nothing to the first sync, step by step; what was answered is kept on the way.
import { html, useState, useEffect, useRef, useLoad, Loaded, Notice, Trouble, Card } from "./ui.js";
import { get, post } from "./api.js";
import { TargetStep, DirectoryStep } from "./setup_ends.js";
import { WhoStep } from "./setup_who.js";
import { PreviewStep, FirstSync } from "./setup_preview.js";

const STEPS = [["Target", TargetStep], ["Directory", DirectoryStep], ["Who", WhoStep], ["Preview", PreviewStep]];

const EMPTY = { step: 0, target: { name: "hosted", url: "" }, source: { name: "directory", type: "ad" }, sync: { name: "mail", scope: {} } };

function Steps({ at, most, go }) {
	return html`<nav aria-label="Steps"><ol class="steps">${STEPS.map(([name], i) => html`<li>
		<button type="button" class="step" disabled=${i > most} aria-current=${i === at ? "step" : null} onClick=${() => go(i)}>
			<span aria-hidden="true">${i < at ? "✓" : i + 1}</span>${name}</button></li>`)}</ol></nav>`;
}

function Wizard({ start, enter }) {
	const [answers, setAnswers] = useState({ ...EMPTY, ...start.answers });
	const [step, setStep] = useState(Math.min(start.answers?.step || 0, STEPS.length - 1));
	const [have, setHave] = useState({ token: start.token, password: start.password });
	const [error, setError] = useState(null);
	const [saved, setSaved] = useState(null);
	const title = useRef();
	const moved = useRef(false);
	const newest = useRef(answers); /* two may follow each other before anything is drawn */
	useEffect(() => {
		if (moved.current) title.current?.focus();
		moved.current = true;
	}, [step, saved]);
	// Keeps what is new; secrets are sent once and never come back.
	const keep = async (part, secrets) => {
		const next = { ...newest.current, ...part };
		newest.current = next;
		setAnswers(next);
		try {
			await post("setup", { answers: next, ...(secrets && Object.values(secrets).some(Boolean) ? { secrets } : {}) });
			if (secrets?.token) setHave((h) => ({ ...h, token: true }));
			if (secrets?.password) setHave((h) => ({ ...h, password: true }));
			setError(null);
		} catch (e) {
			setError(e);
			throw e;
		}
	};
	const go = (i) => {
		setStep(i);
		keep({ step: Math.max(i, answers.step || 0) }).catch(() => {});
		scrollTo(0, 0);
	};
	if (saved) return html`<h1 tabindex="-1" ref=${title}>First sync</h1><${FirstSync} ...${{ saved, enter }} />`;
	const [name, Step] = STEPS[step];
	return html`<h1 tabindex="-1" ref=${title}>Set up: ${name.toLowerCase()}</h1><${Steps} at=${step} most=${answers.step || 0} go=${go} />
		<${Trouble} error=${error} /><${Step} ...${{ answers, keep, have, start, next: () => go(step + 1), back: () => go(step - 1), setSaved }} />`;
}

export function Setup({ enter }) {
	const load = useLoad(() => get("setup"));
	return html`<${Loaded} of=${load}>${(d) => {
		if (d.file) return html`<h1>Set up</h1><${Notice} tone="bad" title="There is a configuration, but it is refused.">${d.error || d.path}</${Notice}>
			<p>Mend it in <a href="#/settings">Settings</a>, or move <code>${d.path}</code> away to set up anew.</p>`;
		return html`<${Wizard} start=${d} enter=${enter} />`;
	}}</${Loaded}>`;
}
