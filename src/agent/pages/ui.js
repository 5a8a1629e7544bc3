// Preact, and the few pieces all pages are made of.
import { html, render, useState, useEffect, useLayoutEffect, useRef, useCallback, useMemo } from "./vendor/preact.js";
export { html, render, useState, useEffect, useLayoutEffect, useRef, useCallback, useMemo };

// --- words ---

export const number = (n) => (n ?? 0).toLocaleString("en");
export const many = (n, one, more = one + "s") => `${number(n)} ${n === 1 ? one : more}`;

export function duration(s) {
	if (s == null) return "";
	s = Math.max(0, Math.round(s));
	if (s < 90) return many(s, "second");
	if (s < 5400) return many(Math.round(s / 60), "minute");
	if (s < 129600) return many(Math.round(s / 3600), "hour");
	return many(Math.round(s / 86400), "day");
}

export const clock = (t) =>
	new Date(t * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });

function ago(t) {
	const d = Date.now() / 1000 - t;
	if (Math.abs(d) < 3) return d < 0 ? "now" : "a moment ago";
	return d > 0 ? duration(d) + " ago" : "in " + duration(-d);
}

export function Time({ at }) {
	const [, tick] = useState(0);
	useEffect(() => {
		const timer = setInterval(() => tick((n) => n + 1), 10000);
		return () => clearInterval(timer);
	}, []);
	if (!at) return html`<span class="dim">never</span>`;
	return html`<time datetime=${new Date(at * 1000).toISOString()} title=${clock(at)}>${ago(at)}</time>`;
}

export const OPS = {
	create: "create", adopt: "take over", recreate: "create again", update: "change", enable: "enable",
	disable: "disable", "disable (seen)": "disable, as in the directory", delete: "delete", "member add": "add members of",
	"member removal": "remove members of", "member removal (follows)": "lose members of, by deletion", park: "move aside",
};
export const OPS_DONE = {
	create: "created", adopt: "taken over", recreate: "created again", update: "changed", enable: "enabled",
	disable: "disabled", "disable (seen)": "disabled, as in the directory", delete: "deleted", "member add": "member added",
	"member removal": "member removed", "member removal (follows)": "member gone", park: "moved aside",
};
const TONES = {
	create: "more", adopt: "odd", recreate: "odd", enable: "more", disable: "away", "disable (seen)": "away",
	delete: "away", "member add": "more", "member removal": "away", "member removal (follows)": "away",
};
export const Op = ({ op, done }) =>
	html`<span class=${"op " + (TONES[op] || "")}>${(done ? OPS_DONE : OPS)[op] || op}</span>`;

// Run numbers are each target's own.
export const runLink = (run, target) => `#/run/${run}${target ? "?target=" + encodeURIComponent(target) : ""}`;

// --- data ---

const AWAY_MS = 3000;

// Loads, keeps the last good answer, and says what went wrong. `again` loads once more.
export function useLoad(fn, deps = []) {
	const [state, set] = useState({ data: null, error: null, busy: true });
	const turn = useRef(0);
	const again = useCallback(async () => {
		const mine = ++turn.current;
		set((s) => ({ ...s, busy: true }));
		try {
			const data = await fn();
			if (mine === turn.current) set({ data, error: null, busy: false });
		} catch (error) {
			if (mine !== turn.current) return;
			set((s) => ({ data: s.data, error, busy: false }));
			// A page goes on by itself when the service is back.
			if (error.code === "away") setTimeout(() => mine === turn.current && again(), AWAY_MS);
		}
	}, deps);
	useEffect(() => {
		again();
		return () => { turn.current++; };
	}, deps);
	return { ...state, again };
}

// State that outlives its component: in `hold`, an object of whoever shows it.
export function useHeld(hold, name, first) {
	const [value, set] = useState(name in hold ? hold[name] : first);
	return [value, (v) => { hold[name] = v; set(v); }];
}

// Something that a button does: its run, whether it is at work, how it failed.
export function useAction(fn) {
	const [busy, setBusy] = useState(false);
	const [error, setError] = useState(null);
	const alive = useRef(true);
	const begun = useRef(false);
	useEffect(() => {
		alive.current = true;
		return () => { alive.current = false; };
	}, []);
	const run = async (...args) => {
		if (begun.current) return;
		begun.current = true;
		setBusy(true);
		setError(null);
		try {
			return await fn(...args);
		} catch (e) {
			if (alive.current) setError(e);
		} finally {
			begun.current = false;
			if (alive.current) setBusy(false);
		}
	};
	return { run, busy, error, clear: () => setError(null) };
}

// --- pieces ---

export const Notice = ({ tone = "info", title, children, role }) =>
	html`<div class=${"notice " + tone} role=${role || (tone === "bad" ? "alert" : null)}>
		${title && html`<strong>${title}</strong>`} <div>${children}</div></div>`;

// Text of the programs: what stands in `backticks` is to be typed as it is.
export const Words = ({ text }) => (text || "").split("`").map((part, i, all) =>
	i % 2 && i < all.length - 1 ? html`<code>${part}</code>` : i % 2 ? "`" + part : part);

export const Trouble = ({ error, title }) =>
	error ? html`<${Notice} tone="bad" title=${title}><${Words} text=${error.message} /></${Notice}>` : null;

export const Waiting = ({ what = "Loading" }) => html`<p aria-busy="true" class="dim">${what} …</p>`;

// The page of what was loaded: waiting, failed, or it.
export const Loaded = ({ of, children }) =>
	html`<${Trouble} error=${of.error} />${of.data ? children(of.data) : of.busy && html`<${Waiting} />`}`;

// One that is at work keeps the focus (it is not disabled); useAction does not begin twice.
export const Button = ({ busy, kind = "", type = "button", children, ...rest }) =>
	html`<button type=${type} class=${kind} aria-busy=${busy ? "true" : null} aria-disabled=${busy ? "true" : null} ...${rest}>
		${children}</button>`;

export function Field({ label, help, id, children, error }) {
	return html`<div class="field"><label for=${id}>${label}</label>${children}
		${help && html`<small id=${id + "-help"}>${help}</small>`}
		${error && html`<small id=${id + "-wrong"} class="bad-text" role="alert">${error}</small>`}</div>`;
}

export const Text = ({ id, label, help, value, set, error, ...rest }) =>
	html`<${Field} ...${{ id, label, help, error }}><input id=${id} value=${value ?? ""} autocomplete="off"
		spellcheck=${false} aria-describedby=${[error && id + "-wrong", help && id + "-help"].filter(Boolean).join(" ") || null} aria-invalid=${error ? "true" : null}
		onInput=${(e) => set(e.target.value)} ...${rest} /></${Field}>`;

// A question before something that cannot simply be taken back.
export function Dialog({ title, close, children, foot }) {
	const box = useRef();
	useEffect(() => {
		const before = document.activeElement;
		box.current?.showModal();
		return () => before?.focus?.();
	}, []);
	return html`<dialog ref=${box} aria-labelledby="dialog-title" onCancel=${(e) => { e.preventDefault(); close(); }}>
		<article><header><h2 id="dialog-title">${title}</h2></header>${children}
			<footer><button type="button" class="secondary outline" onClick=${close}>Cancel</button>${foot}</footer>
		</article></dialog>`;
}

const PHASES = {
	reading: "Reading the directory", settling: "Looking at what was left open", projecting: "Working out what to do",
	planning: "Working out what to do", matching: "Looking for objects that are there already", applying: "Applying",
	listing: "Reading the target", comparing: "Comparing",
};
export function Progress({ job }) {
	if (!job || job.state === "ended") return null;
	const p = job.progress;
	const phase = p ? PHASES[p.phase] || p.phase : job.state === "waiting" ? "Waiting for its turn" : "Starting";
	const count = p?.done ? (p.total ? `${number(p.done)} of ${number(p.total)}` : number(p.done)) : "";
	// The phase is announced; a count that runs would talk without end.
	return html`<div class="progress"><progress aria-label=${phase} max=${p?.total || null}
			value=${p?.total ? p.done : null}></progress>
		<div><span role="status">${phase}${p?.what ? ` (${p.what})` : ""}</span> <span>${count}</span>
			${p?.left > 0 ? html`<span class="dim push">about ${duration(p.left)} left</span>` : null}</div></div>`;
}

// Values before and after, one attribute a line.
const shown = (v) => (v == null ? null : [v].flat().map((x) => (typeof x === "object" ? JSON.stringify(x) : String(x))));
export function Changes({ before = {}, after = {} }) {
	const names = [...new Set([...Object.keys(after || {}), ...Object.keys(before || {})])];
	if (!names.length) return null;
	return html`<dl class="changes">${names.map((n) => {
		const b = shown(before?.[n]), a = shown(after?.[n]);
		return html`<div><dt>${n}</dt><dd>
			${b && html`<del>${b.join(", ") || "(none)"}</del>`}
			${a && html`<ins>${a.join(", ") || "(none)"}</ins>`}</dd></div>`;
	})}</dl>`;
}

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;
export const Card = ({ title, children, tools, id }) => html`<article class="card" id=${id}>
	${title && html`<header><h2>${title}</h2>${tools && html`<div class="tools">${tools}</div>`}</header>`}${children}</article>`;
