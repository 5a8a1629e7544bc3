// Objects: search by anything, and all about one.
import { html, useState, useEffect, useLayoutEffect, useRef, useLoad, useAction, Loaded, Card, Notice, Trouble, Time, Button, Op, Changes, Empty, Words,
	Progress, number, many, runLink } from "./ui.js";
import { read, command, get } from "./api.js";

function Search({ text, set: go }) {
	const sent = useRef(text);
	const set = (q) => { sent.current = q; go(q); };
	const load = useLoad(async () => (text.trim() ? read("search", text.trim()) : null), [text]);
	const failing = useLoad(async () => (await get("overview")).status?.targets || []);
	const [typed, setTyped] = useState(text);
	useLayoutEffect(() => { /* together with what was found */
		if (text !== sent.current) setTyped(text);
		sent.current = text;
	}, [text]);
	useEffect(() => {
		const timer = setTimeout(() => typed !== text && set(typed), 300);
		return () => clearTimeout(timer);
	}, [typed]);
	const bad = (failing.data || []).flatMap((t) => t.failures || []);
	return html`<h1>Objects</h1><form role="search" onSubmit=${(e) => { e.preventDefault(); set(typed); }}>
			<label for="find">Name, mail address, account, DN or id</label>
			<input id="find" type="search" value=${typed} onInput=${(e) => setTyped(e.target.value)} autocomplete="off" spellcheck=${false} /></form>
		<p role="status" class="sr">${text.trim() && load.data && !load.busy ? many(load.data.total ?? load.data.results.length, "object") + " found" : ""}</p>
		<div>${text.trim() ? html`<${Loaded} of=${load}>${(r) => html`<${Card}>${r.results.length ? html`<ul class="rows">${r.results.map((o) => html`
			<li><div class="line"><a href=${"#/objects/" + encodeURIComponent(o.id || o.dn)}><b>${o.name}</b></a> <span class="tag">${o.kind}</span>
				${o.mail && html`<span>${o.mail}</span>`}</div><small class="dim">${o.dn}</small></li>`)}</ul>
			${r.total > r.results.length && html`<p class="dim">The nearest ${r.results.length} of ${number(r.total)}.</p>`}`
			: html`<${Empty}>Nobody in the directory, as last read, is called like that.</${Empty}>`}</${Card}>`}</${Loaded}>`
			: html`<${Card} title="Failing">${bad.length ? html`<ul class="rows">${bad.map((f) => html`<li><div class="line">
				<a href=${"#/objects/" + encodeURIComponent(f.object)}><b>${f.object}</b></a> <code>${f.code}</code>
				<span class="dim push">since <${Time} at=${f.since} /></span></div><p><${Words} text=${f.message} /></p></li>`)}</ul>`
				: html`<${Empty}>${failing.data ? "No object fails." : "Loading …"}</${Empty}>`}</${Card}>`}</div>`;
}

function Values({ values, has }) {
	const list = (values || []).filter((v) => v.wanted != null || v.sent != null || v.error);
	if (!list.length) return null;
	return html`<${Card} title="Values"><div class="scroll"><table class="list values"><thead><tr><th scope="col">Attribute</th><th scope="col">Wanted</th>
			<th scope="col">Rule</th></tr></thead><tbody>${list.map((v) => html`<tr><th scope="row">${v.name}</th>
		<td>${v.wanted ?? html`<span class="dim">–</span>`}${v.error && html`<div class="bad-text">held back: ${v.error}</div>`}
			${has && v.sent !== v.wanted && html`<div class="odd-text">last sent: ${v.sent ?? "–"}</div>`}</td>
		<td>${v.expr && html`<code>${v.expr}</code>`} <small class="dim">${v.rule}</small></td></tr>`)}</tbody></table></div></${Card}>`;
}

function Scope({ r }) {
	return html`<${Card} title=${r.in_scope ? "In scope" : "Not in scope"}>${r.because !== "in scope" && html`<p>${r.because}</p>`}
		${r.scope?.length > 0 && html`<ul class="rows">${r.scope.map((s) => html`<li><div class="line"><span class=${"tag " + (s.pass ? "good" : "bad")}>${s.pass ? "yes" : "no"}</span>
			<b>${s.rule}</b> <code>${s.text}</code>${s.line ? html`<span class="dim push">line ${s.line}</span>` : null}</div></li>`)}</ul>`}
		${r.group_paths?.length > 0 && html`<p>Through ${r.group_paths.length > 1 ? "these groups" : "this group"}:</p><ul>${r.group_paths.map((p) => html`<li>${p}</li>`)}</ul>`}</${Card}>`;
}

const STATES = { new: "not created yet", linked: "kept in lockstep", left: "left the scope", missing: "missing there", deleted: "deleted" };

function One({ r, who, again }) {
	const [job, setJob] = useState(null);
	const go = useAction(async (words) => {
		const j = await command(words, setJob);
		const e = j?.output?.error || (j?.exit ? j.error : null);
		await again();
		if (e && ![1, 4].includes(j.exit)) throw new Error(e.message);
	});
	return html`<section aria-label=${`${r.sync}: ${r.source} to ${r.target}`}><div class="head"><h2>${r.source} → ${r.target}</h2><div class="tools">
			${r.pinned && html`<${Button} kind="secondary outline" busy=${go.busy} onClick=${() => go.run(["unpin", who])}>Unpin</${Button}>`}
			<${Button} kind="outline" busy=${go.busy} onClick=${() => go.run(r.failing ? ["sync", "--retry", r.sync] : ["sync", r.sync])}>${r.failing ? "Retry now" : "Sync now"}</${Button}></div></div>
		<${Trouble} error=${go.error} /><${Progress} job=${job} />
		${r.failing && html`<${Notice} tone="bad" title="It fails."><${Words} text=${r.failing} /> <code>${r.failing_code}</code></${Notice}>`}
		${r.problem && html`<${Notice} tone="bad" title="It cannot be synchronized."><${Words} text=${r.problem} /></${Notice}>`}
		${r.held_back && html`<${Notice} tone="odd" title="Held back by the source."><${Words} text=${r.held_back} /></${Notice}>`}
		${r.pinned && html`<${Notice} tone="odd">Held as it was by the undo of <a href=${runLink(r.pinned, r.target)}>run ${r.pinned}</a>.</${Notice}>`}
		<dl class="facts"><div><dt>DN</dt><dd>${r.dn}</dd></div><div><dt>Identity</dt><dd><code>${r.id}</code></dd></div>
			${r.state && html`<div><dt>At the target</dt><dd>${STATES[r.state] || r.state}${r.active === false && r.state === "linked" ? ", not active" : ""} ${r.key && html`<code>${r.key}</code>`}</dd></div>`}</dl>
		<div class="grid two uneven"><div><${Scope} r=${r} />${r.now?.length > 0 && html`<${Card} title="Would be sent now"><ul class="rows">${r.now.map((o) => html`<li><${Op} op=${o.op} /> <${Changes} after=${o.attributes} /></li>`)}</ul></${Card}>`}</div>
		<${Values} values=${r.values} has=${!!r.state} /></div>
		<${Card} title="What was sent">${r.sent?.length ? html`<ul class="rows">${[...r.sent].reverse().map((s) => html`<li><div class="line"><${Op} op=${s.op} done=${!s.code} /> ${s.other ? html`<span class="dim">→ ${s.other}</span>` : ""}
			<a href=${runLink(s.run, r.target)}>run ${s.run}</a> ${s.code && html`<span class="bad-text">failed <code>${s.code}</code></span>`}<span class="dim push"><${Time} at=${s.at} /></span></div>
			<${Changes} before=${s.before} after=${s.after} /></li>`)}</ul>` : html`<${Empty}>Nothing yet.</${Empty}>`}</${Card}></section>`;
}

function Explain({ who }) {
	const load = useLoad(() => read("explain", who), [who]);
	const title = load.data?.results[0]?.values?.find((v) => v.name === "displayName")?.wanted || load.data?.results[0]?.dn?.replace(/^[^=]+=([^,]*).*/, "$1") || who;
	return html`<p class="crumbs"><a href="#/objects">Objects</a></p><h1>${title}</h1>
		<${Loaded} of=${load}>${(d) => d.results.map((r) => html`<${One} r=${r} who=${who} again=${load.again} />`)}</${Loaded}>`;
}

// What is looked for stands in the address: a link leads to it, and typing changes it without a step to go back.
export function Objects({ args, query }) {
	const set = (q) => location.replace("#/objects" + (q ? "?q=" + encodeURIComponent(q) : ""));
	return args[0] ? html`<${Explain} who=${args[0]} />` : html`<${Search} text=${query.get("q") || ""} set=${set} />`;
}
