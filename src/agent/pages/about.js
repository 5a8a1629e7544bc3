// About: version, health, prerequisites, and what support wants to see.
import { html, useState, useLoad, useAction, Loaded, Card, Trouble, Button, Words, duration } from "./ui.js";
import { get, read } from "./api.js";

const TONE = { ok: "good", info: "", warn: "odd", fail: "bad" };
export const Findings = ({ list }) => html`<ul class="rows">${list.map((f) => html`<li><div class="line"><span class=${"tag " + (TONE[f.level] ?? "")}>${
		{ ok: "ok", info: "note", warn: "warning", fail: "fails" }[f.level] || f.level}</span> <b>${f.topic}</b> <span><${Words} text=${f.text} /></span></div>
	${f.remedy && f.level !== "ok" && html`<p><b>What to do:</b> <${Words} text=${f.remedy} /></p>`}</li>`)}</ul>`;

export function About({ session }) {
	const load = useLoad(() => get("about"));
	const [found, setFound] = useState(null);
	const check = useAction(async () => setFound((await read("check")).findings));
	const save = useAction(async () => {
		const answer = await fetch("/api/bundle", { cache: "no-store" });
		if (!answer.ok) throw new Error("The bundle could not be made.");
		const a = document.createElement("a");
		a.href = URL.createObjectURL(await answer.blob());
		a.download = "lockstep-diagnostics.json";
		a.click();
		setTimeout(() => URL.revokeObjectURL(a.href), 1000);
	});
	const by = (w) => found.filter((f) => f.where === w);
	return html`<h1>About</h1><${Loaded} of=${load}>${(d) => html`<${Card} title=${"Lockstep " + d.version}><dl class="facts">
			<div><dt>Configuration</dt><dd><code>${d.configuration}</code></dd></div><div><dt>State</dt><dd><code>${d.state}</code></dd></div>
			<div><dt>Programs</dt><dd><code>${d.programs}</code></dd></div><div><dt>System</dt><dd>${d.system}</dd></div>
			<div><dt>Signed in</dt><dd>${session.by || "somebody"}; ends in ${duration(session.expires - Date.now() / 1000)}</dd></div></dl></${Card}>`}</${Loaded}>
		${!session.setup && html`<${Card} title="Health" tools=${html`<${Button} busy=${check.busy} onClick=${check.run}>Check now</${Button}>`}>
			<p class="dim">Configuration, directory and target: what must be so, and what to do where it is not.</p><${Trouble} error=${check.error} />
			<div aria-live="polite">${found && [...new Set(found.map((f) => f.where))].map((w) => html`<h3>${w}</h3><${Findings} list=${by(w)} />`)}</div></${Card}>
		<${Card} title="Diagnostics" tools=${html`<${Button} kind="outline" busy=${save.busy} onClick=${save.run}>Download</${Button}>`}>
			<p>One file with version, configuration, status, the last runs, alerts and findings. It holds no passwords and no tokens, but names and addresses of
				objects that fail.</p><${Trouble} error=${save.error} /></${Card}>`}
		<${Card} title="Manual"><p><code>man lockstep</code>, <code>man lockstep.conf</code>, <code>man lockstepd</code>. For monitoring, <a href="/metrics">metrics</a> and <a href="/healthz">healthz</a>.</p></${Card}>`;
}
