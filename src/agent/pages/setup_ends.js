// Set up: the target and its token, the directory and its account; both tested.
import { html, useState, useRef, useAction, useHeld, Card, Notice, Trouble, Button, Text, Field } from "./ui.js";
import { outcome } from "./api.js";
import { Findings } from "./about.js";

// The findings about one end; a failure keeps one from going on, unless on purpose.
// `kept` comes as soon as nothing that was typed can be lost any more. What is typed meanwhile was not tested: nothing is said of it.
function useCheck({ keep, ask }, prefix, kept) {
	const [found, setFound] = useState(null);
	const typed = useRef(0);
	const check = useAction(async (part, secrets) => {
		const mine = typed.current;
		setFound(null);
		await keep(() => part, secrets);
		if (mine !== typed.current) return;
		kept();
		const r = outcome(await ask("setup/check", { what: prefix.trim() }));
		if (mine === typed.current) setFound(r.findings.filter((f) => f.where.startsWith(prefix)));
	});
	const bad = found?.some((f) => f.level === "fail");
	const forget = () => { typed.current++; setFound(null); };
	return { ...check, found, bad, forget };
}

function Outcome({ check, good, next, label }) {
	return html`<div aria-live="polite"><${Trouble} error=${check.error} title="The test could not be made." />
		${check.found && html`<${Notice} tone=${check.bad ? "bad" : "good"} title=${check.bad ? "Not ready." : good}>
			<${Findings} list=${check.found} /></${Notice}>`}</div>
		${check.found && html`<div class="foot"><button type="button" class=${check.bad ? "secondary outline" : ""} onClick=${next}>
			${check.bad ? "Go on all the same" : label}</button></div>`}`;
}

export function TargetStep({ answers, keep, ask, have, hold, touch, next }) {
	const [t, set] = useHeld(hold, "target", answers.target);
	const [token, setToken] = useHeld(hold, "token", "");
	const [wrong, setWrong] = useState({});
	const check = useCheck({ keep, ask }, "target ", () => setToken(""));
	const typed = () => { check.forget(); touch(); };
	const change = (name) => (v) => { set({ ...t, [name]: v }); typed(); };
	const submit = (e) => {
		e.preventDefault();
		const url = t.url.trim();
		const w = { url: !/^https?:\/\/[^/]+/.test(url) && "An address such as https://directory.example/scim/v2",
			token: !token && !have.token && "The token is needed" };
		setWrong(w);
		if (w.url || w.token) return document.getElementById(w.url ? "url" : "token").focus();
		check.run({ target: { ...t, url } }, { token });
	};
	return html`<p>Where users and groups are kept in lockstep: lockstep-cloud, or any other service that speaks SCIM 2.0.</p>
		<${Card}><form onSubmit=${submit} novalidate>
			<${Text} id="url" label="Address of the service" help="The base of its SCIM interface; the provider names it." placeholder="https://directory.example/scim/v2"
				value=${t.url} set=${change("url")} error=${wrong.url} inputmode="url" />
			<${Text} id="token" label="Token" type="password" help=${have.token ? "One is kept. Enter another one to replace it." : "Kept in a file that only the service reads; it is never shown again."}
				value=${token} set=${(v) => { setToken(v); typed(); }} error=${wrong.token} autocomplete="new-password" />
			<details><summary>More</summary><div class="grid two">
				<${Text} id="target-name" label="Name" help="What it is called here" value=${t.name} set=${change("name")} />
				<${Field} id="profile" label="Kind of service" help="How strictly it keeps to the standard"><select id="profile" value=${t.profile || ""} onChange=${(e) => change("profile")(e.target.value)}>
					<option value="">standard</option>${["lockstep", "entra-like", "put-only", "okta-like", "aws", "google", "eventual"].map((p) => html`<option>${p}</option>`)}</select></${Field}>
				<${Text} id="target-ca" label="File of certificates to trust" help="PEM, instead of the system's" value=${t.ca_file} set=${change("ca_file")} />
				<${Text} id="proxy" label="Proxy" placeholder="http://proxy.example:3128" value=${t.proxy} set=${change("proxy")} /></div></details>
			<div class="foot"><${Button} type="submit" busy=${check.busy}>Test</${Button}></div></form>
			<${Outcome} check=${check} good="The service answers and takes the token." next=${next} label="Next: directory" /></${Card}>`;
}

export function DirectoryStep({ answers, keep, ask, have, hold, touch, next, back }) {
	const [s, set] = useHeld(hold, "source", answers.source);
	const [password, setPassword] = useHeld(hold, "password", "");
	const [servers, setServers] = useHeld(hold, "servers", (answers.source.servers || []).join(", "));
	const [wrong, setWrong] = useState({});
	const check = useCheck({ keep, ask }, "source ", () => setPassword(""));
	const typed = () => { check.forget(); touch(); };
	const change = (name) => (v) => { set({ ...s, [name]: v }); typed(); };
	const ad = s.type === "ad", ldap = s.type === "ldap";
	const submit = (e) => {
		e.preventDefault();
		const list = servers.split(/[\s,]+/).filter(Boolean).map((x) => (x.includes("://") ? x : "ldaps://" + x));
		const w = ad || ldap ? { [ad ? "domain" : "servers"]: (ldap || !s.domain?.trim()) && !list.length && (ad ? "The domain's name, or a server, is needed" : "A server is needed"), bind: !s.bind?.trim() && "The account is needed",
			password: !password && !have.password && !(ad && s.keytab) && "The password is needed" } : { file: !s.file?.trim() && "The file is needed" };
		setWrong(w);
		const first = Object.keys(w).find((k) => w[k]);
		if (first) return document.getElementById(first).focus();
		check.run({ source: { ...s, domain: s.domain?.trim(), servers: list } }, { password });
	};
	return html`<p>Where users and groups come from. The directory is only ever read.</p><${Card}><form onSubmit=${submit} novalidate>
			<fieldset><legend>Kind of directory</legend>${[["ad", "Active Directory, or a Samba domain"], ["ldap", "OpenLDAP, or its like"], ["ldif", "A file (LDIF)"]].map(([v, name]) => html`
				<label><input type="radio" name="type" value=${v} checked=${s.type === v} onChange=${() => change("type")(v)} />${name}</label>`)}</fieldset>
			${ad || ldap ? html`${ad ? html`<${Text} id="domain" label="Domain" help="Its controllers are found by DNS." placeholder="corp.example" value=${s.domain} set=${change("domain")} error=${wrong.domain} />`
				: html`<${Text} id="servers" label="Servers" help="In order of preference, with commas" placeholder="ldaps://ldap.corp.example" value=${servers} set=${(v) => { setServers(v); typed(); }} error=${wrong.servers} />`}
				<div class="grid two"><${Text} id="bind" label="Account" help="Needs to read only; see the findings of the test." placeholder=${ad ? "lockstep@corp.example" : "cn=lockstep,dc=corp,dc=example"} value=${s.bind} set=${change("bind")} error=${wrong.bind} autocomplete="username" />
				<${Text} id="password" label="Password" type="password" help=${have.password ? "One is kept. Enter another one to replace it." : "Kept in a file that only the service reads."}
					value=${password} set=${(v) => { setPassword(v); typed(); }} error=${wrong.password} autocomplete="new-password" /></div>
				<details open=${(ad && !!servers) || null}><summary>More</summary><div class="grid two">
					${ad && html`<${Text} id="servers" label="Controllers" help="Instead of asking DNS; several with commas" placeholder="ldaps://dc1.corp.example" value=${servers} set=${(v) => { setServers(v); typed(); }} />`}
					<${Text} id="source-ca" label="File of certificates to trust" help="PEM, instead of the system's" value=${s.ca_file} set=${change("ca_file")} />
					${ad && html`<${Text} id="keytab" label="Keytab" help="File with a Kerberos key, instead of a password" value=${s.keytab} set=${change("keytab")} />`}
					<${Text} id="source-name" label="Name" help="What it is called here" value=${s.name} set=${change("name")} /></div></details>`
				: html`<${Text} id="file" label="File or folder" help="On this machine, readable by the service" placeholder="/srv/directory/people.ldif" value=${s.file} set=${change("file")} error=${wrong.file} />`}
			<div class="foot"><button type="button" class="secondary outline" onClick=${back}>Back</button>
				<${Button} type="submit" busy=${check.busy}>Test</${Button}></div></form>
			<${Outcome} check=${check} good="The directory can be read." next=${next} label="Next: who" /></${Card}>`;
}
