"""kill -9 at any moment of a first sync of 3,000 people: one more run, and all is as if nothing had happened.

The run alone, a connector alone, the whole group; the hosted side; a full disk. Moments are random, from a seed
that LOCKSTEP_SEED changes; LOCKSTEP_QUICK=1 makes ten of the fifty.
"""
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest

from agent_fixtures import BIN, Agent
from cloud_fixtures import Client, Cloud
from company import Company
from mirrored import hosted

WAIT = 600      # s; only ever waited for in full when something is wrong
SEED = os.environ.get("LOCKSTEP_SEED", "1")
TRIALS = 10 if os.environ.get("LOCKSTEP_QUICK") else 50
WHO = ["run", "group", "source", "target", "run", "target", "group", "target"]     # of each eight
REMOVALS = ("disabled", "deleted", "recreated", "members_removed", "failed", "held")
ADDITIONS = {"create", "update", "enable", "member add"}


class World:
    """What all trials share: the directory, an empty hosted side, and how an undisturbed run ends."""

    def __init__(self, path):
        self.path, self.hits = path, collections.Counter()
        Company(3000, 1).write(str(path / "company"), 0)
        empty = path / "empty"
        empty.mkdir()
        cloud = Cloud(empty).start()
        self.token = cloud.tenant("acme").token
        cloud.stop()
        trial = Trial(self, "undisturbed")
        start = time.monotonic()
        first = trial.agent.sync()
        self.seconds = time.monotonic() - start
        assert first["created"] > 3000 and first["failed"] == 0
        self.wanted = hosted(trial.client)
        trial.end()

    def content(self, client):
        """hosted() has made sure that no externalId is there twice."""
        have = hosted(client)
        for want, got in zip(self.wanted, have):
            assert got.keys() == want.keys(), "lost or left over: %s" % sorted(want.keys() ^ got.keys())[:5]
            wrong = [(want[k], got[k]) for k in want if want[k] != got[k]]
            assert wrong == [], "%d differ, the first: %s" % (len(wrong), wrong[0])


class Trial:
    """A state folder that does not exist yet, and a copy of the empty hosted side, running."""

    def __init__(self, world, name):
        self.name = name
        self.begin(world)

    def begin(self, world):
        self.folder = world.path / self.name
        self.folder.mkdir()
        shutil.copy(world.path / "empty" / "cloud.db", self.folder)
        self.world, self.cloud = world, Cloud(self.folder).start()
        self.client = Client(self.cloud.port, world.token)
        company = world.path / "company" / "000-company.ldif"
        self.agent = Agent(self.folder).configure(
            f"type = \"ldif\"  file = \"{company}\"  base = 'DC=example,DC=test'", self.client)
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [os.path.join(BIN, "lockstep"), "-c", self.agent.conf, "sync", "--json"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def connectors(self, name=""):
        """Process ids of the run's children, of one role or all. (Their comm is cut after 15 bytes.)"""
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
                children = f.read().split()
        except FileNotFoundError:
            return []
        return [int(c) for c in children if comm(c).startswith("lockstep-" + name)]

    def missed(self):
        """It ended before its kill, since machines are not equally fast all the time: everything anew."""
        print(*self.process.communicate(timeout=WAIT))
        self.end()
        self.begin(self.world)

    def kill_connector(self, who):
        """It may not have been started yet, or have ended. The run goes to its end, and knows how it ended."""
        end = time.monotonic() + 0.2
        while not (hit := kill(self.connectors(who))) and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.001)
        out, err = self.process.communicate(timeout=WAIT)
        print(out, err)
        # 2: killed while it told its options; 0: after the read, or started again
        assert self.process.returncode in ((0, 2, 3) if who == "source" else (0, 2, 5))
        if self.process.returncode:
            assert json.loads(out)["error"]["message"]
        return hit

    def converge(self):
        """One more run, and one that has nothing to do (I6)."""
        second = self.agent.sync()
        assert {k: second[k] for k in REMOVALS if second[k]} == {}
        self.world.content(self.client)
        third = self.agent.sync()
        assert {k: v for k, v in third.items() if isinstance(v, int) and v and k not in ("run", "unchanged", "as_of", "next_wake")} == {}
        for run in range(1, third["run"] + 1):
            ops = {o.get("op", "held") for o in self.agent.json("history", str(run))["operations"]}
            assert ops <= ADDITIONS, "something was removed on the way"

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.communicate()
        ended = self.cloud.process.poll()
        self.cloud.stop(signal.SIGKILL)
        shutil.rmtree(self.folder)
        assert ended is None, f"the hosted side ended by itself: {ended}"


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


def kill(pids):
    hit = 0
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            hit += 1
        except ProcessLookupError:
            pass
    return hit


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("crash"))


@pytest.fixture
def trial(world, request):
    t = Trial(world, "trial")
    yield t
    t.end()


def await_end(pids):
    """A connector does not outlive its run: what it holds (the state's lock) would stop the next."""
    end = time.monotonic() + WAIT
    while any(comm(p).startswith("lockstep-") for p in pids):
        assert time.monotonic() < end, "an orphan goes on"
        time.sleep(0.005)


@pytest.mark.parametrize("number", range(TRIALS))
def test_kill_I3_I4_I6(world, trial, number):
    rng = random.Random(f"{SEED}/{number}")
    who, moment = WHO[number % len(WHO)], rng.random() * world.seconds
    print(f"seed {SEED}, trial {number}: {who} after {moment:.3f} s of {world.seconds:.3f}")
    for attempt in range(4):
        if attempt:
            trial.missed()
        trial.start()
        time.sleep(moment / 2 ** attempt)
        children = trial.connectors()
        if trial.process.poll() is None:
            break
    if who in ("run", "group"):
        hit = kill([trial.process.pid, *(children if who == "group" else [])]) if trial.process.poll() is None else 0
        trial.process.communicate(timeout=WAIT)
        await_end(children)
    else:
        hit = trial.kill_connector(who)
    world.hits[who] += bool(hit)
    trial.converge()


def test_most_kills_hit_a_run_under_way(world):
    print(world.hits)
    assert sum(world.hits.values()) >= TRIALS * 0.6


@pytest.mark.parametrize("again", ["at once", "later", "after the run"])
def test_kill_of_the_hosted_side(world, trial, again):
    rng = random.Random(f"{SEED}/{again}")
    trial.start()
    time.sleep((0.3 + 0.6 * rng.random()) * world.seconds)
    trial.cloud.stop(signal.SIGKILL)
    if again == "after the run":
        out, err = trial.process.communicate(timeout=WAIT)
    if again == "later":
        time.sleep(1)
    trial.cloud.start(port=trial.client.port)
    if again != "after the run":
        out, err = trial.process.communicate(timeout=WAIT)
    print(out, err)
    # 0: it was waited for, or had answered everything already
    assert trial.process.returncode in (0, 5)
    if trial.process.returncode:
        assert json.loads(out)["exit"] == 5 and json.loads(out)["error"]["message"]
    trial.client.connection.close()
    trial.converge()


def test_full_disk_of_the_state(trial):
    state = trial.agent.path("state")
    os.mkdir(state, 0o700)

    def mount(*more):
        return subprocess.run(["mount", *more, "-t", "tmpfs", "lockstep-test", state], capture_output=True, text=True)
    done = mount("-o", "size=1m,mode=0700")
    if done.returncode:
        pytest.skip("a small file system cannot be mounted here: " + done.stderr.strip())
    try:
        first = trial.agent.run("sync", code=(1, 2, 3, 5))
        print(first.stdout, first.stderr)
        assert state in first.stderr and "full" in first.stderr
        assert not trial.client("GET", "/Users", count=1).json["totalResults"], "nothing was sent that is not remembered"
        assert mount("-o", "remount,size=200m").returncode == 0
        trial.converge()
    finally:
        subprocess.run(["umount", "-l", state], check=True)
