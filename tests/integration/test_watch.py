"""`lockstep watch`: a line when the directory says that something changed (S1.7), and never for nothing."""
import json
import os
import queue
import signal
import subprocess
import threading

import pytest

from smalldir import SmallDirectory

WAIT = 300       # s; a real notification takes up to 5 on Samba


class Watch:
    """`lockstep watch` under way. line() is the next thing it says, None at its end."""

    def __init__(self, agent, *more):
        self.process = subprocess.Popen(agent.command("watch", "company", "--json", *more), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def line(self, wait=WAIT):
        return self.lines.get(timeout=wait)

    def changed(self):
        """Told once at least; what came with it is taken, too."""
        line = self.line()
        assert line and line.get("changed") is True and line["at"] > 1_600_000_000, line
        self.quiet(1)

    def quiet(self, seconds):
        """Takes what comes until nothing has for a while; answers what it was."""
        got = []
        while True:
            try:
                got.append(self.line(seconds))
            except queue.Empty:
                return got
            assert got[-1], self.process.stderr.read()

    def failed(self, text):
        """It ends, and says why."""
        line = {}
        while "error" not in line:
            line = self.line()
        assert line["exit"] == self.process.wait(timeout=WAIT) == 3
        assert text in line["error"]["message"], line

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(timeout=WAIT)


@pytest.fixture
def watching(agent):
    running = []

    def start(*more):
        running.append(Watch(agent, *more))
        assert running[-1].line() == {"watching": True}
        return running[-1]
    yield start
    for w in running:
        if w.process.poll() is None:
            w.process.kill()
        w.process.communicate()


@pytest.fixture
def nowhere():
    class Nowhere:
        url, token = "https://127.0.0.1:1/scim/v2", "none"
    return Nowhere


def test_file_that_is_replaced_or_written(agent, nowhere, watching):
    people = SmallDirectory(agent.path("people.ldif"))
    people.user("anna")
    agent.configure(people.write().source(), nowhere)
    w = watching()
    with open(agent.path("other.ldif"), "w") as f:
        f.write("not ours\n")
    assert w.quiet(1) == []
    people.user("bert")
    people.write()                                      # in place of the old one
    w.changed()
    with open(people.path, "a") as f:
        f.write("\n# written to\n")
    w.changed()
    people.write()
    w.changed()
    assert w.end() == 0
    assert not os.path.exists(agent.path("state")), "it neither reads nor locks anything"


def test_folder_of_files(agent, nowhere, watching):
    os.mkdir(agent.path("dir"))
    people = SmallDirectory(agent.path("dir/000.ldif"))
    people.user("anna")
    people.write()
    agent.configure(f"type = \"ldif\"  file = \"{agent.path('dir')}\"  base = 'DC=example,DC=test'", nowhere)
    w = watching()
    with open(agent.path("dir/001.tmp"), "w") as f:
        f.write("dn: CN=anna,OU=People,DC=example,DC=test\nchangetype: modify\nreplace: title\ntitle: x\n-\n")
    assert w.quiet(1) == []
    os.rename(agent.path("dir/001.tmp"), agent.path("dir/001.ldif"))
    w.changed()
    os.rename(agent.path("dir"), agent.path("gone"))
    w.failed("removed, moved")


def test_file_that_is_not_there_yet(agent, nowhere, watching):
    people = SmallDirectory(agent.path("people.ldif"))
    agent.configure(people.source(), nowhere)
    w = watching()
    people.write()
    w.changed()
    agent.configure(f"type = \"ldif\"  file = \"{agent.path('no/where.ldif')}\"  base = 'DC=example,DC=test'", nowhere)
    assert "no" in agent.run("watch", "company", code=3).stderr


def test_source_that_cannot_watch_exits_with_6(agent, nowhere):
    program = agent.path("plain")
    with open(program, "w") as f:
        f.write("#!/bin/sh\n"
                "[ \"$1\" = --describe ] && { echo '{\"connector\":\"plain\",\"role\":\"source\",\"options\":[]}'; exit; }\n"
                "read hello\n"
                "echo '{\"type\":\"hello\",\"versions\":[1,1],\"connector\":\"plain\",\"context\":\"c\",\"schema\":{},"
                "\"capabilities\":[]}'\n"
                "read next\n")
    os.chmod(program, 0o755)
    agent.configure(f'type = "exec"  command = "{program}"', nowhere)
    said = agent.json("watch", "company", code=6)
    assert said["error"]["code"] == "cannot-watch"
    assert agent.json("watch", "nobody", code=2)["error"]["code"] == "bad-usage"


def test_S1_7_samba_tells_of_changes_moves_members_and_deletions(samba_dc, agent, nowhere, watching):
    dc = samba_dc
    agent.configure(agent.ad(dc), nowhere)
    w = watching()
    w.quiet(7)                                          # what the tests before have done
    dn = dc.add_user("watched")
    w.changed()
    dc.modify(dn, title="Watched")
    w.changed()
    dc.delete(dn)
    w.changed()
    w.quiet(7)                                          # a deletion is several changes, each told in Samba's own time
    assert w.quiet(7) == [], "nothing happened"
    assert w.end(signal.SIGINT) == 0


def test_lost_connection_ends_it(samba_fresh, agent, nowhere, watching):
    agent.configure(agent.ad(samba_fresh), nowhere)
    w = watching()
    samba_fresh.stop()
    w.failed("to be told of changes")
