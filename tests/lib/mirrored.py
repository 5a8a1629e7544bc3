"""What a hosted side should have when it is in lockstep with a directory: computed from the entries alone, by the
rules of the default maps, without a line of the agent. And what it has, in the same form."""
import time
import uuid

NEVER = 9223372036854775807
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
OURS = "urn:lockstep:params:scim:schemas:extension:2.0:"


def _under(dn, bases):
    return any(dn.lower().endswith("," + b.lower()) for b in bases)


def _one(attrs, *names):
    return next((attrs[n][0].decode() for n in names if attrs.get(n)), None)


def _id(attrs):
    return str(uuid.UUID(bytes_le=attrs["objectGUID"][0]))


def _aliases(attrs):
    """proxyAddresses but the primary one; sorted, without the scheme."""
    return sorted(v.decode()[5:] for v in attrs.get("proxyAddresses", ()) if v.startswith(b"smtp:"))


def _enabled(attrs, now):
    expires = int(_one(attrs, "accountExpires") or 0)
    at = now * 10_000_000 + 116444736000000000
    return not int(_one(attrs, "userAccountControl")) & 2 and not (0 < expires < NEVER and expires <= at)


def wanted(tree, bases, now=None):
    """(users, groups) of {dn: {attr: [bytes]}}, by externalId."""
    now = now or time.time()
    scope = {dn: a for dn, a in tree.items() if _under(dn, bases)}
    people = {dn: a for dn, a in scope.items() if b"user" in a["objectClass"] and b"computer" not in a["objectClass"]}
    teams = {dn: a for dn, a in scope.items() if b"group" in a["objectClass"]}
    ids = {dn.lower(): _id(a) for dn, a in {**people, **teams}.items()}
    links = lambda a, name: [ids[v.decode().lower()] for v in a.get(name, ()) if v.decode().lower() in ids]
    users = {_id(a): dict(
        userName=_one(a, "mail", "userPrincipalName"), displayName=_one(a, "displayName", "cn"),
        given=_one(a, "givenName"), family=_one(a, "sn"), mail=_one(a, "mail"), title=_one(a, "title"),
        phone=_one(a, "telephoneNumber"), mobile=_one(a, "mobile"), street=_one(a, "streetAddress"), city=_one(a, "l"),
        state=_one(a, "st"), post=_one(a, "postalCode"), country=_one(a, "c"), department=_one(a, "department"),
        organization=_one(a, "company"), number=_one(a, "employeeID"), aliases=_aliases(a), active=_enabled(a, now),
        manager=next(iter(links(a, "manager")), None)) for a in people.values()}
    groups = {_id(a): dict(displayName=_one(a, "displayName", "cn"), mail=_one(a, "mail"), aliases=_aliases(a),
                           members=sorted(links(a, "member"))) for a in teams.values()}
    return users, groups


def _all(client, path):
    out, start = [], 1
    while True:
        answer = client("GET", path, startIndex=start, count=200)
        assert answer.status == 200, answer
        out += answer.json.get("Resources", [])
        start += len(answer.json.get("Resources", []))
        if start > answer.json["totalResults"]:
            return out


def _of(values, kind, name="value"):
    return next((v.get(name) for v in values or () if v.get("type") == kind), None)


def hosted(client):
    """(users, groups) of a SCIM service, by externalId; a client as in cloud_fixtures.py."""
    return hosted_of(_all(client, "/Users"), _all(client, "/Groups"))


def hosted_of(people, teams):
    """The same from SCIM resources."""
    people, teams = list(people), list(teams)
    ids = {r["id"]: r["externalId"] for r in people + teams}
    assert len(set(ids.values())) == len(ids), "an externalId twice"
    users = {}
    for r in people:
        more, work = r.get(ENTERPRISE, {}), r.get("addresses")
        manager = more.get("manager", {})               # some services hold a bare id
        users[r["externalId"]] = dict(
            userName=r["userName"], displayName=r.get("displayName"), given=r.get("name", {}).get("givenName"),
            family=r.get("name", {}).get("familyName"), mail=_of(r.get("emails"), "work"), title=r.get("title"),
            phone=_of(r.get("phoneNumbers"), "work"), mobile=_of(r.get("phoneNumbers"), "mobile"),
            street=_of(work, "work", "streetAddress"), city=_of(work, "work", "locality"), state=_of(work, "work", "region"),
            post=_of(work, "work", "postalCode"), country=_of(work, "work", "country"), department=more.get("department"),
            organization=more.get("organization"), number=more.get("employeeNumber"),
            aliases=sorted(r.get(OURS + "User", {}).get("aliases", [])), active=r["active"],
            manager=ids.get(manager if isinstance(manager, str) else manager.get("value")))
    groups = {r["externalId"]: dict(
        displayName=r["displayName"], mail=r.get(OURS + "Group", {}).get("mail"),
        aliases=sorted(r.get(OURS + "Group", {}).get("aliases", [])),
        members=sorted(ids[m["value"]] for m in r.get("members", ()))) for r in teams}
    return users, groups


def without(both, *names):
    """(users, groups) without some attributes, for services that cannot hold them."""
    return tuple({key: {n: v for n, v in r.items() if n not in names} for key, r in kind.items()} for kind in both)


def differences(want, have):
    """What is not in lockstep, as lines of text. Users who left stay, disabled and without groups (the default)."""
    out = []
    for name, should, there in zip(("user", "group"), want, have):
        for key in sorted(should.keys() | there.keys()):
            a, b = should.get(key), there.get(key)
            if a is None and name == "user":
                if b["active"]:
                    out.append(f"user {b['userName']}: left, and is active")
                out += [f"user {b['userName']}: left, and is in {g['displayName']}" for g in have[1].values()
                        if key in g["members"]]
            elif a is None or b is None:
                out.append(f"{name} {(a or b)['displayName']}: {'missing' if b is None else 'should not be there'}")
            else:
                out += [f"{name} {a['displayName']}: {f}: should be {a[f]!r}, is {b[f]!r}" for f in a if a[f] != b[f]]
    return out
