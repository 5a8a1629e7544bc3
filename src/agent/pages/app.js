// Routes, navigation, signing in.
import { html, render, useState, useEffect, useRef, Notice, Waiting, Trouble } from "./ui.js";
import { signIn, onSignedOut, post, get } from "./api.js";
import { Overview } from "./overview.js";
import { Setup } from "./setup.js";
import { History } from "./history.js";
import { Run } from "./run.js";
import { Adoption } from "./adoption.js";
import { Objects } from "./objects.js";
import { Alerts } from "./alerts.js";
import { Settings } from "./settings.js";
import { About } from "./about.js";

const PAGES = [
	{ path: "", title: "Overview", page: Overview, nav: true },
	{ path: "history", title: "History", page: History, nav: true },
	{ path: "run", title: "Run", page: Run, within: "history" },
	{ path: "adoption", title: "Adoption", page: Adoption, within: "history" },
	{ path: "objects", title: "Objects", page: Objects, nav: true },
	{ path: "alerts", title: "Alerts", page: Alerts, nav: true },
	{ path: "settings", title: "Settings", page: Settings, nav: true },
	{ path: "about", title: "About", page: About, nav: true },
];
const SETUP = { path: "setup", title: "Set up", page: Setup, nav: true };

// As typed by hand, it may be no encoding at all.
function plain(word) {
	try { return decodeURIComponent(word); } catch { return word; }
}

// "#/run/12?target=x" is { path: "run", args: ["12"], query }
function route() {
	const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
	const [first = "", ...args] = path.split("/").map(plain);
	return { path: first, args, query: new URLSearchParams(query || "") };
}

function Theme() {
	const dark = () => {
		const t = document.documentElement.dataset.theme;
		return t ? t === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
	};
	const [on, set] = useState(dark());
	const flip = () => {
		const theme = on ? "light" : "dark";
		document.documentElement.dataset.theme = theme;
		try { localStorage.setItem("theme", theme); } catch { /* for this visit only */ }
		set(!on);
		dispatchEvent(new Event("theme"));
	};
	return html`<button type="button" class="icon" onClick=${flip} aria-pressed=${on ? "true" : "false"}
		aria-label="Dark colours" title=${on ? "Light colours" : "Dark colours"}>${on ? "☀" : "☾"}</button>`;
}

// `again`: there is work beneath, which goes on after a new link was opened in another window.
function SignedOut({ why, again }) {
	const title = useRef();
	useEffect(() => {
		if (!again) return;
		title.current?.focus();
		addEventListener("focus", again);
		return () => removeEventListener("focus", again);
	}, []);
	const words = {
		used: "That link was used already, or is older than 10 minutes.",
		wait: "Too many attempts. Wait a minute.",
	};
	return html`<main class="container narrow" id=${again ? null : "main"}>
		<h1 ref=${title} tabindex="-1">${again ? "Sign in again" : "Sign in"}</h1>
		${again && html`<${Notice} tone="odd" role="status">The session has ended. What you were doing is kept on this page while it stays open.</${Notice}>`}
		${words[why] && html`<${Notice} tone="bad">${words[why]}</${Notice}>`}
		<p>This console is for whoever administers this machine. Ask for a link in a terminal, and open it in ${again ? "another tab of this browser" : "this browser"}:</p>
		<pre><code>sudo lockstep console</code></pre>
		<p class="dim">The link works once, for 10 minutes. From another machine, bring the port along:
			<code>ssh -L ${location.port}:127.0.0.1:${location.port} HOST</code></p>
		${again && html`<button type="button" onClick=${again}>Go on</button>`}</main>`;
}

function Nav({ pages, here, alerts, session }) {
	useEffect(() => document.querySelector(".top [aria-current]")?.scrollIntoView({ inline: "nearest", block: "nearest" }), [here.path]);
	const leave = async () => {
		await post("sign-out").catch(() => {});
		location.replace("/");
	};
	return html`<header class="top"><a class="skip" href="#main" onClick=${(e) => {
			e.preventDefault();
			document.getElementById("main")?.focus();
		}}>Skip to content</a>
		<div class="container"><a class="brand" href="#/"><img src="/icon.svg" alt="" width="26" height="26" />Lockstep</a>
		<nav aria-label="Pages"><ul>${pages.filter((p) => p.nav).map((p) => html`<li><a href=${"#/" + p.path}
			aria-current=${here.path === p.path || here.within === p.path ? "page" : null}>${p.title}${
				p.path === "alerts" && alerts ? html` <span class="badge" aria-label=${`${alerts} open`}>${alerts}</span>` : ""
			}</a></li>`)}</ul></nav>
		<div class="who"><${Theme} /><button type="button" class="icon" onClick=${leave}
			title=${session.by ? "You are " + session.by : null}>Sign out</button></div></div></header>`;
}

function App() {
	const [session, setSession] = useState(null);
	const [error, setError] = useState(null);
	const [out, setOut] = useState(false);
	const [at, setAt] = useState(route());
	const [alerts, setAlerts] = useState(0);
	const first = useRef(true);
	const enter = () => signIn().then((s) => { setSession(s); setError(null); setOut(false); }, (e) => setError(e));
	useEffect(() => {
		onSignedOut(() => setOut(true));
		enter();
		const moved = () => setAt(route());
		addEventListener("hashchange", moved);
		return () => removeEventListener("hashchange", moved);
	}, []);
	const pages = session?.setup ? [SETUP, ...PAGES.filter((p) => ["settings", "about"].includes(p.path))] : PAGES;
	const here = pages.find((p) => p.path === at.path) || pages[0];
	useEffect(() => {
		document.title = (session ? here.title : "Sign in") + " · Lockstep";
		if (!session) return;
		if (first.current) first.current = false;
		else document.getElementById("main")?.focus();
		scrollTo(0, 0);
	}, [here.path, at.args.join("/"), !session]);
	useEffect(() => {
		if (!session || session.setup) return;
		let turn = 0;
		const look = (mine = ++turn) => get("alerts").then((a) => mine === turn && setAlerts(a.open.length), () => {});
		const told = (e) => { turn++; setAlerts(e.detail); }; /* a page knows it newer */
		look();
		const timer = setInterval(() => document.hidden || look(), 30000);
		addEventListener("alerts", told);
		return () => { turn++; clearInterval(timer); removeEventListener("alerts", told); };
	}, [session, at.path]);
	if (out && !session) return html`<${SignedOut} why=${new URLSearchParams(location.search).get("signin")} />`;
	if (!session) return html`<main class="container" id="main"><${Trouble} error=${error} />${!error && html`<${Waiting} />`}
		${error && html`<button type="button" onClick=${enter}>Try again</button>`}</main>`;
	return html`<div>${out && html`<${SignedOut} again=${enter} />`}</div><div hidden=${out}><${Nav} ...${{ pages, here, alerts, session }} />
		<main class="container" id="main" tabindex="-1"><${here.page} key=${here.path + "/" + at.args.join("/")}
			...${{ args: at.args, query: at.query, session, enter }} /></main></div>`;
}

render(html`<${App} />`, document.getElementById("app"));
