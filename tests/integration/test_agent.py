"""lockstepd as a service: when it runs a sync, who may ask it for what, how it starts, reloads, stops and dies."""
import fcntl
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import threading
import time

import pytest

from agent_fixtures import BIN
from agentd import WAIT, until
from fakescim import FakeScim
from smalldir import SmallDirectory


@pytest.fixture
def people(tmp_path):
    directory = SmallDirectory(tmp_path / "people.ldif")
    for i in range(5):
        directory.user(f"u{i}")
    return directory.write()


def names(acme):
    return {r["userName"] for r in acme("GET", "/Users").json["Resources"]}


def mail(*people):
    return {f"{p}@example.test" for p in people}


def appears(acme, *people):
    until(lambda: mail(*people) <= {n if "@" in n else n + "@example.test" for n in names(acme)},
          f"{people} do not appear")


class Gate:
    """A target that stops at the first thing that is to be written, until it is opened."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self):
        self.reached.set()
        self.opened.wait(WAIT)


@pytest.fixture
def slow():
    """A service of somebody else's and the gate before it."""
    gate = Gate()
    with FakeScim() as service:
        for line in ("POST /Users", "POST /Bulk"):
            service.fault(line, "call", gate, times=100000)
        service.gate = gate
        yield service
        gate.opened.set()


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
        service.fault("POST /Users", "delay", 0.1, times=100000)
        for i in range(1000):
            people.user(f"long{i}")
        people.write()
        until(lambda: len(service.users) > 10)
        people.set("u0", userAccountControl="514")
        people.write()
        until(lambda: [u for u in list(service.users.values()) if u["active"] is False])
        assert len(service.users) < 1005
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
    assert planned["why"] == "full" and planned["next"] <= time.time() + 601
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


def test_a_lease_holds_runs_back(agentd, people, acme):
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start().synced()
    agentd.idle()
    holder = agentd.talk()
    assert holder.ask(ask="lease")["state"] == "waiting"
    assert holder.line() == {"ok": True}
    started = len(agentd.began())
    sync = subprocess.Popen(agentd.agent.command("sync", "--json"), stdout=subprocess.PIPE, text=True)
    until(lambda: len(agentd.jobs()) == 2)
    assert [j["state"] for j in agentd.jobs()] == ["running", "waiting"]
    assert len(agentd.began()) == started and sync.poll() is None
    holder.close()
    assert json.loads(sync.communicate(timeout=WAIT)[0])["exit"] == 0
    people.user("new")
    people.write()
    plan = agentd.agent.path("plan")
    agentd.agent.run("plan", "--out", plan)
    assert agentd.agent.json("apply", plan)["created"] == 1
    assert agentd.idle().jobs() == []


def test_a_lease_without_a_sign_of_life_is_lost(agentd, people, slow):
    """`apply` that works keeps its turn as long as it takes; one that is stopped does not keep others from theirs, and when
    it goes on it hears of it and stops, never writing beside another run (the locks of the state see to that)."""
    slow.gate.opened.set()
    agentd.configure(people.source(), slow, 'every = "1d"  on_change = "no"', more='lease_timeout = "6s"').start().synced()
    agentd.idle()
    people.user("planned")
    people.write()
    plan = agentd.agent.path("plan")
    agentd.agent.run("plan", "--out", plan)
    slow.gate.opened.clear(), slow.gate.reached.clear()
    apply = subprocess.Popen(agentd.agent.command("apply", plan), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert slow.gate.reached.wait(WAIT)
    lease = agentd.jobs()
    assert [j["command"] for j in lease] == ["lease"]
    time.sleep(12)
    assert [j["job"] for j in agentd.jobs()] == [lease[0]["job"]]
    assert "with files of its own: running, since 20" in agentd.agent.run("status", code=(0, 1)).stdout
    apply.send_signal(signal.SIGSTOP)
    sync = subprocess.Popen(agentd.agent.command("sync", "--json"), stdout=subprocess.DEVNULL)
    assert until(lambda: agentd.events("lease-lost"))[0]["by"]
    until(lambda: agentd.last().get("code") == "locked")
    apply.send_signal(signal.SIGCONT)
    slow.gate.opened.set()
    assert "took its turn back" in apply.communicate(timeout=WAIT)[1] and apply.returncode in (0, 5)
    sync.wait(WAIT)
    agentd.synced()
    assert len(slow.users) == 6 and max(slow.store.creates.values()) == 1


def test_a_silent_holder_of_a_lease(agentd, people, acme):
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"', more='lease_timeout = "1s"').start().synced()
    agentd.idle()
    holder = agentd.talk()
    assert holder.ask(ask="lease")["state"] == "waiting" and holder.line() == {"ok": True}
    assert agentd.agent.sync()["exit"] == 0
    assert holder.line()["error"]["code"] == "lease-lost" and holder.line() is None
    holder.close()


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


# --- the configuration ---

def test_reload(agentd, people, acme):
    agentd.configure(people.source(), acme, 'every = "1s"  on_change = "no"').start().synced()
    agentd.edit('every = "1s"', 'evry = "1s"')
    bad = agentd.agent.run("reload", code=2).stderr
    assert re.search(r"lockstep\.conf:\d+: .*evry", bad), bad
    assert agentd.agent.run("sync", code=2).stderr == bad
    assert re.search(r"lockstep\.conf:\d+: .*evry", agentd.ask(ask="reload")["error"]["message"])
    status = agentd.status()
    assert status["conf_error"]["message"] in bad and status["conf_changed"] is True and status["setup"] is False
    # the old one goes on
    people.user("meanwhile")
    people.write()
    appears(acme, "meanwhile")
    # what only the examination by a child finds: an expression, an option of the connector
    agentd.edit('evry = "1s"', 'every = "1s"')
    agentd.edit("file = ", "fil = ")
    assert re.search(r'lockstep\.conf:\d+: .*"fil"', agentd.ask(ask="reload")["error"]["message"])
    agentd.edit("fil = ", "file = ")
    agentd.edit('every = "1s"', 'every = "2h"')
    assert agentd.ask(ask="reload") == {"ok": True}
    status = agentd.idle().status()
    assert "conf_error" not in status and status["conf_changed"] is False
    assert status["syncs"][0]["next"] > time.time() + 3600
    assert agentd.agent.run("reload").stdout == "The configuration is in force.\n"


def test_reload_by_signal_and_other_socket(agentd, people, acme):
    agentd.configure(people.source(), acme).start().synced()
    before = agentd.control
    agentd.edit(before, before + "2")
    agentd.control += "2"
    agentd.process.send_signal(signal.SIGHUP)
    until(lambda: os.path.exists(agentd.control))
    until(agentd.answers)
    assert not os.path.exists(before)
    assert agentd.end() == 0 and not os.path.exists(agentd.control)


def test_a_command_takes_the_edited_file(agentd, people, acme):
    """Who edits the file and asks for a sync means what it says now."""
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start().synced()
    agentd.edit('sync "mail"', 'sync "post"')
    agentd.agent.run("sync", "post", code=(0, 4))
    assert [s["name"] for s in agentd.status()["syncs"]] == ["post"]


def test_the_file_is_refused_and_one_can_still_look(agentd, people, acme):
    """What only reads is answered by what is in force, and says so; what examines or does something names file and line."""
    agentd.configure(people.source(), acme).start().synced()
    ask = lambda *words, code=0: agentd.agent.run("--control", agentd.control, *words, code=code)
    for old, new in (("from =", "form ="), ("file = ", "fil = ")):
        agentd.edit(old, new)
        wrong = rf'lockstep\.conf:\d+: .*["\']{new.split()[0]}["\']'
        status = ask("status")
        assert "in lockstep" in status.stdout and "lockstepd" in status.stdout
        assert re.search(wrong, status.stderr) and "goes on with the configuration that was in force before" in status.stderr
        assert "u0@example.test" in ask("explain", "u0@example.test").stdout
        assert json.loads(ask("history", "--json").stdout)["runs"]
        assert "alerts" in json.loads(ask("alerts", "--json").stdout)
        for words in (["check"], ["sync"], ["plan"], ["--direct", "status"]):
            assert re.search(wrong, ask(*words, code=2).stderr)
        agentd.edit(new, old)


def test_the_group_of_the_socket_needs_no_access_to_the_state(agentd, people, acme):
    """Who may ask the service may look, too, and act; what is noted carries the asker's name."""
    if os.getuid() != 0:
        pytest.skip("needs root to be somebody else")
    agentd.configure(people.source(), acme).start().synced()
    conf = shutil.copy(agentd.agent.conf, os.path.join(agentd.run, "lockstep.conf"))
    for path, mode in ((agentd.run, 0o755), (conf, 0o644)):
        os.chmod(path, mode)
    os.chown(agentd.control, -1, 65534)
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", os.path.join(BIN, "lockstep"), "-c", conf]

    def ask(*words, code=0):
        done = subprocess.run([*other, *words], capture_output=True, text=True, timeout=WAIT, cwd="/")
        assert done.returncode == code, done
        return done.stdout
    status = json.loads(ask("status", "--json"))
    assert status["targets"][0]["in_lockstep"] is True and status["service"]["pid"] == agentd.process.pid
    assert json.loads(ask("history", "--json"))["runs"] and "u1@example.test" in ask("explain", "u1@example.test")
    assert json.loads(ask("sync", "--json"))["created"] == 0
    assert json.loads(ask("check", "--json"))
    # what it can do for itself alone says what is missing, and does nothing by halves
    for words in (["--direct", "status"], ["history", "--follow"], ["state", "backup", os.path.join(agentd.run, "copy")]):
        done = subprocess.run([*other, *words], capture_output=True, text=True, timeout=WAIT)
        assert done.returncode and "Permission denied" in done.stderr, done
    agentd.edit("from =", "form =")
    agentd.ask(ask="reload")
    number = until(lambda: json.loads(ask("alerts", "--json"))["alerts"])[0]["id"]
    ask("alerts", "seen", str(number))
    assert json.loads(ask("alerts", "--json"))["alerts"][0]["seen_by"] == "nobody"


@pytest.mark.parametrize("begin", ["missing", "bad", "no folder"])
def test_set_up_mode(agentd, people, acme, begin):
    """Without a valid configuration it comes up all the same, says why, and goes to work when there is one."""
    agentd.configure(people.source(), acme, 'every = "1d"')
    conf = agentd.agent.conf
    with open(conf) as f:
        good = f.read()
    if begin == "no folder":
        agentd.agent.conf = agentd.agent.path("etc/lockstep.conf")
    elif begin == "missing":
        os.unlink(conf)
    else:
        agentd.edit("from =", "form =")
    agentd.start()
    status = agentd.status()
    assert status["setup"] is True and status["syncs"] == [] and status["conf_error"]["message"]
    assert "form" in status["conf_error"]["message"] or begin != "bad"
    said = subprocess.run([os.path.join(BIN, "lockstep"), "-c", agentd.agent.conf, "--control", agentd.control,
                           "reload"], capture_output=True, text=True)
    assert said.returncode == 2 and said.stderr
    os.makedirs(os.path.dirname(agentd.agent.conf), exist_ok=True)
    with open(agentd.agent.conf + ".new", "w") as f:
        f.write(good)
    os.rename(agentd.agent.conf + ".new", agentd.agent.conf)
    if begin == "no folder":    # looked for every minute; here it is said
        agentd.ask(ask="reload")
    appears(acme, "u0")
    assert agentd.status()["setup"] is False
    assert agentd.end() == 0


# --- the socket ---

HOSTILE = [b"\n", b"{}\n", b"[]\n", b"null\n", b"sync\n", b"{\"ask\":1}\n", b"{\"ask\":\"nothing\"}\n",
           b"{\"command\":\"sync\"}\n", b"{\"command\":[]}\n", b"{\"command\":[\"sync\"],\"cwd\":\"relative\"}\n",
           b"{\"ask\":\"cancel\"}\n", b"{\"ask\":\"cancel\",\"job\":-1}\n", b"\x00\n", b"\xff\xfe\n",
           b"{\"ask\":\"status\"\x00}\n", b"{\"ask\":\"status\"}{\"ask\":\"status\"}\n",
           b"{\"ask\":\"status\",\"ask\":\"reload\"}\n", b"[" * 60000 + b"\n", b"x" * 70000 + b"\n", b"y" * 300000,
           b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"]


def test_hostile_lines(agentd, people, acme):
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start().synced()
    for line in HOSTILE:
        with agentd.talk() as t:
            try:
                t.raw(line)
            except (BrokenPipeError, ConnectionResetError):
                pass
            answer = t.line()
            assert answer is None or answer["error"]["code"] == "bad-request", line
            assert t.line() is None, line
    for command in (["sync", "--direct"], ["state", "backup", "/tmp/x"], ["apply", "/tmp/x"], ["watch", "company"],
                    ["sync", "-c", "/tmp/x"], ["sync"] * 40, ["explain", "x" * 5000]):
        assert agentd.ask(command=command)["error"]["code"] in ("bad-command", "lease"), command
    seed = int(os.environ.get("LOCKSTEP_SEED", "1"))
    chance = random.Random(seed)
    for _ in range(300):
        line = bytearray(b'{"command":["sync","mail"],"cwd":"/tmp","ask":"status"}\n')
        for _ in range(chance.randrange(1, 8)):
            line[chance.randrange(len(line) - 1)] = chance.randrange(256)
        with agentd.talk() as t:
            try:
                t.raw(bytes(line))
                t.line()
            except (BrokenPipeError, ConnectionResetError):
                pass
    assert agentd.idle().status()["pid"] == agentd.process.pid, f"seed {seed}"


def test_many_and_slow_connections(agentd, people, acme):
    """Nobody who connects, says half a line, or does not read keeps the daemon from its work."""
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start().synced()
    agentd.idle()
    many = []
    for i in range(40):
        t = agentd.talk()
        if i < 32:
            t.raw(b'{"ask":"sta')
        many.append(t)
    refused = [t.line() for t in many[32:]]
    assert all(r is None or r["error"]["code"] == "busy" for r in refused)
    people.user("new")
    people.write()
    os.kill(agentd.process.pid, signal.SIGHUP)
    assert many[0].raw(b'tus"}\n').line()["pid"] == agentd.process.pid
    for t in many:
        t.close()
    agentd.agent.run("sync")
    # asks much, reads nothing
    flood = agentd.talk()
    flood.socket.settimeout(1)
    try:
        for _ in range(100000):
            flood.raw(b'{"ask":"status"}\n' * 50)
    except (socket.timeout, BrokenPipeError, ConnectionResetError):
        pass
    assert agentd.status()["pid"] == agentd.process.pid
    with open(f"/proc/{agentd.process.pid}/status") as f:
        assert int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) < 40000
    flood.close()
    agentd.agent.run("sync")


def test_slow_reader_of_a_command(agentd, people, acme):
    """Much output to one who does not read: it waits in the pipe, not in the daemon; and all of it comes."""
    for i in range(1500):
        people.user(f"many{i}", description="d" * 500)
    people.write()
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start()
    agentd.synced()
    run = agentd.idle().agent.json("history")["runs"][-1]["run"]
    t = agentd.talk()
    assert t.ask(command=["history", str(run)], json=True)["state"] == "waiting"
    until(lambda: [j for j in agentd.jobs() if j["state"] == "running"] or True)
    assert agentd.ask(ask="status")["pid"] == agentd.process.pid
    text = "".join(r.get("out", "") for r in t.rest())
    assert len(json.loads(text)["operations"]) == 1505
    t.close()


def test_closing_does_not_cancel(agentd, people, slow):
    agentd.configure(people.source(), slow, 'every = "1d"  on_change = "no"').start()
    assert slow.gate.reached.wait(WAIT)
    t = agentd.talk()
    t.ask(command=["sync"])
    t.close()
    until(lambda: len(agentd.jobs()) == 2)
    slow.gate.opened.set()
    agentd.idle()
    assert [e["command"] for e in agentd.events("job-ended") if "sync" in e["command"]][-1] == "sync"
    assert agentd.last()["exit"] == 0 and agentd.last()["why"] == "cli"


def test_who_may_connect(agentd, people, acme):
    """Mode 0660: others are refused by the system itself."""
    agentd.configure(people.source(), acme).start()
    st = os.stat(agentd.control)
    assert stat.S_IMODE(st.st_mode) == 0o660
    if os.getuid() != 0:
        pytest.skip("needs root to be somebody else")
    os.chmod(agentd.run, 0o755)
    code = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\n"
            f"try:\n s.connect({agentd.control!r})\nexcept PermissionError:\n sys.exit(13)")
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", code]
    assert subprocess.run(other).returncode == 13
    os.chown(agentd.control, -1, 65534)
    assert subprocess.run(other).returncode == 0


def test_group_of_the_socket(agentd, people, acme):
    """The group `lockstep` may ask, where there is one: /etc/group is another in a mount namespace of ours."""
    group = agentd.agent.path("group")
    with open("/etc/group") as f:
        text = "".join(line for line in f if not line.startswith("lockstep:"))
    with open(group, "w") as f:
        f.write(text + "lockstep:x:54321:\n")
    agentd.configure(people.source(), acme)
    inside = ["unshare", "--mount", "sh", "-c", f'mount --bind {group} /etc/group && exec "$0" "$@"']
    if subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespace here")
    agentd.prefix = inside
    agentd.start()
    assert os.stat(agentd.control).st_gid == 54321


# --- its end ---

def test_stop_in_mid_run(agentd, people, slow):
    """S3.5: SIGTERM: the run comes to a safe point, nothing stays open; the next daemon does the rest."""
    agentd.configure(people.source(), slow, 'every = "1d"  on_change = "no"').start()
    assert slow.gate.reached.wait(WAIT)
    agentd.process.send_signal(signal.SIGTERM)
    until(lambda: agentd.status()["stopping"])
    assert agentd.ask(command=["sync"])["error"]["code"] == "busy"
    slow.gate.opened.set()
    assert agentd.process.wait(WAIT) == 0
    assert agentd.open_operations() == 0
    assert not os.path.exists(agentd.control)
    agentd.start()
    agentd.synced()
    assert len(slow.users) == 5 and max(slow.store.creates.values()) == 1


def test_what_does_not_stop_is_killed(agentd, people, slow):
    """A run whose connector hears no SIGTERM and waits for a service that does not answer: killed with all of its own after
    stop_timeout; what was open is settled by the next run, and nothing is made twice."""
    agentd.configure(people.source(), slow, 'every = "1d"  on_change = "no"', more='stop_timeout = "1s"')
    program = agentd.agent.path("deaf")
    with open(program, "w") as f:
        f.write(f'#!/bin/sh\ntrap "" TERM\nexec {BIN}/lockstep-target-scim "$@"\n')
    os.chmod(program, 0o755)
    agentd.edit('type = "scim"  url = ', f'type = "exec"  command = "{program}"  options {{ url = ')
    agentd.edit('/token" ', '/token" }')
    agentd.start()
    assert slow.gate.reached.wait(WAIT)
    run = agentd.children()
    family = subprocess.run(["ps", "-o", "pid=", "--ppid", ",".join(map(str, run))], capture_output=True, text=True).stdout.split()
    assert family
    agentd.process.send_signal(signal.SIGTERM)
    assert agentd.process.wait(WAIT) == 0
    assert [e["code"] for e in agentd.events("job-ended") if "sync" in e["command"]] == ["killed"]
    until(lambda: not [p for p in [*run, *map(int, family)] if os.path.exists(f"/proc/{p}")], "somebody is left")
    assert agentd.open_operations() > 0
    slow.gate.opened.set()
    agentd.start().synced()
    assert len(slow.users) == 5 and max(slow.store.creates.values()) == 1


def test_kill_in_mid_run(agentd, people, slow):
    """kill -9: the run that it leaves comes to a safe point by itself; the next daemon replaces the socket, waits for
    the state, and brings all in lockstep."""
    agentd.configure(people.source(), slow, 'every = "1d"  on_change = "no"').start()
    assert slow.gate.reached.wait(WAIT)
    children = agentd.children()
    assert children
    agentd.process.kill()
    agentd.process.wait()
    assert os.path.exists(agentd.control)
    agentd.start()
    until(lambda: agentd.last().get("code") == "locked" or slow.gate.opened.is_set())
    slow.gate.opened.set()
    agentd.synced()
    until(lambda: not [p for p in children if os.path.exists(f"/proc/{p}")], "children are left")
    assert len(slow.users) == 5 and max(slow.store.creates.values()) == 1
    assert agentd.agent.run("status").returncode == 0


def test_second_daemon_is_refused(agentd, people, acme):
    agentd.configure(people.source(), acme).start().synced()
    second = subprocess.run([os.path.join(BIN, "lockstepd"), "-c", agentd.agent.conf], capture_output=True, text=True,
                            timeout=WAIT)
    assert second.returncode == 1 and "another lockstepd" in second.stderr
    assert agentd.status()["pid"] == agentd.process.pid
    # in set-up mode there is still the socket
    second = subprocess.run([os.path.join(BIN, "lockstepd"), "-c", agentd.agent.path("nothing"), "--state",
                             agentd.agent.path("other"), "--control", agentd.control],
                            capture_output=True, text=True, timeout=WAIT)
    assert second.returncode == 1 and "another lockstepd" in second.stderr
    assert agentd.agent.run("sync").returncode == 0


def test_no_daemon_no_difference(agentd, people, acme):
    """A socket that nobody listens at, or none: commands work here."""
    agentd.configure(people.source(), acme).start().synced()
    agentd.process.kill()
    agentd.process.wait()
    assert os.path.exists(agentd.control)
    # a run that the daemon left may still come to its safe point
    until(lambda: agentd.agent.sync(code=(0, 2))["exit"] == 0)
    assert "lockstepd" not in agentd.agent.run("status").stdout
    assert "does not run" in agentd.agent.run("reload", code=2).stderr


# --- its surroundings ---

def test_notify(agentd, people, acme):
    """sd_notify: READY when it works, STATUS for people, WATCHDOG while the loop turns, RELOADING, STOPPING."""
    path = os.path.join(agentd.run, "notify")
    hears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    hears.settimeout(WAIT)
    hears.bind(path)

    said = []

    def hear(word, since=0):
        """The message with that line, said before or within a while."""
        end = time.monotonic() + WAIT
        while not (found := [m for m in said[since:] if word in m.splitlines()]):
            assert time.monotonic() < end, (word, said)
            said.append(hears.recv(4096).decode())
        return found[0]

    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"')
    agentd.start(env={**os.environ, "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"})
    hear("READY=1")
    hear("WATCHDOG=1")
    agentd.synced()
    hear("STATUS=Idle; the last run ended with exit code 0")
    agentd.edit('every = "1d"', 'every = "2d"')
    agentd.process.send_signal(signal.SIGHUP)
    assert "MONOTONIC_USEC=" in hear("RELOADING=1")
    hear("READY=1", since=next(i for i, m in enumerate(said) if "RELOADING=1" in m))
    assert agentd.end() == 0
    hear("STOPPING=1")
    hears.close()


def test_process_1(agentd, people, acme):
    """In a container: as process 1 of its own namespace; whatever is left to it is reaped."""
    inside = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
        pytest.skip("no namespaces of processes here")
    agentd.configure(people.source(), acme, 'every = "1s"  on_change = "no"')
    agentd.prefix = inside
    agentd.start()
    assert agentd.status()["pid"] == 1
    appears(acme, "u0")
    daemon = int(open(f"/proc/{agentd.process.pid}/task/{agentd.process.pid}/children").read())
    # an orphan: its parent is gone at once, it itself a moment later
    subprocess.run(["nsenter", f"--target={daemon}", "--pid", "--mount", "sh", "-c", "(sleep 0.3 &)"], check=True)

    def zombies():
        with open(f"/proc/{daemon}/task/{daemon}/children") as f:
            states = [open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()[0] for p in f.read().split()
                      if os.path.exists(f"/proc/{p}")]
        return [s for s in states if s == "Z"]

    time.sleep(0.5)
    until(lambda: not zombies(), "zombies are left")
    os.kill(daemon, signal.SIGTERM)
    assert agentd.process.wait(WAIT) == 0


def test_at_rest(agentd, people, acme):
    """Little memory, and nothing wakes up without a cause."""
    agentd.configure(people.source(), acme, 'every = "1d"').start().synced()
    agentd.watching()
    with open(f"/proc/{agentd.process.pid}/status") as f:
        assert int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) < 12 * 1024 or "build-asan" in BIN
    assert [e["event"] for e in agentd.events()][-1] in ("job-ended", "started")
    for e in agentd.events():
        assert e["program"] == "lockstepd" and e["time"] and e["level"] in ("info", "warn", "error")


def test_help_and_version():
    program = os.path.join(BIN, "lockstepd")
    said = subprocess.run([program, "--help"], capture_output=True, text=True)
    assert said.returncode == 0 and said.stdout.startswith("usage: lockstepd") and not said.stderr
    said = subprocess.run([program, "--version"], capture_output=True, text=True)
    assert re.fullmatch(r"lockstepd \d+\.\d+\.\d+\n", said.stdout)
    for wrong in (["--nonsense"], ["word"], ["--port", "0"], ["--port", "80x"], ["--port", "65536"]):
        said = subprocess.run([program, *wrong], capture_output=True, text=True)
        assert said.returncode == 2 and "usage" in said.stderr


JOURNAL = r"""
import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.settimeout(60)
s.bind("/run/systemd/journal/socket")
log = os.open(sys.argv[1] + "/stderr", os.O_CREAT | os.O_RDWR)
st = os.fstat(log)
p = subprocess.Popen([sys.argv[2], "-c", sys.argv[1] + "/nothing", "--control", sys.argv[1] + "/control", "--state",
                      sys.argv[1] + "/state"], stderr=log, env={**os.environ, "JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"})
entry = b""
while b"LOCKSTEP_EVENT=started" not in entry:
    entry = s.recv(65536)
    sys.stdout.write(entry.decode())
p.terminate()
p.wait()
"""


def test_journal(agentd):
    """Where standard error is the journal's: fields (a journal of ours in a mount namespace of ours)."""
    inside = ["unshare", "--mount", "sh", "-c",
              'mount -t tmpfs none /run && mkdir -p /run/systemd/journal && exec "$0" "$@"']
    if subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespace here")
    folder = agentd.run
    done = subprocess.run([*inside, "/usr/bin/python3", "-c", JOURNAL, folder, os.path.join(BIN, "lockstepd")],
                          capture_output=True, text=True, timeout=WAIT)
    assert done.returncode == 0, done.stderr
    fields = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert fields["LOCKSTEP_EVENT"] == "started" and fields["LOCKSTEP_MODE"] == "setup"
    assert fields["SYSLOG_IDENTIFIER"] == "lockstepd" and fields["PRIORITY"] == "6"
    assert fields["LOCKSTEP_VERSION"] and fields["MESSAGE"].startswith("started ")
    assert "LOCKSTEP_EVENT=config-refused" in done.stdout and "PRIORITY=3" in done.stdout
    with open(folder + "/stderr") as f:
        assert f.read() == ""
