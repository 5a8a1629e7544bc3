"""Alerts of the running service: raised and cleared by real causes, told by mail and webhook (S1.14, S2.8, S3.4, N8)."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from alertd import PATIENCE, change, mail_by, people


def test_a_target_that_is_down_and_all_is_well_again(service, hosted, cloud, postfix, webhook):
    people(service, 3)
    service.configure(hosted.url, hosted.token, alerts=mail_by(postfix, webhook=webhook.url, webhook_ca_file=webhook.ca, pause="1s"))
    service.start().synced()
    assert service.alerts() == []
    port = cloud.port
    cloud.stop()
    change(service)
    a = service.raised("target-unreachable")
    assert a["severity"] == "critical" and a["object"] == "target hosted" and a["cause"] and a["remedy"] and a["look"] == "lockstep check"
    m = postfix.wait(PATIENCE)
    assert "CRITICAL: the target cannot be reached (target hosted)" in m["Subject"]
    text = m.get_content()
    for word in "what     target hosted", "since    20", "cause    ", "to do    ", "look     lockstep check", f"alert    {a['id']}, [target-unreachable]":
        assert word in text, text
    assert webhook.wait()[1]["raised"][0]["code"] == "target-unreachable"
    service.agent.run("alerts", "seen", str(a["id"]))
    assert service.alerts()[0]["seen_by"] and "seen by" in service.agent.run("alerts").stdout
    cloud.start(port=port)
    gone = service.cleared("target-unreachable")
    assert gone["id"] == a["id"] and gone["cleared"] >= a["since"]
    m = postfix.wait(PATIENCE)
    assert "all is well again" in m["Subject"] and "Cleared:" in m.get_content()
    assert webhook.wait()[1]["event"] == "well"
    service.synced()
    assert postfix.arrived() == [] and webhook.posts == []      # said once
    assert len(service.events("alert-raised")) == len(service.events("alert-cleared")) == len(service.events("all-well")) == 1


def test_300_failing_objects_are_one_alert_and_one_mail(service, hosted, postfix):
    people(service, 300, mail=None)
    people(service, 1, "well")
    service.configure(hosted.url, hosted.token, alerts=mail_by(postfix, pause="1s"))
    service.agent.run("sync", code=1)       # so that the service never sees the half of it
    service.start()
    a = service.raised("object-errors")
    assert a["count"] == 300 and len(a["examples"]) == 10 and "300 objects" in a["cause"]
    m = postfix.wait(PATIENCE)
    assert "objects fail" in m["Subject"] and "and 290 more" in m.get_content() and len(m.get_content()) < 5000
    service.synced()
    assert len(service.alerts()) == 1 and postfix.arrived() == []
    for i in range(299):
        service.dir.set(f"user{i}", mail=f"user{i}@example.test")
    service.dir.write()
    one = service.wait(lambda: next((x for x in service.alerts() if x["count"] == 1), None))
    assert one["id"] == a["id"] and "user299" in one["object"] and "lockstep explain" in one["look"]
    service.dir.set("user299", mail="user299@example.test")
    service.dir.write()
    service.cleared("object-errors")
    assert "all is well again" in postfix.wait(PATIENCE)["Subject"]


def test_a_hold_says_what_it_would_have_done_and_clears_by_release(service, hosted):
    people(service, 40)
    service.configure(hosted.url, hosted.token)
    service.start().synced()
    assert len(hosted.find("/Users", 'active eq true')) == 40
    for i in range(30):
        service.dir.drop(f"user{i}")
    service.dir.write()
    a = service.raised("guard-held")
    assert re.search(r"would have: .*disable 30 users \(user", a["cause"]), a
    assert a["count"] == 30 and "lockstep release" in a["remedy"]
    run = a["look"].split()[-1]
    service.agent.run("release", run)
    service.agent.run("sync", "mail", code=(0, 4))
    service.cleared("guard-held")
    assert len(hosted.find("/Users", 'active eq true')) == 10


def test_each_target_says_what_it_holds_itself(service, hosted, cloud):
    """A mistake in the directory is held by all targets at once; numbers of runs are each target's own."""
    other = cloud.tenant("other")
    people(service, 40)
    service.dir.group("staff", "user0")
    service.dir.write()
    service.configure(hosted.url, hosted.token)
    with open(service.conf, "a") as f:
        f.write(f'target "second" {{ type = "scim" url = "http://127.0.0.1:{other.port}/scim/v2" token_file = "{service.agent.secret("other", other.token)}" }}\n'
                f'sync "less" {{ from = "company" to = "second" schedule {{ every = "5s" on_change = "no" }} '
                f'scope {{ filter = "(|(objectClass=group)(!(sAMAccountName=user1*)))" }} }}\n')
    shutil.copy(service.conf, service.agent.conf)
    service.start()
    service.wait(lambda: len(other.find("/Users", "active eq true")) == 29)
    service.wait(lambda: len(hosted.find("/Users", "active eq true")) == 40)
    for i in range(40):
        service.dir.drop(f"user{i}")
    service.dir.drop("staff")
    service.dir.write()
    held = service.wait(lambda: (lambda h: h if len(h) == 2 else None)({a["object"]: a for a in service.alerts() if a["code"] == "guard-held"}))
    assert "disable 40 users" in held["target hosted"]["cause"] and "disable 29 users" in held["target second"]["cause"], held
    service.agent.run("sync", code=4)       # of all: each target keeps a reason of its own
    held = {a["object"]: a for a in service.alerts() if a["code"] == "guard-held"}
    for target, sync, count in ("hosted", "mail", 40), ("second", "less", 29):
        cause = held["target " + target]["cause"]
        assert cause.startswith(f"{sync}: disable of users: {count} at once, the limit is 5. Run ") and cause.count("disable ") == 2, held
    status = {t["target"]: t for t in json.loads(service.agent.run("status", "--json", code=1).stdout)["targets"]}
    assert status["second"]["held_why"].startswith("less: disable of users: 29"), status
    runs = json.loads(service.agent.run("history", "--json").stdout)["runs"]
    assert {r["held_why"].split(":")[0] for r in runs if r["exit"] == 4} == {"mail", "less"}, runs


def test_configuration_refused_and_token_refused(service, hosted):
    people(service, 2)
    service.configure(hosted.url, hosted.token)
    service.start().synced()
    good = open(service.conf).read()
    with open(service.conf, "a") as f:
        f.write("what is this\n")
    service.reload()
    a = service.raised("config-refused")
    assert f"service.conf:{good.count(chr(10)) + 1}" in a["cause"]
    with open(service.conf, "w") as f:
        f.write(good)
    service.reload()
    service.cleared("config-refused")
    service.agent.secret("token", "wrong")
    change(service)
    a = service.raised("target-refusing")
    assert a["object"] == "target hosted" and "token" in a["remedy"]
    service.agent.secret("token", hosted.token)
    service.reload()
    service.cleared("target-refusing")
    assert service.alerts() == []


def test_a_directory_that_cannot_be_read(service, hosted):
    people(service, 2)
    service.configure(hosted.url, hosted.token)
    service.start().synced()
    os.rename(service.dir.path, service.dir.path + ".away")
    a = service.raised("source-incomplete")
    assert a["object"] == "source company" and "company.ldif" in a["cause"] and len(service.ended()) > 2
    os.rename(service.dir.path + ".away", service.dir.path)
    service.cleared("source-incomplete")


def test_messages_survive_a_kill(service, cloud, postfix):
    people(service, 1)
    postfix.stop()
    service.configure("http://127.0.0.1:1/scim/v2", "t", alerts=mail_by(postfix, pause="1s"))
    service.start()
    service.raised("target-unreachable")
    service.wait(lambda: service.events("message-failed"))
    service.stop(signal.SIGKILL)
    postfix.start()
    service.start()
    m = postfix.wait(PATIENCE)
    assert "the target cannot be reached" in m["Subject"]
    service.wait(lambda: service.events("message-sent"))
    service.synced()
    assert postfix.arrived() == []
    assert [a["code"] for a in service.alerts()] == ["target-unreachable"]     # known, not raised anew
    assert len(service.events("alert-raised")) == 1


def test_disk_freshness_and_a_summary(service, small_disk, hosted, cloud, webhook):
    people(service, 2)

    def configure(daily=""):
        service.configure(hosted.url, hosted.token, sync='fresh = "20s"',
                          alerts=f'webhook = "{webhook.url}" webhook_ca_file = "{webhook.ca}" pause = "1s" {daily}')
    configure()
    service.start().synced()
    fill = os.path.join(small_disk, "fill")
    with open(fill, "wb") as f:
        os.posix_fallocate(f.fileno(), 0, 150 * 1024 * 1024)
    cloud.stop()
    change(service)
    a = service.raised("disk-nearly-full")
    assert a["object"] == service.state and a["severity"] == "warning" and "MB are free" in a["cause"]
    assert a["look"] == f"df -h '{service.state}'"
    os.unlink(fill)
    f = service.raised("freshness-broken")
    assert f["object"] == "sync mail" and "the promise is 20s" in f["cause"]
    service.cleared("disk-nearly-full")
    configure('daily = "%s"' % time.strftime("%H:%M", time.localtime(time.time() + 120)))       # in one to two minutes
    service.reload()
    m = webhook.wait(PATIENCE, lambda j: j["event"] == "daily")[1]
    assert "hosted: " in m["text"] and "mail: " in m["text"] and m["alerts"]
    codes = {a["code"] for _, b in webhook.posts for a in b.get("raised", [])}
    assert {"disk-nearly-full", "freshness-broken", "target-unreachable"} <= codes


@pytest.mark.parametrize("harm", ["removed", "damaged"])
def test_the_memory_is_lost_while_the_service_runs(service, harm):
    """agent.db may be lost without harm (lockstep-state(5)): what is open is raised again, where people see it."""
    people(service, 1)
    service.configure("http://127.0.0.1:1/scim/v2", "t")
    service.start()
    service.raised("target-unreachable")
    path = os.path.join(service.state, "agent.db")
    if harm == "removed":
        for name in os.listdir(service.state):
            if name.startswith("agent.db"):
                os.unlink(os.path.join(service.state, name))
    else:
        subprocess.run(["sqlite3", path, "PRAGMA wal_checkpoint(TRUNCATE)"], check=False, capture_output=True)
        with open(path, "r+b") as f:
            f.write(os.urandom(os.path.getsize(path)))
        with open(path + "-wal", "r+b") as f:
            f.truncate(0)
    service.wait(lambda: service.events("memory-gone" if harm == "removed" else "memory-damaged"))
    service.raised("target-unreachable")
    assert service.process.poll() is None
    assert harm == "removed" or os.path.exists(path + ".damaged")
