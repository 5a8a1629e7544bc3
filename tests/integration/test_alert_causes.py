"""One cause each, from the real thing to the alert and back: raised with object, cause, remedy and since, cleared by itself
when it is mended, and then all is well once (S1.14, S3.4, N8)."""
import os
import shutil
import signal
import sqlite3
import time

import ldap
import pytest

from alertd import people
from certs import make_certificate
from fakeldap import dirsync, done
from slapd import READER, READER_PASSWORD

BEGAN = 116444736000000000      # 1970 in 100 ns since 1601


def filetime(seconds):
    return BEGAN + int(time.time() + seconds) * 10**7


def says(a, object_, cause, remedy, severity):
    """What an administrator needs to know of an alert."""
    assert a["object"] == object_ and a["severity"] == severity, a
    assert cause in a["cause"] and remedy in a["remedy"] and a["look"], a
    assert 0 < a["since"] <= a["raised"] <= time.time(), a
    return a


def all_is_well(service, times=1):
    """Nothing is open, and that was said so often in this service's life."""
    service.wait(lambda: len(service.events("all-well")) >= times)
    assert service.alerts() == [] and len(service.events("all-well")) == times
    assert len(service.events("alert-raised")) == len(service.events("alert-cleared"))


def of_slapd(service, s, more=""):
    password = service.agent.secret("password", READER_PASSWORD)
    return f'type = "ldap"  server = "{s.url}"  ca_file = "{s.ca}"  bind = "{READER}"  password_file = "{password}" {more}'


def account_of(dc):
    name = dc.account.split("@")[0]
    [(dn, _)] = dc.search(f"(sAMAccountName={name})")
    return name, dn


def test_S3_4_our_account_expires_and_is_locked(service, hosted, samba_fresh):
    dc = samba_fresh
    name, dn = account_of(dc)
    service.configure(hosted.url, hosted.token, source=service.agent.ad(dc))
    service.start().synced()
    dc.expire(dn, filetime(int(4.5 * 86400)))
    service.check()
    says(service.raised("account-expires"), "source company", "the account expires in 4d", "set its expiry to never", "warning")
    dc.expire(dn, 0)
    service.check()
    service.cleared("account-expires")
    all_is_well(service)
    # somebody tries passwords
    dc.modify(dc.base, lockoutThreshold="2", lockoutDuration=str(-30 * 60 * 10**7), lockOutObservationWindow=str(-30 * 60 * 10**7))
    def locked():
        """The service signs on meanwhile, and that counts anew."""
        with pytest.raises(ldap.INVALID_CREDENTIALS):
            dc.connect(dc.account, "wrong")
        return int(dc.read(dn, ["lockoutTime"]).get("lockoutTime", [b"0"])[0])
    service.wait(locked)
    says(service.raised("account-locked"), "source company", "locked", "unlock the account", "critical")
    dc.modify(dn, lockoutTime="0")
    service.agent.run("sync", "--retry")
    service.cleared("account-locked")
    all_is_well(service, 2)


def test_N8_a_canary_that_does_not_come(service, hosted, samba_fresh):
    dc = samba_fresh
    anna = dc.add_user("anna", mail="anna@example.test")
    service.configure(hosted.url, hosted.token, source=service.agent.ad(dc), sync='canary = "anna@example.test" canary_every = "4s"')
    service.start().synced()
    a = service.raised("canary-missing")
    says(a, "anna@example.test", "one is due every 4s", "see that the job that changes the entry runs", "warning")
    assert a["look"] == "lockstep explain 'anna@example.test'"

    def job():
        dc.modify(anna, title=f"at {time.monotonic()}")
        return not service.find("canary-missing")
    service.wait(job)
    assert service.events("alert-cleared")


def test_S3_4_our_account_was_moved(service, hosted, fake_ad):
    with fake_ad() as s:
        s.on_dirsync([dirsync(more=0, cookie=b"1"), done()])
        password = service.agent.secret("password", "secret")
        service.configure(hosted.url, hosted.token, source=f'type = "ad" server = "{s.url}" bind = "CN=reader,OU=Old,{s.BASE}" '
                          f"password_file = \"{password}\" base = '{s.BASE}' changes = \"dirsync\"")
        service.start().synced()
        s.refuse_bind("no_user")
        says(service.raised("account-moved"), "source company", "no such user", "correct `bind` of the source", "critical")
        s.bind_rules.clear()
        service.agent.run("sync", "--retry")
        service.cleared("account-moved")
        all_is_well(service)


def test_clocks_that_differ(service, hosted, fake_ad):
    with fake_ad() as s:
        s.on_dirsync([dirsync(more=0, cookie=b"1"), done()])
        password = service.agent.secret("password", "secret")
        service.configure(hosted.url, hosted.token, source=f'type = "ad" server = "{s.url}" bind = "{s.account}" '
                          f"password_file = \"{password}\" base = '{s.BASE}' changes = \"dirsync\"")
        service.start().synced()
        s.set_clock(-4000)
        service.check()
        says(service.raised("clock-wrong"), "source company", "seconds behind ours", "same time servers", "warning")
        s.set_clock(10 * 365 * 86400)
        before = {r["run"] for r in service.agent.json("history")["runs"]}
        service.agent.run("sync")
        after = {r["run"] for r in service.agent.json("history")["runs"]}
        assert before < after, "a clock that is years ahead makes no history old"
        s.set_clock(0)
        service.check()
        service.cleared("clock-wrong")
        all_is_well(service)


def test_a_certificate_expires_and_one_is_not_accepted(service, hosted, slapd):
    s = slapd()
    s.person("anna")
    service.configure(hosted.url, hosted.token, source=of_slapd(service, s))
    service.start().synced()

    def certificate(*names, days=825):
        make_certificate(os.path.join(s.folder, "tls"), s.folder, names, days)
        s.restart()
    certificate("IP:127.0.0.1", days=10)
    service.check()
    says(service.raised("certificate-expires"), "source company", "expires soon, at 20", "renew it on the server", "warning")
    certificate("IP:127.0.0.1")
    service.check()
    service.cleared("certificate-expires")
    all_is_well(service)
    certificate("DNS:elsewhere.example.test")
    says(service.raised("certificate-refused"), "source company", "elsewhere.example.test", "ca_file", "critical")
    certificate("IP:127.0.0.1")
    service.agent.run("sync", "--retry")
    service.cleared("certificate-refused")
    all_is_well(service, 2)


def test_S1_7_a_directory_that_cannot_be_watched_over_a_restart(service, hosted, slapd):
    """A service that has just started does not know yet whether the old cause is over, and says nothing of it."""
    s = slapd()
    s.person("anna")
    service.configure(hosted.url, hosted.token, source=of_slapd(service, s), on_change="yes")
    service.start().synced()
    s.stop()
    a = says(service.raised("watch-failed"), "source company", "company", "found by the schedule alone", "warning")
    service.stop(signal.SIGKILL)
    begun = len(service.events("watch-ended"))
    service.start()
    service.wait(lambda: len(service.events("watch-ended")) > begun)
    assert service.find("watch-failed")["id"] == a["id"] and service.events("all-well") == []
    s.restart()
    service.cleared("watch-failed")
    service.cleared("source-incomplete")
    all_is_well(service)


def test_I1_an_absence_that_nothing_confirms(service, hosted, slapd):
    s = slapd(sessionlog=None)
    anna, bert = s.person("anna"), s.person("bert")
    service.configure(hosted.url, hosted.token, source=of_slapd(service, s))
    service.start().synced()
    s.delete(anna)
    s.modify(bert, title="Chief")
    service.wait(lambda: service.memory("SELECT 1 FROM alert WHERE code = 'absence-unconfirmed' AND state = 0"))
    assert service.alerts() == []       # it is given its time
    service.memory("UPDATE alert SET found = found - 5 * 3600 WHERE code = 'absence-unconfirmed'")
    a = service.raised("absence-unconfirmed")
    says(a, "source company", "1 entries were not seen by the last complete read", "left as they are until a complete read", "warning")
    assert len(hosted.find("/Users", "active eq true")) == 2
    with sqlite3.connect(os.path.join(service.state, "source-company.db"), timeout=30) as db:     # as if an hour had passed
        db.execute("UPDATE head SET read_at = read_at - 3600, full_at = full_at - 3600")
        db.execute("UPDATE absent SET since = since - 3600")
    db.close()
    service.cleared("absence-unconfirmed")
    all_is_well(service)
    assert len(hosted.find("/Users", "active eq true")) == 1


def test_the_state_is_damaged(service, hosted):
    people(service, 3)
    service.configure(hosted.url, hosted.token, every="1h")
    service.start()
    service.wait(service.ended)
    service.idle()
    path = os.path.join(service.state, "target-hosted.db")
    shutil.copy(path, path + ".kept")
    size = os.path.getsize(path)
    with open(path, "r+b") as f:
        f.write(os.urandom(size))
    service.agent.run("sync", code=(2, 3))
    a = service.raised("state-damaged")
    says(a, service.state, "target-hosted.db", "comes from a backup", "critical")
    shutil.copy(path + ".kept", path)
    service.agent.run("sync")
    service.cleared("state-damaged")
    all_is_well(service)


def fill(folder, mb):
    path = os.path.join(folder, "fill")
    with open(path, "ab") as f:
        if os.path.getsize(path) > mb << 20:
            f.truncate(mb << 20)
        else:
            os.posix_fallocate(f.fileno(), 0, mb << 20)


def test_a_disk_that_is_nearly_full_and_then_critically(service, small_disk, hosted, webhook):
    people(service, 1)
    service.configure(hosted.url, hosted.token, every="1h", alerts=f'webhook = "{webhook.url}" webhook_ca_file = "{webhook.ca}" pause = "1s"')
    fill(small_disk, 150)
    service.start()
    low = says(service.raised("disk-nearly-full"), service.state, "MB are free", "make room", "warning")
    fill(small_disk, 260)
    grave = service.wait(lambda: next((a for a in service.alerts() if a["severity"] == "critical"), None))
    assert grave["id"] == low["id"] and grave["since"] == low["since"]
    fill(small_disk, 0)
    service.cleared("disk-nearly-full")
    service.wait(lambda: service.events("all-well"))
    webhook.wait(60, lambda j: j["event"] == "well")
    assert [e["severity"] for e in service.events("alert-raised")] == ["warning", "critical"]
