"""Commands without an end, by the service for its group: `history --follow` and `watch` (issue 4)."""
import json
import os
import re
import signal

from agentd import WAIT, until
from fakescim import FakeScim
from test_agent_group import QUIET, come, member, pytestmark, running, service, words_of  # noqa: F401


def followed(process):
    """Lines up to the end of a run."""
    lines = [json.loads(process.stdout.readline())]
    while not lines[-1].get("run", {}).get("ended"):
        lines.append(json.loads(process.stdout.readline()))
    return lines


def looks(pid):
    """Is it one that follows, and has seen what is there already?"""
    try:
        if b"--follow" not in words_of(pid):
            return False
        return any(os.readlink(f"/proc/{pid}/fd/{n}").endswith("/target-hosted.db") for n in os.listdir(f"/proc/{pid}/fd"))
    except (FileNotFoundError, ProcessLookupError):
        return False


def following(service, count):
    until(lambda: len([j for j in service.jobs() if "--follow" in j["command"]]) == count ==
          len([p for p in service.children() if looks(p)]))


def test_the_group_follows_history(running, member):
    """Several at once; each ends with its client, and a signal to the client is the client's."""
    watchers = [member.start("history", "--follow", "--json") for _ in range(3)]
    following(running, 3)
    come(running, "new")
    member.run("sync")
    for w in watchers:
        lines = followed(w)
        assert [x["operation"]["op"] for x in lines if "operation" in x] == ["create"] and lines[-1]["run"]["exit"] == 0
    for w, how, left in zip(watchers, (signal.SIGINT, signal.SIGKILL, signal.SIGTERM), (2, 1, 0)):
        w.send_signal(how)
        assert w.wait(WAIT) == -how
        following(running, left)
    for w in watchers:
        w.communicate()
    watcher = member.start("history", "--follow")
    following(running, 1)
    assert running.end() == 0
    assert "is being stopped" in watcher.communicate(timeout=WAIT)[1] and watcher.returncode == 1


def test_followers_are_limited_and_cost_no_memory(service, acme, member, monkeypatch):
    """Eight at most; one that does not read makes its own child wait, nobody else."""
    monkeypatch.setenv("ASAN_OPTIONS", "quarantine_size_mb=1")     # which would count as memory
    service.configure(service.people.source(), acme, QUIET).start().synced()
    service.idle()
    talks = []
    for _ in range(8):
        talks.append(service.talk())
        assert talks[-1].ask(command=["history", "--follow"], json=True)["state"] == "waiting"
    following(service, 8)
    refused = member.run("history", "--follow", code=2)
    assert "try again when one of them has ended" in refused.stderr
    talks.pop().close()
    following(service, 7)
    watcher = member.start("history", "--follow", "--json")
    following(service, 8)
    before = service.memory()
    come(service, *(f"many{i}" for i in range(1500)), title="t" * 5000)    # 7 MB for each
    assert member.json("sync")["created"] == 1500
    assert len([x for x in followed(watcher) if "operation" in x]) == 1500
    assert service.memory() < before + 30000
    watcher.kill()
    watcher.communicate()
    for t in talks:
        t.close()
    following(service, 0)


def test_following_goes_on_with_what_is_in_force(running, member):
    running.edit("from =", "form =")
    os.chmod(running.agent.conf, 0o644)
    watcher = member.start("--control", running.control, "history", "--follow")
    following(running, 1)
    watcher.kill()
    assert "goes on with the configuration" in watcher.communicate()[1]


def test_the_group_watches_a_source(running, member):
    """By the service, which may read it; it ends with its client."""
    watcher = member.start("watch", "company", "--json")
    assert json.loads(watcher.stdout.readline()) == {"watching": True}
    come(running, "new")
    assert json.loads(watcher.stdout.readline())["changed"] is True
    watcher.send_signal(signal.SIGINT)
    assert watcher.wait(WAIT) == -signal.SIGINT
    watcher.communicate()
    running.idle()
    assert 'no source "nothing"' in member.run("watch", "nothing", code=2).stderr


def test_history_of_several_targets_names_each(service, member, acme):
    """Runs are numbered by each target for itself: every line says whose it is; --target leaves it at one."""
    with FakeScim() as other:
        token = service.agent.secret("other-token", other.token)
        service.configure(service.people.source(), acme, QUIET, more=(
            f'target "second" {{ type = "scim"  url = "{other.url}"  token_file = "{token}" }}\n'
            'sync "aside" { from = "company"  to = "second"\n schedule { every = "1d"  on_change = "no" } }\n'))
        service.start().idle()
        until(lambda: {r["target"] for r in member.json("history")["runs"]} == {"hosted", "second"})
        service.idle()
        number = str(next(r["run"] for r in member.json("history")["runs"] if r["target"] == "second"))
        runs = member.run("history").stdout.splitlines()
        assert runs and all(re.search(r"^ *\d+  (hosted|second)  2", line) for line in runs)
        lines = [x for x in member.run("history", number).stdout.splitlines() if " create " in x]
        for target in ("hosted", "second"):
            assert len([x for x in lines if f"  {target}  create user u" in x]) == 5, lines
            only = member.run("history", number, "--target", target).stdout
            assert only.count(f"  {target}  create user") == 5 == only.count(" create ")
            assert {o["target"] for o in member.json("history", number, "--target", target)["operations"]} == {target}
            assert {o["target"] for o in member.json("history", "--target", target)["runs"]} == {target}
        assert member.json("history", "--target", "nowhere", code=2)["error"]["code"] == "bad-usage"
        watcher = member.start("history", "--follow", "--json", "--target", "hosted")
        text = member.start("history", "--follow")
        following(service, 2)
        come(service, "new")
        member.run("sync")
        assert {x.get("target", x.get("run", {}).get("target")) for x in followed(watcher)} == {"hosted"}
        lines = [text.stdout.readline()]
        while {(x.split() + ["", ""])[1] for x in lines if "  exit 0" in x} != {"hosted", "second"}:
            lines.append(text.stdout.readline())
        assert all(re.search(r"  (hosted|second)  ", x) for x in lines if re.match(r"\s*\d", x)), lines
        for w in (watcher, text):
            w.kill()
            w.communicate()
