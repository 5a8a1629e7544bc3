// Set up: from nothing to the first sync, step by step; what was answered is kept on the way.
import { html, useState, useEffect, useRef, useLoad, Loaded, Notice, Trouble } from "./ui.js";
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

// Somebody else, or we in another window, went on meanwhile: nothing of it is overwritten.
const Elsewhere = ({ done, show }) => html`<${Notice} tone="odd" role="alert" title=${done ? "The set-up is finished." : "The set-up was gone on with in another window."}>
	<p>${done ? "It was saved in another window, or from here before the service went away. Settings change it from now on." : "What was entered here since was not kept. Look at how it stands now, and change it there."}</p>
	<button type="button" onClick=${show}>${done ? "Go to the overview" : "Show how it stands"}</button></${Notice}>`;

function Wizard({ start, enter, load }) {
	const [answers, setAnswers] = useState({ ...EMPTY, ...start.answers });
	const [step, setStep] = useState(Math.min(start.answers?.step || 0, STEPS.length - 1));
	const [have, setHave] = useState({ token: start.token, password: start.password });
	const [error, setError] = useState(null);
	const [saved, setSaved] = useState(null);
	const [elsewhere, setElsewhere] = useState(null); /* code of the refusal */
	const [touched, setTouched] = useState(false); /* this step says something that is not kept yet */
	const touches = useRef(0);
	const touch = () => { touches.current++; setTouched(true); };
	const title = useRef();
	const moved = useRef(false);
	const newest = useRef(answers); /* two may follow each other before anything is drawn */
	const revision = useRef(start.revision); /* as we have seen it */
	const queue = useRef(Promise.resolve());
	const hold = useRef({}); /* what was typed, while one looks at another step */
	useEffect(() => {
		if (moved.current) title.current?.focus();
		moved.current = true;
	}, [step, saved]);
	// One after the other: each is on top of the one before.
	const turn = (what) => {
		const mine = queue.current.then(what);
		queue.current = mine.catch(() => {});
		return mine;
	};
	const send = async (path, body) => {
		try {
			const r = await post(path, { ...body, revision: revision.current });
			if (r.revision) revision.current = r.revision;
			return r;
		} catch (e) {
			if (["changed-meanwhile", "set-up"].includes(e.code)) setElsewhere(e.code);
			throw e;
		}
	};
	const ask = (path, body = {}) => turn(() => send(path, body));
	// Whoever comes back to this window sees whether it is still as it was left.
	useEffect(() => {
		const look = () => {
			if (document.hidden || saved) return;
			queue.current = queue.current.then(() => get("setup")).then((now) => {
				if (!now.setup) setElsewhere("set-up");
				else if (now.revision !== revision.current) setElsewhere("changed-meanwhile");
			}).catch(() => {});
		};
		addEventListener("focus", look);
		document.addEventListener("visibilitychange", look);
		return () => { removeEventListener("focus", look); document.removeEventListener("visibilitychange", look); };
	}, [saved]);
	// Keeps what is new, part(of what is kept by then); secrets are sent once and never come back.
	const keep = (part, secrets) => {
		const before = touches.current;
		return turn(async () => {
			const next = { ...newest.current, ...part(newest.current) };
			await send("setup", { answers: next, ...(secrets && Object.values(secrets).some(Boolean) ? { secrets } : {}) });
			newest.current = next;
			setAnswers(next);
			if (before === touches.current) setTouched(false);
			if (secrets?.token) setHave((h) => ({ ...h, token: true }));
			if (secrets?.password) setHave((h) => ({ ...h, password: true }));
			setError(null);
		});
	};
	const go = (i) => {
		setStep(i);
		setTouched(false);
		keep((now) => ({ step: Math.max(i, now.step || 0) })).catch(setError);
		scrollTo(0, 0);
	};
	if (saved) return html`<h1 tabindex="-1" ref=${title}>First sync</h1><${FirstSync} ...${{ saved, enter }} />`;
	if (elsewhere) {
		const done = elsewhere === "set-up";
		return html`<h1>Set up</h1><${Elsewhere} done=${done} show=${done ? () => { location.hash = "#/"; enter(); } : load.again} />`;
	}
	const [name, Step] = STEPS[step];
	return html`<h1 tabindex="-1" ref=${title}>Set up: ${name.toLowerCase()}</h1><${Steps} at=${step} most=${touched ? step : newest.current.step || 0} go=${go} />
		<${Trouble} error=${error} /><${Step} key=${step} ...${{ answers, keep, ask, have, start, hold: hold.current, touch,
			next: () => go(step + 1), back: () => go(step - 1), setSaved }} />`;
}

export function Setup({ enter }) {
	const load = useLoad(() => get("setup"));
	const count = useRef({ data: null, n: 0 });
	if (load.data !== count.current.data) count.current = { data: load.data, n: count.current.n + 1 };
	return html`<${Loaded} of=${load}>${(d) => {
		if (d.file) return html`<h1>Set up</h1><${Notice} tone="bad" title="There is a configuration, but it is refused.">${d.error || d.path}</${Notice}>
			<p>Mend it in <a href="#/settings">Settings</a>, or move <code>${d.path}</code> away to set up anew.</p>`;
		return html`<${Wizard} key=${count.current.n} start=${d} enter=${enter} load=${load} />`;
	}}</${Loaded}>`;
}
