"""A hold lasts until it is released or not wanted any more, whatever befalls the runs in between (S1.14, 8.4)."""
import os
import signal
import sqlite3
import subprocess

import pytest

from smalldir import SmallDirectory
from agentd import until

WHY = "mail: disable of users: 3 at once, the limit is 1"


@pytest.fixture
def holding(agent, acme):
    """Three of ten have left, which the guard holds back."""
    agent.people = SmallDirectory(agent.path("people.ldif"))
    for i in range(10):
        agent.people.user(f"user{i}", title="Clerk")
    agent.configure(agent.people.write().source(), acme, " guard { floor = 0  disable = 1 }")
    agent.sync()
    for i in range(3):
        agent.people.drop(f"user{i}")
    agent.people.write()
    agent.sync(code=4)
    assert told(agent) == (4, 3, WHY, None)
    return agent


def told(agent):
    """What status says of the target and history of its last run that ended, which is the same."""
    target, = agent.json("status", code=(0, 1))["targets"]
    run = next(r for r in agent.json("history")["runs"] if r["ended"])
    assert not target["in_lockstep"]
    assert all(target.get(k) == run.get(k) for k in ("run", "exit", "held", "held_why", "message"))
    return target["exit"], target["held"], target.get("held_why"), target.get("message")


def test_8_4_another_trouble_does_not_hide_why_the_guard_holds(holding, cloud, acme):
    port = cloud.port
    cloud.stop()
    # this one does not come to the guard, the next one does
    holding.sync("--full", code=5)
    *hold, first = told(holding)
    holding.people.set("user9", title="Chief")
    holding.people.write()
    holding.sync(code=5)
    *again, second = told(holding)
    assert hold == again == [5, 3, WHY] and f"127.0.0.1:{port}" in first and f"127.0.0.1:{port}" in second
    text = holding.run("status", code=1).stdout
    assert WHY in text and first in text and "held back: 3 operations" in text
    line = holding.run("history").stdout.splitlines()[0]
    assert WHY in line and second in line
    cloud.start(port=port)
    run = holding.sync(code=4)
    assert run["updated"] == 1 and told(holding) == (4, 3, WHY, None)
    assert holding.json("release", str(run["run"]))["released"] == 3
    assert holding.sync()["disabled"] == 3
    assert len(acme.find("/Users", "active eq true")) == 7


def test_8_4_a_killed_run_hides_nothing_of_a_hold(holding, cloud, acme):
    """Neither while it goes on: who looks then sees how it was, not that all is well."""
    cloud.process.send_signal(signal.SIGSTOP)
    try:
        run = subprocess.Popen(holding.command("sync", "--full"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: begun(holding))
        assert told(holding) == (4, 3, WHY, None)
        run.kill()
        run.wait()
    finally:
        cloud.process.send_signal(signal.SIGCONT)
    assert told(holding) == (4, 3, WHY, None)
    number = holding.json("history")["runs"][0]["run"]
    assert holding.json("release", str(number))["released"] == 3
    assert holding.sync()["disabled"] == 3
    assert len(acme.find("/Users", "active eq true")) == 7


def test_9_3_an_undo_looks_at_a_part_and_ends_no_hold(holding, acme):
    holding.people.set("user9", title="Chief")
    holding.people.write()
    run = holding.sync(code=4)["run"]
    holding.run("undo", str(run))
    assert [u["title"] for u in acme.find("/Users", 'userName eq "user9@example.test"')] == ["Clerk"]
    assert told(holding) == (0, 3, WHY, None)
    assert holding.sync(code=4)["held"] == 3


def begun(agent):
    with sqlite3.connect(os.path.join(agent.path("state"), "target-hosted.db"), timeout=30) as db:
        return db.execute("SELECT count(*) FROM run WHERE ended IS NULL").fetchone()[0]
