// Adoption review: what stands at the target in place of ours.
import { html, useState, useLoad, useAction, Loaded, Card, Trouble, Button, Empty, many } from "./ui.js";
import { read, command } from "./api.js";

const HOW = {
	identity: "bears our identity", address: "same address", takeover: "same address; belongs to something else so far",
	ambiguous: "several fit: choose one",
};

function Candidate({ a, c, busy, take }) {
	return html`<li><div class="line"><code>${c.key}</code> ${c.name && html`<span>${c.name}</span>`}
		<span class="dim">${c.by === "external" ? "bears our identity" : c.external ? `by its name; its identity ${c.external} is replaced` : "by its name"}</span>
		${!a.approved && html`<${Button} kind="small outline push" busy=${busy} onClick=${() => take([a.name || a.id, c.key])}>Take over</${Button}>`}</div></li>`;
}

export function Adoption() {
	const load = useLoad(() => read("adopt"));
	const [said, setSaid] = useState("");
	const take = useAction(async (words) => {
		const r = await command(["adopt", ...words]);
		const e = r.output?.error || (r.exit ? r.error : null);
		if (e) throw new Error(e.message);
		setSaid("Noted. The next sync takes over what is still there.");
		await load.again();
	});
	return html`<p class="crumbs"><a href="#/history">History</a></p><div class="head"><h1>Adoption</h1></div>
		<p>Objects that stand at the target where ours would be created. Nothing of them is touched before you consent.</p>
		<div role="status" aria-live="polite">${said}</div><${Trouble} error=${take.error} />
		<${Loaded} of=${load}>${({ adoptions, orphans }) => {
			const exact = adoptions.filter((a) => !a.approved && a.match !== "ambiguous").length;
			return html`<${Card} title=${`To be taken over (${adoptions.length})`} tools=${exact > 0 && html`<${Button} busy=${take.busy}
					onClick=${() => take.run(["--all-exact"])}>Take over ${many(exact, "exact match", "exact matches")}</${Button}>`}>
				${adoptions.length ? html`<ul class="rows">${adoptions.map((a) => html`<li><div class="line"><span class="dim">${a.kind}</span> <b>${a.name || a.id}</b>
					<span class=${a.match === "ambiguous" ? "tag odd" : "tag"}>${a.approved ? "approved" : HOW[a.match] || a.match}</span></div>
					<small class="dim">${a.dn}</small><ul class="rows">${a.candidates.map((c) => html`<${Candidate} ...${{ a, c }} busy=${take.busy} take=${take.run} />`)}</ul></li>`)}</ul>`
					: html`<${Empty}>Nothing waits to be taken over.</${Empty}>`}</${Card}>
			<${Card} title=${`Left over (${orphans.length})`}><p class="dim">Objects that bear an identity of this directory, but belong to nobody in scope any more.</p>
				${orphans.length ? html`<ul class="rows">${orphans.map((o) => html`<li><div class="line"><span class="dim">${o.kind}</span> <b>${o.name || o.key}</b>
					<span class="tag">${o.approved ? "approved" : o.trace}</span><small class="dim">${o.dn}</small>
					${!o.approved && html`<${Button} kind="small outline push" busy=${take.busy} onClick=${() => take.run([o.id])}>Take over</${Button}>`}</div></li>`)}</ul>`
					: html`<${Empty}>None.</${Empty}>`}</${Card}>`;
		}}</${Loaded}>`;
}
