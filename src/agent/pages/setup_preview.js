// Set up: what the first sync would do, with every conflict; saving; the first sync.
import { html, useState, useEffect, useAction, useLoad, Card, Notice, Trouble, Button, Progress, Empty, Words, number, many, Loaded } from "./ui.js";
import { get, outcome, read } from "./api.js";
import { Plan, PlanTrouble, jobOutputs } from "./plan.js";
import { Counts } from "./history.js";
import { works } from "./overview.js";
import { useLook, Away } from "./setup_who.js";

const browse = async (...c) => outcome(await get("setup/browse", { c }));

function Conflicts() {
	const load = useLoad(async () => {
		const [status, adopt] = await Promise.all([browse("status"), browse("adopt")]);
		return { failing: status.targets.flatMap((t) => t.failures || []), total: status.targets.reduce((n, t) => n + t.failing, 0), adoptions: adopt.adoptions };
	});
	return html`<${Loaded} of=${load}>${(d) => html`<${Card} title=${d.total || d.adoptions.length ? "Conflicts" : "No conflicts"}>
		${d.total > 0 && html`<h3>${many(d.total, "object")} cannot be synchronized as they are</h3><p class="dim">They are left out until this is mended; nobody else waits for them.</p>
			<ul class="rows scroll-y">${d.failing.map((f) => html`<li><div class="line"><b>${f.object}</b> <code>${f.code}</code></div><p><${Words} text=${f.message} /></p></li>`)}</ul>
			${d.total > d.failing.length && html`<p class="dim">and ${number(d.total - d.failing.length)} more</p>`}`}
		${d.adoptions.length > 0 && html`<h3>${many(d.adoptions.length, "object")} of the same name at the target already</h3><p class="dim">Nothing of them is touched before you consent, after the first sync, in History → Adoption.</p>
			<ul class="rows scroll-y">${d.adoptions.map((a) => html`<li><div class="line"><b>${a.name || a.id}</b> <span class="tag">${a.kind}</span> <span class="tag">${a.match}</span></div></li>`)}</ul>`}
		${!d.total && !d.adoptions.length && html`<p>Every object can be synchronized, and none is in the way of another.</p>`}</${Card}>`}</${Loaded}>`;
}

export function PreviewStep({ ask, start, back, setSaved }) {
	const plan = useLook(ask), job = plan.job;
	useEffect(() => { plan.run(); }, []);
	const save = useAction(async () => setSaved(await ask("setup/save")));
	const outputs = jobOutputs(job);
	const good = job?.state === "ended" && outputs.some((o) => o.totals);
	return html`<p>What the first sync would do. Nothing is written to the target before it is started.</p>
		<${Trouble} error=${plan.error} title="There is no plan." /><${Away} gone=${plan.away} /><${Progress} job=${job} /><${PlanTrouble} job=${job} />
		${good && html`<${Card} title="The first sync would"><${Plan} outputs=${outputs} /></${Card}><${Conflicts} />
			${!start.writable && html`<${Notice} tone="odd" title="The service may not write its configuration.">The next step shows the text to put into <code>${start.path}</code>.</${Notice}>`}`}
		<${Trouble} error=${save.error} title="It was not saved." />
		<div class="foot"><button type="button" class="secondary outline" onClick=${back}>Back</button>
			${(job?.state === "ended" || plan.error) && html`<${Button} kind="secondary outline" busy=${plan.busy} onClick=${() => plan.run()}>Look again</${Button}>`}
			<${Button} busy=${save.busy} disabled=${!good} onClick=${save.run}>Save and start sync</${Button}></div>`;
}

// The text for somebody else to put in its place; then we wait for it.
function PutThere({ saved }) {
	return html`<${Notice} tone="odd" title="One thing is left to do by hand.">The service may not write <code>${saved.put}</code>. Put this there, readable by the service:</${Notice}>
		<pre class="text" tabindex="0"><code>${saved.text}</code></pre><p>Then <code>sudo systemctl reload lockstepd</code>. This page goes on by itself.</p>`;
}

export function FirstSync({ saved, enter }) {
	const [seen, setSeen] = useState({ jobs: [] });
	const [error, setError] = useState(null);
	useEffect(() => {
		let on = true;
		(async () => {
			while (on) {
				try {
					const o = await get("overview");
					if (on) { setSeen(o); setError(null); }
					if (o.status?.targets?.some((t) => t.run) && !works(o.jobs).length) {
						const finished = (await read("history")).runs.find((r) => r.kind !== "plan");
						if (on) setSeen({ ...o, finished });
						if (finished) break;
					}
				} catch (e) { if (on) setError(e); }
				await new Promise((d) => setTimeout(d, 700));
			}
		})();
		return () => { on = false; };
	}, []);
	const r = seen.finished;
	return html`<${Trouble} error=${error} />${saved.caveat && html`<p>${saved.caveat}</p>`}${saved.put && seen.setup !== false && html`<${PutThere} saved=${saved} />`}
		${!r && seen.setup === false && html`<p>Saved. Everybody in scope is brought to the target now; you can leave this page.</p>`}
		${!r && works(seen.jobs).map((j) => html`<${Progress} job=${j} />`)}
		${r && html`<${Notice} tone=${r.exit === 0 ? "good" : "odd"} role="status" title=${r.exit === 0 ? "In lockstep." : r.exit === 4 ? "Some changes are held by the guard." : "Done, with objects that fail."}>
			<${Counts} counts=${r.counts} none="Nothing had to be done." /></${Notice}>`}
		<div class="foot">${seen.setup === false && html`<button type="button" class=${r ? "" : "secondary outline"} onClick=${() => { location.hash = "#/"; enter(); }}>Go to the overview</button>`}</div>`;
}
