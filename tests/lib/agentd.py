"""lockstepd under test: started with an Agent's configuration, asked over its control socket."""
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

from agent_fixtures import BIN

WAIT = 300      # s; only ever waited for in full when something is wrong


def until(condition, what="", wait=WAIT):
    """Waits until it is true, and answers what it was."""
    end = time.monotonic() + wait
    while True:
        got = condition()
        if got:
            return got
        assert time.monotonic() < end, what or "in vain"
        time.sleep(0.05)


class Talk:
    """A connection to the control socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def raw(self, data):
        self.socket.sendall(data)
        return self

    def ask(self, **request):
        return self.raw(json.dumps(request).encode() + b"\n").line()

    def line(self):
        """The next answer; None: it was closed."""
        try:
            line = self.file.readline()
        except ConnectionResetError:
            return None
        return json.loads(line) if line else None

    def rest(self):
        """All that comes of a command, up to its exit."""
        got = []
        while not got or "exit" not in got[-1]:
            line = self.line()
            assert line is not None, got
            got.append(line)
        return got

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Agentd:
    """One daemon after the other on one Agent."""

    def __init__(self, agent):
        self.agent, self.process = agent, None
        self.run = tempfile.mkdtemp(prefix="ls", dir="/tmp")    # a socket's path must be short
        self.control = os.path.join(self.run, "control")
        self.log = agent.path("lockstepd.log")
        self.prefix = []

    def configure(self, source, client, schedule='every = "1h"', sync="", target="", more=""):
        self.agent.configure(source, client, sync=f"schedule {{ {schedule} }}\n{sync}", target=target)
        return self.add(f'control = "{self.control}"\nconsole {{ enabled = "no" }}\n{more}')

    def add(self, text):
        with open(self.agent.conf, "a") as f:
            f.write(text + "\n")
        return self

    def edit(self, old, new):
        """As an editor that saves: whole, in one step."""
        with open(self.agent.conf) as f:
            text = f.read()
        assert old in text
        with open(self.agent.conf + ".new", "w") as f:
            f.write(text.replace(old, new))
        os.rename(self.agent.conf + ".new", self.agent.conf)

    def start(self, *more, ready=True, **popen):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [*self.prefix, os.path.join(BIN, "lockstepd"), "-c", self.agent.conf, "--control", self.control,
                 "--state", self.agent.path("state"), *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **popen)
        if ready:
            until(self.answers, "lockstepd does not come up")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"lockstepd ended with {self.process.returncode}: {self.logged()[-3000:]}")
        try:
            return self.status()
        except (FileNotFoundError, ConnectionRefusedError):
            return None

    def talk(self):
        return Talk(self.control)

    def ask(self, **request):
        with self.talk() as t:
            return t.ask(**request)

    def status(self):
        return self.ask(ask="status")

    def jobs(self):
        """What is going on or waiting, but for what the service itself asks for its alerts."""
        return [j for j in self.status()["jobs"] if j["why"] != "alerts"]

    def last(self):
        """Last run of the one sync in this life of the daemon, or {}."""
        return self.status()["syncs"][0].get("last", {})

    def synced(self, after=0):
        """Waits for a run that began later, and went well."""
        return until(lambda: (lambda r: r if r.get("exit") == 0 and r["started"] > after else None)(self.last()),
                     "no run that went well")

    def idle(self):
        until(lambda: self.status()["jobs"] == [], "it does not come to rest")
        return self

    def watching(self):
        until(lambda: [w for w in self.status()["watching"] if w["state"] == "watching"], "it does not watch")
        return self.idle()

    def logged(self):
        with open(self.log) as f:
            return f.read()

    def events(self, name=None):
        lines = [json.loads(line) for line in self.logged().splitlines() if line.startswith("{")]
        return [e for e in lines if name in (None, e.get("event"))]

    def began(self):
        """Jobs that were started, in order, but for what the service itself asks for its alerts."""
        return [e for e in self.events("job-started") if e["why"] != "alerts"]

    def children(self):
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
                return [int(p) for p in f.read().split()]
        except FileNotFoundError:
            return []

    def open_operations(self):
        """What was sent and not confirmed."""
        db = sqlite3.connect(f"file:{self.agent.path('state/target-hosted.db')}?mode=ro", uri=True)
        try:
            return db.execute("SELECT count(*) FROM op WHERE state = 1").fetchone()[0]
        finally:
            db.close()

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(timeout=WAIT)
        self.process = None
        return code

    def clean(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.run, ignore_errors=True)
