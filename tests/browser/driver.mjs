// The browser for tests written in Python (tests/lib/browser.py): one line of JSON in, one out.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(process.env.BROWSER_MODULES + "/x.js");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const profile = mkdtempSync(join(tmpdir(), "lockstep-browser-"));
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
	"--disable-component-update", "--disable-sync", "--force-color-profile=srgb"];
const context = await chromium.launchPersistentContext(profile, { executablePath: "/usr/bin/chromium", headless: true, args,
	viewport: { width: 1280, height: 900 }, locale: "en-GB", reducedMotion: "reduce" });
const wrong = []; // what the pages complain of, and requests that leave this machine
const WAIT = 30000;
const pages = [];
let page;

// Windows side by side, signed in alike; number 0 is there from the beginning.
async function turn_to(n) {
	while (pages.length <= n) {
		const p = pages.length === 0 && context.pages()[0] || (await context.newPage());
		p.on("pageerror", (e) => wrong.push("error: " + e.message));
		p.on("console", (m) => m.type() === "error" && wrong.push("console: " + m.text()));
		p.on("request", (r) => /^(data|blob):/.test(r.url()) || /^http:\/\/(127\.0\.0\.1|localhost):/.test(r.url()) || wrong.push("request: " + r.url()));
		p.setDefaultTimeout(WAIT);
		pages.push(p);
	}
	page = pages[n];
	await page.bringToFront();
}
await turn_to(0);

// Where: {role, name} or {label} or {text} or {css}; in: the same around it. shown: not what stands in closed details.
function at(w, root = page, shown = false) {
	const base = w.in ? at(w.in, root) : root;
	let l = w.role ? base.getByRole(w.role, { name: w.name, exact: w.exact }) : w.label ? base.getByLabel(w.label, { exact: w.exact })
		: w.text ? base.getByText(w.text, { exact: w.exact }) : base.locator(w.css);
	if (w.has) l = l.filter({ hasText: w.has });
	if (shown) l = l.locator("visible=true");
	return w.nth !== undefined ? l.nth(w.nth) : l.first();
}

// Now and then Chromium draws nothing more after a screenshot until it is asked anew: a wait for an element that stands
// still would never end. So it is begun anew, unless the click itself was begun: done twice, it undoes itself.
async function insist(what) {
	for (let n = 0; ; n++) {
		try {
			return await what({ timeout: WAIT / 3 });
		} catch (e) {
			if (n === 5 || /performing \w+ action/.test(e.message)) throw e;
		}
	}
}

const DO = {
	window: async ({ n }) => { await turn_to(n); },
	goto: async ({ url }) => { await page.goto(url); },
	// Until the page has turned: what is there afterwards is not of the address before.
	hash: async ({ hash }) => {
		await page.evaluate((h) => new Promise((done) => {
			const before = location.href;
			addEventListener("hashchange", () => setTimeout(done), { once: true });
			location.hash = h;
			if (location.href === before) done();
		}), hash);
	},
	reload: async () => { await page.reload(); },
	size: async ({ width, height }) => { await page.setViewportSize({ width, height }); },
	dark: async ({ on }) => { await page.emulateMedia({ colorScheme: on ? "dark" : "light" }); },
	click: async (w) => { await insist((t) => at(w).click(t)); },
	fill: async (w) => { await at(w).fill(w.value); },
	check: async (w) => { await insist((t) => at(w).check(t)); },
	uncheck: async (w) => { await insist((t) => at(w).uncheck(t)); },
	select: async (w) => { await at(w).selectOption(w.value); },
	type: async ({ value }) => { await page.keyboard.type(value); },
	press: async ({ key }) => { await page.keyboard.press(key); },
	see: async (w) => { await at(w, page, true).waitFor({ state: "visible", timeout: w.timeout || WAIT }); },
	gone: async (w) => { await at(w).waitFor({ state: "hidden", timeout: w.timeout || WAIT }); },
	there: async (w) => (await at(w).count()) > 0,
	text: async (w) => at(w).innerText(),
	value: async (w) => at(w).inputValue(),
	eval: async ({ js }) => page.evaluate(js),
	shot: async ({ path }) => { await insist((t) => page.screenshot({ path, fullPage: true, ...t })); },
	cookies: async () => context.cookies(),
	forget: async () => { await context.clearCookies(); },
	// Findings that are serious or worse, and whether the page is wider than the window.
	axe: async () => {
		await page.evaluate(axe);
		const r = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
		return r.violations.filter((v) => ["serious", "critical"].includes(v.impact))
			.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 4).map((n) => n.target.join(" ") + " " + (n.any[0]?.message || n.failureSummary || "")).join(" | ")}`);
	},
	wide: async () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
	wrong: async () => wrong.splice(0),
};

for await (const line of createInterface({ input: process.stdin })) {
	const { id, op, ...rest } = JSON.parse(line);
	let out;
	try {
		out = { id, value: (await DO[op](rest)) ?? null };
	} catch (e) {
		const where = await page.evaluate(() => location.href + "\n" + document.body.innerText.slice(0, 1500)).catch(() => "");
		out = { id, error: String(e.message || e).split("\n").slice(0, 6).join("\n") + "\n" + where };
	}
	process.stdout.write(JSON.stringify(out) + "\n");
}
await context.close();
rmSync(profile, { recursive: true, force: true });
