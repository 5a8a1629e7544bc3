"""Connectors behind their door (I9): what the kernel says of the real programs, and what they can no longer reach.

tests/unit/test_sandbox.c tries each thing from inside.
"""
import os
import pathlib
import sys

import pytest

from fakescim import FakeScim
from sourcepipe import Source

SEALED = {"NoNewPrivs": "1", "Seccomp": "2"}
CLASSES, ATTRIBUTES = ["user", "group"], ["cn", "mail"]


def status(process):
    lines = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
    found = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return {k: found[k] for k in SEALED}


@pytest.fixture
def folder(tmp_path):
    """A folder of LDIF; beside it a token and a state that are not the source's."""
    ldif = tmp_path / "ldif"
    ldif.mkdir()
    (ldif / "001.ldif").write_text(
        "dn: CN=Anna,DC=corp,DC=example\nobjectClass: user\ncn: Anna\nobjectGUID:: AAAAAAAAAAAAAAAAAAAAAQ==\n\n")
    (tmp_path / "state").mkdir()
    for name in ("hosted.token", "state/target-hosted.db"):
        (tmp_path / name).write_text("dn: CN=very-secret\nchangetype: add\n\n")
        (tmp_path / name).chmod(0o600)
    return ldif


def ldif(folder, **more):
    return Source("lockstep-source-ldif", {"file": str(folder)}, CLASSES, ATTRIBUTES, **more)


def test_sources_are_sealed(folder, samba_dc, source):
    for c in (ldif(folder), source(samba_dc)):
        with c:
            assert c.hello["type"] == "hello", c.hello
            assert status(c.process) == SEALED
            assert [m["level"] for m in c.check() if m["topic"] == "sandbox"] == ["ok"]
            assert c.read().sealed and c.close() == 0


def test_a_target_is_sealed(start):
    with FakeScim() as fake:
        t = start(fake)
        assert t.hello["type"] == "hello" and status(t.process) == SEALED


@pytest.mark.parametrize("what", ["hosted.token", "state/target-hosted.db"])
def test_a_source_does_not_reach_a_targets_token_nor_the_state(folder, what):
    (folder / "002.ldif").symlink_to(folder.parent / what)
    with ldif(folder) as c:
        said = [c.hello, *(c.read().messages if c.hello["type"] == "hello" else [])]
        errors = [m["error"] for m in said if "error" in m]
        assert [e["code"] for e in errors] == ["outside"] and "leads out of the folder" in errors[0]["message"]
        assert "very-secret" not in str(said)
        c.close()
        assert "very-secret" not in c.errors()


def test_a_link_that_is_named_itself_is_followed(folder, tmp_path):
    (tmp_path / "latest.ldif").symlink_to(folder / "001.ldif")
    with ldif(tmp_path / "latest.ldif") as c:
        assert c.read().sealed and c.close() == 0


# --- a kernel, or a container, that has none of it

def without(*what):
    return [sys.executable, os.path.join(os.path.dirname(__file__), "..", "lib", "refusing.py"), *what]


@pytest.mark.parametrize("what,level,said", [(["landlock"], "info", ["Landlock"]), (["seccomp"], "info", ["seccomp"]),
                                             (["landlock", "seccomp"], "warn", ["Landlock", "seccomp"])], ids=str)
def test_it_goes_on_where_the_kernel_refuses_and_says_so(folder, what, level, said):
    with ldif(folder, wrap=without(*what)) as c:
        assert c.read().sealed
        found = [m for m in c.check() if m["topic"] == "sandbox"]
        assert [m["level"] for m in found] == [level]
        assert all(w in found[0]["text"] for w in said) and "container" in found[0]["remedy"]
        assert c.close() == 0
