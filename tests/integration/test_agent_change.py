"""lockstepd: configurations that change while it works, and while it ends."""
import os
import shutil
import signal

from agent_fixtures import BIN
from agentd import WAIT, until
from agentd_fixtures import people, slow  # noqa: F401


def slowly(agentd, command):
    """The service's own programs, but that this command of lockstep takes seconds while it is wanted: fn(True)."""
    folder, flag = agentd.agent.path("bin"), agentd.agent.path("slowly")
    os.mkdir(folder)
    for name in os.listdir(BIN):
        if name not in ("lockstep", "lockstepd"):
            os.symlink(os.path.join(BIN, name), os.path.join(folder, name))
    shutil.copy(os.path.join(BIN, "lockstepd"), folder)
    with open(os.path.join(folder, "lockstep"), "w") as f:
        f.write(f'#!/bin/sh\n[ -e {flag} ] && case "$*" in *" {command} "*) sleep 3 ;; esac\nexec {BIN}/lockstep "$@"\n')
    os.chmod(os.path.join(folder, "lockstep"), 0o755)
    agentd.prefix = ["sh", "-c", f'shift; exec {folder}/lockstepd "$@"', "lockstepd"]
    return lambda wanted: open(flag, "w").close() if wanted else os.unlink(flag)


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
    until(lambda: os.path.exists(agentd.agent.path("moved/agent.db")))


def test_S3_5_a_reload_that_the_end_overtakes_is_no_bad_configuration(agentd, people, acme):
    slowed = slowly(agentd, "config show")
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start().synced()
    agentd.idle()
    slowed(True)
    agentd.edit('every = "1d"', 'every = "2d"')
    agentd.process.send_signal(signal.SIGHUP)
    until(lambda: [j for j in agentd.jobs() if j["why"] == "reload"])
    assert agentd.end() == 0
    slowed(False)
    agentd.start().synced()
    assert not agentd.events("config-refused") and not agentd.events("alert-raised")


def test_S1_1_a_file_that_is_none_does_not_stop_the_service(agentd, people, acme):
    """A pipe would be waited for, by the service and by whoever starts a run."""
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start().synced()
    agentd.idle()
    os.rename(agentd.agent.conf, agentd.agent.conf + ".kept")
    for make, what in ((os.mkfifo, "pipe"), (os.mkdir, "folder")):
        make(agentd.agent.conf)
        said = agentd.ask(ask="reload")["error"]
        assert what in said["message"] and agentd.agent.conf in said["message"]
        assert agentd.status()["conf_error"]["code"] == said["code"]
        (os.rmdir if make is os.mkdir else os.unlink)(agentd.agent.conf)
    os.rename(agentd.agent.conf + ".kept", agentd.agent.conf)
    assert agentd.ask(ask="reload") == {"ok": True}


def test_S1_14_runs_that_come_faster_than_they_are_looked_at(agentd, people, acme):
    """What a run left is told also where the next one has begun before that was looked up."""
    slowly(agentd, "status")(True)
    people.user("nameless", mail=None)
    people.write()
    agentd.configure(people.source(), acme, 'every = "1s"  on_change = "no"').start()
    until(lambda: [a for a in agentd.events("alert-raised") if a["alert"] == "object-errors"])


def test_S1_14_a_name_that_is_none_is_no_alert(agentd, people, acme):
    """Who asks for a sync that there is not is told so, and nobody else."""
    agentd.configure(people.source(), acme, 'every = "1d"  on_change = "no"').start().synced()
    said = agentd.agent.run("sync", "typo", code=2)
    assert "typo" in said.stderr
    agentd.idle()
    assert not agentd.events("alert-raised")
