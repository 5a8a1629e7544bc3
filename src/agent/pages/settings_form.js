// The form, made from the tables of the configuration: one row an option, saved one change at a time or several together.
import { html, useMemo, Card, Button, Empty } from "./ui.js";

const TITLES = { "": "General", source: "Source", target: "Target", sync: "Sync", scope: "Who is in scope", user: "Users", group: "Groups",
	guard: "Guard: limits of what happens at once", schedule: "Schedule", console: "Console", alerts: "Alerts", keep: "What is kept" };
const HINTS = { duration: "such as 30s, 5m, 12h, 7d", limit: "such as 10%, 500, or both: one per line; - for none", time: "HH:MM", days: "mon, tue, …: one per line",
	texts: "one per line", count: "a number" };
const LEAVES = ["keep", "disable", "delete", "grace"];
const lines = (v) => v.split("\n").map((x) => x.trim()).filter(Boolean);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const TYPES = { list: "texts", bool: "yesno", int: "count" };

// Sections with every option that their connector knows, set or not.
export const withOwn = (sections, own) => sections.map((s) => {
	if (!s.connector) return s;
	const known = (own.find((c) => c.section === s.section && c.name === s.name)?.options || []).filter((o) => !s.options.some((x) => x.name === o.name));
	const rest = s.connector.filter((o) => !known.some((k) => k.name === o.name)).map((o) => ({ ...o, type: o.values.length > 1 ? "texts" : "text", default: [], set: true }));
	return { ...s, connector: [...known.map((k) => {
		const there = s.connector.find((o) => o.name === k.name), otherwise = k.default == null ? [] : [k.default];
		return { path: `${s.path}/${k.name}`, name: k.name, help: k.help, type: TYPES[k.type] || "text", default: otherwise, values: there?.values || otherwise,
			set: !!there, required: k.required };
	}), ...rest] };
});

function Input({ o, id, value, set }) {
	const one = value[0] ?? "";
	const choose = (list) => html`<select id=${id} value=${one} aria-describedby=${id + "-help"} onChange=${(e) => set(e.target.value === "" ? [] : [e.target.value])}>
		${!o.default.length && html`<option value="">(not set)</option>`}${list.map((v) => html`<option value=${v}>${v}</option>`)}</select>`;
	if (o.type === "yesno") return choose(["yes", "no"]);
	if (o.type === "exact") return choose(["ours", "exact"]);
	if (o.type === "leave") return choose(LEAVES);
	if (["texts", "days", "limit"].includes(o.type) || value.length > 1) return html`<textarea id=${id} class="small" rows=${Math.min(8, Math.max(1, value.length))} spellcheck=${false}
		aria-describedby=${id + "-help"} value=${value.join("\n")} onInput=${(e) => set(lines(e.target.value))}></textarea>`;
	return html`<input id=${id} value=${one} spellcheck=${false} autocomplete="off" aria-describedby=${id + "-help"} placeholder=${o.default[0] || ""}
		onInput=${(e) => set(e.target.value === "" ? [] : [e.target.value])} />`;
}

function Row({ o, edits, put }) {
	const id = "o-" + o.path.replace(/[^a-zA-Z0-9]/g, "-");
	const value = edits[o.path] ?? o.values;
	const changed = edits[o.path] !== undefined && !same(edits[o.path], o.values);
	return html`<div class=${"option" + (changed ? " changed" : "")}><label for=${id}>${o.name}${changed ? html` <span class="tag odd">changed</span>` : o.set ? "" : html` <span class="dim">${o.default.length ? "default" : "not set"}</span>`}</label>
		<div><${Input} ...${{ o, id, value, set: (v) => put(o.path, v) }} /><small id=${id + "-help"}>${o.help || ""}${HINTS[o.type] ? html` <span class="dim">(${HINTS[o.type]})</span>` : ""}</small></div></div>`;
}

function Section({ s, edits, put }) {
	const all = [...s.options.map((o) => ({ ...o, default: o.default || [] })),
		...(s.connector || []),
		...(s.map || []).map((m) => ({ path: m.path, name: m.name, type: "text", values: [m.expression], default: m.default ? [m.expression] : [], set: !m.default, help: "", map: true }))];
	const options = all.filter((o) => !o.map), map = all.filter((o) => o.map);
	const count = all.filter((o) => edits[o.path] !== undefined && !same(edits[o.path], o.values)).length;
	const own = s.section === "source" || s.section === "target" || s.section === "sync";
	return html`<details class="card section"><summary><b>${TITLES[s.section] ?? s.section}</b>${s.name ? html` <span class="dim">${s.name}</span>` : ""}
			${count ? html` <span class="tag odd">${count} changed</span>` : ""}${!own && !count && all.some((o) => o.set) ? html` <span class="tag">set</span>` : ""}</summary>
		${options.map((o) => html`<${Row} ...${{ o, edits, put }} />`)}
		${map.length > 0 && html`<details><summary>Attributes: what each is made of</summary>${map.map((o) => html`<${Row} ...${{ o, edits, put }} />`)}</details>`}</details>`;
}

export function Form({ sections, edits, setEdits, busy, change }) {
	const known = useMemo(() => new Map(sections.flatMap((s) => [...s.options, ...(s.connector || []),
		...(s.map || []).map((m) => ({ path: m.path, values: [m.expression] }))].map((o) => [o.path, o]))), [sections]);
	const put = (path, v) => setEdits({ ...edits, [path]: v });
	const changed = Object.entries(edits).filter(([p, v]) => known.has(p) && !same(v, known.get(p).values));
	const save = () => change(changed.map(([path, values]) => {
		const o = known.get(path);
		// Nothing, or the default where nothing stood: the line goes.
		const gone = !values.length && o.type !== "texts" || (o.default?.length && same(values, o.default));
		return gone || (!values.length && !o.default?.length) ? { path, remove: true } : { path, values };
	}));
	return html`<form onSubmit=${(e) => { e.preventDefault(); if (changed.length) save(); }}>${sections.map((s) => html`<${Section} key=${s.path} ...${{ s, edits, put }} />`)}
		${changed.length > 0 && html`<div class="bar" role="region" aria-label="Changes"><span>${changed.length} changed</span>
			<button type="button" class="secondary outline" onClick=${() => setEdits({})}>Discard</button>
			<${Button} busy=${busy} onClick=${save}>Review and save …</${Button}></div>`}</form>`;
}
