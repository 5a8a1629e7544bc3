"""lockstepd in the foreground with a source of LDIF, and what its alerts and messages say."""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

from agent_fixtures import BIN
from agentd import Talk
from smalldir import SmallDirectory

PATIENCE = 300     # seconds: the minute, the pause of two attempts, and a slow machine


class Service:
    """lockstepd with a source of LDIF, in the foreground."""

    def __init__(self, agent, folder):
        self.agent, self.folder, self.process = agent, folder, None
        self.state = agent.path("state")
        self.conf = agent.path("service.conf")     # what lockstepd reads; the command line has a copy that stays well
        self.dir = SmallDirectory(os.path.join(agent.folder, "company.ldif"))

    def configure(self, url, token, sync="", alerts="", target="", every="5s", on_change="no", source=None):
        path = self.agent.secret("token", token)
        with open(self.conf, "w") as f:
            f.write(f'state = "{self.state}"\ncontrol = "{self.agent.path("control")}"\nconsole {{ enabled = "no" }}\n'
                    f'source "company" {{ {source or self.dir.source()} }}\n'
                    f'target "hosted" {{ type = "scim" url = "{url}" token_file = "{path}" {target} }}\n'
                    f'sync "mail" {{ from = "company" to = "hosted" schedule {{ every = "{every}" on_change = "{on_change}" }} {sync} }}\n'
                    f'alerts {{ {alerts} }}\n')
        shutil.copy(self.conf, self.agent.conf)

    def start(self):
        self.log = open(self.agent.path("log"), "a")
        env = {k: v for k, v in os.environ.items() if k not in ("NOTIFY_SOCKET", "JOURNAL_STREAM")}
        self.process = subprocess.Popen([os.path.join(BIN, "lockstepd"), "-c", self.conf], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, env=env)
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def alerts(self, *more):
        return self.agent.json("alerts", *more)["alerts"]

    def events(self, name):
        with open(self.agent.path("log")) as f:
            return [e for e in (json.loads(line) for line in f if line.startswith("{")) if e.get("event") == name]

    def wait(self, want, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            got = want()
            if got:
                return got
            assert self.process.poll() is None, self.tail()
            time.sleep(0.2)
        raise AssertionError(f"{json.dumps(self.alerts('--all'), indent=1)}\n{self.tail()}")

    def raised(self, code):
        return self.wait(lambda: self.find(code))

    def cleared(self, code):
        self.wait(lambda: not [a for a in self.alerts() if a["code"] == code])
        return [a for a in self.alerts("--all") if a["code"] == code and a["state"] == "cleared"][0]

    def find(self, code):
        """The open alert of that code, or None."""
        return next((a for a in self.alerts() if a["code"] == code), None)

    def spoil(self):
        """A configuration that is refused; mend() takes it back."""
        with open(self.conf, "a") as f:
            f.write("what is this\n")
        self.reload()
        return self.raised("config-refused")

    def mend(self):
        with open(self.conf) as f:
            text = f.read()
        with open(self.conf, "w") as f:
            f.write(text.replace("what is this\n", ""))
        self.reload()
        return self.cleared("config-refused")

    def check(self):
        """Somebody has the service check, as in the console."""
        with Talk(self.agent.path("control")) as t:
            t.ask(command=["check"])
            assert t.rest()[-1]["exit"] == 0

    def idle(self):
        """Nothing runs, nor is asked for by the service itself."""
        def jobs():
            with Talk(self.agent.path("control")) as t:
                return t.ask(ask="status")["jobs"]
        self.wait(lambda: not jobs())

    def memory(self, sql, *values):
        """A look into agent.db, or a change as if time had passed."""
        with sqlite3.connect(os.path.join(self.state, "agent.db"), timeout=30) as db:
            rows = db.execute(sql, values).fetchall()
        db.close()
        return rows

    def synced(self):
        """A run that began after now has ended well or not."""
        n = len(self.ended())
        return self.wait(lambda: len(self.ended()) > n + 1)

    def ended(self):
        return [e for e in self.events("job-ended") if e["command"].startswith("sync")]

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def tail(self):
        with open(self.agent.path("log")) as f:
            return f.read()[-5000:]


def mail_by(postfix, **more):
    options = {"smtp": postfix.url, "smtp_ca_file": postfix.ca, "mail_from": "lockstep@sync1.example.test", **more}
    return 'mail_to = {"ops@example.test"} ' + " ".join(f'{k} = "{v}"' for k, v in options.items())


def people(service, n, prefix="user", **attributes):
    for i in range(n):
        service.dir.user(f"{prefix}{i}", **attributes)
    service.dir.write()


def change(service):
    """Something to be brought to the target."""
    service.dir.set("user0", title=f"at {time.monotonic()}")
    service.dir.write()
