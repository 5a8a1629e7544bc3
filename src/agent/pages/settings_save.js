// Before a change is saved: the difference, what it would do, a note. And the versions, each a way back.
import { html, useState, useEffect, useRef, useMemo, useAction, useLoad, Card, Notice, Trouble, Button, Dialog, Loaded, Time, Empty, Progress, Text } from "./ui.js";
import { get, post, follow } from "./api.js";
import { Plan, PlanTrouble, jobOutputs } from "./plan.js";

// Lines of two texts, with those that are in one alone; by the longest common ones between equal ends.
export function difference(a, b) {
	const x = a.split("\n"), y = b.split("\n");
	let from = 0, end = 0;
	while (from < x.length && from < y.length && x[from] === y[from]) from++;
	while (end < x.length - from && end < y.length - from && x[x.length - 1 - end] === y[y.length - 1 - end]) end++;
	const p = x.slice(from, x.length - end), q = y.slice(from, y.length - end);
	const out = x.slice(Math.max(0, from - 3), from).map((t) => [" ", t]);
	if (p.length * q.length > 4e6) out.push(...p.map((t) => ["-", t]), ...q.map((t) => ["+", t]));
	else {
		const len = Array.from({ length: p.length + 1 }, () => new Uint32Array(q.length + 1));
		for (let i = p.length - 1; i >= 0; i--) for (let j = q.length - 1; j >= 0; j--)
			len[i][j] = p[i] === q[j] ? len[i + 1][j + 1] + 1 : Math.max(len[i + 1][j], len[i][j + 1]);
		let i = 0, j = 0;
		while (i < p.length || j < q.length) {
			if (i < p.length && j < q.length && p[i] === q[j]) { out.push([" ", p[i++]]); j++; }
			else if (i < p.length && (j === q.length || len[i + 1][j] >= len[i][j + 1])) out.push(["-", p[i++]]);
			else out.push(["+", q[j++]]);
		}
	}
	return [...out, ...x.slice(x.length - end, x.length - end + 3).map((t) => [" ", t])];
}

const Diff = ({ was, is }) => {
	const rows = useMemo(() => difference(was, is), [was, is]);
	if (!rows.some((r) => r[0] !== " ")) return html`<${Empty}>Nothing is different.</${Empty}>`;
	return html`<pre class="text diff" tabindex="0" aria-label="Difference">${rows.map(([mark, t]) => html`<span class=${{ "-": "gone", "+": "new" }[mark]}>${mark} ${t}${"\n"}</span>`)}</pre>`;
};

export function Save({ was, text, note: first, close, saved, setup }) {
	const [note, setNote] = useState(first || "");
	const [job, setJob] = useState(null);
	const alive = useRef(true);
	useEffect(() => () => { alive.current = false; }, []);
	const look = useAction(async () => {
		const { job: id } = await post("config/preview", { text });
		await follow(id, (j) => alive.current && setJob(j), () => alive.current);
	});
	const save = useAction(async () => {
		await saved((await post("config", { text, digest: was.digest, note })).caveat);
	});
	return html`<${Dialog} title="Save this change?" close=${close} foot=${html`<${Button} busy=${save.busy} disabled=${!was.writable || text === was.text} onClick=${save.run}>Save</${Button}>`}>
		<${Diff} was=${was.text} is=${text} />
		${!setup && html`<div aria-live="polite"><${Button} kind="small outline" busy=${look.busy} onClick=${look.run}>What would it do?</${Button}>
			<${Trouble} error=${look.error} /><${Progress} job=${job} /><${PlanTrouble} job=${job} />${job?.state === "ended" && html`<${Plan} outputs=${jobOutputs(job)} />`}</div>`}
		<${Text} id="note" label="Note" help="Why; kept with the version" value=${note} set=${setNote} />
		${!was.writable && html`<${Notice} tone="odd">The service may not write <code>${was.path}</code>. Put this there, then <code>systemctl reload lockstepd</code>:</${Notice}><pre class="text" tabindex="0">${text}</pre>`}
		<${Trouble} error=${save.error} title="It was not saved." /></${Dialog}>`;
}

function Version({ v, was, back, newest }) {
	const [open, set] = useState(false);
	const load = useLoad(async () => (open ? get("config/version", { version: v.version }) : null), [open]);
	return html`<li><div class="line"><b>${v.version}</b> <${Time} at=${v.at} /> <span class="dim">${v.by || ""}</span> <span>${v.note}</span>${newest && html`<span class="tag">newest</span>`}
		<button type="button" class="icon small push" aria-expanded=${open ? "true" : "false"} onClick=${() => set(!open)}>${open ? "hide" : "compare with the file"}</button></div>
		${open && html`<${Loaded} of=${load}>${(d) => d && html`<${Diff} was=${was} is=${d.text} />
			${d.text !== was && html`<button type="button" class="small" onClick=${() => back({ text: d.text, note: "back to version " + v.version })}>Go back to this version …</button>`}`}</${Loaded}>`}</li>`;
}

export const Versions = ({ list, was, back }) => html`<${Card} title="Versions"><p class="dim">What was saved here, and what stood in the file before. The file on disk is what counts.</p>
	${list.length ? html`<ul class="rows">${list.map((v, i) => html`<${Version} key=${v.version} ...${{ v, was, back, newest: i === 0 }} />`)}</ul>` : html`<${Empty}>None yet: they begin with the first change made here.</${Empty}>`}</${Card}>`;
