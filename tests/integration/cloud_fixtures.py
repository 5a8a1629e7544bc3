"""Fixture cloud: lockstep-cloud on a free port of 127.0.0.1 with a new database, and a client of one tenant."""
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import urllib.parse

import pytest

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
from ports import free_port  # noqa: E402  (beside the tests' other parts)
PROGRAM = os.environ.get("LOCKSTEP_CLOUD", os.path.join(ROOT, "build", "bin", "lockstep-cloud"))

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LOCKSTEP = "urn:lockstep:params:scim:schemas:extension:2.0:User"
NOBODY = "01900000-0000-7000-8000-000000000000"

class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read()
        self.json = json.loads(self.text) if self.text else None

    def __repr__(self):
        return "%d %s" % (self.status, self.text[:500])


class Client:
    """One tenant's view; one connection, kept."""

    def __init__(self, port, token):
        self.port, self.token = port, token
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=180)

    def __call__(self, method, path, body=None, headers=None, **query):
        self.send(method, path, body, headers, **query)
        return self.receive()

    def receive(self):
        return Answer(self.connection.getresponse())

    def send(self, method, path, body=None, headers=None, **query):
        if query:
            path += "?" + urllib.parse.urlencode(query)
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        head = {"Authorization": "Bearer " + self.token, "Content-Type": "application/scim+json"}
        head.update(headers or {})
        self.connection.request(method, "/scim/v2" + path, body, head)

    def make(self, path, /, **attributes):
        answer = self("POST", path, attributes)
        assert answer.status == 201, answer
        return answer.json

    def user(self, name, /, **attributes):
        return self.make("/Users", userName=name, **attributes)

    def group(self, name, members=(), /, **attributes):
        return self.make("/Groups", displayName=name, members=[{"value": m} for m in members], **attributes)

    def find(self, path, text, **query):
        answer = self("GET", path, filter=text, **query)
        assert answer.status == 200, answer
        return answer.json["Resources"]

    def bulk(self, operations, **more):
        return self("POST", "/Bulk", dict(more, Operations=operations))


class Cloud:
    def __init__(self, folder):
        self.db = os.path.join(str(folder), "cloud.db")
        self.process = None
        self.tokens = {}

    def command(self, *words, check=True):
        return subprocess.run([PROGRAM, *words, "--db", self.db], capture_output=True, text=True, check=check)

    def tenant(self, name):
        if name not in self.tokens:
            self.tokens[name] = self.command("tenant", "add", name).stdout.strip()
        return Client(self.port, self.tokens[name])

    def start(self, *more, port=0, **popen):
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--listen", f"127.0.0.1:{port or free_port()}", "--db", self.db, *more],
            stdout=subprocess.PIPE, text=True, **popen)
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        self.port = int(line.split(":")[2].split("/")[0])
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process:
            self.process.send_signal(how)
            code = self.process.wait(120)
            self.process.stdout.close()
            self.process = None
            return code


def ids(resources):
    return [r["id"] for r in resources]


def patch(*operations):
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}


def refused(answer, status, scim_type=None, words=()):
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert answer.json["status"] == str(status)
    assert answer.json.get("scimType") == scim_type, answer
    for word in words:
        assert word in answer.json["detail"]


def ids_of_members(group):
    return sorted(m["value"] for m in group.get("members", []))


def op(method, path, data=None, **more):
    return dict(more, method=method, path=path, **({"data": data} if data is not None else {}))


def make_users(acme, n, prefix="m"):
    made = []
    for start in range(0, n, 500):
        answer = acme.bulk([{"method": "POST", "path": "/Users", "bulkId": str(i),
                             "data": {"userName": "%s%d" % (prefix, i), "externalId": "x%s%d" % (prefix, i)}}
                            for i in range(start, min(n, start + 500))])
        assert answer.status == 200, answer
        made += [op["location"].rsplit("/", 1)[1] for op in answer.json["Operations"]]
    return made


def walk(acme, path, between=None, **query):
    seen, cursor = [], ""
    while cursor is not None:
        page = acme("GET", path, cursor=cursor, **query)
        assert page.status == 200, page
        seen += ids(page.json["Resources"])
        assert page.json["itemsPerPage"] == len(page.json["Resources"])
        cursor = page.json.get("nextCursor")
        assert cursor is None or re.fullmatch(r"[A-Za-z0-9._~-]+", cursor)
        if between:
            between()
    return seen


@pytest.fixture
def cloud(tmp_path):
    server = Cloud(tmp_path).start()
    yield server
    assert server.stop() in (0, None)


@pytest.fixture
def acme(cloud):
    return cloud.tenant("acme")
