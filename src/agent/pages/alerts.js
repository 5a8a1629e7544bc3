// Alerts: open ones with cause and remedy, and those that are over.
import { html, useEffect, useLoad, useAction, Loaded, Card, Trouble, Time, Button, Empty, Words, many, duration, runLink } from "./ui.js";
import { get, post } from "./api.js";

const TONE = { critical: "bad", warning: "odd", info: "" };

// Where to look, as a page where there is one for it.
function Look({ a }) {
	const [, what, rest] = a.look?.match(/^lockstep (history|explain) (.+)$/) || [];
	const target = a.object?.match(/^target (.+)$/)?.[1], who = rest?.match(/^'([^']+)'$/)?.[1];
	if (what === "history") return html`<a href=${runLink(rest, target)}>Look at run ${rest}</a>`;
	if (who) return html`<a href=${"#/objects/" + encodeURIComponent(who)}>Look at it</a>`;
	if (a.look === "lockstep check") return html`<a href="#/about">Check everything</a>`;
	return a.look ? html`<span class="dim">In a terminal: <code>${a.look}</code></span>` : null;
}

export function AlertRow({ a, short, seen, busy }) {
	const names = Array.isArray(a.examples) ? a.examples : [];
	return html`<li class="alert-row"><div class="line"><span class=${"tag " + (TONE[a.severity] ?? "")}>${a.severity}</span>
			<b>${a.object || a.code}</b>${a.count > 1 ? html`<span class="dim">${many(a.count, "object")}</span>` : null}
			<span class="dim push">${a.cleared ? html`<${Time} at=${a.cleared} />, after ${duration(a.cleared - (a.raised || a.since))}`
				: html`since <${Time} at=${a.raised || a.since} />`}</span></div>
		<p><${Words} text=${a.cause} /></p>${a.remedy && html`<p><b>What to do:</b> <${Words} text=${a.remedy} /></p>`}
		${!short && names.length > 1 && html`<ul class="names">${names.map((n) => html`<li><a href=${"#/objects/" + encodeURIComponent(n)}>${n}</a></li>`)}</ul>`}
		${short ? html`<${Look} a=${a} />` : html`<div class="line"><${Look} a=${a} />
			${a.seen ? html`<span class="dim">noted by ${a.seen_by || "somebody"} <${Time} at=${a.seen} /></span>`
				: seen && !a.cleared && html`<${Button} kind="small outline" busy=${busy} onClick=${() => seen(a.id)}>I have seen it</${Button}>`}</div>`}</li>`;
}

export function Alerts() {
	const load = useLoad(() => get("alerts"));
	useEffect(() => { if (load.data) dispatchEvent(new CustomEvent("alerts", { detail: load.data.open.length })); }, [load.data]);
	useEffect(() => {
		const timer = setInterval(() => document.hidden || load.again(), 15000);
		return () => clearInterval(timer);
	}, []);
	const seen = useAction(async (id) => {
		await post("alerts", { seen: id });
		await load.again();
	});
	return html`<h1>Alerts</h1><${Trouble} error=${seen.error} /><${Loaded} of=${load}>${(d) => {
		const over = d.all.filter((a) => a.cleared);
		return html`<${Card} title=${`Open (${d.open.length})`}>${d.open.length ? html`<ul class="rows">${d.open.map((a) => html`<${AlertRow} key=${a.id} a=${a} seen=${seen.run} busy=${seen.busy} />`)}</ul>`
				: html`<${Empty}>Nothing is wrong that we know of. Alerts go away by themselves when their cause does.</${Empty}>`}</${Card}>
			<${Card} title="Over">${over.length ? html`<ul class="rows">${over.map((a) => html`<${AlertRow} key=${a.id} a=${a} />`)}</ul>` : html`<${Empty}>None yet.</${Empty}>`}</${Card}>`;
	}}</${Loaded}>`;
}
