// One run, down to the single operation; what it held back, and letting it go; undo.
import { html, useState, useMemo, useLoad, useAction, Loaded, Card, Notice, Trouble, Time, Button, Dialog, Op, Changes, Empty,
	Progress, Words, many, number, OPS_DONE } from "./ui.js";
import { read, command } from "./api.js";
import { Counts, Exit } from "./history.js";

const STEP = 100;
const at = (target) => (target ? ["--target", target] : []);

function Operation({ o }) {
	const [open, set] = useState(false);
	const more = Object.keys(o.after || {}).length || Object.keys(o.before || {}).length;
	return html`<li class=${o.code ? "failed" : ""}><div class="line"><${Op} op=${o.op} done=${!o.code} /> <span class="dim">${o.kind}</span>
			<a href=${"#/objects/" + encodeURIComponent(o.id || o.name)}>${o.name || o.id}</a>${o.other ? html`<span class="dim">→ ${o.other}</span>` : ""}
			${more ? html`<button type="button" class="icon small" aria-expanded=${open ? "true" : "false"} onClick=${() => set(!open)}>
				${open ? "less" : "what changed"}</button>` : null}<span class="dim push"><${Time} at=${o.at} /></span></div>
		${o.code && html`<p class="bad-text">Failed: <${Words} text=${o.message} /> <code>${o.code}</code></p>`}
		${open && html`<${Changes} before=${o.before} after=${o.after} />`}</li>`;
}

function Held({ run, target, held, done }) {
	const groups = useMemo(() => {
		const by = new Map();
		for (const h of held) {
			const key = h.held + " " + h.kind;
			by.set(key, [...(by.get(key) || []), h]);
		}
		return [...by.values()];
	}, [held]);
	const [ask, setAsk] = useState(false);
	const [job, setJob] = useState(null);
	const release = useAction(async () => {
		const r = await command(["release", String(run), ...at(target)]);
		if (r.exit !== 0) throw new Error(r.error?.message || r.output?.error?.message || "It was not released.");
		setAsk(false);
		await command(["sync"], setJob);
		done();
	});
	return html`<${Card} id="held" title=${`Held back: ${many(held.length, "change")}`} tools=${html`<${Button} busy=${release.busy} onClick=${() => setAsk(true)}>Release …</${Button}>`}>
		<p>The guard stopped these because they are more at once than its limits allow, or concern protected accounts. Look whether they are meant; a mistake in the
			directory is mended there, and what is not wanted any more is forgotten by itself.</p>
		${held.some((h) => h.held === "adopt") && html`<p>Of what stands at the target already, <a href="#/adoption">Adoption</a> shows one by one why it waits.</p>`}
		<${Trouble} error=${release.error} /><${Progress} job=${job} />
		${groups.map((g) => html`<details open=${groups.length === 1 || null}><summary><${Op} op=${g[0].held} /> ${many(g.length, g[0].kind)}</summary>
			<ul class="names">${g.slice(0, 200).map((h) => html`<li>${h.name}${h.other ? ": " + h.other : ""}</li>`)}</ul>
			${g.length > 200 && html`<p class="dim">and ${number(g.length - 200)} more</p>`}</details>`)}
		${ask && html`<${Dialog} title=${`Release ${many(held.length, "change")}?`} close=${() => setAsk(false)} foot=${html`<${Button} busy=${release.busy} onClick=${release.run}>Release and sync</${Button}>`}>
			<p>The next sync performs those that are still wanted then:</p><ul>${groups.map((g) => html`<li><${Op} op=${g[0].held} /> ${many(g.length, g[0].kind)}</li>`)}</ul>
			<${Trouble} error=${release.error} /></${Dialog}>`}</${Card}>`;
}

// First what it would do, then the question.
function Undo({ run, target, done }) {
	const [look, setLook] = useState(null);
	const dry = useAction(async () => setLook((await command(["undo", String(run), "--dry-run", ...at(target)]))));
	const go = useAction(async () => {
		const r = await command(["undo", String(run), ...at(target)]);
		const e = r.output?.error || r.error;
		if (r.exit !== 0 && e) throw new Error(e.message);
		setLook(null);
		done();
	});
	const notes = look?.output?.notes || [];
	const e = look && !notes.length ? look.output?.error || look.error : null;
	return html`<${Button} busy=${dry.busy} kind="secondary outline" onClick=${dry.run}>Undo …</${Button}><${Trouble} error=${dry.error} />
		${look && html`<${Dialog} title=${`Undo run ${run}?`} close=${() => setLook(null)} foot=${notes.some((n) => n.what === "undo") && html`<${Button}
				busy=${go.busy} onClick=${go.run}>Undo, and keep it so</${Button}>`}>
			${e ? html`<${Notice} tone="bad">${e.message}</${Notice}>` : notes.length ? html`<p>What would become of it. It stays so until what is wanted for the object changes, or it is unpinned.</p>
				<ul class="rows scroll-y">${notes.map((n) => html`<li><b>${{ undo: "taken back", left: "left alone", lost: "cannot come back" }[n.what] || n.what}</b> ${n.object}: ${n.text}</li>`)}</ul>`
				: html`<p>Nothing of it can be taken back.</p>`}<${Trouble} error=${go.error} /></${Dialog}>`}`;
}

// What is asked and what is unfolded belongs to one target and one operation: by `key`, whatever else comes into its place.
export function Run({ args, query }) {
	const run = Number(args[0]) || 0, asked = query.get("target");
	const load = useLoad(async () => {
		if (!(run > 0)) return { ops: [] };
		const [{ operations }, { runs }] = await Promise.all([read("history", String(run)), read("history")]);
		const target = asked || [...runs, ...operations].find((r) => r.run === run && r.target)?.target;
		return { target, several: new Set(runs.map((r) => r.target)).size > 1, ops: operations.filter((o) => o.target === target).map((o, n) => ({ ...o, n })),
			run: runs.find((r) => r.run === run && r.target === target) };
	}, [run, asked]);
	const target = load.data?.target;
	const [text, setText] = useState("");
	const [op, setOp] = useState("");
	const [most, setMost] = useState(STEP);
	return html`<p class="crumbs"><a href="#/history">History</a></p><div class="head"><h1>Run ${run > 0 ? run : args[0]}${load.data?.several ? html` <span class="dim">at ${target}</span>` : ""}</h1><div class="tools">
			${load.data?.ops.some((o) => o.op && !o.code) && html`<${Undo} key=${target} run=${run} target=${target} done=${load.again} />`}</div></div>
		<${Loaded} of=${load}>${({ ops, run: r }) => {
			if (!r && !ops.length) return html`<${Card}><${Empty}>There is no such run${asked ? ` at ${asked}` : ""}, or it is forgotten: Settings say how much of the history is kept.</${Empty}></${Card}>`;
			const held = ops.filter((o) => o.held), did = ops.filter((o) => o.op);
			const word = text.toLowerCase();
			const some = did.filter((o) => (!op || (op === "failed" ? o.code : o.op === op)) &&
				(!word || JSON.stringify([o.name, o.id, o.other, o.before, o.after, o.message]).toLowerCase().includes(word)));
			const kinds = [...new Set(did.map((o) => o.op))];
			return html`${r && html`<p><${Exit} run=${r} /> <${Time} at=${r.started} /> <${Counts} counts=${r.counts} /></p>${r.message && html`<${Notice} tone="bad"><${Words} text=${r.message} /></${Notice}>`}
				${r.held_why && html`<${Notice} tone="odd"><${Words} text=${r.held_why} /></${Notice}>`}`}
				${held.length > 0 && (r?.released ? html`<${Notice}>Released: the next sync performs what is still wanted.</${Notice}>` : html`<${Held} key=${target} run=${run} target=${target} held=${held} done=${load.again} />`)}
				<${Card} title="Operations" tools=${did.length > 5 && html`<input type="search" aria-label="Filter" placeholder="Filter" value=${text}
						onInput=${(e) => { setText(e.target.value); setMost(STEP); }} />
						<select aria-label="Kind of operation" value=${op} onChange=${(e) => { setOp(e.target.value); setMost(STEP); }}><option value="">all</option>
						${did.some((o) => o.code) && html`<option value="failed">failed</option>`}${kinds.map((k) => html`<option value=${k}>${OPS_DONE[k] || k}</option>`)}</select>`}>
					${some.length ? html`<ul class="rows">${some.slice(0, most).map((o) => html`<${Operation} key=${o.n} o=${o} />`)}</ul>
						${some.length > most && html`<button type="button" class="outline" onClick=${() => setMost(most + STEP)}>Show more (${number(some.length - most)})</button>`}`
						: html`<${Empty}>${did.length ? "None like that." : "It changed nothing."}</${Empty}>`}</${Card}>`;
		}}</${Loaded}>`;
}
