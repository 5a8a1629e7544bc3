"""A SCIM server of somebody else, unchanged: scimmy and scimmy-routers with Express 4 and 5."""
import pytest

from mirrored import differences, hosted_of, wanted, without
from smalldir import SmallDirectory
from targetops import create, error, find, refs
from test_lockstep import BASES, Folder, SYNC, nothing

STRANGE = ("aliases",)                  # our extension; scimmy drops what it does not know
GROUP_STRANGE = ("aliases", "mail")


def plain(both):
    users, groups = both
    return without((users, {}), *STRANGE)[0], without(({}, groups), *GROUP_STRANGE)[1]


def check(tree, service):
    dump = service.dump()
    assert differences(plain(wanted(tree, BASES)), plain(hosted_of(dump["users"], dump["groups"]))) == []


# --- the connector

def test_life_of_objects_at_scimmy(start, scimmy):
    t = start(scimmy)
    n = 100
    keys = [m["key"] for m in t.call(*[create(i) for i in range(n)])]
    assert [f["found"][0]["key"] for f in t.call(*[find(i) for i in range(n)])] == keys
    t.call(dict(op="update", kind="user", key=keys[0], attrs={
        "displayName": ["neu"], "emails.work": ["w@x"], "emails.home": ["h@x"], "phoneNumbers.mobile": [], "department": [],
        "title": [], "active": ["false"], "addresses.work.locality": ["Ulm"]}))
    seen = t.call(dict(op="get", kind="user", key=keys[0]))[0]["seen"]
    assert seen["displayName"] == ["neu"] and seen["active"] == ["false"] and "department" not in seen
    assert seen["emails.work"] == ["w@x"] and seen["emails.home"] == ["h@x"] and seen["addresses.work.locality"] == ["Ulm"]
    g = t.call(create(1, "group"))[0]["key"]
    t.call(refs(g, add=keys))
    t.call(refs(g, add=keys[:5], remove=keys[80:]))                  # some are members already
    t.call(refs(g, remove=keys[75:]))                                # most are no members any more
    members = lambda: {m["value"] for x in scimmy.dump()["groups"] for m in x["members"]}
    assert members() == set(keys[:75])
    r = t.call(refs(g, add=keys[80:85] + ["nobody"] + keys[85:90]))[0]
    assert error(r) == ("object", "no-such-reference") and r["error"]["other"] == "nobody"
    t.call(refs(keys[5], add=[keys[6]], kind="user", attribute="manager"))
    assert t.call(dict(op="get", kind="user", key=keys[5]))[0]["seen"]["manager"] == [keys[6]]
    t.call(refs(keys[5], remove=[keys[6]], kind="user", attribute="manager"))
    assert "manager" not in t.call(dict(op="get", kind="user", key=keys[5]))[0]["seen"]
    r = t.call(dict(create(7), external="another"))[0]
    assert error(r) == ("object", "name-taken") and r["error"]["attribute"] == "userName"
    objects, end = t.list("user")
    assert end["sealed"] is True and {o["key"] for o in objects} == set(keys)
    assert all("error" not in x for x in t.call(*[dict(op="delete", kind="user", key=k) for k in keys[:50] + keys[:3]]))
    assert t.list("user")[1]["counts"] == {"object": n - 50}


@pytest.mark.parametrize("profile", ["put-only", "okta-like", "google", "aws", "entra-like"])
def test_scimmy_takes_the_dialects(start, scimmy, profile):
    t = start(scimmy, profile=profile)
    keys = [m["key"] for m in t.call(*[create(i) for i in range(5)])]
    assert [f["found"][0]["key"] for f in t.call(*[find(i) for i in range(5)])] == keys
    t.call(*[dict(op="update", kind="user", key=k, attrs={
        "displayName": ["neu"], "emails.home": ["h@x"], "emails.work": [], "title": ["T"], "active": ["false"],
        "department": [], "phoneNumbers.fax": []}) for k in keys])
    for u in scimmy.dump()["users"]:
        assert u["displayName"] == "neu" and u["active"] is False and u["title"] == "T"
        assert [(e["type"], e["value"]) for e in u["emails"]] == [("home", "h@x")]
    g = t.call(create(1, "group"))[0]["key"]
    t.call(refs(g, add=keys))
    t.call(refs(g, remove=keys[1:]))
    assert [m["value"] for m in scimmy.dump()["groups"][0]["members"]] == keys[:1]


def test_attributes_of_schemas_that_scimmy_lacks_are_left_out(start, scimmy):
    """It drops them from a creation without a word, and refuses a whole PATCH for them."""
    t = start(scimmy, bulk="no")
    a, b = [m["key"] for m in t.call(create(1, aliases=["a@x"]), create(2))]
    change = lambda key, alias: dict(op="update", kind="user", key=key, attrs={"title": ["T"], "aliases": [alias]})
    assert t.call(change(a, "b@x"))[0]["seen"]["title"] == ["T"]
    before = scimmy.counts()["PATCH /scim/v2/Users"]
    t.call(change(b, "c@x"))
    assert scimmy.counts()["PATCH /scim/v2/Users"] == before + 1, "refused once, then known"
    assert "key" in t.call(dict(op="update", kind="user", key=b, attrs={"aliases": ["d@x"]}))[0]
    assert {u["title"] for u in scimmy.dump()["users"]} == {"T"}
    # what is not missing is refused as ever
    assert error(t.call(dict(op="update", kind="user", key=b, attrs={"noSuch": ["x"]}))[0])[0] == "object"
    t.send(type="check", bases=[])
    found = {}
    while (m := t.next())["type"] == "finding":
        found[m["topic"]] = m
    assert "urn:lockstep:params:scim:schemas:extension:2.0:User" in found["schemas"]["text"]
    assert "enterprise" not in found["schemas"]["text"]


# --- the agent

def test_from_ldif_to_scimmy_and_nothing_the_second_time_I6(tmp_path, agent, scimmy):
    directory = Folder(tmp_path, 120, 7, 3)
    agent.configure(directory.source(), scimmy, SYNC)
    first = agent.sync()
    assert first["created"] == 120 + directory.story["counts"]["groups"] and not first["failed"]
    check(directory.tree, scimmy)
    before = scimmy.counts()
    assert nothing(agent.sync())
    writes = lambda counts: {k: n for k, n in counts.items() if not k.startswith("GET") and not k.endswith(".search")}
    assert writes(scimmy.counts()) == writes(before)
    for n, day in enumerate(directory.story["days"]):
        directory.take(day["file"])
        agent.configure(directory.source(), scimmy, SYNC, 'bulk = "no"' if n % 2 else "")
        agent.sync()
        check(directory.tree, scimmy)
    assert nothing(agent.sync())
    # 6.2: it keeps no aliases, and its answers to Bulk show nothing: they are sent once more, and never again
    first = agent.sync("--full")
    assert not first["failed"] and not first["members_added"] and first["updated"] == first["drifted"]
    assert all(set(d["was"]) <= {"aliases", "mail"} for d in agent.json("drift")["targets"][0]["drift"])
    assert nothing(agent.sync("--full"))
    check(directory.tree, scimmy)


def test_references_taken_away_at_scimmy_come_back_6_2(agent, scimmy, start):
    people = SmallDirectory(agent.path("people.ldif"))
    for name in ("anna", "bert", "carl"):
        people.user(name)
    people.set("bert", manager=people.entries["anna"]["dn"])
    people.group("staff", "anna", "bert")
    agent.configure(people.write().source(), scimmy)
    assert agent.sync()["created"] == 4
    assert nothing(agent.sync("--full"))
    key = {u["userName"].split("@")[0]: u["id"] for u in scimmy.dump()["users"]}
    staff = scimmy.dump()["groups"][0]["id"]
    t = start(scimmy)
    t.call(refs(staff, add=[key["carl"]], remove=[key["anna"]]))
    t.call(refs(key["bert"], remove=[key["anna"]], kind="user", attribute="manager"))
    run = agent.sync("--full")
    assert (run["drifted"], run["members_added"], run["updated"], run["members_removed"]) == (2, 1, 1, 0)
    members = lambda: {m["value"] for m in scimmy.dump()["groups"][0]["members"]}
    assert members() == set(key.values())
    assert nothing(agent.sync("--full"))
    agent.configure(people.source(), scimmy, 'members = "exact"')
    agent.sync()
    run = agent.sync("--full")
    assert (run["drifted"], run["members_removed"]) == (1, 1)
    assert members() == {key["anna"], key["bert"]}
