"""What the fake SCIM service (fakescim.py) holds, and what RFC 7644 says of it: filters, PATCH, pages."""
import collections
import json
import re
import threading
import time
import uuid

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MESSAGE = "urn:ietf:params:scim:api:messages:2.0:"
NAMES = {"Users": "userName", "Groups": "displayName"}


class Refusal(Exception):
    def __init__(self, status, scim_type=None, detail=""):
        super().__init__(detail)
        self.status, self.scim_type, self.detail = status, scim_type, detail

    def body(self):
        b = {"schemas": [MESSAGE + "Error"], "status": str(self.status), "detail": self.detail}
        if self.scim_type:
            b["scimType"] = self.scim_type
        return b


def split_urn(path):
    """'urn:...:User:department' -> (schema, 'department')"""
    if path.startswith("urn:"):
        bracket = path.find("[")
        colon = path.rfind(":", 0, bracket if bracket >= 0 else len(path))
        return path[:colon], path[colon + 1:]
    return None, path


class Store:
    """Users and groups, with the rules for what may be done to them."""

    def __init__(self, knobs):
        self.knobs = knobs
        self.kinds = {"Users": {}, "Groups": {}}
        self.by_name = {"Users": {}, "Groups": {}}
        self.lock = threading.RLock()
        self.creates = collections.Counter()
        self.born = {}
        self.patches = collections.Counter()

    def out(self, kind, r, query=None):
        r = json.loads(json.dumps(r))
        for name in (query or {}).get("excludedAttributes", "").split(","):
            r.pop(name, None)
        wanted = (query or {}).get("attributes")
        if wanted:
            keep = {"id", "schemas"} | {w.split(".")[0] for w in wanted.split(",")}
            r = {k: v for k, v in r.items() if k in keep}
        if self.knobs["no_version"]:
            r.get("meta", {}).pop("version", None)
        return r

    def touch(self, kind, r):
        n = int(r.get("meta", {}).get("version", 'W/"0"')[3:-1]) + 1
        r["meta"] = {"resourceType": kind[:-1], "location": f"/{kind}/{r['id']}", "version": f'W/"{n}"'}

    def check_unique(self, kind, r):
        name = r.get(NAMES[kind])
        if not name:
            raise Refusal(400, "invalidValue", NAMES[kind] + " is missing")
        other = self.by_name[kind].get(name.casefold())
        if other and other != r.get("id"):
            raise Refusal(409, "uniqueness", f"{NAMES[kind]} {name} is taken")

    def put_in(self, kind, r, old=None):
        self.check_unique(kind, r)
        if kind == "Groups":
            for m in r.get("members", []):
                if m.get("value") not in self.kinds["Users"] and m.get("value") not in self.kinds["Groups"]:
                    raise Refusal(400, "invalidValue",
                                  "no such member" + ("" if self.knobs["vague"] else " " + str(m.get("value"))))
        if old:
            self.by_name[kind].pop(old[NAMES[kind]].casefold(), None)
        self.touch(kind, r)
        self.kinds[kind][r["id"]] = r
        self.by_name[kind][r[NAMES[kind]].casefold()] = r["id"]

    def create(self, kind, body):
        r = {k: v for k, v in body.items() if k not in ("id", "meta")}
        r["id"] = str(uuid.uuid4())
        self.born[r["id"]] = time.monotonic()
        self.put_in(kind, r)
        self.creates[r.get("externalId")] += 1
        return r

    def get(self, kind, key):
        if key not in self.kinds[kind]:
            raise Refusal(404, None, f"{kind[:-1]} {key} not found")
        return self.kinds[kind][key]

    def match(self, r, version):
        if self.knobs["etag"] and version and version != r["meta"]["version"]:
            raise Refusal(412, None, "version " + r["meta"]["version"])

    def replace(self, kind, key, body, version=None):
        old = self.get(kind, key)
        self.match(old, version)
        r = dict(body, id=key, meta=old["meta"])
        self.put_in(kind, r, old)
        return r

    def delete(self, kind, key, version=None):
        r = self.get(kind, key)
        self.match(r, version)
        del self.kinds[kind][key]
        self.by_name[kind].pop(r[NAMES[kind]].casefold(), None)

    # --- PATCH, strict as RFC 7644 3.5.2 allows

    def patch(self, kind, key, body, version=None):
        old = self.get(kind, key)
        self.match(old, version)
        if not self.knobs["patch"]:
            raise Refusal(501, None, "no PATCH")
        r = json.loads(json.dumps(old))
        ops = body["Operations"]
        self.patches[kind] += 1
        if self.knobs["no_replace_all"] and any(o.get("path") == "members" and (o["op"].lower() == "replace" or "value" not in o)
                                                for o in ops):
            raise Refusal(400, "invalidValue", "all members at once")
        if len(ops) > self.knobs["patch_ops"]:
            raise Refusal(400, "tooMany", "too many operations")
        changes = sum(len(o["value"]) if isinstance(o.get("value"), list) else 1
                      for o in ops if o.get("path", "").startswith("members"))
        if changes > self.knobs["patch_members"]:
            raise Refusal(400, "tooMany", "too many members")
        for o in ops:
            self.patch_one(r, o)
        self.put_in(kind, r, old)
        return r

    def patch_one(self, r, o):
        kind = o["op"]
        if self.knobs["capital_ops"] != kind[0].isupper():
            raise Refusal(400, "invalidSyntax", "op " + kind)
        kind = kind.lower()
        schema, path = split_urn(o["path"])
        level = r.setdefault(schema, {}) if schema else r
        m = re.fullmatch(r'(\w+)(?:\[(\w+) eq "([^"]*)"\])?(?:\.(\w+))?', path)
        if not m:
            raise Refusal(400, "invalidPath", path)
        attr, key, value, sub = m.groups()
        if key:
            self.patch_elements(level, o, kind, attr, key, value, sub)
        elif sub:
            obj = level.setdefault(attr, {})
            self.set(obj, sub, kind, o)
        else:
            self.set(level, attr, kind, o)

    def set(self, level, attr, kind, o):
        if kind == "remove":
            if attr not in level and self.knobs["strict"]:
                raise Refusal(400, "noTarget", attr)
            if isinstance(o.get("value"), list):
                plain = lambda v: v["value"] if isinstance(v, dict) else v
                gone = {plain(v) for v in o["value"]}
                level[attr] = [v for v in level.get(attr, []) if plain(v) not in gone]
            else:
                level.pop(attr, None)
        elif kind == "add" and isinstance(level.get(attr), list):
            have = {json.dumps(v, sort_keys=True) for v in level[attr]}
            level[attr] += [v for v in o["value"] if json.dumps(v, sort_keys=True) not in have]
        else:
            level[attr] = o["value"]

    def patch_elements(self, level, o, kind, attr, key, value, sub):
        if key == "value" and any(isinstance(v, str) for v in level.get(attr, [])):    # a list of plain values
            if value not in level[attr] and self.knobs["strict"]:
                raise Refusal(400, "noTarget", o["path"])
            level[attr] = [v for v in level[attr] if v != value]
            return
        hits = [v for v in level.get(attr, []) if v.get(key) == value]
        if not hits:
            if self.knobs["strict"]:
                raise Refusal(400, "noTarget", o["path"])
            if kind == "remove":
                return
            hits = [{key: value}]
            level.setdefault(attr, []).extend(hits)
        for v in hits:
            if kind == "remove" and not sub:
                level[attr].remove(v)
            elif kind == "remove":
                v.pop(sub, None)
            else:
                v[sub or "value"] = o["value"]

    # --- queries

    def select(self, kind, text):
        if not self.knobs["filter"]:
            raise Refusal(400, "invalidFilter", "no filters")
        terms = re.split(r" or ", text)
        if len(terms) > self.knobs["terms"]:
            raise Refusal(400, "tooMany" if self.knobs["terms"] > 1 else "invalidFilter", "too many terms")
        found = {}
        for t in terms:
            m = re.fullmatch(r'(\w+) eq ("(?:[^"\\]|\\.)*")', t)
            if not m:
                raise Refusal(400, "invalidFilter", t)
            attr, value = m.group(1), json.loads(m.group(2))
            if attr == NAMES[kind] and self.knobs["case_names"]:
                hits = [r for r in self.kinds[kind].values() if r.get(attr) == value]
            elif attr == NAMES[kind]:
                key = self.by_name[kind].get(value.casefold())
                hits = [self.kinds[kind][key]] if key else []
            else:
                hits = [r for r in self.kinds[kind].values() if r.get(attr) == value]
            found.update((r["id"], r) for r in hits)
        return list(found.values())

    def query(self, kind, q):
        rows = self.select(kind, q["filter"]) if q.get("filter") else list(self.kinds[kind].values())
        if self.knobs["lag"]:
            rows = [r for r in rows if time.monotonic() - self.born[r["id"]] >= self.knobs["lag"]]
        count = min(int(q.get("count", 100)), self.knobs["page"])
        body = {"schemas": [MESSAGE + "ListResponse"]}
        if self.knobs["totals"]:
            body["totalResults"] = len(rows)
        if "cursor" in q and self.knobs["cursor"]:
            start = int(q["cursor"] or 0)
            if start + count < len(rows):
                body["nextCursor"] = str(start + count)
        else:
            start = max(int(q.get("startIndex", 1)), 1) - 1
            if not self.knobs["index"] and not q.get("by_search"):
                start = 0
            if self.knobs["tell_start"]:
                body["startIndex"] = start + 1
        page = rows[start:start + count]
        body["itemsPerPage"] = len(page)
        if page or self.knobs["totals"]:
            body["Resources"] = [self.out(kind, r, q) for r in page]
        return body
