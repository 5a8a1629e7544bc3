"""lockstep-source-ldap against a real slapd: reads that do not come to their end, being let in, check, and watch."""
import base64
import json
import signal
import subprocess

import pytest

from agentd import until
from connector import program
from ports import free_port
from slapd import BASE, READER
from ldap_fixtures import PEOPLE, have, of, refused, said


# --- reads that are not whole -------------------------------------------------------------

def test_I1_size_limit_is_an_unsealed_read_and_a_finding(slapd, connect, agent, acme):
    s = slapd(limits="size=5")
    for i in range(8):
        s.person(f"p{i}")
    c = connect(s)
    r = c.read()
    assert not r.sealed and r.error["code"] == "size-limit" and "limits" in r.error["message"] and READER in r.error["message"]
    found = [f for f in c.check() if f["topic"] == "limits"]
    assert found and found[0]["level"] == "fail" and "5 entries" in found[0]["text"] and "--print-setup" in found[0]["remedy"]
    agent.configure(of(agent, s), acme)
    agent.sync(code=3)
    assert have(acme) == ({}, {})


def test_I1_I4_slapd_killed_in_the_middle_of_a_read(slapd, connect):
    s = slapd()
    for i in range(1500):
        s.person(f"p{i}", jpegPhoto=b"x" * 20_000)
    c = connect(s)
    whole = c.read()
    assert whole.sealed and len(whole.entries) > 1500
    for _ in range(3):
        c.say(type="read", cursor=None, classes=c.classes, attributes=c.attributes)
        while c.hear()["type"] != "entry":
            pass
        s.stop(signal.SIGKILL)
        end = c.answers()[-1]
        assert end["type"] == "end" and not end["sealed"] and "cursor" not in end and end["error"]["kind"] == "retry", end
        s.start()
    again = c.read()                                    # the same program, a new connection
    assert again.sealed and said(again.apply()) == said(whole.apply())
    delta = c.read(whole.cursor)                        # what it knew of deletions is lost with it
    assert delta.sealed or delta.error["code"] == "cursor-invalid"


@pytest.mark.parametrize("cursor", ["{}", "nonsense", None, "future"])
def test_I4_a_cursor_that_means_nothing_asks_for_a_full_read(slapd, connect, cursor):
    s, other = slapd(), None
    s.person("ann")
    c = connect(s)
    r = c.read()
    if cursor is None:                                  # of another directory
        other = slapd()
        other.person("bob")
        cursor = connect(other).read().cursor
    elif cursor == "future":                            # the directory was set back to a copy
        own = json.loads(r.cursor)
        own["cookie"] = base64.b64encode(b"rid=000,csn=20991231000000.000000Z#000000#000#000000").decode()
        cursor = json.dumps(own)
    again = c.read(cursor)
    assert not again.sealed and again.error["code"] == "cursor-invalid", again.end
    assert c.read().sealed


# --- being let in -------------------------------------------------------------------------

def test_7_4_wrong_password_is_tried_once(slapd, connect):
    s = slapd()
    e = refused(connect(s, password="not the password", server=[s.url, "ldaps://127.0.0.99"]), "bind-refused", "password")
    assert e["kind"] == "config" and "127.0.0.99" not in e["message"]


def test_start_tls_and_nothing_in_the_clear(slapd, connect):
    s = slapd()
    s.person("ann")
    c = connect(s, server=[s.plain_url], tls="start")
    assert c.read().sealed and "TLSv1.3" in str([f["text"] for f in c.check() if f["topic"] == "certificate"])
    refused(connect(s, server=["ldap://ldap.example.test"]), "bad-config", "in the clear")


def test_untrusted_certificate_and_fail_over(slapd, connect, tmp_path):
    s, other = slapd(), slapd()
    refused(connect(s, ca_file=other.ca), "certificate", "not trusted")
    c = connect(s, server=[f"ldaps://127.0.0.1:{free_port()}", s.url])
    assert c.hello["server"] == s.url and c.read().sealed


def test_without_syncprov_nothing_is_read_and_check_says_why(slapd, connect):
    s = slapd(syncprov=False)
    c = connect(s)
    if c.hello["type"] == "error":                      # slapd announces the control where an overlay is loaded
        refused(c, "no-sync", "syncprov")
    else:
        r = c.read()
        assert not r.sealed and r.error["code"] == "no-sync" and "syncprov" in r.error["message"]
    c = connect(s, classes=[], attributes=[])
    found = {f["topic"]: f for f in c.check()}
    assert found["sync"]["level"] == "fail" and "syncprov" in found["sync"]["remedy"]


def test_10_check_and_setup(slapd, connect):
    s = slapd(access="passwords")
    s.person("ann", userPassword="secret")
    c = connect(s)
    found = {f["topic"]: f for f in c.check(PEOPLE, f"ou=Nobody,{BASE}")}
    assert found["rights"]["level"] == "warn" and "userPassword" in found["rights"]["text"]
    assert found["base"]["level"] == "fail" and "ou=Nobody" in found["base"]["text"]
    assert found["sync"]["level"] == found["bind"]["level"] == found["certificate"]["level"] == found["schema"]["level"] == "ok"
    text = c.setup()
    assert f"dn: {READER}" in text and "olcLimits: dn.exact=" in text and "olcSpSessionlog" in text
    s.restart(access="read")
    assert {f["level"] for f in connect(s).check() if f["topic"] == "rights"} == {"ok"}


def test_bases_say_which_naming_context(slapd, connect):
    s = slapd()
    assert connect(s, base=[PEOPLE]).read().sealed
    refused(connect(s, base=["dc=elsewhere"]), "bad-base", "dc=elsewhere")


def test_I9_no_call_that_writes_is_linked():
    for name in ("lockstep-source-ldap", "lockstep-source-ad"):
        symbols = subprocess.run(["nm", "-D", "--undefined-only", program(name)], capture_output=True, text=True, check=True).stdout
        assert "ldap_search_ext" in symbols
        for call in ("ldap_add", "ldap_modify", "ldap_delete", "ldap_rename", "ldap_modrdn", "ldap_passwd"):
            assert call not in symbols, (name, call)


# --- watch --------------------------------------------------------------------------------

def next_of(c, kind):
    while True:
        m = c.hear()
        assert m and m["type"] not in ("error", "end"), m
        if m["type"] == kind and (kind != "progress" or m.get("phase") == "watching"):
            return m


def test_S1_7_watch_tells_of_each_kind_of_change(slapd, connect):
    s = slapd()
    ann = s.person("ann")
    c = connect(s, classes=[], attributes=[])
    c.say(type="watch")
    next_of(c, "progress")
    for change in (lambda: s.modify(ann, title="Chief"), lambda: s.person("bob"), lambda: s.rename(ann, "uid=anna"),
                   lambda: s.delete(f"uid=anna,{PEOPLE}")):
        change()
        next_of(c, "changed")
    s.stop(signal.SIGKILL)
    while (m := c.hear())["type"] != "error":
        pass
    assert m["error"]["kind"] == "retry", m


def test_S1_7_watch_where_it_is_refused(slapd, connect):
    s = slapd(syncprov=False)
    c = connect(s, classes=[], attributes=[])
    c.say(type="watch")
    while (m := c.hear())["type"] != "error":
        pass
    assert m["error"]["code"] == "cannot-watch" and m["error"]["kind"] == "config", m


def test_S1_7_a_change_reaches_the_target_by_notification(slapd, agent, agentd, acme):
    s = slapd()
    ann = s.person("ann")
    agentd.configure(of(agent, s), acme, 'every = "1d"').start()
    agentd.watching()
    until(lambda: len(have(acme)[0]) == 1)
    s.modify(ann, title="Chief")
    until(lambda: [u[2] for u in have(acme)[0].values()] == ["Chief"])
    s.stop()
    until(lambda: agentd.status()["watching"][0]["state"] != "watching")
    s.start()                                           # the watcher comes back by itself
    agentd.watching()
    s.delete(ann)
    until(lambda: have(acme)[0] == {})
