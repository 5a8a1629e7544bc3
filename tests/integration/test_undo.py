"""`undo`, `unpin` and pins in `status` and `explain` (SEMANTICS 9.3), by the programs against the hosted side."""
import json
import subprocess
import time

from agentd import WAIT
from test_plan import small, users  # noqa: F401  (a fixture)


def groups(client):
    return {g["displayName"]: g for g in client.find("/Groups", 'displayName pr')}


def notes(run, what):
    return {n["object"].split("@")[0]: n["text"] for n in run["notes"] if n["what"] == what}


def mistake(agent):
    """A run with a change of each kind; its number."""
    agent.tree.person("anna", title="Chief")
    agent.tree.person("bert", mail="robert@example.test")
    agent.tree.person("dora")
    agent.tree.leave("carl")
    agent.tree.write()
    return str(agent.sync()["run"])


def as_before(acme):
    there = users(acme)
    assert (there["anna"]["title"], there["anna"]["active"]) == ("Clerk", True)
    assert there["carl"]["active"] and "bert" in there and "robert" not in there
    assert not there["dora"]["active"]


def test_undo_9_3_and_the_next_runs_do_not_redo_it(small, acme):  # noqa: F811
    run = mistake(small)
    seen = small.json("undo", run, "--dry-run")
    assert notes(seen, "undo")["anna"] == "update user: title: Chief -> Clerk"
    assert notes(seen, "undo")["dora"] == "disable user"
    assert users(acme)["anna"]["title"] == "Chief", "shown, not done"
    assert small.json("status")["targets"][0]["pinned"] == 0
    done = small.json("undo", run)
    assert (done["kind"], done["updated"], done["enabled"], done["disabled"]) == ("undo", 2, 1, 1)
    as_before(acme)
    for again in ("sync", "sync --full"):
        r = small.json(*again.split())
        assert r["updated"] + r["created"] + r["enabled"] + r["disabled"] == 0
    as_before(acme)
    assert small.json("history")["runs"][2]["kind"] == "undo"
    status = small.json("status")["targets"][0]
    assert status["pinned"] == 4 and {p["run"] for p in status["pins"]} == {int(run)}
    assert "PINNED user anna@example.test" in small.run("status").stdout
    assert small.json("explain", "anna@example.test")["results"][0]["pinned"] == int(run)
    # asked for again: nothing is left to do
    again = small.json("undo", run)
    assert (again["exit"], again["updated"], again["notes"]) == (0, 0, [])


def test_undo_9_3_pins_end(small, acme):  # noqa: F811
    run = mistake(small)
    small.run("undo", run)
    small.tree.person("anna", title="Director")          # something else is wanted
    small.tree.write()
    assert small.sync()["updated"] == 1
    assert users(acme)["anna"]["title"] == "Director"
    assert small.json("unpin", "robert@example.test")["unpinned"] == 1
    assert small.json("unpin", "nobody@example.test", code=1)["error"]["code"] == "no-entry"
    assert small.sync()["updated"] == 1
    assert "robert" in users(acme)
    assert small.json("unpin", "--all")["unpinned"] == 2
    r = small.sync()
    assert (r["enabled"], r["disabled"]) == (1, 1)
    there = users(acme)
    assert there["dora"]["active"] and not there["carl"]["active"]
    assert small.json("status")["targets"][0]["pinned"] == 0
    assert "Nothing was pinned" in small.run("unpin", "--all").stdout


def test_undo_9_3_what_was_touched_since_is_named_and_left(small, acme):  # noqa: F811
    run = mistake(small)
    small.tree.person("anna", title="Director")
    small.tree.write()
    small.sync()
    bert = users(acme)["robert"]
    acme("PATCH", f"/Users/{bert['id']}", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                                          "Operations": [{"op": "replace", "path": "userName", "value": "mine@x.test"}]})
    done = small.json("undo", run, code=1)
    assert set(notes(done, "left")) == {"anna", "robert"}
    there = users(acme)
    assert there["anna"]["title"] == "Director" and "mine" in there and there["carl"]["active"]
    r = small.sync()
    assert r["updated"] + r["failed"] == 0


def test_undo_9_3_deleted_group_comes_back_with_its_members(small, acme):  # noqa: F811
    small.tree.add("staff", f"member: CN=anna,OU=People,DC=example,DC=test",
                   f"member: CN=bert,OU=People,DC=example,DC=test", kind="group")
    small.tree.write()
    small.sync()
    members = {m["value"] for m in groups(acme)["staff"]["members"]}
    small.tree.leave("staff")
    small.tree.write()
    r = small.sync()
    assert r["deleted"] == 1
    done = small.json("undo", str(r["run"]))
    assert (done["created"], done["members_added"]) == (1, 2)
    assert "made anew" in notes(done, "lost")["staff"]
    assert {m["value"] for m in groups(acme)["staff"]["members"]} == members


def test_undo_9_3_errors(small):  # noqa: F811
    assert small.json("undo", "99", code=2)["error"]["code"] == "nothing-to-undo"
    assert small.json("undo", "1", "--target", "nowhere", code=2)["error"]["code"] == "bad-usage"
    small.run("undo", code=2)
    small.run("undo", "one", code=2)
    small.run("unpin", code=2)
    assert small.json("undo", "1")["disabled"] == 3, "even the first run can be taken back"


def unlocked(agent, *words):
    """A command, when the connectors of a run that was killed have let go of its lock."""
    end = time.monotonic() + WAIT
    while True:
        done = subprocess.run(agent.command(*words), capture_output=True, text=True)
        if "another run works on" not in done.stderr or time.monotonic() > end:
            break
        time.sleep(0.05)
    assert done.returncode == 0, done.stderr


def test_undo_9_3_killed_at_any_moment(small, acme):  # noqa: F811
    """Whatever was done when it died: asked for again, or finished by the next sync."""
    names = [f"p{i}" for i in range(60)]
    for name in names:
        small.tree.person(name)
    small.tree.write()
    small.sync()
    for name in names:
        small.tree.person(name, title="Chief")
    small.tree.write()
    run = str(small.sync()["run"])
    for delay in (0.004, 0.01, 0.02, 0.03, 0.05):
        subprocess.run(["timeout", "-s", "KILL", str(delay), *small.command("undo", run)], capture_output=True)
    unlocked(small, "sync")
    unlocked(small, "undo", run)
    titles = {u.get("title") for u in users(acme).values()}
    assert titles == {"Clerk"}
    assert json.loads(small.run("sync", "--json").stdout)["updated"] == 0
