"""The service in adverse times: a flood of failures, mail servers and webhooks that misbehave, a state that cannot be written (S1.14)."""
import json
import os
import shutil
import socket
import sqlite3
import subprocess

import pytest

from agent_fixtures import BIN
from agentd import Talk
from alertd import PATIENCE, change, people
from badservers import BadHook, BadMail
from fakescim import FakeScim


def rss(pid):
    """kB"""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def in_service(service):
    """What the running service says of itself."""
    with Talk(service.agent.path("control")) as t:
        return t.ask(ask="status")


@pytest.fixture
def failing_disk(service):
    """The state on an ext4 of its own; what comes is a function after which its disk has failed: read only, as kernels make it."""
    image = service.agent.path("image")
    os.mkdir(service.state)
    with open(image, "wb") as f:
        f.truncate(1 << 30)
    made = subprocess.run(["mkfs.ext4", "-q", "-F", image]).returncode == 0 and \
        subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, service.state], stderr=subprocess.DEVNULL).returncode == 0
    if not made:
        pytest.skip("no file system can be mounted here")
    device = subprocess.run(["findmnt", "-n", "-o", "SOURCE", service.state], capture_output=True, text=True, check=True).stdout.strip()
    os.chmod(service.state, 0o700)

    def fail():
        with open(f"/sys/fs/ext4/{os.path.basename(device)}/trigger_fs_error", "w") as f:
            f.write("1")

    def mend():
        subprocess.run(["umount", service.state], check=True)
        subprocess.run(["e2fsck", "-fy", image], stdout=subprocess.DEVNULL)
        subprocess.run(["mount", "-o", "loop", image, service.state], check=True)
    fail.mend = mend
    yield fail
    service.stop()
    subprocess.run(["umount", "-l", service.state], check=True)


def test_s1_14_a_disk_that_has_become_read_only(service, hosted, webhook, failing_disk):
    """Nothing can be kept any more, and still it is told: by message, status, check; over a restart, until it is mended."""
    people(service, 3)
    service.configure(hosted.url, hosted.token, alerts=f'webhook = "{webhook.url}" webhook_ca_file = "{webhook.ca}" pause = "1s"')
    service.start().synced()
    failing_disk()
    for _ in range(2):
        raised = webhook.wait(PATIENCE, lambda j: "run-failed" in [a["code"] for a in j["raised"]])[1]["raised"]
        failed = next(a for a in raised if a["code"] == "run-failed")
        assert "Read-only file system" in failed["cause"] and "must be writable" in failed["cause"], failed
        said = service.wait(lambda: in_service(service).get("memory_error"))
        assert service.state in said["message"] and said["code"] == "state-access", said
        # 2 where SQLite needs to make a file beside the ledger to read it; all else is said
        text = service.agent.run("status", code=(0, 1, 2)).stdout
        assert "cannot be kept: " + said["message"] in text and "failed: cannot open" in text, text
        assert "cannot keep alerts here: " + said["message"] in service.agent.run("alerts").stdout
        assert service.alerts() == [] and service.agent.json("alerts")["memory_error"] == said
        assert "Read-only file system" in service.agent.run("check", code=1).stdout
        service.stop()
        webhook.posts.clear()
        service.start()
    service.stop()
    failing_disk.mend()
    change(service)
    service.start()
    service.wait(lambda: service.ended() and service.ended()[-1]["exit"] == "0")
    assert "memory_error" not in service.agent.json("status")["service"]
    assert "cannot" not in service.agent.run("status").stdout and service.agent.json("alerts") == {"alerts": []}


def versioned(path, version):
    """Returns the version that it had."""
    with sqlite3.connect(path) as db:
        before, = db.execute("PRAGMA user_version").fetchone()
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    return before


def test_s1_14_a_memory_that_cannot_be_used_and_then_can(service, hosted, webhook):
    """A file of a newer version is left alone; that is an alert, which clears when it is the right one again: one all-clear."""
    people(service, 3)
    service.configure(hosted.url, hosted.token, alerts=f'webhook = "{webhook.url}" webhook_ca_file = "{webhook.ca}" pause = "1s"')
    service.start().synced()
    service.stop()
    path = os.path.join(service.state, "agent.db")
    before = versioned(path, 99)
    service.start()
    a = webhook.wait(PATIENCE, lambda j: j["raised"])[1]["raised"][0]
    assert a["code"] == "not-remembered" and "version 99" in a["cause"] and "moved away" in a["remedy"]
    assert "version 99" in service.agent.run("status").stdout and "version 99" in service.agent.run("alerts", code=2).stderr
    change(service)
    service.synced()
    versioned(path, before)
    assert webhook.wait(PATIENCE, lambda j: j["event"] == "well")
    assert "memory_error" not in service.agent.json("status")["service"] and service.alerts() == []
    assert len(service.events("no-memory")) == len(service.events("memory-kept")) == 1


@pytest.mark.parametrize("name", ["target-hosted.db", "source-company.db"])
def test_s1_14_one_file_of_the_state_that_cannot_be_used(service, hosted, name):
    """People see all else in the status, and check names it."""
    people(service, 3)
    service.configure(hosted.url, hosted.token)
    service.start().synced()
    versioned(os.path.join(service.state, name), 99)
    service.raised("run-failed")
    done = service.agent.run("status", code=2)
    text = done.stdout
    assert os.path.join(service.state, name) + ": is of version 99" in done.stderr and "lockstepd: runs" in text and "sync mail: " in text
    assert ("hosted" if name.startswith("target") else "sources") + ": cannot be looked at\n" in text
    assert (name.startswith("target")) != ("hosted: in lockstep" in text)
    assert service.agent.json("status", code=2)["error"]["code"] == "state-version"
    assert "version 99" in service.agent.run("check", code=1).stdout


def test_s1_14_10000_objects_that_a_target_refuses_are_one_message(service, webhook):
    """Grouped, of sane size, as are status and alerts; lockstepd stays small; one all-clear."""
    with FakeScim() as target:
        target.fault("POST /Users", "status", (400, []), times=10**9)
        people(service, 10000)
        service.configure(target.url, target.token, every="20s", alerts=f'webhook = "{webhook.url}" webhook_ca_file = "{webhook.ca}" pause = "1s"')
        service.start()
        service.wait(lambda: service.agent.run("status", code=1).stdout)
        before = rss(service.process.pid)
        a = service.raised("object-errors")
        assert a["count"] == 10000 and len(a["examples"]) == 10 and "the service answered 400: as told" in a["cause"]
        _, m = webhook.wait(PATIENCE)
        assert m["raised"][0]["count"] == 10000 and "and 9990 more" in m["text"] and len(json.dumps(m)) < 5000
        status = service.agent.run("status", code=1).stdout
        assert "... and 9950 more" in status and len(status) < 20000
        assert len(service.agent.run("alerts").stdout) < 2000 and len(service.agent.run("history").stdout.splitlines()) < 10
        service.synced()
        assert webhook.posts == [] and len(service.events("alert-raised")) == 1
        assert rss(service.process.pid) < before + 8000
        target.faults.clear()
        service.cleared("object-errors")
        assert webhook.wait(PATIENCE)[1]["event"] == "well"
        service.synced()
        assert webhook.posts == [] and len(target.users) == 10000


def test_s1_14_a_recipient_that_is_refused_is_told(service, hosted, webhook):
    """The others got the mail, so it is not sent again; that one is missing is an alert, until all are reached."""
    people(service, 1)
    with BadMail({"RCPT TO:<gone@": "550 5.1.1 no such user"}) as server:
        mail = f'mail_to = {{"ops@example.test", "gone@example.test"}} mail_from = "l@example.test" smtp = "{server.url}" pause = "1s"'
        service.configure(hosted.url, hosted.token, alerts=f'{mail} webhook = "{webhook.url}" webhook_ca_file = "{webhook.ca}"')
        service.start().synced()
        service.spoil()
        a = service.raised("notify-failed")
        assert a["object"] == "mail" and "did not reach everybody" in a["cause"] and "gone@example.test (550 5.1.1 no such user)" in a["cause"]
        webhook.wait(PATIENCE, lambda j: "notify-failed" in [x["code"] for x in j["raised"]])
        assert server.messages == 1 and service.events("message-failed") == []
        server.answers.clear()
        service.mend()
        service.cleared("notify-failed")
        webhook.wait(PATIENCE, lambda j: j["event"] == "well")


def test_s1_14_a_webhook_without_end_and_one_that_fails(service, hosted):
    """What was delivered is delivered once, what was not is not lost, and runs go on meanwhile."""
    people(service, 1)
    with BadHook(b"HTTP/1.1 500 Oh\r\n\r\n", b"x" * 65536) as bad, BadHook(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536) as endless:
        options = 'webhook = "{}" pause = "1s"'
        service.configure(hosted.url, hosted.token, alerts=options.format(bad.url))
        service.start().synced()
        service.spoil()
        service.wait(lambda: service.events("message-failed"))
        change(service)
        service.synced()
        service.mend()
        service.configure(hosted.url, hosted.token, alerts=options.format(endless.url))
        service.reload()
        service.wait(lambda: service.events("message-sent"))
        service.synced()
        assert endless.clients == 1 and len(service.events("message-sent")) == 1


def test_s1_1_idle_clients_take_all_connections(service, hosted):
    """Who comes then is told so, whenever the refusal meets him; the runs go on, and it is over when they are gone."""
    people(service, 1)
    service.configure(hosted.url, hosted.token)
    service.start().synced()
    idle = []
    for _ in range(60):
        idle.append(socket.socket(socket.AF_UNIX))
        idle[-1].settimeout(PATIENCE)
        idle[-1].connect(service.agent.path("control"))
    for _ in range(20):
        assert "as many connections as it takes" in service.agent.run("sync", code=2).stderr
    assert "as many connections as it takes" in service.agent.run("status").stdout
    before = rss(service.process.pid)
    service.synced()
    assert rss(service.process.pid) < before + 4000
    for s in idle:
        s.close()
    service.wait(lambda: service.agent.run("sync", code=(0, 2)).returncode == 0)


def test_s4_4_each_of_many_syncs_has_its_turn(service, hosted):
    """More are due at once than may wait of what people ask for: each runs, none a second time before the last."""
    service.dir.write()
    token = service.agent.secret("token", hosted.token)
    with open(service.conf, "w") as f:
        f.write(f'state = "{service.state}"\ncontrol = "{service.agent.path("control")}"\nconsole {{ enabled = "no" }}\n'
                f'source "company" {{ {service.dir.source()} }}\n' + "".join(
                    f'target "t{i}" {{ type = "scim" url = "{hosted.url}" token_file = "{token}" }}\n'
                    f'sync "s{i}" {{ from = "company" to = "t{i}" schedule {{ every = "1h" on_change = "no" }} }}\n' for i in range(75)))
    shutil.copy(service.conf, service.agent.conf)
    service.start()
    service.wait(lambda: len(service.ended()) >= 75, 4 * PATIENCE)
    began = [(e["command"], e["why"]) for e in service.events("job-started")]
    assert sorted(began) == sorted((f"sync s{i}", "start") for i in range(75))
    assert {e["exit"] for e in service.ended()} == {"0"}
    service.agent.run("sync", "s74")


def test_s4_4_many_targets_of_one_type_ask_their_program_once(service, agent):
    """A run of one sync does not start a process for each of 40 others."""
    log, program = agent.path("asked"), agent.path("target")
    with open(program, "w") as f:
        f.write(f'#!/bin/sh\necho "$*" >> {log}\nexec {BIN}/lockstep-target-scim "$@"\n')
    os.chmod(program, 0o755)
    token = agent.secret("token", "t")
    with open(agent.conf, "w") as f:
        f.write(f'state = "{agent.path("state")}"\nsource "company" {{ {service.dir.source()} }}\n' + "".join(
            f'target "t{i}" {{ type = "exec" command = "{program}" options {{ url = "http://127.0.0.1:1" token_file = "{token}" }} }}\n'
            f'sync "s{i}" {{ from = "company" to = "t{i}" }}\n' for i in range(40)))
    assert agent.run("config", "show").stdout.count("\ntarget '") == 40
    with open(log) as f:
        assert f.read() == "--describe\n"
