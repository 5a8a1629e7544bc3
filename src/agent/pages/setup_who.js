// Set up: the directory is read once; then groups and places are chosen from what is there.
import { html, useState, useEffect, useRef, useAction, useHeld, Card, Notice, Trouble, Button, Progress, Field, Empty, number, many } from "./ui.js";
import { get, follow, outcome, again } from "./api.js";
import { PlanTrouble } from "./plan.js";

const browse = async (...c) => outcome(await get("setup/browse", { c }));

// Who takes one out by keyboard stays here, though its button is gone.
function Chosen({ list, drop, none }) {
	const box = useRef();
	const out = (dn) => { drop(dn); box.current.focus(); };
	return html`<div ref=${box} tabindex="-1">${list.length ? html`<ul class="chips" aria-label="Chosen">${list.map((dn) => html`<li><span title=${dn}>${dn}</span>
		<button type="button" class="icon small" aria-label=${"Remove " + dn} onClick=${() => out(dn)}>×</button></li>`)}</ul>` : html`<p class="dim">${none}</p>`}</div>`;
}

function Groups({ chosen, toggle }) {
	const [text, setText] = useState("");
	const [rows, setRows] = useState(null);
	const [error, setError] = useState(null);
	useEffect(() => {
		let newest = true;
		const timer = setTimeout(async () => {
			try {
				const found = await browse("browse", "groups", ...(text.trim() ? ["--match", text.trim()] : []));
				if (!newest) return;
				setRows(found);
				setError(null);
			} catch (e) { if (newest) setError(e); }
		}, rows ? 250 : 0);
		return () => { newest = false; clearTimeout(timer); };
	}, [text]);
	return html`<label for="group-find">Find a group</label><input id="group-find" type="search" value=${text} onInput=${(e) => setText(e.target.value)} autocomplete="off" />
		<${Trouble} error=${error} />${rows && html`<ul class="pick" aria-label="Groups">${rows.groups.slice(0, 100).map((g) => html`<li><label>
			<input type="checkbox" checked=${chosen.includes(g.dn)} onChange=${() => toggle(g.dn)} /><span><b>${g.name}</b> <span class="dim">${many(g.members, "member")}</span>
			<small class="dim">${g.dn}</small></span></label></li>`)}</ul>
			${rows.total > 100 && html`<p class="dim">100 of ${number(rows.total)}: type to find others.</p>`}${!rows.groups.length && html`<${Empty}>No such group.</${Empty}>`}`}`;
}

// Containers as an indented list; what is below a chosen one is in already.
function Places({ chosen, toggle, label }) {
	const [rows, setRows] = useState(null);
	const [error, setError] = useState(null);
	useEffect(() => { browse("browse", "containers").then((r) => setRows(r.containers), setError); }, []);
	if (error) return html`<${Trouble} error=${error} />`;
	if (!rows) return null;
	const depth = (dn) => rows.filter((r) => dn !== r.dn && dn.toLowerCase().endsWith("," + r.dn.toLowerCase())).length;
	const under = (dn) => chosen.some((c) => c !== dn && dn.toLowerCase().endsWith("," + c.toLowerCase()));
	return html`<ul class="pick tree" aria-label=${label}>${rows.map((r) => html`<li class=${"depth" + Math.min(depth(r.dn), 8)}><label>
		<input type="checkbox" checked=${chosen.includes(r.dn) || under(r.dn)} disabled=${under(r.dn)} onChange=${() => toggle(r.dn)} />
		<span>${r.name} <span class="dim">${many(r.users_below, "user")}</span></span></label></li>`)}</ul>`;
}

// Reads and plans, as a job; begun anew where the service went away, and after one that was under way already.
export function useLook(ask, body = {}) {
	const [job, setJob] = useState(null);
	const [away, setAway] = useState(false);
	const alive = useRef(true);
	useEffect(() => () => { alive.current = false; }, []);
	const look = useAction(async (more) => {
		setJob(null);
		const seen = (j) => alive.current && setJob(j);
		for (let r = { running: true }; r.running && alive.current;)
			await again(async () => {
				r = await ask("setup/read", { ...body, ...more });
				await follow(r.job, seen, () => alive.current);
			}, (gone) => { seen(null); setAway(gone); }, () => alive.current);
	});
	return { ...look, job: look.error ? null : job, away };
}

export const Away = ({ gone }) => gone && html`<${Notice} tone="odd" role="status" title="The service does not answer.">
	Is lockstepd running? <code>systemctl status lockstepd</code> tells. Nothing is lost; this goes on by itself as soon as it answers.</${Notice}>`;

export function WhoStep({ answers, keep, ask, hold, touch, next, back }) {
	const [scope, setScope] = useHeld(hold, "scope", answers.sync.scope || {});
	const [sync, setSync] = useHeld(hold, "sync", answers.sync);
	const [way, setWay] = useHeld(hold, "way", (answers.sync.scope?.base?.length && !answers.sync.scope?.group?.length) ? "places" : "groups");
	const look = useLook(ask), job = look.job;
	useEffect(() => { look.run(); }, []);
	const done = job?.state === "ended";
	const toggle = (name) => (dn) => {
		const list = scope[name] || [];
		setScope({ ...scope, [name]: list.includes(dn) ? list.filter((x) => x !== dn) : [...list, dn] });
		touch();
	};
	const save = useAction(async () => {
		const s = { ...scope };
		if (way === "groups") delete s.base;
		if (way === "places") delete s.group;
		if (way === "all") { delete s.base; delete s.group; }
		await keep(() => ({ sync: { ...sync, scope: s } }));
		next();
	});
	const chosen = way === "groups" ? scope.group || [] : way === "places" ? scope.base || [] : ["all"];
	return html`<p>Who is synchronized: chosen from the directory itself, which is read once for that. Nothing is written anywhere yet.</p>
		<${Trouble} error=${look.error} title="The directory could not be read." /><${Away} gone=${look.away} /><${Progress} job=${job} />
		${done && html`<${PlanTrouble} job=${job} />`}
		${done && html`<${Card}>
			<fieldset class="tabs"><legend>Choose by</legend>${[["groups", "Groups"], ["places", "Places in the tree"], ["all", "Everybody"]].map(([v, name]) => html`
				<label><input type="radio" name="way" value=${v} checked=${way === v} onChange=${() => { setWay(v); touch(); }} />${name}</label>`)}</fieldset>
			${way === "groups" && html`<p>Members of any of these groups, members of groups within them too.</p><${Chosen} list=${scope.group || []} drop=${toggle("group")} none="No group is chosen yet." />
				<${Groups} chosen=${scope.group || []} toggle=${toggle("group")} />`}
			${way === "places" && html`<p>Whoever stands in these, or below.</p><${Chosen} list=${scope.base || []} drop=${toggle("base")} none="No place is chosen yet." />
				<${Places} chosen=${scope.base || []} toggle=${toggle("base")} label="Places" />`}
			${way === "all" && html`<p>Everybody in the directory, but for its own system objects.</p>`}
			<details><summary>More</summary>
				<details><summary>Leave out</summary><p>Nobody in these, or below.</p><${Chosen} list=${scope.not_base || []} drop=${toggle("not_base")} none="Nothing is left out." />
					<${Places} chosen=${scope.not_base || []} toggle=${toggle("not_base")} label="Left out" /></details>
				<${Field} id="filter" label="LDAP filter" help="Of those chosen above, only who matches it: (mail=*)"><input id="filter" value=${scope.filter || ""} spellcheck=${false}
					aria-describedby="filter-help" onInput=${(e) => { setScope({ ...scope, filter: e.target.value }); touch(); }} /></${Field}>
				<${Field} id="leave" label="Who leaves" help="What happens at the target to a user who is not in any more"><select id="leave" value=${sync.leave || "disable"} aria-describedby="leave-help"
					onChange=${(e) => { setSync({ ...sync, leave: e.target.value }); touch(); }}><option value="disable">is disabled</option><option value="delete">is deleted</option><option value="keep">is left as is</option></select></${Field}>
				<label><input type="checkbox" role="switch" checked=${sync.groups !== false} onChange=${(e) => { setSync({ ...sync, groups: e.target.checked }); touch(); }} />Groups are synchronized, too</label></details>
			<${Trouble} error=${save.error} />
			<div class="foot"><button type="button" class="secondary outline" onClick=${back}>Back</button>
				<${Button} kind="secondary outline" busy=${look.busy} onClick=${() => look.run({ anew: true })}>Read again</${Button}>
				<button type="button" disabled=${!chosen.length} onClick=${save.run}>Next: preview</button></div></${Card}>`}
		${!done && html`<div class="foot"><button type="button" class="secondary outline" onClick=${back}>Back</button>
			${look.error && html`<${Button} busy=${look.busy} onClick=${() => look.run()}>Try again</${Button}>`}</div>`}`;
}
