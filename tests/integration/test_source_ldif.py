"""lockstep-source-ldif over its pipes: full reads, deltas, and what makes a read unsealed."""
import base64
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

LIB = os.path.join(os.path.dirname(__file__), "..", "lib")
sys.path.insert(0, LIB)
from company import Company  # noqa: E402
from connector import program  # noqa: E402
import ldif  # noqa: E402

CLASSES = ["user", "group", "organizationalUnit", "container", "domainDNS"]
ATTRIBUTES = ["cn", "sn", "displayName", "mail", "proxyAddresses", "userAccountControl", "member", "manager",
              "objectGUID", "department", "accountExpires"]
LINKS = {"member", "manager"}


class Ldif:
    def __init__(self, path, attributes=ATTRIBUTES, classes=CLASSES, **options):
        self.attributes, self.classes = attributes, classes
        self.p = subprocess.Popen([program("lockstep-source-ldif")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env={})
        self.send(type="hello", versions=[1, 1], role="source", classes=classes, attributes=attributes,
                  options={"file": [str(path)], **{k: [v] for k, v in options.items()}})
        self.hello = self.line()

    def send(self, **m):
        self.p.stdin.write(json.dumps(m).encode() + b"\n")
        self.p.stdin.flush()

    def line(self):
        line = self.p.stdout.readline()
        assert line.endswith(b"\n") and len(line) <= 1 << 20
        return json.loads(line)

    def read(self, cursor=None):
        """(messages, end); the counts are checked."""
        self.send(type="read", cursor=cursor, classes=self.classes, attributes=self.attributes)
        out, counts = [], {}
        while True:
            m = self.line()
            if m["type"] == "progress":
                continue
            if m["type"] == "end":
                assert m["counts"] == counts
                return out, m
            counts[m["type"]] = counts.get(m["type"], 0) + 1
            out.append(m)

    def close(self):
        self.p.stdin.close()
        code = self.p.wait(timeout=120)
        self.p.stdout.close()
        self.p.stderr.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        assert self.close() == (0 if self.hello["type"] == "hello" else 1)


def value(v):
    return base64.b64decode(v["b64"]) if isinstance(v, dict) else v.encode()


class Mirror:
    """Applies messages as lockstep-connector(7) says, by DN; {dn: {attr: set of bytes}}."""

    def __init__(self):
        self.tree, self.dns = {}, {}

    def apply(self, messages):
        for m in messages:
            getattr(self, m["type"])(m, m.get("dn") or self.dns[m["id"]])
        return self

    def entry(self, m, dn):
        if "full" in m:
            self.tree[dn], self.dns[m["id"]] = {}, dn
        if dn in self.tree:
            for a, values in m.get("full", m.get("part")).items():
                self.tree[dn][a.lower()] = {value(v) for v in values}

    def links(self, m, dn):
        if dn not in self.tree:
            return
        have = self.tree[dn].setdefault(m["attribute"].lower(), set())
        ends = {e["dn"].encode() for e in m.get("set", m.get("add", m.get("remove"))) if "dn" in e}
        if "set" in m:
            if not getattr(self, "more", False):
                have.clear()
            have |= ends
            self.more = m.get("more", False)
        elif "add" in m:
            have |= ends
        else:
            have -= ends

    def values(self, m, dn):
        if dn in self.tree:
            have = self.tree[dn].setdefault(m["attribute"].lower(), set())
            have |= {value(v) for v in m.get("add", [])}
            have -= {value(v) for v in m.get("remove", [])}

    def gone(self, m, dn):
        if self.tree.pop(dn, None) is None:
            return
        for attrs in self.tree.values():
            for link in LINKS & attrs.keys():
                attrs[link].discard(dn.encode())

    def rename(self, m, dn):
        """Containers take what is in them along; links follow, since a mirror keeps them by identity."""
        to = {d: d[:-len(dn)] + m["new_dn"] for d in self.tree if d == dn or d.endswith("," + dn)}
        for old, new in to.items():
            self.tree[new] = self.tree.pop(old)
        self.dns = {i: to.get(d, d) for i, d in self.dns.items()}
        for attrs in self.tree.values():
            for link in LINKS & attrs.keys():
                attrs[link] = {to.get(v.decode(), v.decode()).encode() for v in attrs[link]}

    def state(self):
        return {dn: {a: v for a, v in attrs.items() if v and a != "objectclass"} for dn, attrs in self.tree.items()}


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company")
    story = Company(150, 7).write(str(folder), 5)
    names = ["000-company.ldif"] + [n for n in ["000-company-links.ldif"] if (folder / n).exists()]
    return [folder / n for n in names] + [folder / d["file"] for d in story["days"]]


def expected(paths):
    tree = {}
    for path in paths:
        ldif.replay(tree, path)
    return {dn: {a.lower(): set(v) for a, v in attrs.items() if a in ATTRIBUTES and v} for dn, attrs in tree.items()
            if {c.decode() for c in attrs["objectClass"]} & set(CLASSES)}


def put(folder, path, name=None):
    to = folder / (name or re.sub(r"^000-company-links", "001", path.name))
    shutil.copy(path, str(to) + ".tmp")
    os.rename(str(to) + ".tmp", to)


def test_I7_deltas_equal_full_reads_equal_the_files(company, tmp_path):
    put(tmp_path, company[0])
    with Ldif(tmp_path, now="2026-11-02T06:00:00Z") as c:
        assert c.hello["now"] == "2026-11-02T06:00:00Z"
        assert c.hello["context"] == "dc=example,dc=test"
        assert set(c.hello["capabilities"]) == {"whole", "deltas-complete", "sees-deletes", "watch"}
        assert c.hello["schema"]["member"] == {"syntax": "link", "multi": True}
        messages, end = c.read()
        assert end["sealed"]
        mirror = Mirror().apply(messages)
        assert mirror.state() == expected(company[:1])
        for i, path in enumerate(company[1:], 2):
            put(tmp_path, path, f"{i:03d}.ldif")
            messages, end = c.read(end["cursor"])
            assert end["sealed"] and messages
            assert all("full" not in m or m["type"] == "entry" for m in messages)
            mirror.apply(messages)
            full, full_end = c.read()
            assert full_end["sealed"] and full_end["cursor"] == end["cursor"]
            assert mirror.state() == Mirror().apply(full).state() == expected(company[:i])
        nothing, end2 = c.read(end["cursor"])
        assert nothing == [] and end2["sealed"] and end2["cursor"] == end["cursor"]


def test_a_cursor_of_other_files_is_refused(company, tmp_path):
    for i, path in enumerate(company[:3]):
        put(tmp_path, path, f"{i}.ldif")
    with Ldif(tmp_path) as c:
        cursor = c.read()[1]["cursor"]

        def refused():
            messages, end = c.read(cursor)
            assert messages == [] and not end["sealed"]
            assert (end["error"]["kind"], end["error"]["code"]) == ("retry", "cursor-invalid")

        os.utime(tmp_path / "0.ldif", (1, 1))                 # the content was replaced
        refused()
        cursor = c.read()[1]["cursor"]
        os.rename(tmp_path / "1.ldif", tmp_path / ".1.ldif")  # a change taken has gone
        refused()
        os.rename(tmp_path / ".1.ldif", tmp_path / "1.ldif")
        assert c.read(cursor)[1]["sealed"]
        put(tmp_path, company[0], "9.ldif")                   # new content
        refused()
        messages, end = c.read()
        assert end["sealed"] and Mirror().apply(messages).state() == expected(company[:1])
        cursor = "ldif1:" + "0" * 64 + ":9.ldif"
        refused()
        cursor = "nonsense"
        refused()


UUID = "entryUUID: 00112233-4455-6677-8899-aabbccddee%02d\n"


@pytest.mark.parametrize("text, kind, code", [
    ("dn: cn=a,dc=x\n" + UUID % 1 + "\ndn: cn=b,dc=x\ncn: b", "side", "bad-ldif"),
    ("dn: cn=a,dc=x\n" + UUID % 1 + "\ncn: lost\n", "side", "bad-ldif"),
    ("dn: cn=a,dc=x\n" + UUID % 1 + "\ndn: no name\n", "side", "bad-ldif"),
    ("dn: cn=a,dc=x\ncn: a\n", "config", "no-identity"),
    ("dn: cn=a,dc=x\nchangetype: add\n" + UUID % 1 + "\ndn: cn=b,dc=x\n" + UUID % 2, None, None),
    ("dn: cn=a,dc=x\nchangetype: delete\n", "side", "empty-file"),
])
def test_I1_a_read_that_is_not_whole_is_unsealed(tmp_path, text, kind, code):
    file = tmp_path / "a.ldif"
    file.write_text(text)
    with Ldif(file, classes=[], attributes=["cn"]) as c:
        _, end = c.read()
        assert end["sealed"] is (code is None)
        if code:
            assert (end["error"]["kind"], end["error"]["code"]) == (kind, code)
            assert "a.ldif" in end["why"]


def test_I1_a_content_record_among_changes_unseals(tmp_path):
    (tmp_path / "0.ldif").write_text("dn: cn=a,dc=x\n" + UUID % 1)
    (tmp_path / "1.ldif").write_text("dn: cn=a,dc=x\nchangetype: delete\n\ndn: cn=b,dc=x\n" + UUID % 2)
    with Ldif(tmp_path, classes=[]) as c:
        _, end = c.read()
        assert not end["sealed"] and "1.ldif:4" in end["why"]


def test_I1_a_file_written_meanwhile_unseals(tmp_path):
    file = tmp_path / "a.ldif"
    file.write_text("".join(f"dn: cn={i},dc=x\nentryUUID: 00112233-4455-6677-8899-{i:012d}\ncn: {'x' * 200}\n\n"
                            for i in range(20000)))
    with Ldif(file, classes=[], attributes=["cn"]) as c:
        c.send(type="read", cursor=None, classes=[], attributes=["cn"])
        assert c.line()["type"] in ("entry", "progress")     # it has begun, and waits for us to read on
        with open(file, "a") as f:
            f.write("dn: cn=late,dc=x\n" + UUID % 1)
        while (m := c.line())["type"] != "end":
            pass
        assert not m["sealed"] and m["error"]["code"] == "file-changed" and m["error"]["kind"] == "retry"


def test_a_group_of_50000(tmp_path):
    file = tmp_path / "a.ldif"
    file.write_text("dn: cn=g,dc=x\nobjectClass: group\n" + UUID % 1 +
                    "".join(f"member: CN=User {i},OU=People,DC=x\n" for i in range(50000)))
    with Ldif(file, classes=["group"]) as c:
        messages, end = c.read()
        assert end["sealed"] and len(messages) == 51
        assert [len(m["set"]) for m in messages[1:]] == [1000] * 50
        assert [m.get("more", False) for m in messages[1:]] == [True] * 49 + [False]


def test_configuration_errors_are_said_at_hello(tmp_path):
    (tmp_path / "a.ldif").write_text("dn: cn=a,dc=x\n" + UUID % 1)
    (tmp_path / "empty").mkdir()
    for path, options, code in [("none.ldif", {}, "no-file"), ("empty", {}, "no-file"),
                                ("a.ldif", {"now": "yesterday"}, "bad-option"), ("a.ldif", {"bse": "x"}, "bad-option")]:
        with Ldif(tmp_path / path, **options) as c:
            assert c.hello["type"] == "error"
            assert (c.hello["error"]["kind"], c.hello["error"]["code"]) == ("config", code)


def findings(path):
    with Ldif(path) as c:
        c.send(type="check", bases=[])
        found = []
        while (m := c.line())["type"] != "end":
            found.append((m["level"], m["topic"], m["text"]))
        assert m["sealed"]
        c.send(type="setup")
        assert c.line()["type"] == "text" and c.line()["type"] == "end"
    return found


def test_check_reads_to_the_end(company, tmp_path):
    assert [f[:2] for f in findings(company[0].parent)] == [("ok", "file"), ("ok", "content"), ("ok", "identity"), ("ok", "sandbox")]
    whole = company[0].read_bytes()
    cut = tmp_path / "cut.ldif"
    cut.write_bytes(whole[:len(whole) // 2 - 1].rstrip(b"\n") + b"\nl:")
    found = findings(cut)
    assert found[1][:2] == ("fail", "content") and "middle of a line" in found[1][2]
    cut.write_bytes(whole.replace(b"\nobjectGUID:: ", b"\nother: ", 2))
    found = findings(cut)
    assert found[2][:2] == ("warn", "identity") and found[2][2].startswith("2 entries")


def test_describe():
    out = json.loads(subprocess.run([program("lockstep-source-ldif"), "--describe"], capture_output=True, check=True).stdout)
    assert (out["connector"], out["role"]) == ("ldif", "source")
    assert {o["name"]: o["required"] for o in out["options"]} == {"file": True, "base": False, "id": False, "now": False}
