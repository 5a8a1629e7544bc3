"""Adoption (3.2): a service that is full already, by hand or by another tool, meets the directory."""
import pytest

from smalldir import SmallDirectory


@pytest.fixture
def people(agent):
    directory = SmallDirectory(agent.path("people.ldif"))
    directory.ids = {n: directory.user(n, title="Chief") for n in ("anna", "bert", "carl", "dora")}
    return directory


def one(acme, name):
    found, = acme.find("/Users", f'userName eq "{name}@example.test"')
    return found


def full(agent, people, acme, guard=""):
    """anna made by hand, bert by another tool, carl twice, dora not at all, and somebody who is not ours."""
    made = {"anna": acme.user("anna@example.test", title="Old", nickName="Annie"),
            "bert": acme.user("Bert@example.test", externalId="00u1another"),
            "carl": acme.user("carl@example.test"),
            "carl.old": acme.user("carl.old@example.test", externalId=people.ids["carl"]),
            "eve": acme.user("eve@example.test", externalId="00u9another", title="Stays")}
    agent.configure(people.write().source(), acme, guard)
    return made


def test_review_list_then_all_exact_then_the_ambiguous_one_3_2(agent, people, acme):
    assert "Nothing waits" in agent.configure(people.write().source(), acme).run("adopt").stdout
    made = full(agent, people, acme)
    run = agent.sync(code=4)
    assert run["created"] == 1 and run["held"] == 3
    rows = {r["name"]: r for r in agent.json("adopt", "--list")["adoptions"]}
    assert {n: r["match"] for n, r in rows.items()} == {
        "anna@example.test": "address", "bert@example.test": "takeover", "carl@example.test": "ambiguous"}
    assert rows["bert@example.test"]["candidates"] == [{
        "key": made["bert"]["id"], "by": "name", "name": "Bert@example.test", "external": "00u1another"}]
    assert [c["key"] for c in rows["carl@example.test"]["candidates"]] == [made["carl.old"]["id"], made["carl"]["id"]]
    assert rows["anna@example.test"]["dn"].startswith("CN=anna,OU=People")
    text = agent.run("adopt", "--list").stdout
    assert "00u1another is not ours and is replaced" in text and "AMBIGUOUS" in text and "3 wait, 1 of them ambiguous" in text

    assert agent.json("adopt", "--all-exact") == {"approved": 2}
    assert agent.json("adopt", "--all-exact") == {"approved": 0}
    assert "approved, the next sync adopts it" in agent.run("adopt").stdout
    run = agent.sync(code=4)
    assert run["adopted"] == 2 and run["held"] == 1
    anna, bert = one(acme, "anna"), one(acme, "bert")
    assert (anna["id"], anna["externalId"], anna["title"], anna["nickName"]) == (
        made["anna"]["id"], people.ids["anna"], "Chief", "Annie")
    assert (bert["id"], bert["externalId"]) == (made["bert"]["id"], people.ids["bert"])

    assert "several objects" in agent.run("adopt", "carl", code=2).stderr
    assert "none of what was found" in agent.run("adopt", "carl", "nonsense", code=2).stderr
    assert "nothing at the target" in agent.run("adopt", "dora", code=2).stderr
    assert agent.json("adopt", f"CN=carl,OU=People,DC=example,DC=test", made["carl"]["id"]) == {"approved": 1}
    assert agent.sync()["adopted"] == 1
    assert one(acme, "carl")["externalId"] == people.ids["carl"]
    eve = one(acme, "eve")
    assert eve["meta"]["version"] == made["eve"]["meta"]["version"], "what is not ours is not touched (I2)"
    assert agent.json("adopt")["adoptions"] == []


def test_adopt_yes_stops_at_the_limit_8_1(agent, people, acme):
    full(agent, people, acme, ' guard { adopt = "1" }')
    with open(agent.conf) as f:
        text = f.read()
    with open(agent.conf, "w") as f:
        f.write(text.replace('type = "scim"', 'type = "scim"  adopt = "yes"'))
    run = agent.sync(code=4)
    assert run["adopted"] == 1 and run["held"] == 2
    assert agent.sync(code=4)["adopted"] == 0, "a day has one"
    agent.run("release", str(run["run"]))
    run = agent.sync(code=4)
    assert run["adopted"] == 1 and run["held"] == 1, "what is ambiguous is not released by number"
    assert {r["match"] for r in agent.json("adopt")["adoptions"]} == {"ambiguous"}


@pytest.mark.parametrize("words", [["--all"], ["a", "b", "c"], ["--list", "x"]])
def test_usage_is_exit_2(agent, people, acme, words):
    agent.configure(people.write().source(), acme)
    assert "--all-exact" in agent.run("adopt", *words, code=2).stderr
