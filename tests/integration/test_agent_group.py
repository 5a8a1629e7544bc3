"""What the group of lockstepd's socket does by it (issue 4): its members have no access to the state, the service none to their
files. Service and member are accounts of their own here."""
import array
import json
import os
import re
import signal
import socket
import stat
import subprocess
import tempfile
import threading

import pytest

from agent_fixtures import BIN, Agent
from agentd import WAIT, Agentd, until
from agentd_fixtures import appears
from smalldir import SmallDirectory

SERVICE, MEMBER = 65533, 65534
pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root to be somebody else")
QUIET = 'every = "1d"  on_change = "no"'


def account(uid):
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]


class Member:
    """Asks from a home that is nobody else's."""

    def __init__(self, agentd, home):
        self.agentd, self.home = agentd, home
        os.chown(home, MEMBER, MEMBER)

    def command(self, *words):
        return [*account(MEMBER), os.path.join(BIN, "lockstep"), "-c", self.agentd.agent.conf, *words]

    def start(self, *words, **popen):
        return subprocess.Popen(self.command(*words), cwd=self.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **popen)

    def run(self, *words, code=0):
        done = self.start(*words)
        done.stdout, done.stderr = done.communicate(timeout=WAIT)
        assert done.returncode in (code if isinstance(code, tuple) else (code,)), (words, done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *words, code=0):
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def path(self, name):
        return os.path.join(self.home, name)

    def write(self, name, text):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)
        os.chown(self.path(name), MEMBER, MEMBER)
        return name

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()


class Service(Agentd):
    def start(self, *more, **popen):
        for folder in (self.agent.folder, self.run):
            os.chmod(folder, 0o755)
            subprocess.run(["chown", "-R", f"{SERVICE}:{SERVICE}", folder], check=True)
        os.chmod(self.agent.conf, 0o644)
        super().start(*more, **popen)
        os.chown(self.control, -1, MEMBER)
        return self

    def files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


@pytest.fixture
def service():
    if subprocess.run([*account(SERVICE), os.path.join(BIN, "lockstepd"), "--version"], stdout=subprocess.DEVNULL).returncode:
        pytest.skip("the build is in a folder that others may not enter")
    with tempfile.TemporaryDirectory(prefix="lsa", dir="/tmp") as folder:
        daemon = Service(Agent(folder))
        daemon.prefix = account(SERVICE)
        daemon.people = SmallDirectory(daemon.agent.path("people.ldif"))
        for i in range(5):
            daemon.people.user(f"u{i}")
        daemon.people.write()
        yield daemon
        daemon.clean()


@pytest.fixture
def member(service):
    with tempfile.TemporaryDirectory(prefix="lsm", dir="/tmp") as home:
        yield Member(service, home)


@pytest.fixture
def running(service, acme):
    return service.configure(service.people.source(), acme, QUIET).start().synced() and service.idle()


def come(service, *names, **more):
    for name in names:
        service.people.user(name, **more)
    service.people.write()


# --- files of the caller's ---

def test_9_1_a_plan_is_written_and_applied_by_the_group(running, member, acme):
    """plan --out and apply: the file is the member's, in a folder that the service cannot enter."""
    come(running, "dora")
    said = member.run("plan", "--out", "a.plan")
    assert "create   user dora@example.test" in said.stdout and "`lockstep apply a.plan`" in said.stdout and "\f" not in said.stdout
    st = os.stat(member.path("a.plan"))
    assert (st.st_uid, stat.S_IMODE(st.st_mode)) == (MEMBER, 0o600)
    text = member.read("a.plan")
    assert text.startswith("Lockstep plan of 2") and 'userName: "dora@example.test"' in text and "\f" not in text
    # what is there stays, unless it is meant
    assert "--force" in member.run("plan", "--out", "a.plan", code=2).stderr and member.read("a.plan") == text
    come(running, "emil")
    plan = member.json("plan", "--force", "--out", "a.plan")
    assert plan["file"] == "a.plan" and f"digest {plan['digest']}\n" in member.read("a.plan") != text
    assert os.listdir(member.home) == ["a.plan"]
    # a plan that was edited is none, wherever it is read
    member.write("b.plan", member.read("a.plan").replace("emil", "evil"))
    assert member.json("apply", "b.plan", code=2)["error"]["code"] == "plan-changed"
    assert "Permission denied" in member.run("apply", running.agent.path("token"), code=2).stderr
    come(running, "later")
    run = member.json("apply", "a.plan")
    assert (run["kind"], run["created"], run["waiting"]) == ("apply", 2, 1)
    appears(acme, "dora", "emil")
    began = [e for e in running.began() if e["command"].startswith("apply")]
    assert began[-1]["by"] == "nobody" and began[-1]["command"].startswith("apply --digest ")


def test_9_1_a_plan_of_another_configuration_is_refused_by_the_service(running, member):
    come(running, "dora")
    member.run("plan", "--out", "a.plan")
    running.edit('to = "hosted"', 'to = "hosted"  guard { delete = "3" }')
    os.chmod(running.agent.conf, 0o644)
    assert member.json("apply", "a.plan", code=2)["error"]["code"] == "plan-configuration"


def test_9_1_whoever_made_it_and_whoever_applies_it(running, member, acme):
    """The same file through the service and without it."""
    come(running, "dora")
    member.run("plan", "--out", "a.plan")
    running.agent.run("--direct", "apply", member.path("a.plan"))
    come(running, "emil")
    running.agent.run("--direct", "plan", "--out", member.path("b.plan"))
    os.chown(member.path("b.plan"), MEMBER, MEMBER)
    assert member.json("apply", "b.plan")["created"] == 1
    appears(acme, "dora", "emil")


def test_9_1_where_no_file_can_be_made_it_is_said(running, member):
    for path, word in (("nowhere/a.plan", "No such file"), ("/proc/a.plan", "/proc/a.plan"), ("/etc/a.plan", "Permission denied")):
        failed = member.run("plan", "--out", path, code=2)
        assert word in failed.stderr and path in failed.stderr and not failed.stdout, failed
    assert "--out" in member.run("plan", "--out", code=2).stderr
    assert "file" in member.run("apply", code=2).stderr
    assert "a.plan" in member.run("apply", "a.plan", code=2).stderr
    os.mkfifo(member.path("fifo"))
    for path in ("fifo", "/dev/null", "/"):
        os.path.exists(member.path("fifo")) and os.chown(member.path("fifo"), MEMBER, MEMBER)
        assert member.json("apply", path, code=2)["error"]["code"] in ("not-a-plan", "os"), path
    assert os.listdir(member.home) == ["fifo"]


def test_a_plan_much_larger_than_what_is_relayed_at_once_comes_whole(running, member):
    come(running, *(f"many{i}" for i in range(1500)), title="t" * 500 + "ß€\U0001d11e")
    member.run("plan", "--out", "a.plan", code=(0, 4))
    text = member.read("a.plan")
    assert len(text) > 900000 and text.count("create   user") + text.count("HELD create") >= 1500 and "\U0001d11e" in text
    assert running.memory() < 50000
    assert member.json("apply", "a.plan", code=(0, 4))["kind"] == "apply"


def words_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


class Gate:
    """A connector that waits while the gate is closed."""

    def __init__(self, service):
        self.service, self.closed, self.reached = service, service.agent.path("closed"), service.agent.path("reached")
        program = service.agent.path("gated")
        with open(program, "w") as f:
            f.write(f'#!/bin/sh\n[ -n "$1" ] || [ ! -e {self.closed} ] || : > {self.reached}\n'
                    f'while [ -z "$1" ] && [ -e {self.closed} ]; do sleep 0.05; done\n'
                    f'exec {os.path.join(BIN, "lockstep-source-ldif")} "$@"\n')
        os.chmod(program, 0o755)
        self.source = service.people.source().replace('"ldif"', f'"exec"  command = "{program}"')

    def close(self):
        with open(self.closed, "w"):
            pass

    def open(self):
        os.unlink(self.closed)

    def planning(self):
        """Waits for a run of `plan` to come to it; its process."""
        def find():
            if not os.path.exists(self.reached):
                return None
            return next((p for p in self.service.children() if b"plan" in words_of(p)), None)
        return until(find, "nobody plans")


@pytest.fixture
def gate(service, acme):
    gate = Gate(service)
    service.configure(gate.source, acme, QUIET).start().synced()
    service.idle()
    gate.close()
    return gate


@pytest.mark.parametrize("how", ["client", "service", "run", "asked"])
def test_S3_5_killed_on_the_way_nothing_is_half_written(service, gate, member, acme, how):
    """Client, service or run is killed while a plan is made, or Ctrl-C ends it: no file, nothing beside it, and the next one
    works."""
    come(service, "dora")
    client = subprocess.Popen(member.command("plan", "--out", "a.plan"), cwd=member.home, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    run = gate.planning()
    pid, sign, word = {"client": (client.pid, signal.SIGKILL, ""), "run": (run, signal.SIGKILL, "killed"),
                       "service": (service.process.pid, signal.SIGKILL, "`lockstep history`"),
                       "asked": (client.pid, signal.SIGINT, "stopped")}[how]
    os.kill(pid, sign)
    said = client.communicate(timeout=WAIT)[1]
    assert client.returncode and word in said, said
    gate.open()
    if how == "service":
        service.process.wait()
        service.start()
    service.idle()
    assert os.listdir(member.home) == []
    member.run("plan", "--out", "a.plan")
    assert member.json("apply", "a.plan")["exit"] == 0
    appears(acme, "dora")


class Half:
    """A service that says what it is told to, and ends."""

    def __init__(self, path, *said):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o777)
        self.listener.listen()
        self.said, self.asked = said, []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with self.listener.accept()[0] as peer:
            self.asked.append(json.loads(peer.makefile().readline()))
            for line in self.said:
                peer.sendall(json.dumps(line).encode() + b"\n")

    def over(self):
        self.thread.join(WAIT)
        self.listener.close()




@pytest.mark.parametrize("said", [
    [{"out": "\fLockstep plan of"}],
    [{"out": "\fLockstep plan of 2\ndigest " + "0" * 64 + "\n\fand more"}, {"exit": 0}],
    [{"out": "\fx\f"}, {"exit": 0}],
    [{"out": "\f\f\f\f"}, {"exit": 4}],
    [{"out": "\f"}, {"exit": -2, "error": {"code": "killed", "message": "killed"}}]])
def test_9_1_half_an_answer_makes_no_file(service, member, acme, said):
    service.configure(service.people.source(), acme, QUIET)
    for folder in (service.agent.folder, service.run):
        os.chmod(folder, 0o755)
    os.chmod(service.agent.conf, 0o644)
    half = Half(service.control, {"job": 1, "state": "running"}, *said)
    failed = member.run("plan", "--out", "a.plan", code=(1, 2, 4))
    half.over()
    assert failed.stderr and "and more" not in failed.stdout and os.listdir(member.home) == []
    assert half.asked[0]["command"] == ["plan", "--stream", "a.plan"] and "cwd" not in half.asked[0]


def test_9_1_a_file_that_appears_meanwhile_stays(service, gate, member):
    come(service, "dora")
    client = member.start("plan", "--out", "a.plan")
    gate.planning()
    member.write("a.plan", "mine")
    gate.open()
    assert "--force" in client.communicate(timeout=WAIT)[1] and client.returncode == 2
    assert member.read("a.plan") == "mine" and os.listdir(member.home) == ["a.plan"]


def test_hostile_descriptors_and_names(running, member):
    """The socket takes no descriptor, whatever comes along with a line; and no name of a file to be opened by the service."""
    os.mkfifo(member.path("fifo"))
    member.write("file", "x")
    ours, theirs = socket.socketpair()
    before = running.files()
    sent = [os.open(member.home, os.O_RDONLY), os.open(member.path("fifo"), os.O_RDWR), ours.fileno(),
            os.open(member.path("file"), os.O_RDONLY), os.open(member.path("file"), os.O_PATH)]
    for request in ({"ask": "status"}, {"command": ["status"]}, {"command": ["plan", "--stream", "x"]}, {"ask": "nothing"}):
        for some in (sent, sent[:1], sent * 50):
            with running.talk() as t:
                line = json.dumps(request).encode() + b"\n"
                for part in (line[:5], line[5:]):
                    t.socket.sendmsg([part], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", some))])
                answer = t.line()
                assert ("error" in answer) == (request == {"ask": "nothing"}), answer
                if "command" in request:
                    t.rest()
    # many, and no line
    with running.talk() as t:
        for _ in range(100):
            t.socket.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", sent * 50))])
    assert running.idle().status()["pid"] == running.process.pid
    until(lambda: running.files() <= before)
    for fd in sent[:2] + sent[3:]:
        os.close(fd)
    ours.close()
    theirs.close()
    for words in (["plan", "--out", "/tmp/x"], ["apply", "/etc/passwd"], ["apply", "--digest"], ["plan", "--stream"],
                  ["history", "--follow", "--follow", "--target"]):
        assert running.ask(command=words)["error"]["code"] == "bad-command", words
    for digest in ("../../etc/passwd", "0" * 64, "f" * 63, ""):
        with running.talk() as t:
            t.raw(json.dumps({"command": ["apply", "--digest", digest, "--configuration", "0" * 64]}).encode() + b"\n")
            assert t.rest()[-1]["exit"] == 2


# --- other commands ---

def test_what_the_group_does_from_anywhere(running, member):
    """From a folder that the service cannot enter, and what root alone can do says so."""
    assert member.json("status")["targets"][0]["in_lockstep"] is True
    assert member.json("explain", "u1@example.test")["results"]
    assert member.json("sync")["created"] == 0
    for words in (["--direct", "status"], ["state", "backup", member.path("copy")]):
        assert "Permission denied" in member.run(*words, code=(1, 2)).stderr


def test_s1_4_the_group_registers(running, member, acme):
    """What is written is the service's file, in a folder that it may write; where it may not, cause and remedy are said."""
    token = running.agent.path("token")
    os.chown(running.agent.secret("key", acme.token), SERVICE, SERVICE)
    said = member.json("register", "--key-file", running.agent.path("key"), "--name", "dc1")
    assert said["name"] == "dc1" and said["token_file"] == token
    with open(token) as f:
        credential = f.read()
    st = os.stat(token)
    assert credential.startswith("lsa_") and (st.st_uid, stat.S_IMODE(st.st_mode)) == (SERVICE, 0o600)
    come(running, "new")
    assert member.json("sync")["created"] == 1
    # a key that only the member can read
    member.write("key", acme.token)
    failed = member.json("register", "--key-file", "key", code=2)["error"]
    assert "Permission denied" in failed["message"] and member.path("key") in failed["message"] and "root" in failed["message"]
    # a folder that only root can write
    os.chown(running.agent.folder, 0, 0)
    failed = member.json("register", "--key-file", running.agent.path("key"), code=2)["error"]
    assert token in failed["message"] and "root" in failed["message"]
    with open(token) as f:
        assert f.read() == credential
    assert [n for n in os.listdir(running.agent.folder) if n.startswith("token")] == ["token"]


def test_a_number_of_a_job_comes_once(running, member):
    """Not after a new start either; who asks for one that is gone is told why, and JavaScript counts it exactly."""
    seen = []
    for _ in range(3):
        with running.talk() as t:
            job = t.ask(command=["status"])["job"]
            t.rest()
        assert max(seen, default=0) < job < 2 ** 53
        if seen:
            gone = running.ask(ask="cancel", job=seen[0])["error"]
            assert gone["code"] == "no-job" and "started anew" in gone["message"]
        seen.append(job)
        running.end(signal.SIGKILL)
        running.start()
