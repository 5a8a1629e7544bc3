"""lockstepd: its configuration, taken over or refused; its socket, and who may ask what."""
import json
import os
import random
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest

from agent_fixtures import BIN
from agentd import WAIT, until
from agentd_fixtures import appears, people, slow  # noqa: F401


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
    for words in (["--direct", "status"], ["state", "backup", os.path.join(agentd.run, "copy")]):
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
           b"{\"command\":\"sync\"}\n", b"{\"command\":[]}\n", b"{\"command\":{\"sync\":1}}\n",
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
    for command in (["sync", "--direct"], ["state", "backup", "/tmp/x"], ["apply", "/tmp/x"], ["watch"], ["watch", "a", "b"], ["plan", "--out", "/tmp/x"],
                    ["sync", "-c", "/tmp/x"], ["sync"] * 40, ["explain", "x" * 5000]):
        assert agentd.ask(command=command)["error"]["code"] == "bad-command", command
    seed = int(os.environ.get("LOCKSTEP_SEED", "1"))
    chance = random.Random(seed)
    for _ in range(300):
        line = bytearray(b'{"command":["sync","mail"],"json":true,"ask":"status"}\n')
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


def test_S3_5_an_interrupt_is_heard_whenever_it_comes(agentd, people, acme):
    """Ctrl-C while the command writes what it was sent, not while it waits: nothing of that is lost, and the end is asked for."""
    agentd.configure(people.source(), acme)
    text = "x" * 99 + "\n"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(agentd.control)
        listener.listen()
        listener.settimeout(WAIT)
        client = subprocess.Popen(agentd.agent.command("sync"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pipesize=4096)
        service, _ = listener.accept()
        with service, service.makefile("rwb") as peer:
            service.settimeout(WAIT)
            peer.readline()
            for line in ({"job": 7, "state": "running"}, *[{"out": text * 10}] * 20):
                peer.write(json.dumps(line).encode() + b"\n")
            peer.flush()
            until(lambda: sleeps(client.pid))       # not for us: all is on its way, and does not fit into the pipe
            client.send_signal(signal.SIGINT)
            got = client.stdout.read(len(text) * 10 * 20)
            assert json.loads(peer.readline()) == {"ask": "cancel", "job": 7}
            peer.write(b'{"exit": 5}\n')
            peer.flush()
            assert got + client.stdout.read() == text.encode() * 10 * 20 and client.wait(WAIT) == 5


def sleeps(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()[0] == "S"
