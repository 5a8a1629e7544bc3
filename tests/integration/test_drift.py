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
