// What would be done, as `lockstep plan` says: totals first, then examples, removals before additions.
import { html, useState, Op, Changes, Empty, Notice, Words, number, many } from "./ui.js";

const ORDER = ["delete", "disable", "disable (seen)", "recreate", "adopt", "member removal", "member removal (follows)", "update",
	"enable", "create", "member add"];
const rank = (op) => (ORDER.indexOf(op) + 1 || 99);

// Few changes are shown at once; the whole of a new object when it is asked for.
function Example({ o }) {
	const names = new Set([...Object.keys(o.attributes || {}), ...Object.keys(o.before || {})]).size;
	const [open, set] = useState(names <= 4);
	return html`<li><div class="line"><b>${o.name || o.id}</b>${o.other ? html`<span class="dim">→ ${o.other}</span>` : ""}
			${o.held && html`<span class="tag odd">held: ${o.held}</span>`}
			${names > 4 && html`<button type="button" class="icon small push" aria-expanded=${open ? "true" : "false"} aria-label=${`Attributes of ${o.name || o.id}`}
				onClick=${() => set(!open)}>${open ? "less" : many(names, "attribute")}</button>`}</div>
		${open && html`<${Changes} before=${o.before} after=${o.attributes} />`}</li>`;
}

function Class({ name, kind, count, held, ops }) {
	const [open, set] = useState(false);
	return html`<li><div class="line"><b class="count">${number(count)}</b> <${Op} op=${name} /> <span>${kind}${count === 1 ? "" : "s"}</span>
			${held > 0 && html`<span class="tag odd">${number(held)} held by the guard</span>`}
			${ops.length > 0 && html`<button type="button" class="icon small push" aria-expanded=${open ? "true" : "false"} onClick=${() => set(!open)}>
				${open ? "hide" : "examples"}</button>`}</div>
		${open && html`<ul class="rows inner">${ops.map((o) => html`<${Example} o=${o} />`)}
			${count > ops.length && html`<li class="dim">and ${number(count - ops.length)} more</li>`}</ul>`}</li>`;
}

export function Plan({ outputs }) {
	const list = (outputs || []).filter((o) => o?.totals);
	if (!list.length) return null;
	return list.map((t) => {
		const totals = [...t.totals].sort((a, b) => rank(a.op) - rank(b.op));
		return html`<section aria-label=${"Plan for " + t.target}>${list.length > 1 && html`<h3>${t.target}</h3>`}
			${totals.length ? html`<ul class="rows plan">${totals.map((c) => html`<${Class} name=${c.op} kind=${c.kind} count=${c.count} held=${c.held}
				ops=${(t.operations || []).filter((o) => o.op === c.op && o.kind === c.kind)} />`)}</ul>`
				: html`<${Empty}>Nothing would be changed at the target.</${Empty}>`}
			${t.seconds > 0 && html`<p class="dim">It would take about ${many(Math.ceil(t.seconds / 60), "minute")}.</p>`}</section>`;
	});
}

export const jobOutputs = (job) => job?.outputs || (job?.output ? [job.output] : []);

export function PlanTrouble({ job }) {
	if (!job || job.state !== "ended") return null;
	const e = jobOutputs(job).find((o) => o.error)?.error || (job.exit && !jobOutputs(job).some((o) => o.totals) ? job.error : null);
	return e ? html`<${Notice} tone="bad" title="No plan could be made."><${Words} text=${e.message} /></${Notice}>` : null;
}
