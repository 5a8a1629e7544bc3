"""scimmy and scimmy-routers, SCIM servers of somebody else, unchanged, with Express 4 or 5 (tests/integration/scimmy).
Their modules are put into build/scimmy by ./dev check (or ./dev modules)."""
import json
import os
import subprocess
import urllib.request
import uuid

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SERVER = os.path.join(ROOT, "tests", "integration", "scimmy", "server.js")


def modules(express):
    return os.path.join(os.environ.get("LOCKSTEP_BUILD", os.path.join(ROOT, "build")), "scimmy", f"express{express}")


class Scimmy:
    """with Scimmy(5) as s: s.port, s.url, s.token, s.dump(), s.counts(), s.made()"""

    def __init__(self, express, **knobs):
        self.token = "t0ken-" + uuid.uuid4().hex
        folder = modules(express)
        if not os.path.isdir(os.path.join(folder, "node_modules")):
            raise RuntimeError(f"{folder} has no node_modules: run ./dev modules")
        self.process = subprocess.Popen(["node", SERVER, folder, json.dumps(knobs)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=dict(os.environ, TOKEN=self.token))
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"scimmy does not start: {line!r}")
        self.port = int(line.split()[2])
        self.url = f"http://127.0.0.1:{self.port}/scim/v2"

    def _get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=180) as answer:
            return json.load(answer)

    def dump(self):
        """{"users": [...], "groups": [...]}: everything it has."""
        return self._get("dump")

    def counts(self):
        """Requests by method and path, such as "POST /scim/v2/Bulk"."""
        return self._get("counts")

    def made(self):
        """{"made": {externalId: how often}, "deleted": [externalId, ...]}"""
        return self._get("made")

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(120)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
