"""lockstepd in hard times: no descriptor left, no room on the disk, a directory whose watch comes and goes."""
import os
import socket
import subprocess
import time

import pytest

from agent_fixtures import BIN
from agentd import until
from smalldir import SmallDirectory


@pytest.fixture
def people(tmp_path):
    directory = SmallDirectory(tmp_path / "people.ldif")
    directory.user("u0")
    return directory.write()


def limit(agentd, files):
    subprocess.run(["prlimit", f"--pid={agentd.process.pid}", f"--nofile={files}:1024"], check=True)


def cpu(pid):
    """Ticks of processor time."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_no_descriptor_is_left_for_a_run(agentd, people, acme):
    """It is a run that failed, tried again and told; and then all goes on."""
    agentd.prefix = ["prlimit", "--nofile=1024:1024"]
    agentd.configure(people.source(), acme, 'every = "1s"').start().synced()
    limit(agentd, 20)
    failed = until(lambda: (lambda r: r if r.get("exit") == -1 else None)(agentd.last()))
    assert "Too many open files" in failed["message"] and f"{BIN}/lockstep" in failed["message"]
    limit(agentd, 1024)
    agentd.synced(failed["started"])
    assert agentd.end() == 0


def test_no_descriptor_is_left_for_who_asks(agentd, people, acme):
    """Those who cannot be answered wait in the queue; the service does not spin."""
    agentd.prefix = ["prlimit", "--nofile=40:1024"]
    agentd.configure(people.source(), acme).start().synced()
    held = []
    for _ in range(60):
        held.append(socket.socket(socket.AF_UNIX))
        held[-1].settimeout(5)
        held[-1].connect(agentd.control)
    before, begun = cpu(agentd.process.pid), time.monotonic()
    time.sleep(3)
    used, wall = (cpu(agentd.process.pid) - before) / os.sysconf("SC_CLK_TCK"), time.monotonic() - begun
    for s in held:
        s.close()
    assert used < wall / 10
    assert agentd.status()["pid"] == agentd.process.pid
    assert agentd.end() == 0


def test_a_watch_that_comes_and_goes(agentd, people, acme):
    """Each time it stands it asks for a run, so the pauses grow, also where it stood for a moment."""
    log, program = agentd.agent.path("watched"), agentd.agent.path("flaps")
    with open(program, "w") as f:
        f.write(f"""#!/usr/bin/python3 -u
import os, sys, threading, time
if "--describe" in sys.argv:
    os.execv("{BIN}/lockstep-source-ldif", sys.argv)
# the real one, whose watch ends as soon as it stands
import subprocess
p = subprocess.Popen(["{BIN}/lockstep-source-ldif", *sys.argv[1:]], stdout=subprocess.PIPE)
for line in p.stdout:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
    if b'"watching"' in line and b'"type":"hello"' not in line:
        with open("{log}", "a") as f:
            print(time.monotonic(), file=f)
        time.sleep(0.2)
        p.kill()
        sys.exit(1)
""")
    os.chmod(program, 0o755)
    source = people.source().replace('type = "ldif"  ', f'type = "exec"  command = "{program}"  options {{ ') + " }"
    agentd.configure(source, acme, 'every = "1d"').start().synced()

    def stood():
        if not os.path.exists(log):
            return None
        with open(log) as f:
            times = [float(line) for line in f]
        return times if len(times) >= 4 else None
    times = until(stood)
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert all(gap >= pause for gap, pause in zip(gaps, (2, 4, 8))), gaps
    assert agentd.end() == 0


def fill(f):
    """Up to the last block."""
    try:
        while f.write(b"\0" * 4096):
            pass
    except OSError:
        pass


@pytest.fixture
def small_disk(agentd):
    """The state on a tmpfs."""
    state = agentd.agent.path("state")
    os.mkdir(state)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", state]).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield state
    agentd.clean()
    subprocess.run(["umount", "-l", state], check=True)


def test_no_room_is_left(agentd, people, acme, small_disk):
    """Runs fail and say why, a new configuration is refused and the old one goes on; nothing else is lost."""
    agentd.configure(people.source(), acme, 'every = "1s"').start().synced()
    filler = os.path.join(small_disk, "filler")
    with open(filler, "wb", buffering=0) as f:
        fill(f)
    for i in range(300):
        people.user(f"more{i}", title="x" * 2000)
    people.write()
    failed = until(lambda: (lambda r: r if r.get("exit") not in (None, 0) else None)(agentd.last()))
    assert failed["code"] == "disk-full" and small_disk in failed["message"], failed
    now = ['every = "1s"']

    def refused():
        """What a run that ends gives back is filled again; a configuration there is room for is taken."""
        with open(filler, "ab", buffering=0) as f:
            fill(f)
        now.append(f'every = "{len(now) + 1}s"')
        agentd.edit(*now[-2:])
        return agentd.ask(ask="reload").get("error")
    refused = until(refused)
    assert "No space left" in refused["message"] and small_disk in refused["message"]
    agentd.edit(now[-1], 'every = "1s"')
    os.unlink(filler)
    until(lambda: agentd.last().get("exit") == 0)
    assert acme("GET", "/Users", count=0).json["totalResults"] == 301
    assert agentd.ask(ask="reload") == {"ok": True}
    assert agentd.end() == 0
    assert agentd.agent.sync("--full")["created"] == 0


def test_no_room_from_the_beginning(agentd, people, acme, small_disk):
    """A full disk makes a right configuration no wrong one: it comes up as the service it is, and works when there is room."""
    with open(os.path.join(small_disk, "filler"), "wb", buffering=0) as f:
        fill(f)
    agentd.configure(people.source(), acme, 'every = "1s"').start()
    assert agentd.status()["setup"] is False and [e for e in agentd.events("config-not-copied") if "No space left" in e["text"]]
    assert until(lambda: agentd.last().get("code")) == "disk-full"
    os.unlink(os.path.join(small_disk, "filler"))
    agentd.synced()
    assert agentd.ask(ask="reload") == {"ok": True} and not agentd.events("config-refused")
    until(lambda: os.path.exists(os.path.join(small_disk, "agent.conf")))       # within a minute
    assert agentd.end() == 0
