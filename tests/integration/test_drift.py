"""Reading the target (6): drift, what is gone, orphans after lost state, against lockstep-cloud."""
import os

import pytest

from smalldir import SmallDirectory


@pytest.fixture
def people(agent, acme):
    directory = SmallDirectory(agent.path("people.ldif"))
    directory.ids = {n: directory.user(n, title="Chief", department="Sales") for n in ("anna", "bert", "carl", "dora")}
    directory.ids["staff"] = directory.group("staff", "anna", "bert", "carl")
    agent.configure(directory.write().source(), acme)
    assert agent.sync()["created"] == 5
    return directory


def of(acme, people, name):
    found = acme.find("/Groups" if name == "staff" else "/Users", f'externalId eq "{people.ids[name]}"')
    return found[0] if found else None


def patch(acme, path, **values):
    answer = acme("PATCH", path, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        {"op": "replace", "path": k, "value": v} for k, v in values.items()]})
    assert answer.status in (200, 204), answer


def test_drift_is_reported_and_mended_6_2_6_3(agent, people, acme):
    assert "never read" in agent.run("drift").stdout
    first = agent.sync("--full")
    assert (first["updated"], first["drifted"], first["missing"], first["orphans"]) == (0, 0, 0, 0)
    assert "as we left it" in agent.run("drift").stdout
    anna, bert = of(acme, people, "anna"), of(acme, people, "bert")
    patch(acme, "/Users/" + anna["id"], title="Tea", nickName="Annie")
    patch(acme, "/Users/" + bert["id"], nickName="Bertie", externalId="another-tool")
    assert agent.sync()["updated"] == 0, "a delta does not read the target"
    run = agent.sync("--full")
    assert run["drifted"] == 2 and run["updated"] == 2 and run["exit"] == 0
    report, = agent.json("drift")["targets"]
    assert report["listing"]["run"] == run["run"] and report["listing"]["users"] == {"objects": 4, "complete": True}
    found = {(d["name"], d["what"]): (d["was"], d["now"]) for d in report["drift"]}
    assert found == {
        ("anna@example.test", "ours"): ({"title": ["Chief"]}, {"title": ["Tea"]}),
        ("anna@example.test", "elsewhere"): ({}, {"nickName": ["Annie"]}),
        ("bert@example.test", "ours"): ({"externalId": [people.ids["bert"]]}, {"externalId": ["another-tool"]}),
        ("bert@example.test", "elsewhere"): ({}, {"nickName": ["Bertie"]})}
    text = agent.run("drift").stdout
    assert 'title: "Chief" -> "Tea"' in text and "not ours: left alone" in text
    status = agent.json("status")["targets"][0]
    assert status["drift"]["ours"] == 2 and "drift found" in agent.run("status").stdout
    anna, bert = of(acme, people, "anna"), of(acme, people, "bert")
    assert (anna["title"], anna["nickName"], bert["nickName"]) == ("Chief", "Annie", "Bertie")
    again = agent.sync("--full")
    assert (again["updated"], again["drifted"]) == (0, 0)
    assert {d["what"] for d in agent.json("drift")["targets"][0]["drift"]} == {"elsewhere"}


def test_missing_users_wait_and_groups_come_back_6_4(agent, people, acme):
    for path in ("/Users/" + of(acme, people, "anna")["id"], "/Groups/" + of(acme, people, "staff")["id"]):
        assert acme("DELETE", path).status == 204
    run = agent.sync("--full", code=4)
    assert run["missing"] == 2 and run["recreated"] == 1 and run["held"] == 1
    assert of(acme, people, "anna") is None
    assert {m["value"] for m in of(acme, people, "staff")["members"]} == {
        of(acme, people, n)["id"] for n in ("bert", "carl")}
    assert "MISSING" in agent.run("drift").stdout
    agent.run("release", str(run["run"]))
    run = agent.sync()
    assert run["recreated"] == 1 and run["members_added"] == 1
    assert len(of(acme, people, "staff")["members"]) == 3
    assert agent.sync("--full")["missing"] == 0


def test_orphans_after_lost_state_3_3(agent, people, acme):
    os.remove(agent.path("state/target-hosted.db"))
    for name in ("bert", "staff"):
        people.drop(name)
    people.write()
    acme.user("theirs@example.test", externalId="not-one-of-ours")
    run = agent.sync("--full", code=4)
    assert run["held"] == 3 and run["orphans"] == 2
    found = {o["name"]: o for o in agent.json("adopt")["orphans"]}
    assert set(found) == {"bert@example.test", "staff"}
    assert {o["trace"] for o in found.values()} == {"tombstone"}
    text = agent.run("adopt").stdout
    assert "orphan user bert@example.test" in text and "the directory has deleted it" in text and "2 orphans" in text
    assert agent.json("adopt", "--all-exact") == {"approved": 3}
    assert agent.sync()["adopted"] == 3
    assert of(acme, people, "bert")["active"] is True, "not touched without consent"
    assert agent.json("adopt", "--orphans") == {"approved": 2}
    run = agent.sync()
    assert run["adopted"] == 2 and run["disabled"] == 1 and run["deleted"] == 1
    assert of(acme, people, "bert")["active"] is False and of(acme, people, "staff") is None
    assert agent.sync("--full")["orphans"] == 0
    assert len(acme.find("/Users", 'userName eq "theirs@example.test"')) == 1


ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ALIASES = "urn:lockstep:params:scim:schemas:extension:2.0:User"


def operations(acme, path, *ops):
    answer = acme("PATCH", path, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(ops)})
    assert answer.status in (200, 204), answer


def aliases(acme, people, name):
    return set(of(acme, people, name).get(ALIASES, {}).get("aliases", []))


def test_aliases_of_others_survive_our_updates_6_3(agent, people, acme):
    theirs = "theirs@other.example"
    path = "/Users/" + of(acme, people, "anna")["id"]
    people.user("anna", title="Chief", department="Sales",
                proxyAddresses=["SMTP:anna@example.test", "smtp:a1@example.test", "smtp:a2@example.test"])
    people.write()
    assert agent.sync()["updated"] == 1
    operations(acme, path, {"op": "add", "path": ALIASES + ":aliases", "value": [theirs]})
    people.user("anna", title="Chief", department="Sales",
                proxyAddresses=["SMTP:anna@example.test", "smtp:a1@example.test", "smtp:a3@example.test"])
    people.write()
    assert agent.sync()["updated"] == 1, "with no reading in between"
    assert aliases(acme, people, "anna") == {"a1@example.test", "a3@example.test", theirs}
    run = agent.sync("--full")
    assert (run["updated"], run["drifted"]) == (0, 0)
    operations(acme, path, {"op": "remove", "path": ALIASES + ":aliases", "value": ["a1@example.test"]})
    run = agent.sync("--full")
    assert (run["updated"], run["drifted"]) == (1, 1)
    assert aliases(acme, people, "anna") == {"a1@example.test", "a3@example.test", theirs}
    people.user("anna", title="Chief", department="Sales")
    people.write()
    assert agent.sync()["updated"] == 1
    assert aliases(acme, people, "anna") == {theirs}


def test_changed_before_the_first_reading_6_2(agent, people, acme):
    path = "/Users/" + of(acme, people, "anna")["id"]
    patch(acme, path, title="Clown", active=False)
    run = agent.sync("--full")
    assert (run["drifted"], run["enabled"]) == (1, 1)
    anna = of(acme, people, "anna")
    assert (anna["title"], anna["active"]) == ("Chief", True)
    run = agent.sync("--full")
    assert (run["drifted"], run["updated"], run["enabled"]) == (0, 0, 0)


def member_keys(acme, group):
    return {m["value"] for m in acme("GET", "/Groups/" + group).json.get("members", [])}


def manager(acme, people, name):
    return of(acme, people, name).get(ENTERPRISE, {}).get("manager", {}).get("value")


@pytest.fixture
def team(agent, people, acme):
    people.set("bert", manager=people.entries["anna"]["dn"])
    people.write()
    assert agent.sync()["updated"] == 1
    return {n: of(acme, people, n)["id"] for n in ("anna", "bert", "carl", "dora", "staff")}


def test_references_taken_away_come_back_6_2(agent, people, acme, team):
    first = agent.sync("--full")
    assert (first["updated"], first["drifted"], first["members_added"]) == (0, 0, 0)
    operations(acme, "/Groups/" + team["staff"], {"op": "remove", "path": f'members[value eq "{team["bert"]}"]'},
               {"op": "add", "path": "members", "value": [{"value": team["dora"]}]})
    operations(acme, "/Users/" + team["bert"], {"op": "remove", "path": ENTERPRISE + ":manager"})
    run = agent.sync("--full")
    assert (run["drifted"], run["members_added"], run["updated"], run["members_removed"]) == (2, 1, 1, 0)
    found = {(d["name"], d["what"]): (d["was"], d["now"]) for d in agent.json("drift")["targets"][0]["drift"]}
    assert found == {
        ("staff", "ours"): ({"members": ["bert@example.test"]}, {}),
        ("staff", "elsewhere"): ({}, {"members": ["dora@example.test"]}),
        ("bert@example.test", "ours"): ({"manager": ["anna@example.test"]}, {})}
    assert member_keys(acme, team["staff"]) == {team[n] for n in ("anna", "bert", "carl", "dora")}
    assert manager(acme, people, "bert") == team["anna"]
    run = agent.sync("--full")
    assert (run["drifted"], run["members_added"], run["updated"]) == (0, 0, 0)
    assert "not known" not in agent.run("drift").stdout


def test_a_service_that_hides_members_is_not_said_to_be_as_left(agent, people, acme, team):
    agent.configure(people.source(), acme, target="quirks = {'hides-refs'}")
    operations(acme, "/Groups/" + team["staff"], {"op": "remove", "path": "members"})
    assert agent.sync("--full")["members_added"] == 0
    assert agent.json("drift")["targets"][0]["listing"]["references"] is None
    assert "this service does not show them" in agent.run("drift").stdout


def test_members_exact_6_3(agent, people, acme, team):
    acme.user("theirs@example.test")
    theirs = acme.find("/Users", 'userName eq "theirs@example.test"')[0]["id"]
    operations(acme, "/Groups/" + team["staff"],
               {"op": "add", "path": "members", "value": [{"value": team["dora"]}, {"value": theirs}]})
    run = agent.sync("--full")
    assert (run["drifted"], run["members_removed"]) == (0, 0)
    agent.configure(people.source(), acme, 'members = "exact"')
    assert agent.sync()["members_removed"] == 0, "only what a full run reads"
    run = agent.sync("--full")
    assert (run["drifted"], run["members_removed"]) == (1, 2)
    assert member_keys(acme, team["staff"]) == {team[n] for n in ("anna", "bert", "carl")}
    assert acme("GET", "/Users/" + theirs).status == 200
    history = agent.run("history", str(run["run"])).stdout
    assert "dora@example.test" in history and "theirs@example.test" in history
    undone = agent.sync("--full")
    assert (undone["drifted"], undone["members_removed"]) == (0, 0)
    agent.run("undo", str(run["run"]))
    assert member_keys(acme, team["staff"]) == {theirs} | {team[n] for n in ("anna", "bert", "carl", "dora")}


def test_a_group_of_many_members_is_read_in_lines_6_2(agent, people, acme):
    names = [f"m{i}" for i in range(2500)]
    for n in names:
        people.user(n)
    people.group("many", *names)
    people.write()
    assert agent.sync()["members_added"] == 2500
    group = acme.find("/Groups", 'displayName eq "many"')[0]["id"]
    run = agent.sync("--full")
    assert (run["drifted"], run["members_added"]) == (0, 0)
    operations(acme, "/Groups/" + group, {"op": "remove", "path": "members"})
    run = agent.sync("--full")
    assert (run["drifted"], run["members_added"]) == (1, 2500)
    drift, = agent.json("drift")["targets"][0]["drift"]
    assert len(drift["was"]["members"]) == 51 and "... and 2450 more" in drift["was"]["members"]
    assert len(member_keys(acme, group)) == 2500
