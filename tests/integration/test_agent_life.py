"""lockstepd: how it stops and dies, and what it lives in."""
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from agent_fixtures import BIN
from agentd import WAIT, until
from agentd_fixtures import appears, people, slow  # noqa: F401


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
    orphan = subprocess.run(["nsenter", f"--target={daemon}", "--pid", "--mount", "sh", "-c", "sleep 0.3 >/dev/null & echo $!"],
                            check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    until(lambda: not os.path.exists(f"/proc/{daemon}/root/proc/{orphan}"), "a zombie is left")
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
s.settimeout(300)
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
