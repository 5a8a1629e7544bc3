"""lockstep register: the account's key is exchanged for a credential of this agent (S1.4)."""
import json
import os
import re
import socket
import stat
import subprocess
import tempfile

import pytest
from agent_fixtures import Agent
from cloud_fixtures import Client
from connector import Target, program
from fakescim import FakeScim
from smalldir import SmallDirectory

CREDENTIALS = "POST /.lockstep/credentials"
OFFER = {"findTerms": 10, "membersPerPatch": 10, "credentials": {"endpoint": "/.lockstep/credentials", "exchanged": False}}


@pytest.fixture
def people(agent):
    return SmallDirectory(agent.path("people.ldif")).write()


def token(agent):
    with open(agent.path("token")) as f:
        return f.read()


def files(agent):
    return sorted(n for n in os.listdir(agent.folder) if not n.startswith("state"))


def holds(folder, text):
    """Is the text anywhere in a file below the folder?"""
    return subprocess.run(["grep", "-rqF", "--", text, folder]).returncode == 0


def users(client):
    return {u["userName"] for u in client.find("/Users", "userName pr")}


def refused(agent, *words, code=2):
    """Registering fails so, and nothing is changed by it."""
    before, there = token(agent), files(agent)
    done = agent.run("register", *words, "--json", code=code)
    error = json.loads(done.stdout)["error"]
    assert token(agent) == before and files(agent) == there
    return error["code"], error["message"]


def test_s1_4_the_key_leaves_and_the_credential_works_until_it_is_revoked(agent, people, cloud, acme):
    people.user("anna")
    agent.configure(people.write().source(), acme)
    checked = {f["topic"]: f for f in agent.json("check")["findings"] if f["where"] == "target hosted"}
    assert checked["credential"]["level"] == "info" and "lockstep register" in checked["credential"]["remedy"]
    agent.sync()

    said = agent.json("register", "hosted")
    assert said == {"target": "hosted", "name": socket.gethostname(), "token_file": agent.path("token"), "exit": 0}
    assert re.fullmatch(r"lsa_[0-9a-f]{64}\n", token(agent)) and not holds(agent.folder, acme.token)
    assert stat.S_IMODE(os.stat(agent.path("token")).st_mode) == 0o600
    assert files(agent) == ["lockstep.conf", "people.ldif", "token"]
    checked = {f["topic"]: f for f in agent.json("check")["findings"] if f["where"] == "target hosted"}
    assert checked["credential"]["level"] == "ok"
    people.user("bert")
    people.write()
    assert agent.sync()["exit"] == 0
    assert users(acme) == {"anna@example.test", "bert@example.test"}

    assert refused(agent)[0] == "registered"            # a credential makes no other
    cloud.command("tenant", "revoke", "acme", said["name"])
    people.user("carla")
    people.write()
    done = agent.run("sync", code=5)
    assert "revoked" in done.stderr and "lockstep register" in done.stderr
    key = agent.secret("key", acme.token)
    done = agent.run("register", "--key-file", key, "--name", "dc1")
    assert '"dc1"' in done.stdout and f"remove {key}" in done.stdout and done.stderr == ""
    assert agent.sync()["exit"] == 0 and "carla@example.test" in users(acme)
    assert list(json.loads(cloud.command("tenant", "agents", "acme", "--json").stdout)["agents"][0]) == [
        "name", "created", "used"]


def test_s1_4_two_machines_of_one_name(agent, people, cloud, acme):
    agent.configure(people.source(), acme)
    key = agent.secret("key", acme.token)
    os.remove(agent.path("token"))                      # the first time there need not be one
    assert agent.json("register", "--key-file", key, "--name", "dc1")["name"] == "dc1"
    first = token(agent)
    assert agent.json("register", "--key-file", key, "--name", "dc1")["name"] == "dc1-2"
    assert token(agent) != first
    assert Client(cloud.port, first.strip())("GET", "/Users").status == 200
    assert refused(agent, "--key-file", key, "--name", "two words")[0] == "not-registered"


def test_s1_4_a_service_that_offers_no_such_thing(agent, people):
    with FakeScim() as fake:
        agent.configure(people.source(), fake)
        code, said = refused(agent)
        assert code == "not-offered" and "hosted" in said and "stays as it is" in said
        assert {f["topic"] for f in agent.json("check")["findings"]}.isdisjoint({"credential"})
        assert not [r for r in fake.requests if r[0].startswith("POST")]


@pytest.mark.parametrize("endpoint", [
    "http://127.0.0.1:1/x", "//127.0.0.1:1/x", "@127.0.0.1:1/x", "/../../x", "/x?y=1", "/x#y", "/x y", "/", "", 7, None,
    "/" + "x" * 200])
def test_s1_4_the_key_goes_below_the_url_alone(agent, people, endpoint):
    with FakeScim(marker={"credentials": {"endpoint": endpoint}}) as fake:
        agent.configure(people.source(), fake)
        assert refused(agent)[0] == "not-offered"
        assert not [r for r in fake.requests if r[0].startswith("POST")]


@pytest.mark.parametrize("action,value,exit_code,code,words", [
    ("cut_before", None, 5, "lost-answer", ["Perhaps the service made", "The key is as it was"]),
    ("instead", lambda: b'{"name": "dc1"}', 5, "bad-answer", ["Perhaps the service made"]),
    ("instead", lambda: b'{"name": "dc1", "token": ""}', 5, "bad-answer", []),
    ("instead", lambda: b'{"name": "dc1", "token": "two words"}', 5, "bad-answer", []),
    ("instead", lambda: b'{"name": "dc1", "token": "line\\nline"}', 5, "bad-answer", []),
    ("html", 200, 5, "bad-answer", ["Perhaps"]),
    ("status", (500, []), 5, "not-registered", ["500", "Perhaps the service made"]),
    ("status", (403, []), 2, "not-registered", ["403", "as told"]),
    ("status", (429, [("Retry-After", "1")]), 5, "not-registered", ["429", "later"])])
def test_s1_4_the_exchange_goes_wrong_and_the_key_stays(agent, people, action, value, exit_code, code, words):
    with FakeScim(marker=OFFER) as fake:
        agent.configure(people.source(), fake)
        fake.fault(CREDENTIALS, action, value)
        got, said = refused(agent, code=exit_code)
        assert got == code and all(w in said for w in words), (got, said)
        assert sum(r[0] == CREDENTIALS for r in fake.requests) == 1     # never twice


def test_s1_4_a_credential_that_does_not_work_replaces_nothing(agent, people):
    with FakeScim(marker=OFFER) as fake:
        agent.configure(people.source(), fake)
        fake.credential = "lsa_not-yet"
        code, said = refused(agent)
        assert code == "token-refused" and "the key was kept" in said
        fake.accepted.add(fake.credential)
        agent.run("register")
        assert token(agent) == "lsa_not-yet\n"


def test_s1_4_what_is_wrong_before_anything_is_asked(agent, people, acme):
    agent.configure(people.source(), acme)
    done = agent.run("register", "elsewhere", "--json", code=2)
    assert "elsewhere" in done.stdout
    assert "usage" in agent.run("register", "--key-file", code=2).stderr
    assert "usage" in agent.run("register", "hosted", "again", code=2).stderr
    assert refused(agent, "--key-file", agent.path("nowhere"))[1].count("nowhere")
    open_key = agent.secret("key", acme.token)
    os.chmod(open_key, 0o644)
    assert refused(agent, "--key-file", open_key)[0] == "secret-open"
    assert refused(agent, "--key-file", agent.secret("wrong", "lsc_" + "0" * 64))[0] == "token-refused"
    os.rename(agent.path("token"), agent.path("away"))
    assert "--key-file" in agent.run("register", code=2).stderr
    with open(agent.conf, "a") as f:
        f.write(f'target "second" {{ type = "scim"  url = "http://127.0.0.1:1/"  token_file = "{agent.path("away")}" }}\n')
    assert "2 targets" in agent.run("register", code=2).stderr
    assert agent.run("register", "second", code=5).stderr.startswith("lockstep: target second: ")


def test_s1_4_a_connector_that_knows_nothing_of_it(agent, people, tmp_path):
    other = tmp_path / "other"
    other.write_text('#!/bin/sh\n'
                     'if [ "$1" = --describe ]; then\n'
                     '  echo \'{"connector":"own","role":"target","options":[{"name":"token_file","type":"secret-path"}]}\'\n'
                     '  exit\nfi\nread -r hello\n'
                     'echo \'{"type":"hello","versions":[1,1],"connector":"own","kinds":{"user":{}}}\'\n'
                     'read -r stop\n')
    other.chmod(0o755)
    agent.secret("token", "key")
    with open(agent.conf, "w") as f:
        f.write(f'state = "{agent.path("state")}"\nsource "company" {{ {people.source()} }}\n'
                f'target "own" {{ type = "exec"  command = "{other}"  token_file = "token" }}\n'
                'sync "mail" {\n from = "company"  to = "own"\n}\n')
    code, said = refused(agent)
    assert code == "not-offered" and "own" in said and "nothing was changed" in said


def test_s1_4_the_credential_goes_into_the_file_and_no_line_says_it(acme, tmp_path):
    key, out = tmp_path / "key", tmp_path / "out"
    key.write_text(acme.token)
    key.chmod(0o600)
    url = f"http://127.0.0.1:{acme.port}/scim/v2"

    def exchange(redirection):
        t = Target("lockstep-target-scim", wrap=["/bin/sh", "-c", f'exec "$0" {redirection}'], url=url, token_file=key)
        assert "register" in t.hello["capabilities"]
        t.send(type="register", name="dc1")
        said = t.next()
        assert t.close() == 0
        return said, "".join(t.errors)

    said, errors = exchange(f"3>{out}")
    made = out.read_text().strip()
    assert said == {"type": "registered", "name": "dc1"} and made.startswith("lsa_") and errors == ""
    # what is no empty file of its own is left alone: a lock, a socket of the program that has the number
    for redirection in "3>&-", f"3<{out}", f"3>>{out}", "3>/dev/null":
        said, _ = exchange(redirection)
        assert said["type"] == "error" and said["error"]["code"] == "no-file", (redirection, said)
    assert out.read_text().strip() == made


@pytest.fixture
def open_folder():
    """One that other users may enter, as those of pytest are not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        yield folder


@pytest.mark.skipif(os.geteuid() != 0, reason="owners are root's to give")
def test_s1_4_root_leaves_the_credential_to_the_service(acme, open_folder):
    """The file is its owner's as before; a first one is for the account that runs the connectors."""
    if subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", program("lockstep-target-scim"), "--version"],
                      stdout=subprocess.DEVNULL).returncode:
        pytest.skip("the build is in a folder that others may not enter")
    agent = Agent(open_folder)
    people = SmallDirectory(agent.path("people.ldif")).write()
    agent.configure(people.source(), acme)
    os.makedirs(agent.path("state"), 0o700)
    for path in agent.path("state"), agent.path("token"):
        os.chown(path, 65534, 65534)
    agent.run("register", "--name", "dc1")
    mode = lambda: (lambda s: (s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)))(os.stat(agent.path("token")))
    assert mode() == (65534, 65534, 0o600)

    key = agent.secret("key", acme.token)
    code, said = refused(agent, "--key-file", key)      # root's, and the service cannot read it
    assert code == "os" and key in said and "Permission denied" in said
    os.chown(key, 0, 65534)
    os.chmod(key, 0o640)
    os.remove(agent.path("token"))
    agent.run("register", "--name", "dc1", "--key-file", key)
    assert mode() == (65534, 65534, 0o600)
    os.chown(agent.path("token"), 0, 65534)
    os.chmod(agent.path("token"), 0o640)
    agent.run("register", "--name", "dc1", "--key-file", key)
    assert mode() == (0, 65534, 0o640)
