/*
 * A SCIM service out of two foreign packages, scimmy and scimmy-routers: the protocol is theirs, unchanged; here
 * is only what a host must bring, users and groups in memory. Names are unique without case, as RFC 7643 wants;
 * filters compare as scimmy does, with case.
 *
 *   TOKEN=... node server.js FOLDER-OF-NODE_MODULES [JSON]
 *
 * prints "listening on PORT" and ends with its standard input. JSON: {"bulk": false} turns Bulk off.
 * GET /dump shows everything, GET /counts the requests by method and path, GET /made how often an object was made by
 * externalId, and what was deleted: for tests, not SCIM.
 */
"use strict";
const crypto = require("node:crypto");
const path = require("node:path");
const foreign = require("node:module").createRequire(path.resolve(process.argv[2], "package.json"));
const express = foreign("express");
const { SCIMMYRouters, SCIMMY } = foreign("scimmy-routers");
const knobs = JSON.parse(process.argv[3] ?? "{}");
const counts = {};

class Store {
	constructor(nameAttribute) {
		this.name = nameAttribute;
		this.all = new Map();    // by id
		this.index = { [nameAttribute.toLowerCase()]: new Map(), externalid: new Map() };
		this.folded = new Map(); // names without case
		this.made = {};          // by externalId
		this.deleted = [];       // externalIds
	}

	attributes() {
		return [[this.name, this.index[this.name.toLowerCase()]], ["externalId", this.index.externalid]];
	}

	get(id) {
		const r = this.all.get(id);
		if (!r)
			throw new SCIMMY.Types.Error(404, null, `${id} not found`);
		return r;
	}

	remove(id) {
		const old = this.get(id);
		this.all.delete(id);
		this.folded.delete(old[this.name].toLowerCase());
		for (const [attribute, map] of this.attributes())
			map.get(old[attribute])?.delete(id);
	}

	put(id, value) {
		const now = new Date().toISOString(), old = id ? this.get(id) : null;
		const other = this.folded.get(value[this.name].toLowerCase());
		if (other && other !== id)
			throw new SCIMMY.Types.Error(409, "uniqueness", `${this.name} ${value[this.name]} is taken`);
		if (old)
			this.remove(id);
		else
			this.made[value.externalId] = (this.made[value.externalId] ?? 0) + 1;
		const r = JSON.parse(JSON.stringify({ ...value, id: id ?? crypto.randomUUID(),
			meta: { created: old?.meta.created ?? now, lastModified: now } }));
		this.all.set(r.id, r);
		this.folded.set(r[this.name].toLowerCase(), r.id);
		for (const [attribute, map] of this.attributes()) {
			if (!map.has(r[attribute]))
				map.set(r[attribute], new Set());
			map.get(r[attribute]).add(r.id);
		}
		return r;
	}

	/* Filters of single names are answered from the index, with the outcome that match() would have. */
	find(filter) {
		const found = new Set();
		for (const term of filter) {
			const [[attribute, rule], ...more] = Object.entries(term);
			const map = this.index[attribute.toLowerCase()];
			if (more.length || !map || !Array.isArray(rule) || rule[0] !== "eq")
				return filter.match([...this.all.values()]);
			for (const id of map.get(rule[1]) ?? [])
				found.add(id);
		}
		return [...found].map((id) => this.all.get(id));
	}
}

const users = new Store("userName"), groups = new Store("displayName");

function checkMembers(instance) {
	for (const { value } of instance.members ?? [])
		if (!users.all.has(value) && !groups.all.has(value))
			throw new SCIMMY.Types.Error(400, "invalidValue", `no such member: ${value}`);
}

function declare(Resource, store, check) {
	return SCIMMY.Resources.declare(Resource)
		.ingress((resource, instance) => {
			check(instance);
			return store.put(resource.id, instance);
		})
		.egress((resource) => resource.id ? store.get(resource.id) :
			resource.filter ? store.find(resource.filter) : [...store.all.values()])
		.degress((resource) => {
			store.deleted.push(store.get(resource.id).externalId);
			store.remove(resource.id);
		});
}

SCIMMY.Config.set({ bulk: { supported: knobs.bulk ?? true, maxOperations: 1000, maxPayloadSize: 1 << 20 } });
declare(SCIMMY.Resources.User, users, () => {}).extend(SCIMMY.Schemas.EnterpriseUser, false);
declare(SCIMMY.Resources.Group, groups, checkMembers);

const app = express();
app.use((req, res, next) => {
	const what = `${req.method} ${req.path.split("/").slice(0, 4).join("/")}`;
	counts[what] = (counts[what] ?? 0) + 1;
	next();
});
app.get("/dump", (req, res) => res.send({ users: [...users.all.values()], groups: [...groups.all.values()] }));
app.get("/made", (req, res) => res.send({ made: { ...users.made, ...groups.made },
	deleted: [...users.deleted, ...groups.deleted] }));
app.get("/counts", (req, res) => res.send(counts));
app.use("/scim/v2", new SCIMMYRouters({
	type: "bearer",
	handler: (req) => {
		if (req.header("Authorization") !== `Bearer ${process.env.TOKEN}`)
			throw new Error("who are you?");
	},
}));
const server = app.listen(0, "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
process.stdin.on("end", () => process.exit(0)).resume();
