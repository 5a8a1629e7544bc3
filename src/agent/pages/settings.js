// Settings: the same file as a form and as text; what a change would do, and a way back.
import { html, useState, useEffect, useLayoutEffect, useLoad, useAction, useHeld, Loaded, Card, Notice, Trouble, Button, Words } from "./ui.js";
import { get, post, read } from "./api.js";
import { Form, withOwn } from "./settings_form.js";
import { Save, Versions } from "./settings_save.js";

// What was typed outlasts a look at other pages.
const typed = {};

export function Settings({ query, session, enter }) {
	// With what connectors say of their own options; without it the form shows those that are set.
	const load = useLoad(async () => {
		const [d, own] = await Promise.all([get("config"), read("config", "options").catch(() => null)]);
		return { ...d, sections: d.sections && withOwn(d.sections, own?.connectors || []) };
	});
	const asked = query.get("view") || "form";
	const [view, setView] = useState(asked);
	useLayoutEffect(() => setView(asked), [asked]);
	const [text, setText] = useHeld(typed, "text", null); /* { text, of: the file then }, edited; null: as it is */
	const [edits, setEdits] = useHeld(typed, "edits", {}); /* in the form */
	const [ask, setAsk] = useState(null); /* { text, note, form: made of the edits, of: the file that it changes } */
	const [said, setSaid] = useState(null); /* of what was saved: { caveat } */
	const was = load.data?.text ?? "";
	const dirty = text !== null && text.text !== was, unsaved = dirty || Object.keys(edits).length > 0;
	useEffect(() => {
		const stay = (e) => unsaved && e.preventDefault();
		addEventListener("beforeunload", stay);
		return () => removeEventListener("beforeunload", stay);
	}, [unsaved]);
	const edit = useAction(async (changes) => {
		const r = await post("config/edit", { text: was, changes });
		setAsk({ text: r.text, note: "", form: true });
	});
	const saved = async (caveat) => {
		await load.again();
		if (ask.form) setEdits({});
		setAsk(null);
		setText(null);
		setSaid({ caveat });
		if (session.setup) await enter();
	};
	return html`<div class="head"><h1>Settings</h1><div class="tools" role="group" aria-label="View">
			${[["form", "Form"], ["text", "Text"], ["versions", "Versions"]].map(([v, name]) => html`<button type="button" class="small outline" aria-pressed=${view === v ? "true" : "false"}
				onClick=${() => { setView(v); setSaid(null); }}>${name}</button>`)}</div></div>
		<div role="status" aria-live="polite">${said && html`<${Notice} tone=${said.caveat ? "odd" : "good"} title="Saved, and in force.">${said.caveat}</${Notice}>`}</div>
		<${Loaded} of=${load}>${(d) => html`
			${(d.invalid || d.error) && html`<${Notice} tone="bad" title="The file is refused${d.sections ? "" : "; the former configuration goes on"}."><${Words} text=${d.invalid || d.error} /></${Notice}>`}
			${!d.writable && html`<${Notice} tone="odd" title="The service may not write this file.">You can prepare a change here, look at what it would do, and put the text into <code>${d.path}</code> yourself.</${Notice}>`}
			${view === "form" && (d.sections ? html`<${Trouble} error=${edit.error} /><${Form} sections=${d.sections} edits=${edits} setEdits=${setEdits} busy=${edit.busy} change=${edit.run} />`
				: html`<p>There is no form of a file that cannot be read; mend it in the text.</p>`)}
			${view === "text" && html`<${Card} title=${d.path}><label for="text" class="sr">Text of the configuration</label>
				${dirty && text.of.digest !== d.digest && html`<${Notice} tone="odd" title="The file was changed since this was begun.">It will not be saved over that: keep what you need, discard, and begin anew.</${Notice}>`}
				<textarea id="text" class="text" rows="28" spellcheck=${false} value=${text?.text ?? was} onInput=${(e) => setText({ text: e.target.value, of: text?.of ?? d })}></textarea>
				<div class="foot">${dirty && html`<button type="button" class="secondary outline" onClick=${() => setText(null)}>Discard</button>`}
					<button type="button" disabled=${!dirty} onClick=${() => setAsk({ text: text.text, note: "", of: text.of })}>Review and save …</button></div></${Card}>`}
			${view === "versions" && html`<${Versions} list=${d.versions} was=${was} back=${setAsk} />`}
			${ask && html`<${Save} ...${ask} was=${ask.of || d} close=${() => setAsk(null)} saved=${saved} setup=${session.setup} />`}`}</${Loaded}>`;
}
