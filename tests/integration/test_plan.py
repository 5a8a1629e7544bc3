"""Plans that somebody approves: `plan --out`, `apply` (SEMANTICS 9.1, 9.2), by the programs against the hosted side."""
import os
import pty
import stat
import subprocess

import pytest

from agent_fixtures import BIN
from test_cli import BASE, Tree

HEAD = f"dn: {BASE}\nobjectClass: domainDNS\nobjectGUID:: ZG9tYWluX19fX19fX19fXw==\n\n" \
       f"dn: OU=People,{BASE}\nobjectClass: organizationalUnit\nobjectGUID:: cGVvcGxlX19fX19fX19fXw==\n\n"


class Small(Tree):
    """A few people, edited by name."""

    def __init__(self, path, *names):
        with open(path, "w") as f:
            f.write(HEAD)
        super().__init__(path)
        for name in names:
            self.person(name)
        self.write()

    def person(self, name, **values):
        self.records = [r for r in self.records if not r.startswith(f"dn: CN={name},".encode())]
        values = {"mail": f"{name}@example.test", "title": "Clerk", **values}
        self.add(name, *(f"{k}: {v}" for k, v in values.items()))

    def leave(self, name):
        assert self.drop(lambda r: r.startswith(f"dn: CN={name},".encode())) == 1


@pytest.fixture
def small(agent, acme):
    agent.tree = Small(agent.path("d.ldif"), "anna", "bert", "carl")
    agent.configure(f"type = \"ldif\"  file = \"d.ldif\"  base = '{BASE}'", acme)
    agent.sync()
    agent.plan = agent.path("a.plan")
    return agent


def users(client):
    return {u["userName"].split("@")[0]: u for u in client.find("/Users", 'userName pr')}


def change(agent):
    agent.tree.person("anna", title="Chief")
    agent.tree.person("bert", mail="robert@example.test")
    agent.tree.person("dora")
    agent.tree.leave("carl")
    agent.tree.write()


def test_plan_9_1_file_is_readable_the_surprising_first(small):
    change(small)
    out = small.run("plan", "--out", small.plan)
    assert "lockstep apply" in out.stdout
    assert stat.S_IMODE(os.stat(small.plan).st_mode) == 0o600
    with open(small.plan) as f:
        text = f.read()
    order = [text.index(x) for x in ("disable  user carl@example.test", "rename   user bert@example.test",
                                     'update   user anna@example.test', 'title: "Clerk" -> "Chief"',
                                     "create   user dora@example.test", 'userName: "dora@example.test"')]
    assert order == sorted(order)
    assert 'userName: "bert@example.test" -> "robert@example.test"' in text
    assert text.index("user        1 create") < order[0], "totals first"
    again = small.run("plan", "--out", small.plan, code=2)
    assert "--force" in again.stderr
    small.run("plan", "--out", small.plan, "--force")
    assert [x for x in os.listdir(small.folder) if x.startswith("a.plan.")] == []


def test_apply_9_2_that_and_only_that(small, acme):
    change(small)
    made = small.json("plan", "--out", small.plan)
    assert made["file"] == small.plan and len(made["digest"]) == 64
    update = next(o for o in made["operations"] if o["name"] == "anna@example.test")
    assert update["before"] == {"title": ["Clerk"]} and update["attributes"] == {"title": ["Chief"]}
    small.tree.person("emil")
    small.tree.write()
    run = small.json("apply", small.plan)
    assert (run["kind"], run["created"], run["updated"], run["disabled"], run["waiting"]) == ("apply", 1, 2, 1, 1)
    there = users(acme)
    assert there["anna"]["title"] == "Chief" and not there["carl"]["active"] and "emil" not in there
    status = small.json("status", code=1)["targets"][0]
    assert not status["in_lockstep"] and status["waiting"] == 1
    assert small.sync()["created"] == 1
    assert small.json("status")["targets"][0]["waiting"] == 0
    runs = small.json("history")["runs"]
    assert [r["kind"] for r in runs][:3] == ["delta", "apply", "plan"]


def test_apply_9_2_outdated_names_the_objects_and_does_nothing(small, acme):
    change(small)
    small.run("plan", "--out", small.plan)
    small.tree.person("anna", title="Director")
    small.tree.write()
    run = small.json("apply", small.plan, code=1)
    assert run["error"]["code"] == "plan-outdated"
    assert [n["object"] for n in run["notes"]] == ["anna@example.test"]
    assert "title = Chief" in run["notes"][0]["text"] and "title = Director" in run["notes"][0]["text"]
    assert "dora" not in users(acme)
    text = small.run("apply", small.plan, code=1)
    assert "differs anna@example.test: planned: update" in text.stdout and "make a new plan" in text.stderr


@pytest.mark.parametrize("spoil,code", [
    (lambda t: t.replace('"Chief"', '"Thief"'), "plan-changed"),
    (lambda t: t[:len(t) // 2], "not-a-plan"),
    (lambda t: t[:-10], "not-a-plan"),
    (lambda t: "", "not-a-plan"),
    (lambda t: t + "\n", "not-a-plan"),
    (lambda t: t.replace("Lockstep plan of 2", "Lockstep plan of 3"), "plan-changed"),
])
def test_apply_9_1_file_that_was_edited_or_cut(small, spoil, code):
    change(small)
    small.run("plan", "--out", small.plan)
    with open(small.plan) as f:
        text = f.read()
    assert spoil(text) != text
    with open(small.plan, "w") as f:
        f.write(spoil(text))
    assert small.json("apply", small.plan, code=2)["error"]["code"] == code


def test_apply_9_1_edited_with_a_new_digest_is_known_by_no_state(small, acme):
    import hashlib
    change(small)
    small.run("plan", "--out", small.plan)
    with open(small.plan, "rb") as f:
        body = f.read()[:-72].replace(b"anna", b"abba")
    with open(small.plan, "wb") as f:
        f.write(body + b"digest " + hashlib.sha256(body).hexdigest().encode() + b"\n")
    assert small.json("apply", small.plan, code=2)["error"]["code"] == "plan-unknown"
    assert "dora" not in users(acme)


def test_apply_9_1_other_configuration_or_state(small, acme):
    change(small)
    small.run("plan", "--out", small.plan)
    with open(small.conf) as f:
        conf = f.read()
    with open(small.conf, "w") as f:
        f.write(conf.replace('to = "hosted"', 'to = "hosted"  guard { delete = "3" }'))
    assert small.json("apply", small.plan, code=2)["error"]["code"] == "plan-configuration"
    with open(small.conf, "w") as f:
        f.write(conf)
    os.rename(small.path("state"), small.path("old"))
    assert small.json("apply", small.plan, code=2)["error"]["code"] == "plan-unknown"
    subprocess.run(["rm", "-rf", small.path("state")], check=True)
    os.rename(small.path("old"), small.path("state"))
    # the same configuration by another path
    done = subprocess.run([os.path.join(BIN, "lockstep"), "-c", "lockstep.conf", "apply", "a.plan"], cwd=small.folder,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert users(acme)["anna"]["title"] == "Chief"


def test_apply_9_2_held_stays_held_unless_released(small, acme):
    with open(small.conf) as f:
        conf = f.read()
    with open(small.conf, "w") as f:
        f.write(conf.replace('to = "hosted"', 'to = "hosted"  guard { disable = "1" }'))
    for name in ("bert", "carl"):
        small.tree.leave(name)
    small.tree.write()
    small.run("plan", "--out", small.plan, code=4)
    with open(small.plan) as f:
        assert "HELD disable  user bert@example.test (guard)" in f.read()
    assert small.json("apply", small.plan, code=4)["held"] == 2
    assert small.json("apply", small.plan, "--release")["disabled"] == 2
    assert not users(acme)["bert"]["active"]


def test_apply_9_2_what_somebody_else_changed_there_is_left(small, acme):
    change(small)
    small.run("plan", "--out", small.plan)
    anna = users(acme)["anna"]
    acme("PATCH", f"/Users/{anna['id']}", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                                          "Operations": [{"op": "replace", "path": "title", "value": "Mine"}]})
    run = small.json("apply", small.plan, code=1)
    assert (run["created"], run["updated"], run["failed"]) == (1, 1, 1)
    assert users(acme)["anna"]["title"] == "Mine"
    failure = small.json("status", code=1)["targets"][0]["failures"][0]
    assert (failure["object"], failure["code"]) == ("anna@example.test", "changed-there")


def on_terminal(agent, *words, **env):
    master, slave = pty.openpty()
    p = subprocess.Popen([os.path.join(BIN, "lockstep"), "-c", agent.conf, *words], stdout=slave, stderr=slave,
                         env={**os.environ, "TERM": "xterm", **env})
    os.close(slave)
    out = b""
    try:
        while chunk := os.read(master, 65536):
            out += chunk
    except OSError:                       # the other end is closed
        pass
    os.close(master)
    p.wait()
    return out


def test_plan_9_1_colour_on_terminals_that_want_it(small):
    change(small)
    assert b"\x1b[31mdisable" in on_terminal(small, "plan", "-q")
    assert b"\x1b[3" not in on_terminal(small, "plan", "-q", NO_COLOR="1")
    assert b"\x1b[3" not in on_terminal(small, "plan", "-q", TERM="dumb")
    assert "\x1b" not in small.run("plan").stdout


def test_9_1_offline_shows_what_a_change_of_configuration_would_do(agent, acme):
    from smalldir import SmallDirectory
    people = SmallDirectory(agent.path("people.ldif"))
    people.user("anna", title="Chief")
    people.user("bert", title="Clerk")
    agent.configure(people.write().source(), acme)
    agent.sync()
    people.drop("bert")
    people.write()
    agent.configure(people.source(), acme, sync=" user { map { title = 'Upper(title)' } }")
    plan = agent.json("plan", "--offline")
    assert [(o["op"], o["attributes"]) for o in plan["operations"]] == [
        ("update", {"title": ["CHIEF"]}), ("update", {"title": ["CLERK"]})], "what left since is not seen"
    assert "read" in agent.run("plan", "--offline", "--full", code=2).stderr
    agent.configure(people.source(), acme, sync=" user { map { title = 'division' } }")
    said = agent.json("plan", "--offline", code=2)["error"]
    assert said["code"] == "not-read" and "division" in said["message"]
    agent.configure(people.source(), acme)
    run = agent.sync()
    assert run["updated"] == 0 and run["disabled"] == 1
