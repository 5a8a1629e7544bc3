"""The believable company is what its users take it for."""
import collections
import json
import os
import subprocess
import sys

import pytest

LIB = os.path.join(os.path.dirname(__file__), "..", "lib")
sys.path.insert(0, LIB)
from company import Company, ldif_line  # noqa: E402
import ldif  # noqa: E402


def make(folder, people=250, seed=1, fmt="ldif", days=5):
    return Company(people, seed, fmt=fmt).write(str(folder), days)


def content(folder):
    return {dn: attrs for dn, attrs in
            ((dn, collect(pairs)) for dn, _, pairs in ldif.records(os.path.join(folder, "000-company.ldif")))}


def collect(pairs):
    out = collections.defaultdict(list)
    for a, v in pairs:
        out[a].append(v)
    return out


def test_same_seed_same_bytes(tmp_path):
    make(tmp_path / "a"), make(tmp_path / "b"), make(tmp_path / "c", seed=2)
    read = lambda d: b"".join((tmp_path / d / f).read_bytes() for f in ("000-company.ldif", "changes/002-tuesday.ldif"))
    assert read("a") == read("b") != read("c")


def test_a_larger_company_begins_with_the_same_people(tmp_path):
    make(tmp_path / "a", 100), make(tmp_path / "b", 150)
    a, b = content(tmp_path / "a"), content(tmp_path / "b")
    mails = {e["mail"][0]: e for e in b.values() if b"user" in e["objectClass"] and "mail" in e}
    people = [e for e in a.values() if b"user" in e["objectClass"] and "mail" in e]
    assert len(people) == 100
    assert all(mails[e["mail"][0]] == e for e in people)


@pytest.mark.parametrize("fmt", ["ldif", "samba"])
def test_names_and_addresses_are_unique_and_links_resolve(tmp_path, fmt):
    story = make(tmp_path, 1000, 7, fmt)
    tree = content(tmp_path)
    seen = collections.Counter()
    for dn, e in tree.items():
        assert dn[ldif.split_dn(dn):] in tree or dn[ldif.split_dn(dn):].startswith("DC=") or dn.startswith("DC=")
        for value in e["proxyAddresses"]:
            seen[b"address/" + value.split(b":", 1)[1].lower()] += 1
        for attr in ("sAMAccountName", "userPrincipalName", "objectGUID"):
            for value in e[attr]:
                seen[attr.encode() + b"/" + (value if attr == "objectGUID" else value.lower())] += 1
        assert all(len(v) <= 20 for v in e["sAMAccountName"]) or b"group" in e["objectClass"]
        for link in ("member", "manager"):
            assert all(v.decode() in tree for v in e[link]), dn
    assert [k for k, n in seen.items() if n > 1] == []
    assert story["counts"]["people"] == 1000
    assert any(e.get("objectGUID") for e in tree.values()) == (fmt == "ldif")
    scripts = "".join(e["displayName"][0].decode() for e in tree.values() if e["displayName"])
    for ch in "üłγЖ佐م":
        assert ch.lower() in scripts.lower(), ch


@pytest.mark.parametrize("people,days", [(30, 10), (250, 15), (1500, 5)])
def test_the_days_can_be_applied_and_tell_the_truth(tmp_path, people, days):
    story = make(tmp_path, people, 3, days=days)
    tree = content(tmp_path)
    assert len(story["days"]) == days
    by = lambda mail: [(d, e) for d, e in tree.items() if mail.encode() in e.get("mail", ())]
    for day in story["days"]:
        before = {m: by(m) for m in day.get("left", [])}
        assert all(len(x) == 1 for x in before.values())
        ldif.replay(tree, os.path.join(tmp_path, day["file"]))
        for mail in day.get("hired", []):
            (_, e), = by(mail)
            assert e["objectGUID"] and e["userAccountControl"] == [b"512"]
        for change in day.get("renamed", []):
            (_, e), = by(change["to"])
            assert not by(change["from"]) and b"smtp:" + change["from"].encode() in e["proxyAddresses"]
        for change in day.get("moved", []):
            (dn, e), = by(change["mail"])
            assert e["department"] == [change["to"].encode()] and f"OU={change['to']}," in dn
        for mail in day.get("disabled", []):
            assert by(mail)[0][1]["userAccountControl"] == [b"514"]
        for mail in day.get("left", []):
            assert not by(mail)
        for change in day.get("container_renamed", []):
            assert change["to"] in tree and change["from"] not in tree
            assert not [d for d in tree if d.endswith("," + change["from"])]


@pytest.mark.parametrize("value,line", [
    ("plain", b"a: plain\n"), (" leading", b"a:: IGxlYWRpbmc=\n"), ("end ", b"a:: ZW5kIA==\n"), (":x", b"a:: Ong=\n"),
    ("<x", b"a:: PHg=\n"), ("", b"a:\n"), ("x\ny", b"a:: eAp5\n"), ("ü", b"a:: w7w=\n"), (b"\0", b"a:: AA==\n")])
def test_ldif_rfc2849_values(value, line):
    assert ldif_line("a", value) == line


def test_command_line(tmp_path):
    out = subprocess.run([sys.executable, os.path.join(LIB, "company.py"), "--people", "40", "--out", str(tmp_path)],
                         check=True, capture_output=True, text=True).stdout
    assert json.loads(out)["people"] == 40
    bad = subprocess.run([sys.executable, os.path.join(LIB, "company.py"), "--people", "3", "--out", str(tmp_path)],
                         capture_output=True, text=True)
    assert bad.returncode == 2 and "--people" in bad.stderr
