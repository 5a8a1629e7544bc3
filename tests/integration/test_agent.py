"""lockstepd as a service: when it runs a sync, and what it does on demand."""
import fcntl
import json
import os
import re
import signal
import sqlite3
import subprocess
import time

import pytest

from agent_fixtures import BIN
from agentd import WAIT, until
from agentd_fixtures import appears, people, slow  # noqa: F401
from fakescim import FakeScim
from smalldir import SmallDirectory


# --- when ---

def test_first_sync_and_floor(agentd, people, acme):
    """S1.7: it begins by itself, and runs at least so often where nothing tells of changes."""
    agentd.configure(people.source(), acme, 'every = "1s"  on_change = "no"').start()
    appears(acme, "u0", "u4")
    first = agentd.synced()
    assert first["why"] in ("start", "every")
    assert agentd.status()["watching"] == []
    people.user("late")
    people.write()
    appears(acme, "late")
    assert agentd.synced(first["started"])["why"] == "every"
    assert agentd.end() == 0


def test_change(agentd, people, acme):
    """S1.7: what the directory tells of is done at once, long before the floor."""
    agentd.configure(people.source(), acme, 'every = "1d"').start()
    appears(acme, "u0")
    agentd.watching()
    for name in ("one", "two"):
        people.user(name)
        people.write()
        appears(acme, name)
    assert agentd.idle().last()["why"] == "change"
    assert agentd.end() == 0
    assert agentd.agent.sync()["created"] == 0


def test_disable_overtakes_a_long_run(agentd, people):
    """I5: what the directory says while a long run goes on is told to the run; it does not wait for its end."""
    with FakeScim() as service:
        agentd.configure(people.source(), service, 'every = "1d"').start()
        until(lambda: len(service.users) == 5)
        agentd.watching()
        service.fault("POST /Users", "delay", 1, times=100000)      # all of them would take a minute
        for i in range(1000):
            people.user(f"long{i}")
        people.write()
        until(lambda: len(service.users) > 10)
        people.set("u0", userAccountControl="514")
        people.write()
        until(lambda: [u for u in list(service.users.values()) if u["active"] is False])
        assert len(service.users) < 1005
        service.faults.clear()
        agentd.end()


def test_full_by_time_of_day_is_announced(agentd, people, acme):
    agentd.configure(people.source(), acme, 'every = "30d"  on_change = "no"  full_at = "03:00"').start()
    agentd.synced()
    sync = agentd.idle().status()["syncs"][0]
    assert sync["why"] == "full" and sync["next"] > time.time()


def test_a_full_compare_that_was_missed_is_made_up_for_once(agentd, people, acme):
    """S1.7: its time of day passed while no service ran."""
    noon = time.strftime("%H:%M", time.localtime(time.time() + 12 * 3600))
    agentd.configure(people.source(), acme, f'every = "30d"  on_change = "no"  full_at = "{noon}"').start().synced()
    planned = agentd.idle().status()["syncs"][0]
    assert planned["why"] == "full" and planned["next"] > time.time() + 3600
    assert agentd.end() == 0
    db = sqlite3.connect(agentd.agent.path("state/agent.db"))
    with db:
        assert db.execute("UPDATE fact SET value = value - 3 * 86400 WHERE name = 'full/hosted'").rowcount == 1
    db.close()
    agentd.start().synced()
    planned = agentd.idle().status()["syncs"][0]
    # the moment is left to chance, and may have been at once
    assert (planned["why"] == "full" and planned["next"] <= time.time() + 601) or planned["last"]["full"]
    agentd.agent.sync("--full")
    assert agentd.end() == 0
    agentd.start().synced()
    assert agentd.idle().status()["syncs"][0]["next"] > time.time() + 3600


def test_retries_when_the_target_is_away(agentd, people, cloud, acme):
    """7.3: it is tried again by itself, with growing pauses; on demand at once, and the next one is as ever."""
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"')
    port = cloud.port
    cloud.stop()
    agentd.start()
    until(lambda: agentd.last().get("exit") == 5, "no failed run")
    sync = agentd.idle().status()["syncs"][0]
    assert sync["why"] == "retry" and sync["last"]["code"] and sync["last"]["message"]
    cloud.start(port=port)
    agentd.agent.run("sync")
    assert agentd.synced() and agentd.status()["syncs"][0]["why"] == "every"


# --- on demand ---

def test_a_connector_that_dies_while_it_tells_its_options_is_no_bad_configuration(agentd, people, slow):
    """7.3: nobody has to mend anything, so it is tried again soon, not by the next `every`."""
    flag, program = agentd.agent.path("once"), agentd.agent.path("dies")
    with open(program, "w") as f:
        f.write(f'#!/bin/sh\n[ "$1" = --describe ] && rm {flag} 2>/dev/null && kill -9 $$\nexec {BIN}/lockstep-target-scim "$@"\n')
    os.chmod(program, 0o755)
    slow.gate.opened.set()
    agentd.configure(people.source(), slow, 'every = "1d"  on_change = "no"')
    agentd.edit('type = "scim"  url = ', f'type = "exec"  command = "{program}"  options {{ url = ')
    agentd.edit('/token" ', '/token" }')
    first = agentd.start().synced()
    agentd.idle()                       # what the service asks for its alerts asks for the options, too
    with open(flag, "w"):
        pass
    agentd.agent.run("sync", code=2)
    assert agentd.synced(first["started"])["why"] == "retry"


def test_commands_through_the_daemon(agentd, people, acme):
    """Every command that writes is done by the daemon; its output and exit code are what they are without."""
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start()
    agentd.synced()
    agentd.idle()
    for name in ("new", "newer"):
        people.user(name)
    people.write()
    said = agentd.agent.run("sync")
    assert "created 2" in said.stdout and said.stdout.endswith("In lockstep.\n")
    assert agentd.last()["why"] == "cli"
    ended = agentd.began()[-1]
    assert ended["command"] == "sync" and ended["by"] == os.popen("id -un").read().strip()
    assert agentd.agent.sync("mail", "--full")["kind"] == "full"
    assert agentd.last()["full"] is True
    assert agentd.agent.run("plan").stdout == "Plan for hosted: nothing to do.\n"
    wrong = [agentd.agent.run("release", "999", *more, code=2) for more in ([], ["--direct"])]
    assert wrong[0].stderr == wrong[1].stderr and wrong[0].stderr
    assert agentd.agent.run("sync", "nobody", code=2).stderr == agentd.agent.run(
        "sync", "nobody", "--direct", code=2).stderr
    jobs = len(agentd.began())
    agentd.agent.run("sync", "--direct")
    agentd.agent.run("history"), agentd.agent.run("explain", "u0@example.test"), agentd.agent.run("check")
    assert len(agentd.began()) == jobs, "reading needs no daemon, --direct none at all"


def test_exit_codes(agentd, people, cloud, acme):
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"', sync=' guard { floor = 0  disable = 1 }')
    agentd.start().synced()
    agentd.idle()
    for i in range(3):
        people.drop(f"u{i}")
    people.write()
    held = agentd.agent.sync(code=4)
    assert held["held"] == 3
    assert agentd.agent.json("release", str(held["run"]))["released"] == 3
    assert agentd.agent.sync()["disabled"] == 3
    cloud.stop()
    people.user("more")
    people.write()
    assert agentd.agent.sync(code=5)["error"]["message"]
    os.rename(people.path, people.path + ".away")
    assert agentd.agent.run("sync", code=3).stderr
    assert agentd.agent.run("status", code=1).stdout.count("lockstepd: runs") == 1


def test_events_come_out(agentd, people, acme):
    """What a run says on its way is what one here would say."""
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start().synced()
    agentd.idle()
    people.user("new")
    people.write()
    said = agentd.agent.run("sync", "--verbose").stderr
    assert re.search(r"^done: .*new", said, re.M), said


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_what_a_run_on_demand_says_is_known(agentd, people, cloud, acme, words):
    """The daemon knows the result of a run whose output it hands on: its error, and when something falls due."""
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"',
                     sync='user { leave = "grace"  grace = "2h" }').start().synced()
    agentd.idle()
    people.drop("u0")
    people.write()
    agentd.agent.run("sync", *words)
    sync = agentd.idle().status()["syncs"][0]
    assert sync["why"] == "due" and time.time() < sync["next"] < time.time() + 3 * 3600
    cloud.stop()
    people.user("more")
    people.write()
    agentd.agent.run("sync", *words, code=5)
    last = agentd.idle().last()
    assert last["why"] == "cli" and last["exit"] == 5 and last["code"] not in ("", "failed")


def test_runs_that_share_nothing_go_on_at_once(agentd, people, tmp_path, acme, slow):
    other = SmallDirectory(tmp_path / "other.ldif")
    other.user("elsewhere")
    other.write()
    token = agentd.agent.secret("other-token", acme.token)
    more = (f'source "second" {{ {other.source()} }}\n'
            f'target "third" {{ type = "scim"  url = "http://127.0.0.1:{acme.port}/scim/v2"  token_file = "{token}" }}\n'
            'sync "aside" { from = "second"  to = "third" }\n')
    agentd.configure(people.source(), slow, 'every = "1d"  on_change = "no"', more=more).start()
    assert slow.gate.reached.wait(WAIT)
    appears(acme, "elsewhere")
    assert agentd.agent.sync("aside")["exit"] == 0
    running = [j["command"] for j in agentd.jobs() if j["state"] == "running"]
    assert running == ["sync mail"] and not slow.gate.opened.is_set()


def test_a_plan_and_its_application_take_their_turn(agentd, people, slow):
    """plan --out and apply wait for what writes, and are waited for; their file is written and read by the caller."""
    agentd.configure(people.source(), slow, 'every = "1d"  on_change = "no"').start()
    assert slow.gate.reached.wait(WAIT)
    plan = agentd.agent.path("plan")
    planning = subprocess.Popen(agentd.agent.command("plan", "--out", plan), stdout=subprocess.DEVNULL)
    until(lambda: [j["state"] for j in agentd.jobs()] == ["running", "waiting"])
    assert planning.poll() is None and not os.path.exists(plan)
    slow.gate.opened.set()
    assert planning.wait(WAIT) == 0 and os.path.exists(plan)
    people.user("new")
    people.write()
    agentd.agent.run("plan", "--out", plan, "--force")
    slow.gate.opened.clear(), slow.gate.reached.clear()
    apply = subprocess.Popen(agentd.agent.command("apply", plan, "--json"), stdout=subprocess.PIPE, text=True)
    assert slow.gate.reached.wait(WAIT)
    sync = subprocess.Popen(agentd.agent.command("sync", "--json"), stdout=subprocess.PIPE, text=True)
    until(lambda: [j["state"] for j in agentd.jobs()] == ["running", "waiting"])
    slow.gate.opened.set()
    assert json.loads(apply.communicate(timeout=WAIT)[0])["created"] == 1
    assert json.loads(sync.communicate(timeout=WAIT)[0])["created"] == 0
    assert agentd.idle().jobs() == []


def test_cancel(agentd, people, slow):
    """Ctrl-C here is the end of the run there, at a safe point; so is a word on the socket."""
    agentd.configure(people.source(), slow, 'every = "1d"  on_change = "no"').start()
    assert slow.gate.reached.wait(WAIT)
    job = agentd.jobs()[0]
    assert agentd.ask(ask="cancel", job=job["job"]) == {"ok": True}
    assert agentd.ask(ask="cancel", job=job["job"]) == {"ok": True}
    assert agentd.jobs()[0]["cancelled"] is True
    slow.gate.opened.set()
    agentd.idle()
    assert agentd.open_operations() == 0 and agentd.last()["code"] == "stopped"
    assert agentd.ask(ask="cancel", job=job["job"])["error"]["code"] == "no-job"
    slow.gate.opened.clear(), slow.gate.reached.clear()
    people.user("more")
    people.write()
    sync = subprocess.Popen(agentd.agent.command("sync"), stderr=subprocess.PIPE, text=True)
    assert slow.gate.reached.wait(WAIT)
    sync.send_signal(signal.SIGINT)
    until(lambda: agentd.jobs()[0].get("cancelled"))
    slow.gate.opened.set()
    assert sync.wait(WAIT) == 5
    assert agentd.agent.sync()["exit"] == 0


def test_two_that_ask_take_turns(agentd, people, acme):
    """No two runs on one state: nobody ever finds it locked."""
    agentd.configure(people.source(), acme, 'every = "1s"').start().synced()
    many = [subprocess.Popen(agentd.agent.command("sync", "--json"), stdout=subprocess.PIPE, text=True)
            for _ in range(6)]
    assert [json.loads(p.communicate(timeout=WAIT)[0])["exit"] for p in many] == [0] * 6
    assert "locked" not in agentd.logged()


def test_a_locked_state_is_waited_for(agentd, people, acme):
    """Somebody's run beside the daemon's: tried again soon, and no error."""
    state = agentd.agent.path("state")
    os.mkdir(state)
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"')
    with open(os.path.join(state, "target-hosted.db.lock"), "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        agentd.start()
        until(lambda: agentd.last().get("code") == "locked")
    agentd.synced()
    appears(acme, "u0")
