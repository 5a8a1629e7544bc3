"""`lockstep config import` (issue 3): first steps from LSC and GCDS. What is plain is taken, all else is named."""
import json
import os
import re
import stat
import subprocess

import pytest

from agent_fixtures import BIN
from test_cli import BASE

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "import")
PROGRAM = os.path.join(BIN, "lockstep")
SECRETS = ("hunter2", "aHVudGVyMi")  # in the samples: plain, and as base64


def lockstep(*words, code=0):
    done = subprocess.run([PROGRAM, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"exit {done.returncode}: {words}\n{done.stdout}\n{done.stderr}"
    return done


def sample(name):
    return os.path.join(HERE, name)


def line_of(name, text, nth=0):
    """The line of the nth element or text in a sample."""
    with open(sample(name)) as f:
        return [i for i, line in enumerate(f, 1) if text in line][nth]


def shown(conf):
    """What `config show` has in force: its lines without comments."""
    text = lockstep("-c", str(conf), "config", "show").stdout
    return [re.sub(r" # .*", "", line).strip() for line in text.splitlines() if not line.lstrip().startswith("#")]


@pytest.mark.parametrize("name", ["lsc.xml", "gcds.xml"])
def test_issue3_import_gives_a_configuration_that_is_read(name, tmp_path):
    out = tmp_path / "lockstep.conf"
    done = lockstep("config", "import", sample(name), "--out", str(out))
    assert done.stdout == ""
    assert str(out) in done.stderr
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert shown(out)
    # The same without --out goes to standard output, and a line of it says where it is from.
    assert lockstep("config", "import", sample(name)).stdout == out.read_text()
    assert re.search(rf"server = .* # {re.escape(name)}:\d+ ", out.read_text())


def test_issue3_import_never_overwrites(tmp_path):
    out = tmp_path / "lockstep.conf"
    out.write_text("mine\n")
    done = lockstep("config", "import", sample("lsc.xml"), "--out", str(out), code=2)
    assert "is there already" in done.stderr
    assert out.read_text() == "mine\n"
    os.unlink(out)
    os.symlink(tmp_path / "elsewhere", out)
    lockstep("config", "import", sample("lsc.xml"), "--out", str(out), code=2)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["lsc.xml", "gcds.xml"])
@pytest.mark.parametrize("how", [(), ("--json",), ("--verbose",)])
def test_issue3_import_shows_no_secret(name, how):
    with open(sample(name)) as f:
        assert any(s in f.read() for s in SECRETS), "the sample has none"
    done = lockstep("config", "import", sample(name), *how)
    for secret in SECRETS:
        assert secret not in done.stdout + done.stderr
    assert "password_file" in done.stdout + done.stderr


def test_issue3_import_lsc_what_is_plain(tmp_path):
    out = tmp_path / "lockstep.conf"
    lockstep("config", "import", sample("lsc.xml"), "--out", str(out))
    text = shown(out)
    for line in ("server = 'ldap://dc1.corp.example:389'", "tls = 'start'",
                 "bind = 'CN=svc-lsc,OU=Service accounts,DC=corp,DC=example'",
                 "base = {'OU=People,DC=corp,DC=example'}",
                 # in LSC relative to the DN of the URL
                 "base = {'OU=Groups,DC=corp,DC=example'}",
                 r"filter = {'(&(objectClass=user)(!(cn=O\'Brien \28old\29))(mail=*))'}",
                 "filter = {'(objectClass=group)'}",
                 "leave = 'keep'", "enabled = 'no'", "emails.work = 'mail'", "name.givenName = 'givenName'",
                 "employeeNumber = 'attr[\"extensionAttribute1\"]'", "title = '\"Employee\"'",
                 # fetched at both ends, without a dataset
                 "phoneNumbers.work = 'telephoneNumber'",
                 # not written by LSC
                 "phoneNumbers.mobile = ''"):
        assert line in text, f"{line} is not in\n" + "\n".join(text)
    # A script stands for something that is not known: the default holds.
    assert not [line for line in text if line.startswith("name.familyName")]


def test_issue3_import_lsc_json_names_the_rest():
    said = json.loads(lockstep("config", "import", sample("lsc.xml"), "--json").stdout)
    assert said["format"] == "lsc" and said["out"] is None
    assert said["config"] == lockstep("config", "import", sample("lsc.xml")).stdout
    lost = {(n["line"], n["what"].rsplit("/", 1)[-1]) for n in said["not_imported"]}
    for text, nth, what in (("<password>", 0, "password"), ("<pageSize>", 0, "pageSize"),
                            ("<getOneFilter>", 0, "getOneFilter"), ("<oneFilter>", 0, "oneFilter"),
                            ("<mainIdentifier>", 0, "mainIdentifier"), ("<mainIdentifier>", 1, "mainIdentifier"),
                            ("<security>", 0, "security"), ("<ldapConnection>", 1, "ldapConnection[openldap]")):
        assert (line_of("lsc.xml", text, nth), what) in lost
    assert {what for _, what in lost} >= {"dataset[sn]", "dataset[uid]", "dataset[userPassword]", "dataset[member]"}
    assert all(n["why"] and n["remedy"] for n in said["not_imported"])
    kept = {n["as"] for n in said["imported"]}
    assert "sync People: user map emails.work = mail" in kept
    assert not {(n["line"], n["what"]) for n in said["imported"]} & {(n["line"], n["what"]) for n in said["not_imported"]}
    # The same for a person, on standard error.
    err = lockstep("config", "import", sample("lsc.xml")).stderr
    assert f"{sample('lsc.xml')}:{line_of('lsc.xml', '<pageSize>')}: connections/ldapConnection[corp]/pageSize: " in err


def test_issue3_import_gcds_knows_what_is_public_only(tmp_path):
    out = tmp_path / "lockstep.conf"
    said = json.loads(lockstep("config", "import", sample("gcds.xml"), "--json", "--out", str(out)).stdout)
    assert said["format"] == "gcds" and said["out"] == str(out)
    assert "server = 'ldap://dc1.corp.example'" in shown(out)  # 3268 is a global catalog's port
    unknown = {n["what"].rsplit("/", 1)[-1]: n for n in said["not_imported"] if n["why"] == "not known to Lockstep"}
    assert set(unknown) == {"somebase", "someaccount", "somepassword", "somefilter", "somescope", "somesuspended",
                            "somelimit"}
    assert unknown["somelimit"]["line"] == line_of("gcds.xml", "<somelimit>")
    assert "OU=People,DC=corp,DC=example" in unknown["somebase"]["remedy"]
    assert r"# filter = '(&(objectClass=user)(mail=*)(!(cn=O\'Brien)))'" in out.read_text()


def test_issue3_import_gcds_has_nobody_in_scope(agent, acme, tmp_path):
    """Its scope over a directory with somebody: nothing is created before a person has decided."""
    scope = re.search(r"\tscope \{.*?\n\t\}", lockstep("config", "import", sample("gcds.xml")).stdout, re.S).group(0)
    with open(agent.path("d.ldif"), "w") as f:
        f.write(f"dn: {BASE}\nobjectClass: domainDNS\nobjectGUID:: ZG9tYWluX19fX19fX19fXw==\n\n"
                f"dn: CN=anna,{BASE}\nobjectClass: user\nobjectGUID:: YW5uYV9fX19fX19fX19fXw==\n"
                f"cn: anna\nmail: anna@example.test\nuserAccountControl: 512\n\n")
    source = f"type = \"ldif\"  file = \"d.ldif\"  base = '{BASE}'"
    assert agent.configure(source, acme, scope).sync()["created"] == 0
    assert agent.configure(source, acme, scope.replace("when = 'false'", "")).sync()["created"] == 1


@pytest.mark.parametrize("text,said", [
    ("<lsc>\n <connections>\n</lsc>", "x.xml:3: an element is ended by the tag of another"),
    ("\n<!DOCTYPE lsc [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>\n<lsc>&e;</lsc>", "x.xml:2: a DOCTYPE"),
    ("<other/>", "not a configuration that can be imported"), ("", "x.xml:1: there is no XML in it"),
    (" " * (1 << 20) + "<lsc/>", "larger than 1048576 bytes")],
    ids=["cut", "doctype", "unknown", "empty", "large"])
def test_issue3_import_refuses_with_a_place(text, said, tmp_path):
    path = tmp_path / "x.xml"
    path.write_text(text)
    done = lockstep("config", "import", str(path), "--out", str(tmp_path / "out"), code=2)
    assert said in done.stderr
    assert not (tmp_path / "out").exists()
    error = json.loads(lockstep("config", "import", str(path), "--json", code=2).stdout)["error"]
    assert error["kind"] == "config" and said in error["message"]


def test_issue3_import_of_broken_encoding_shows_no_bytes(tmp_path):
    path = tmp_path / "x.xml"
    path.write_bytes(b'<?xml version="1.0" encoding="UTF-16"?>\n<lsc/>'.decode().encode("utf-16")
                     + b"\xff\xdb\xff\xff" * 3000)
    done = lockstep("config", "import", str(path), code=2)
    assert done.stderr.startswith(f"lockstep: {path}:") and done.stderr.count("\n") == 1
    assert "0xFF" not in done.stderr


@pytest.mark.parametrize("words,said", [
    (["import"], "FILE"), (["import", "a", "b"], "FILE"), (["import", "a", "--out"], "FILE"),
    (["import", "a", "--force"], "FILE"), (["export"], "show"), (["import", "/nonexistent"], "cannot open")])
def test_issue3_import_usage(words, said):
    assert said in lockstep("config", *words, code=2).stderr


def test_issue3_import_as_another_user(tmp_path):
    """The check of what was made goes through /proc, which a hardened process sees little of."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become another")
    with open(sample("lsc.xml"), "rb") as f:
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PROGRAM, "config",
                               "import", "/dev/stdin"], stdin=f, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "sync 'People'" in done.stdout
