"""lockstepd: configurations that change while it works, and while it ends."""
import json
import os
import shutil
import signal
import sqlite3
import time

import pytest

from agent_fixtures import BIN
from agentd import WAIT, until
from agentd_fixtures import appears, people, slow  # noqa: F401


def test_S3_5_a_sync_that_is_renamed_while_it_runs_goes_on_by_its_new_name(agentd, people, slow):
    """What runs is that target's, whatever its sync is called when it ends: the next run comes."""
    agentd.configure(people.source(), slow, 'every = "1s"  on_change = "no"').start()
    assert slow.gate.reached.wait(WAIT)
    agentd.edit('sync "', 'sync "new-')
    agentd.agent.run("reload")
    assert agentd.status()["syncs"][0]["name"].startswith("new-")
    slow.gate.opened.set()
    agentd.synced()


def test_the_memory_goes_where_the_state_is(agentd, people, acme):
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start().synced()
    agentd.idle()
    agentd.edit(agentd.agent.path("state"), agentd.agent.path("moved"))
    agentd.agent.run("reload")
    agentd.idle()
    until(lambda: os.path.exists(agentd.agent.path("moved/agent.db")), wait=10)


def test_S3_5_a_reload_that_the_end_overtakes_is_no_bad_configuration(agentd, people, acme):
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start().synced()
    agentd.idle()
    for i in range(10):
        agentd.edit('every = "1d"' if i == 0 else f'every = "{i + 1}d"', f'every = "{i + 2}d"')
        agentd.process.send_signal(signal.SIGHUP)
        until(lambda: [j for j in agentd.jobs() if j["why"] == "reload"])
        assert agentd.end() == 0
        print(agentd.events("config-refused"), agentd.events("alert-raised"))
        assert not agentd.events("config-refused")
        agentd.start().idle()


def test_S1_1_a_file_that_is_none_does_not_stop_the_service(agentd, people, acme):
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start().synced()
    agentd.idle()
    conf = agentd.agent.conf
    os.rename(conf, conf + ".kept")
    os.mkfifo(conf)
    agentd.process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert agentd.status()["pid"]


def test_S1_14_runs_that_come_faster_than_they_are_looked_at(agentd, people, acme):
    """What a run left is told also where the next one has begun before that was looked up."""
    folder = agentd.agent.path("bin")
    os.mkdir(folder)
    for name in os.listdir(BIN):
        if name not in ("lockstep", "lockstepd"):
            os.symlink(os.path.join(BIN, name), os.path.join(folder, name))
    shutil.copy(os.path.join(BIN, "lockstepd"), folder)
    with open(os.path.join(folder, "lockstep"), "w") as f:
        f.write(f'#!/bin/sh\ncase "$*" in *" status "*) sleep 3 ;; esac\nexec {BIN}/lockstep "$@"\n')
    os.chmod(os.path.join(folder, "lockstep"), 0o755)
    people.user("nameless", mail=None)
    people.write()
    agentd.prefix = ["sh", "-c", f'shift; exec {folder}/lockstepd "$@"', "lockstepd"]
    agentd.configure(people.source(), acme, 'every = "1s"  on_change = "no"').start()
    until(lambda: [a for a in agentd.events("alert-raised") if a["alert"] == "object-errors"])


def test_S1_14_a_name_that_is_none_is_no_alert(agentd, people, acme):
    """Who asks for a sync that there is not is told so, and nobody else."""
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start().synced()
    said = agentd.agent.run("sync", "typo", code=2)
    assert "typo" in said.stderr
    agentd.idle()
    assert not agentd.events("alert-raised")
