"""lockstepd with its console, for tests: a folder, a free port, a signed-in way to speak with it."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse

from ports import free_port

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.environ.get("LOCKSTEP_BIN", os.path.join(ROOT, "build", "bin"))


def until(what, seconds=60):
    """Waits for what() to be true; its value."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


class Console:
    def __init__(self, folder, conf=None, user=None):
        """user: whom lockstepd runs as (the tests must be root then); the state is theirs, the configuration is not."""
        self.folder = str(folder)
        self.state = os.path.join(self.folder, "state")
        self.conf = conf or os.path.join(self.folder, "lockstep.conf")
        self.port = free_port()
        self.process = self.cookie = self.token = None
        self.before = []
        if user:
            for path in (self.state, os.path.join(self.folder, "run")):
                os.mkdir(path, 0o700)
                shutil.chown(path, user)
            self.before = ["setpriv", "--reuid", user, "--clear-groups"]
        self.socket = os.path.join(self.folder, "run", "control") if user else os.path.join(self.folder, "control")

    def control(self):
        """While there is no configuration; then in the state folder."""
        for path in (os.path.join(self.state, "control"), self.socket):
            if os.path.exists(path):
                return path
        return None

    def start(self):
        env = dict(os.environ)
        env.pop("JOURNAL_STREAM", None)
        self.log = open(os.path.join(self.folder, "daemon.log"), "ab")
        self.process = subprocess.Popen(
            [*self.before, os.path.join(BIN, "lockstepd"), "-c", self.conf, "--state", self.state, "--control", self.socket,
             "--port", str(self.port)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=env)
        until(self.listens)
        return self

    def listens(self):
        assert self.process.poll() is None, open(os.path.join(self.folder, "daemon.log")).read()[-3000:]
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return self.ask({"ask": "status"})
        except OSError:
            return False

    def stop(self, how=signal.SIGTERM):
        if self.process:
            if self.process.poll() is None:
                self.process.send_signal(how)
            code = self.process.wait(90)
            self.process = None
            self.log.close()
            return code

    def ask(self, request):
        """One question to the control socket."""
        for path in (os.path.join(self.state, "control"), self.socket):
            with socket.socket(socket.AF_UNIX) as s:
                try:
                    s.connect(path)
                except OSError:
                    continue
                s.sendall(json.dumps(request).encode() + b"\n")
                return json.loads(s.makefile().readline())
        raise OSError("no control socket")

    def link(self):
        return self.ask({"ask": "console"})["url"]

    def sign_in(self):
        parts = urllib.parse.urlsplit(self.link())
        status, headers, _ = self.raw("GET", parts.path + "?" + parts.query)
        assert status == 303, status
        self.cookie = headers["Set-Cookie"].split(";")[0]
        self.token = self.get("session")["token"]
        return self

    # --- HTTP ---

    def raw(self, method, path, body=None, headers=None, host=None, address="127.0.0.1"):
        c = http.client.HTTPConnection(address, self.port, timeout=60)
        c.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        c.putheader("Host", f"127.0.0.1:{self.port}" if host is None else host)
        for k, v in (headers or {}).items():
            c.putheader(k, v)
        if body is not None:
            c.putheader("Content-Length", str(len(body)))
        c.endheaders(body)
        answer = c.getresponse()
        data = answer.read()
        c.close()
        return answer.status, answer.headers, data

    def api(self, method, path, body=None, headers=None, **more):
        head = {"Cookie": self.cookie} if self.cookie else {}
        if method == "POST":
            head.update({"Content-Type": "application/json", "X-Lockstep-Token": self.token or ""})
        head.update(headers or {})
        head = {k: v for k, v in head.items() if v is not None}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        status, _, text = self.raw(method, "/api/" + path, data, head, **more)
        return status, json.loads(text) if text else None

    def get(self, path, **query):
        status, value = self.api("GET", path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else ""))
        assert status == 200, (path, status, value)
        return value

    def post(self, path, body, want=200):
        status, value = self.api("POST", path, body)
        assert status == want, (path, status, value)
        return value

    def finished(self, job):
        def over():
            j = self.get("job", id=job)
            return j if j["state"] == "ended" else None
        return until(over, 120)

    def command(self, *words):
        return self.finished(self.post("command", {"command": words})["job"])

    def synced(self):
        """The first run that was no plan has ended, and none runs."""
        def over():
            o = self.get("overview")
            done = [t for t in o.get("status", {}).get("targets", []) if t["run"]]
            return o if done and not o["jobs"] else None
        return until(over, 120)
