// The API: one session, its token, errors that say what a person can do.
export class Failure extends Error {
	constructor(status, code, message) {
		super(message);
		this.status = status;
		this.code = code;
	}
}

let session = null;
const signedOut = new Set();
export const onSignedOut = (fn) => signedOut.add(fn);
export const who = () => session;

async function call(path, options = {}) {
	let answer;
	try {
		answer = await fetch("/api/" + path, { cache: "no-store", ...options });
	} catch {
		throw new Failure(0, "away", "The service does not answer. Is lockstepd running? `systemctl status lockstepd` tells. This page goes on by itself when it does.");
	}
	let body = null;
	try {
		body = await answer.json();
	} catch { /* not JSON: told below */ }
	if (answer.ok) return body;
	if (answer.status === 401) for (const fn of signedOut) fn();
	const e = body?.error;
	throw new Failure(answer.status, e?.code || "http", e?.message || `The service answered ${answer.status}.`);
}

export async function signIn() {
	session = await call("session");
	return session;
}

export const get = (path, params = {}) => {
	const q = new URLSearchParams();
	for (const [k, v] of Object.entries(params)) for (const one of [v].flat()) if (one !== undefined) q.append(k, one);
	const text = q.toString();
	return call(text ? path + "?" + text : path);
};

export const post = (path, body = {}) =>
	call(path, {
		method: "POST",
		headers: { "Content-Type": "application/json", "X-Lockstep-Token": session?.token || "" },
		body: JSON.stringify(body),
	});

// A command that only reads: its JSON. Exit codes above 0 are results, too, unless they are errors.
export async function read(...words) {
	return outcome(await get("read", { c: words }));
}
export function outcome(r) {
	const e = r.output?.error || (r.output ? null : r.error);
	if (e) throw new Failure(200, e.code, e.message);
	return r.output;
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Follows a job to its end; `seen` hears of each state on the way.
export async function follow(id, seen = () => {}, alive = () => true) {
	for (let wait = 150; alive(); wait = Math.min(wait + 100, 1000)) {
		const j = await get("job", { id });
		seen(j);
		if (j.state === "ended") return j;
		await pause(wait);
	}
	return null;
}

export async function command(words, seen, alive) {
	const { job } = await post("command", { command: words });
	return follow(job, seen, alive);
}

// What may be begun again without harm: when the service goes away on the way, and what it did for us is gone with it, it is
// begun anew as soon as the service is back. `away` hears that it is gone, and that it is back.
export async function again(what, away, alive) {
	for (;;) {
		try {
			return await what();
		} catch (e) {
			if (!["away", "no-such-job"].includes(e.code) || !alive()) throw e;
		}
		for (away(true); alive(); await pause(1000)) {
			if (await get("session").then(() => true, (e) => e.code !== "away")) break;
		}
		away(false);
	}
}
