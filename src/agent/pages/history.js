// History: the runs.
import { html, useState, useLoad, Loaded, Card, Time, Empty, number, duration, runLink } from "./ui.js";
import { read } from "./api.js";

const NAMES = [["created", "created"], ["adopted", "taken over"], ["recreated", "created again"], ["updated", "changed"],
	["enabled", "enabled"], ["disabled", "disabled"], ["deleted", "deleted"], ["members_added", "members added"],
	["members_removed", "members removed"], ["held", "held back"], ["failed", "failed"]];

export function Counts({ counts, none }) {
	const some = NAMES.filter(([k]) => counts?.[k] > 0);
	if (!some.length) return none ? html`<span class="dim">${none}</span>` : null;
	return html`<span class="counts">${some.map(([k, name]) =>
		html`<span class=${k === "failed" || k === "held" ? "bad-text" : ""}><b>${number(counts[k])}</b> ${name}</span> `)}</span>`;
}

export const EXITS = {
	0: ["good", "in lockstep"], 1: ["bad", "some objects failed"], 2: ["bad", "configuration refused"],
	3: ["bad", "directory not read"], 4: ["odd", "held"], 5: ["bad", "target away"],
};
export function Exit({ run }) {
	if (!run.ended) return html`<span class="tag odd">stopped before its end</span>`;
	if (run.kind === "plan") return html`<span class="tag">plan</span>`;
	const [tone, text] = EXITS[run.exit] || ["bad", "exit " + run.exit];
	return html`<span class=${"tag " + tone}>${text}</span>`;
}
const KIND = { full: "everything", delta: "changes", plan: "plan", apply: "approved plan", undo: "undo" };

export function History() {
	const [only, setOnly] = useState("changed");
	const runs = useLoad(() => read("history"));
	const adoption = useLoad(() => read("adopt").catch(() => null));
	const keep = { all: () => true, changed: (r) => r.exit !== 0 || NAMES.some(([k]) => r.counts?.[k] > 0),
		bad: (r) => r.exit !== 0 || !r.ended };
	const waiting = adoption.data ? adoption.data.adoptions.filter((a) => !a.approved).length + adoption.data.orphans.filter((a) => !a.approved).length : 0;
	return html`<div class="head"><h1>History</h1><div class="tools"><a role="button" class="secondary outline" href="#/adoption">Adoption${
			waiting ? html` <span class="badge">${waiting}</span>` : ""}</a>
		<label class="inline" for="only">Show <select id="only" value=${only} onChange=${(e) => setOnly(e.target.value)}>
			<option value="changed">runs that did something</option><option value="bad">runs that went wrong</option>
			<option value="all">all runs</option></select></label></div></div>
		<${Loaded} of=${runs}>${({ runs: list }) => {
			const some = list.filter(keep[only]).sort((a, b) => b.started - a.started || b.run - a.run);
			const targets = new Set(list.map((r) => r.target)).size > 1;
			return html`<${Card}>${some.length ? html`<div class="scroll"><table class="list"><thead><tr><th scope="col">Run</th><th scope="col">When</th>
				<th scope="col">Outcome</th><th scope="col">What it did</th></tr></thead><tbody>${some.map((r) => html`<tr>
					<th scope="row"><a href=${runLink(r.run, targets && r.target)}>${r.run}</a></th>
					<td><${Time} at=${r.started} /><small class="dim">${KIND[r.kind] || r.kind}${targets ? " · " + r.target : ""}${
						r.ended ? " · " + duration(r.ended - r.started) : ""}</small></td>
					<td><${Exit} run=${r} />${[r.message, r.held_why].filter(Boolean).map((t) => html`<small class="dim clip">${t}</small>`)}</td><td><${Counts} counts=${r.counts} none="nothing to do" /></td></tr>`)}</tbody></table></div>`
				: html`<${Empty}>${list.length ? "No such run among the last 50." : "Nothing has run yet."}</${Empty}>`}</${Card}>`;
		}}</${Loaded}>`;
}
