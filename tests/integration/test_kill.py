"""kill -9 at random moments of a first sync: one more run converges, nothing twice, nothing lost (I3, I4, 7.2).

LOCKSTEP_KILLS: how many (50). LOCKSTEP_SEED: which moments; it is printed."""
import os
import random
import shutil
import signal
import subprocess
import time

import pytest

import ldif
from agent_fixtures import BIN
from company import Company
from mirrored import differences, hosted, wanted
from test_lockstep import BASES, SYNC, nothing

PEOPLE = 3000
KILLS = int(os.environ.get("LOCKSTEP_KILLS", "50"))
PER_SYNC = 4                   # so often is one first sync killed before it may end


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def kill(process, how, rng):
    """False when there was nothing to kill."""
    victims = children(process.pid) if how == "connector" else [process.pid]
    if process.poll() is not None or not victims:
        return False
    try:
        (os.killpg if how == "group" else os.kill)(rng.choice(victims), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company")
    Company(PEOPLE, 9).write(str(folder), 0)
    tree = {}
    ldif.replay(tree, str(folder / "000-company.ldif"))
    return folder / "000-company.ldif", tree


def test_kill_nine_fifty_times(directory, agent, cloud):
    seed = int(os.environ.get("LOCKSTEP_SEED", random.randrange(1 << 32)))
    print(f"LOCKSTEP_SEED={seed}")
    rng, length, syncs, killed = random.Random(seed), None, 0, dict(run=0, connector=0, group=0)
    path, tree = directory
    source = f"type = \"ldif\"  file = \"{path}\"  base = 'DC=example,DC=test'"
    while sum(killed.values()) < KILLS:
        syncs += 1
        assert syncs < 4 * KILLS, "most come too late to prove anything"
        client = cloud.tenant(f"t{syncs}")
        shutil.rmtree(agent.path("state"), ignore_errors=True)
        agent.configure(source, client, SYNC)
        for _ in range(PER_SYNC if length else 0):
            how = rng.choice(list(killed))
            process = subprocess.Popen([os.path.join(BIN, "lockstep"), "-c", agent.conf, "-q", "sync"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       start_new_session=True)
            try:
                process.wait(rng.random() * length * 0.4)
            except subprocess.TimeoutExpired:
                killed[how] += kill(process, how, rng)
            process.wait(120)
        began = time.monotonic()
        agent.sync()
        length = length or time.monotonic() - began          # of one that was not disturbed
        assert differences(wanted(tree, BASES), hosted(client)) == [], f"LOCKSTEP_SEED={seed}"
        assert nothing(agent.sync())
        cloud.command("tenant", "remove", f"t{syncs}", "--with-data")
    print(f"{syncs} first syncs of {length:.1f} s, killed: {killed}")
