"""Swaps of unique names (7.1) in one run, against a service that holds names to be unique."""
import pytest

from smalldir import SmallDirectory


@pytest.fixture
def people(agent, acme):
    directory = SmallDirectory(agent.path("people.ldif"))
    directory.ids = {n: directory.user(n) for n in ("anna", "bert", "carl", "dora")}
    directory.ids["red"] = directory.group("red", "anna", displayName="red")
    directory.ids["blue"] = directory.group("blue", "bert", displayName="blue")
    agent.configure(directory.write().source(), acme)
    assert agent.sync()["created"] == 6
    return directory


def names(acme, people):
    have = {}
    for path in ("/Users", "/Groups"):
        for one in acme("GET", path, count=100).json["Resources"]:
            have[one["externalId"]] = one.get("userName") or one["displayName"]
    return {name: have[i] for name, i in people.ids.items()}


def test_circles_of_names_in_one_run_7_1(agent, people, acme):
    people.set("anna", mail="bert@example.test")
    people.set("bert", mail="carl@example.test")
    people.set("carl", mail="anna@example.test")
    people.set("dora", mail="dora.new@example.test")
    people.set("red", displayName="blue")
    people.set("blue", displayName="red")
    people.ids["eve"] = people.user("eve", mail="dora@example.test")
    people.write()
    run = agent.sync()
    assert run["updated"] == 6 and run["created"] == 1 and run["failed"] == 0
    assert names(acme, people) == {
        "anna": "bert@example.test", "bert": "carl@example.test", "carl": "anna@example.test",
        "dora": "dora.new@example.test", "eve": "dora@example.test", "red": "blue", "blue": "red"}
    history = agent.run("history", str(run["run"])).stdout
    assert history.count(" park ") == 2, "one of each circle"
    again = agent.sync("--full")
    assert (again["updated"], again["drifted"]) == (0, 0)


def test_addresses_change_hands_7_1(agent, people, acme):
    for name, other in (("anna", "bert"), ("bert", "anna")):
        people.set(name, proxyAddresses=[f"SMTP:{name}@example.test", f"smtp:{name}.alias@example.test"])
    people.write()
    assert agent.sync()["failed"] == 0
    for name, other in (("anna", "bert"), ("bert", "anna")):
        people.set(name, proxyAddresses=[f"SMTP:{name}@example.test", f"smtp:{other}.alias@example.test"])
    people.write()
    run = agent.sync()
    assert run["failed"] == 0 and run["updated"] == 2
