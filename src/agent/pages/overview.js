// Overview: in lockstep or not, how fresh, what runs, what is wrong.
import { html, useState, useEffect, useRef, useLoad, useAction, Loaded, Card, Notice, Trouble, Time, Button, Progress,
	Empty, Words, number, many, duration, runLink } from "./ui.js";
import { get, read, command } from "./api.js";
import { Plot } from "./plot.js";
import { AlertRow } from "./alerts.js";
import { Counts, EXITS } from "./history.js";

// In lockstep since: the first of the newest runs that all ended so.
function since(runs, target) {
	let first = null;
	for (const r of runs.filter((x) => x.target === target && x.kind !== "plan" && x.ended)) {
		if (r.exit !== 0) break;
		first = r.ended;
	}
	return first;
}

const STOPPED = { 2: "The configuration was refused.", 3: "The directory could not be read; what is at the target stays as it is.",
	5: "The target could not be reached; what it missed is kept." };

// Why the last run did not get through, in its own words, and when the next one comes.
function Stopped({ exit, syncs }) {
	const mine = syncs.filter((s) => s.last?.exit === exit && s.last.message);
	const next = mine.find((s) => s.next && s.state === "idle");
	return html`<li>${STOPPED[exit]} <${Words} text=${[...new Set(mine.map((s) => s.last.message))].join("; ")} /></li>
		${next && html`<li>${next.why === "retry" ? html`It is tried again <${Time} at=${next.next} />.`
			: html`Somebody has to mend it; the next attempt is <${Time} at=${next.next} />, or with “Sync now”.`}</li>`}`;
}

function State({ target, start, syncs, away }) {
	const good = target.in_lockstep;
	const never = !target.run;
	const mine = syncs.filter((s) => s.target === target.target);
	const exit = never ? mine.find((s) => s.last)?.last.exit : target.exit;
	const reasons = [
		target.failing && html`<li><a href="#/objects?failing">${many(target.failing, "object")} fail${
			target.failing === 1 ? "s" : ""}</a></li>`,
		target.held && html`<li><a href=${runLink(target.run, target.target)}>${many(target.held, "change")} held back by the guard</a>${target.held_why && html`<small class="dim"> ${target.held_why}</small>`}</li>`,
		target.waiting && html`<li>${many(target.waiting, "change")} wait${target.waiting === 1 ? "s" : ""} for the next run</li>`,
		STOPPED[exit] && html`<${Stopped} exit=${exit} syncs=${mine} />`,
	].filter(Boolean);
	const words = never ? "never synced" : good ? "in lockstep" : "not in lockstep";
	const when = good && start ? html`<p class="dim">since <${Time} at=${start} />; last looked at <${Time} at=${target.ended} /></p>`
		: target.ended ? html`<p class="dim">as of the run that ended <${Time} at=${target.ended} /></p>` : null;
	// Nobody knows how it is while the service is away, only how it was.
	if (away) return html`<section class="state wait" aria-label=${"Target " + target.target}><div class="mark" aria-hidden="true">?</div>
		<div><h2>${target.target}: not known now</h2><p>${words} when the service was last heard</p>${when}</div></section>`;
	return html`<section class=${"state " + (good ? "good" : never && !STOPPED[exit] ? "wait" : "bad")} aria-label=${"Target " + target.target}>
		<div class="mark" aria-hidden="true">${good ? "✓" : never && !STOPPED[exit] ? "…" : "!"}</div>
		<div><h2>${target.target}: ${words}</h2>${when}${reasons.length ? html`<ul>${reasons}</ul>` : null}</div></section>`;
}

const KINDS = [["users", "Users"], ["groups", "Groups"], ["contacts", "Contacts"], ["mailboxes", "Shared mailboxes"]];
const Figures = ({ targets }) => html`<ul class="figures">${KINDS.filter(([k]) => targets.some((t) => k in t)).map(([k, name]) =>
	html`<li><b>${number(targets.reduce((n, t) => n + (t[k] || 0), 0))}</b><span>${name}</span></li>`)}
	<li><b>${number(targets.reduce((n, t) => n + (t.failing || 0), 0))}</b><span>Failing</span></li>
	<li><b>${number(targets.reduce((n, t) => n + (t.pinned || 0), 0))}</b><span>Pinned</span></li></ul>`;

const WHY = { schedule: "by schedule", change: "after a change in the directory", demand: "asked for", console: "asked for here",
	cli: "asked for in a terminal", start: "at the start", every: "by schedule", retry: "after a failure", full: "to compare everything",
	due: "something falls due" };

function SyncLine({ s, away }) {
	return html`<tr><th scope="row">${s.name}</th>
		<td>${s.last?.started ? html`<${Time} at=${s.last.ended || s.last.started} />` : html`<span class="dim">not since the start</span>`}
			${s.last?.exit > 0 && EXITS[s.last.exit] ? html`<small class="bad-text">${EXITS[s.last.exit][1]}</small>` : null}</td>
		<td>${away ? html`<span class="dim">not known</span>` : s.state === "running" ? "now" : s.state === "queued" ? "as soon as it is its turn" : s.next ? html`<${Time} at=${s.next} />` : html`<span class="dim">when asked</span>`}
			${s.why && s.next && !away && s.state === "idle" ? html`<small class="dim">${WHY[s.why] || s.why}</small>` : null}</td></tr>`;
}

// What people wait for; looking does not count.
export const works = (jobs) => (jobs || []).filter((j) => /^(sync|plan|apply|undo|adopt|release|unpin|state)\b/.test(j.command));

function Live({ jobs, mine }) {
	const shown = jobs.filter((j) => j.job !== mine?.job);
	if (!shown.length && !mine) return null;
	return html`<div>${mine && html`<${Progress} job=${mine} />`}${shown.map((j) => html`<div>
		<small class="dim">${j.command} ${WHY[j.why] ? "· " + WHY[j.why] : ""}${j.by ? " · " + j.by : ""}</small>
		<${Progress} job=${j} /></div>`)}</div>`;
}

function Result({ job }) {
	if (!job || job.state !== "ended") return null;
	const r = job.output, e = r?.error || job.error;
	return html`<${Notice} tone=${job.exit === 0 ? "good" : "bad"} role="status"
			title=${job.exit === 0 ? "In lockstep." : job.exit === 4 ? "Held by the guard." : "Not everything went well."}>
		<${Counts} counts=${r || {}} none="Nothing had to be changed." /> ${e && html`<p><${Words} text=${e.message} /></p>`}
		${r?.run ? html`<a href=${runLink(r.run, r.target)}>Look at the run</a>` : null}</${Notice}>`;
}

function Freshness({ syncs }) {
	const [hours, setHours] = useState(24);
	const points = useLoad(async () => {
		const since = Math.floor(Date.now() / 1000) - hours * 3600;
		return Promise.all(syncs.map(async (s) => ({ name: s.name, fresh: s.fresh,
			points: (await get("series", { name: "freshness." + s.name, since })).points })));
	}, [hours, syncs.map((s) => s.name).join()]);
	useEffect(() => {
		const timer = setInterval(() => document.hidden || points.again(), 60000);
		return () => clearInterval(timer);
	}, [hours]);
	return html`<${Card} title="Freshness" tools=${html`<div role="group" aria-label="Period">${[[24, "Day"], [168, "Week"], [2160, "90 days"]]
			.map(([h, name]) => html`<button type="button" class="small outline" aria-pressed=${hours === h ? "true" : "false"}
				onClick=${() => setHours(h)}>${name}</button>`)}</div>`}>
		<p class="dim">Age of the oldest change in the directory that has not reached the target.</p>
		<${Loaded} of=${points}>${(list) => html`<${Plot} series=${list} hours=${hours} />`}</${Loaded}></${Card}>`;
}

export function Overview() {
	const load = useLoad(() => get("overview"));
	const last = (load.data?.status?.targets || []).map((t) => t.run).join();
	const runs = useLoad(async () => (last ? (await read("history")).runs : []), [last]);
	const [jobs, setJobs] = useState([]);
	const [mine, setMine] = useState(null);
	const alive = useRef(true);
	useEffect(() => () => { alive.current = false; }, []);
	useEffect(() => {
		if (!load.data) return;
		setJobs(works(load.data.jobs));
		dispatchEvent(new CustomEvent("alerts", { detail: load.data.alerts?.length || 0 }));
	}, [load.data]);
	const sync = useAction(async (words) => {
		setMine(null);
		await command(words, (j) => alive.current && setMine(j), () => alive.current);
		if (alive.current) load.again();
	});
	const running = jobs.length > 0 || sync.busy;
	// Once a second while something runs, else seldom. What runs is not known of a service that went away.
	useEffect(() => {
		const timer = setInterval(async () => {
			if (document.hidden) return;
			if (!running) { load.again(); return; }
			const now = works((await get("live").catch(() => null))?.jobs);
			setJobs(now);
			if (!now.length) load.again();
		}, running ? 1000 : 10000);
		return () => clearInterval(timer);
	}, [running]);
	const away = load.error?.code === "away";
	const lost = mine && ["away", "no-such-job"].includes(sync.error?.code);
	return html`<div class="head"><h1>Overview</h1><div class="tools">
			<${Button} busy=${sync.busy} onClick=${() => sync.run(["sync"])}>Sync now</${Button}>
			<${Button} busy=${sync.busy} kind="secondary outline" title="Reads and compares everything"
				onClick=${() => sync.run(["sync", "--full"])}>Compare everything</${Button}></div></div>
		${lost ? !away && html`<${Notice} tone="odd" title="The sync was lost sight of.">The service went away in the middle.
			<a href="#/history">History</a> tells how far it came.</${Notice}>`
			: html`<${Trouble} error=${sync.error} title="The sync did not start." />`}
		<${Live} jobs=${jobs} mine=${sync.busy ? mine : null} /><${Result} job=${mine} />
		<${Loaded} of=${load}>${(d) => html`
			${d.conf_error ? html`<${Notice} tone="bad" title="The configuration file is refused; the former one goes on.">
				<p>${d.conf_error.message}</p><a href="#/settings">Mend it in Settings</a></${Notice}>` : null}
			<div class="states">${(d.status?.targets || []).map((t) => html`<${State} key=${t.target} target=${t} start=${since(runs.data || [], t.target)} syncs=${d.syncs || []} away=${away} />`)}</div>
			<div class="grid two"><div>
				<${Card} title=${"Objects at the target" + (d.status?.targets?.length > 1 ? "s" : "")}><${Figures} targets=${d.status?.targets || []} /></${Card}>
				<${Card} title="Runs" tools=${html`<a href="#/history">History</a>`}><div class="scroll"><table class="runs"><thead><tr><th scope="col">Sync</th>
					<th scope="col">Last</th><th scope="col">Next</th></tr></thead>
					<tbody>${(d.syncs || []).map((s) => html`<${SyncLine} s=${s} away=${away} />`)}</tbody></table></div></${Card}></div>
				<div><${Card} title="Alerts" tools=${html`<a href="#/alerts">All</a>`}>
					${d.alerts?.length ? html`<ul class="rows">${d.alerts.slice(0, 5).map((a) => html`<${AlertRow} a=${a} short />`)}</ul>`
						: html`<${Empty}>Nothing is wrong that we know of.</${Empty}>`}</${Card}>
				${(d.syncs || []).length ? html`<${Freshness} syncs=${d.syncs} />` : null}</div></div>`}</${Loaded}>`;
}
