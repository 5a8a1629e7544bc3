"""The tour is a promise: it runs to its end, tells the truth, and leaves nothing behind."""
import os
import re
import shutil
import subprocess

import pytest

import sambadc

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.environ.get("LOCKSTEP_BIN", os.path.join(ROOT, "build", "bin"))


def tour(*args, timeout=900):
    folder = os.path.join(ROOT, "build", "demo")       # short: Samba's sockets live in it
    done = subprocess.run([os.path.join(ROOT, "scripts", "demo"), "--dir", folder, *args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
                          env={**os.environ, "LOCKSTEP_BIN": BIN})
    return done.returncode, done.stdout, folder


def processes_in(folder):
    out = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if folder.encode() in f.read():
                    out.append(pid)
        except OSError:
            pass
    return out


@pytest.mark.parametrize("args", [
    ["--ldif", "--keep"],
    pytest.param([], marks=pytest.mark.skipif(not sambadc.may_bind_low_ports(), reason="ports 389 and 636 need root"))])
def test_tour(args):
    code, out, folder = tour(*args)
    assert code == 0, out
    table = out[out.index("Summary"):]
    for run in ("first sync", "nothing to do", "monday", "friday", "contract ended", "a mistake"):
        assert re.search(rf"^{run}\s+\d", table, re.M), table
    users, groups = map(int, re.search(r"^(\d+) users and (\d+) groups in lockstep", table, re.M).groups())
    # 250 people and 4 who came; who left is disabled, not removed. 38 groups, one came, one went.
    assert (users, groups) == (254, 38)
    if "--keep" in args:
        assert len(processes_in(folder)) == 1
        assert tour("--stop")[0] == 0
    assert processes_in(folder) == []
    shutil.rmtree(folder)


def test_a_foreign_folder_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("x")
    done = subprocess.run([os.path.join(ROOT, "scripts", "demo"), "--ldif", "--dir", str(tmp_path)], capture_output=True,
                          text=True, env={**os.environ, "LOCKSTEP_BIN": BIN})
    assert done.returncode == 1 and "is not of an earlier demo" in done.stderr
    assert (tmp_path / "mine").read_text() == "x"
