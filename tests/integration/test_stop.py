"""A run that is asked to end does so at the next safe point (S3.5), says so, and the next one goes on; what it does
meanwhile comes as lines of --events; a change told by SIGUSR1 overtakes what is under way (I5, 7.3)."""
import json
import signal
import subprocess
import threading
import time

import pytest

from agentd import until
from fakescim import FakeScim
from smalldir import SmallDirectory

WAIT = 300     # s; only ever waited for in full when something is wrong
N = 300


class Run:
    def __init__(self, agent, *words):
        self.process = subprocess.Popen(agent.command(*words, "--json", "--events"), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.said.append(json.loads(line))

    def until(self, what):
        end = time.monotonic() + WAIT
        while not what():
            assert self.process.poll() is None and time.monotonic() < end, self.said[-5:]
            time.sleep(0.005)

    def result(self):
        """At its end, when all that it said is in `said`."""
        out = self.process.stdout.read()
        code = self.process.wait(timeout=WAIT)
        self.reader.join(WAIT)
        return code, json.loads(out or "null")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.result()


class Gate:
    """Lets so many creations through; the others wait until it is opened."""

    def __init__(self, most):
        self.left, self.lock, self.opened = most, threading.Lock(), threading.Event()

    def __call__(self):
        with self.lock:
            self.left -= 1
            waits = self.left < 0
        if waits:
            self.opened.wait(WAIT)


@pytest.fixture
def slow():
    with FakeScim() as fake:
        fake.gates = []

        def gate(most):
            fake.gates.append(Gate(most))
            fake.fault("POST /Users", "call", fake.gates[-1], times=100000)
            return fake.gates[-1]
        fake.gate = gate
        yield fake
        for g in fake.gates:
            g.opened.set()


@pytest.fixture
def people(agent, slow):
    directory = SmallDirectory(agent.path("people.ldif"))
    for i in range(N):
        directory.user(f"p{i:03}")
    agent.configure(directory.write().source(), slow)
    return directory


def created(slow):
    return len(slow.users)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_S3_5_stops_at_a_safe_point_and_goes_on(agent, slow, people, how):
    gate = slow.gate(30)
    run = Run(agent, "sync")
    run.until(lambda: created(slow) == 30)
    run.process.send_signal(how)
    gate.opened.set()
    code, result = run.result()
    assert code == result["exit"] == 5
    assert result["error"]["code"] == "stopped" and result["error"]["kind"] == "retry"
    assert result["created"] == created(slow) < N, "what was in the air was waited for and confirmed"
    assert any(line.get("event") == "stopped" for line in run.said)
    last = agent.json("history")["runs"][0]
    assert last["ended"] and last["exit"] == 5
    assert "stopped" in agent.run("history").stdout
    second = agent.sync()
    assert second["exit"] == 0 and second["created"] == N - result["created"]
    assert created(slow) == N and max(slow.store.creates.values(), default=1) == 1


def test_S3_5_of_a_plan_only_half_is_nothing(agent, slow, people):
    run = Run(agent, "plan")
    code, result = run.stop()
    # It may have been over by then, or not have begun.
    assert code in (0, 5, -signal.SIGTERM)
    if code == 5:
        assert result["error"]["code"] == "stopped" and "operations" not in result


def test_second_signal_kills(agent, slow, people):
    """What is in the air is never answered here, so that the first one alone would be waited for."""
    slow.gate(1)
    run = Run(agent, "sync")
    run.until(lambda: created(slow) == 1)
    end = time.monotonic() + WAIT
    while run.process.poll() is None and time.monotonic() < end:
        run.process.send_signal(signal.SIGTERM)     # two that come before it has taken in the first are one
        time.sleep(0.1)
    assert run.process.wait(timeout=WAIT) == -signal.SIGTERM


def test_events_are_json_lines(agent, slow, people):
    gate = slow.gate(30)
    run = Run(agent, "sync")
    run.until(lambda: created(slow) == 30)
    time.sleep(0.3)                     # progress is told every 250 ms
    gate.opened.set()
    code, result = run.result()
    assert code == 0 and result["created"] == N
    assert result["next_wake"] is None
    assert all(len(line) >= 1 and {"progress", "event", "log", "result"} & set(line) for line in run.said)
    applying = [line["progress"] for line in run.said if line.get("progress", {}).get("phase") == "applying"]
    assert applying and all(p["what"] == "hosted" and p["total"] == N for p in applying)
    assert sorted(p["done"] for p in applying) == [p["done"] for p in applying]
    done = [line for line in run.said if line.get("event") == "done"]
    assert len(done) == N and {"p000@example.test"} <= {line["object"] for line in done}


def test_N7_due_time_is_said(agent, slow, people):
    people.set("p000", accountExpires=str((int(time.time()) + 7200 + 11644473600) * 10_000_000))
    people.write()
    due = agent.sync()["next_wake"]
    assert abs(due - time.time() - 7200) < 300


def test_I5_disable_overtakes_when_a_change_is_told(agent, slow, people):
    people.set("p000", mail="first@example.test")
    people.write()
    slow.fault("POST /Users", "delay", value=2, times=100000)      # all of them would take the better part of a minute
    run = Run(agent, "sync")
    run.until(lambda: any(u["userName"] == "first@example.test" for u in list(slow.users.values())))
    people.set("p000", userAccountControl="514")
    people.write()
    run.process.send_signal(signal.SIGUSR1)
    run.until(lambda: any(u["userName"] == "first@example.test" and not u.get("active", True)
                          for u in list(slow.users.values())))
    early = created(slow)
    slow.faults.clear()
    code, result = run.result()
    assert code == 0 and result["created"] == N and result["disabled"] == 1
    assert early < N, "it did not wait for the others"


def asleep(pid):
    """It has looked, and waits to look again; while it begins it waits for nothing but the connectors' options."""
    with open(f"/proc/{pid}/stat") as f, open(f"/proc/{pid}/task/{pid}/children") as children:
        return not children.read() and f.read().rsplit(")", 1)[1].split()[0] == "S"


def test_history_follow(agent, slow, people):
    watcher = subprocess.Popen(agent.command("history", "--follow", "--json"), stdout=subprocess.PIPE, text=True)
    until(lambda: asleep(watcher.pid), "it does not follow")        # there is no state yet
    agent.sync()
    lines = [json.loads(watcher.stdout.readline())]
    while not lines[-1].get("run", {}).get("ended"):
        lines.append(json.loads(watcher.stdout.readline()))
    assert len([x for x in lines if "operation" in x]) == N and lines[-1]["run"]["exit"] == 0
    people.set("p001", title="Chief")
    people.write()
    agent.sync()
    lines = [json.loads(watcher.stdout.readline())]
    while not lines[-1].get("run", {}).get("ended"):
        lines.append(json.loads(watcher.stdout.readline()))
    assert [x["operation"]["op"] for x in lines if "operation" in x] == ["update"]
    watcher.terminate()
    assert watcher.wait(timeout=WAIT) == -signal.SIGTERM
    watcher.stdout.close()


def test_S1_14_while_a_run_goes_on_status_tells_of_the_one_before(agent, slow, people):
    """A first sync that goes on is not lockstep yet; what the guard holds stays known, for alerts look at any moment."""
    gate = slow.gate(5)
    run = Run(agent, "sync")
    run.until(lambda: created(slow) == 5)
    target, = agent.json("status", code=1)["targets"]
    assert (target["in_lockstep"], target["run"]) == (False, 0)
    assert "not yet in lockstep" in agent.run("status", code=1).stdout
    gate.opened.set()
    assert run.result()[0] == 0
    assert agent.json("status")["targets"][0]["in_lockstep"]

    agent.configure(people.source(), slow, sync="guard { floor = 0  disable = 1 }")
    for i in range(3):
        people.drop(f"p{i:03}")
    people.write()
    held = agent.sync(code=4)
    people.user("new")
    people.write()
    slow.faults.clear()
    gate = slow.gate(0)
    run = Run(agent, "sync")
    run.until(lambda: gate.left < 0)
    target, = agent.json("status", code=1)["targets"]
    assert (target["run"], target["exit"], target["held"]) == (held["run"], 4, 3) and target["held_why"]
    gate.opened.set()
    assert run.result()[0] == 4
