"""Fixture agent: makes configurations and runs lockstep with them; a folder of its own."""
import json
import os
import subprocess

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.environ.get("LOCKSTEP_BIN", os.path.join(ROOT, "build", "bin"))


class Agent:
    def __init__(self, folder):
        self.folder = str(folder)
        self.conf = os.path.join(self.folder, "lockstep.conf")

    def path(self, name):
        return os.path.join(self.folder, name)

    def secret(self, name, text):
        path = self.path(name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text + "\n")
        return path

    def configure(self, source, client, sync="", target=""):
        """source: the options of the source as text; client: port (or url) and token of the service; sync, target: more
        lines of the sync, of the target."""
        url = getattr(client, "url", None) or f"http://127.0.0.1:{client.port}/scim/v2"
        token = self.secret("token", client.token)
        with open(self.conf, "w") as f:
            f.write(f'state = "{self.path("state")}"\n'
                    f'source "company" {{ {source} }}\n'
                    f'target "hosted" {{ type = "scim"  url = "{url}" '
                    f'token_file = "{token}" {target} }}\n'
                    f'sync "mail" {{\n from = "company"  to = "hosted"\n{sync}\n}}\n')
        return self

    def ad(self, dc):
        """The options of a source that reads a SambaDC with its least-privilege account."""
        password = self.secret("password", dc.account_password)
        return (f'type = "ad"  server = "{dc.url}"  ca_file = "{dc.ca}"  bind = "{dc.account}"\n'
                f"password_file = \"{password}\"  base = '{dc.base}'")

    def command(self, *words):
        return [os.path.join(BIN, "lockstep"), "-c", self.conf, *words]

    def run(self, *words, code=0):
        """A command; its exit code must be one of code (a number, or several)."""
        done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=600)
        allowed = code if isinstance(code, tuple) else (code,)
        assert done.returncode in allowed, f"exit {done.returncode}: {words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def json(self, *words, code=0):
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def sync(self, *more, code=0):
        return self.json("sync", *more, code=code)


@pytest.fixture
def agent(tmp_path):
    folder = tmp_path / "agent"
    folder.mkdir()
    return Agent(folder)


@pytest.fixture
def agentd(agent):
    from agentd import Agentd
    daemon = Agentd(agent)
    yield daemon
    daemon.clean()
