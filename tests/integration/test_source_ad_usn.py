"""lockstep-source-ad without DirSync: by uSNChanged, as an account that lacks the right; and what the engine makes of it."""
import os
import sqlite3
import subprocess

import pytest

import sambadc
from mirrored import hosted
from fakeldap import UNWILLING, done, entry, paged, range_answers
from source_ad_fixtures import refused
from test_source_ad import Follower, comparable, findings, people
from test_source_ad_fake import guid, person

PASSWORD = "Just-a-us3r-here"
DENY = "(D;CI;RPLCLORC;;;{})"


def sid_of(dc, name):
    c = next(a for d, a in dc.search(f"(sAMAccountName={name})", attrs=["objectSid"]))
    raw = c["objectSid"][0]
    return "-".join(["S", "1", str(int.from_bytes(raw[2:8], "big"))] + [str(int.from_bytes(raw[i:i + 4], "little")) for i in range(8, len(raw), 4)])


@pytest.fixture
def plain(samba_fresh):
    """An account that may read as everybody may: no DirSync, no deleted objects."""
    dn = samba_fresh.add_user("plain", enabled=False)
    samba_fresh.set_password("plain", PASSWORD)
    samba_fresh.enable(dn)
    return dict(bind=f"plain@{samba_fresh.dns}", password=PASSWORD)


def show_deleted(dc, name):
    """Lets an account read Deleted Objects, by the part of the printed commands that does so."""
    with open(os.path.join(sambadc.ROOT, "src/source/setup.samba.sh")) as f:
        script = f.read()
    sid = f"SID={sid_of(dc, name)}\n"
    subprocess.run(["sh", "-e", "-c", sid + script[script.index("# the right to see what was deleted"):]], check=True,
                   env={**dc.env(), "BASE": dc.base}, stdout=subprocess.DEVNULL)


def hide(dc, dn, name):
    sambadc.run("samba-tool", "dsacl", "set", f"--objectdn={dn}", f"--sddl={DENY.format(sid_of(dc, name))}", "-H", dc.sam, "-s", dc.conf)


# --- the connector ------------------------------------------------------------------------

def test_I7_chosen_by_itself_and_capabilities_are_honest(samba_fresh, source, plain):
    dc = samba_fresh
    people(dc)
    assert source(dc, **plain).hello["capabilities"] == ["fetch", "watch"]
    show_deleted(dc, "plain")
    c = source(dc, **plain)
    assert c.hello["capabilities"] == ["sees-deletes", "fetch", "watch"]
    full = source(dc).read()                                        # by DirSync, as the other account
    r = c.read()
    unseen = full.entries.keys() - r.entries.keys()
    assert r.sealed and r.entries.keys() < full.entries.keys()
    assert not any({"user", "group"} & set(full.entries[i]["full"]["objectClass"]) for i in unseen), "containers of the system alone"
    assert comparable(r.apply()) == {i: e for i, e in comparable(full.apply()).items() if i not in unseen}
    found = findings(c)
    warned = found["dirsync", "warn"]
    assert "full_every" in warned["text"] and "Replicating Directory Changes" in warned["remedy"]
    assert ("deleted-objects", "ok") in found
    # the other way's cursor, and one's own when the configuration asks for the other way
    bad = c.read(full.cursor)
    assert bad.error["code"] == "cursor-invalid"
    usn = source(dc, changes="usn")
    mine = usn.read()
    assert mine.sealed and set(usn.hello["capabilities"]) == {"sees-deletes", "fetch", "watch"}
    bad = source(dc).read(mine.cursor)
    assert bad.error["code"] == "cursor-invalid" and "followed by DirSync" in bad.error["message"]
    e = source(dc, changes="dirsync", **plain).read().error
    assert e["code"] == "no-dirsync-right"
    refused(source(dc, changes="none"), "bad-config", "auto or dirsync or usn")


def test_I7_each_kind_of_change_by_usn(samba_fresh, source):
    dc = samba_fresh
    ou, ann, bob, group = people(dc)
    c = source(dc, changes="usn")
    f = Follower(c)                                                 # proves after each step: same as a full read
    eve = dc.add_user("eve", ou, manager=ann)
    assert "full" in f.next().entries[dc.guid(eve)]
    dc.modify(ann, displayName="Ann B", mail=None)
    f.next()
    dc.add_members(group, eve)
    dc.remove_members(group, bob)
    r = f.next()
    assert {m["id"] for m in r.of("entry")} == {dc.guid(group)}, "links come whole, with their group"
    eve = dc.rename(eve, "Eve")
    r = f.next()
    assert set(r.entries) == {dc.guid(eve)}
    ou2 = dc.add_ou("Elsewhere")
    eve = dc.move(eve, ou2)
    f.next()
    ou = dc.rename(ou, "Folk")                                      # what is below is not reported, and need not be
    r = f.next()
    assert set(r.entries) == {dc.guid(ou)}
    dc.disable(eve)
    f.next()
    gone = [dc.delete(eve), dc.delete(f"CN=bob,{ou}")]
    r = f.next()
    assert sorted(r.gone) == sorted(gone) and all(m["proof"] == "tombstone" for m in r.of("gone"))
    assert f.next().messages[-1]["type"] == "end"


def test_I7_restored_by_usn(samba_fresh, source):
    dc = samba_fresh
    ou, ann, bob, group = people(dc)
    c = source(dc, changes="usn")
    f = Follower(c)
    bob_id = dc.delete(bob)
    assert f.next().gone == [bob_id]
    dc.undelete(bob_id, bob)
    r = f.next()
    assert "full" in r.entries[bob_id] and ("id", bob_id) not in f.state[dc.guid(group)]["links"]["member"]
    dc.add_members(group, bob)
    f.next()
    assert ("id", bob_id) in f.state[dc.guid(group)]["links"]["member"]


def test_restored_with_the_recycle_bin_its_groups_are_looked_up(fake_ad, source):
    """Active Directory keeps lastKnownParent with what was deleted once; its groups do not report that it is back."""
    with fake_ad(root={"highestCommittedUSN": ["2000"]}) as s:
        s.on_search(base=s.BASE, scope=2, dirsync=False, filter="uSNChanged", answers=[
            [person(1, lastKnownParent=f"OU=x,{s.BASE}"), paged(), done()]])
        s.on_search(base=s.BASE, scope=2, dirsync=False, answers=[[person(1), paged(), done()]])
        s.on_search(base=f"<GUID={guid(1)}>", attrs=["memberOf"], answers=[
            [entry(f"CN=u1,{s.BASE}", memberOf=[f"<GUID={guid(7)}>;CN=g,{s.BASE}"]), done()]])
        c = source(s, ca_file=None, changes="usn")
        r = c.read()
        assert r.sealed and [q.filter for q in s.requests if "uSNChanged" in q.filter] == []
        d = c.read(r.cursor)
        assert d.sealed and [(m["id"], m["add"]) for m in d.of("links") if m["attribute"] == "member"] == [(str(guid(7)), [{"id": str(guid(1))}])]
        assert [q.filter for q in s.requests if "uSNChanged" in q.filter][0].startswith("(&(uSNChanged>=2001)(|(objectClass=")


def test_I1_pages_until_the_last_and_a_page_that_does_not_say(fake_ad, source):
    with fake_ad() as s:
        s.on_search(base=s.BASE, scope=2, dirsync=False, answers=[
            [person(1), paged(b"one"), done()], [person(2), paged(b"two"), done()], [person(3), paged(b""), done()],
            [person(1), paged(b"one"), done()], [person(2), done()]])
        c = source(s, ca_file=None, changes="usn")
        r = c.read()
        assert r.sealed and set(r.entries) == {str(guid(n)) for n in (1, 2, 3)}
        r = c.read()
        assert not r.sealed and r.error["code"] == "no-cookie"


def test_large_groups_by_ranges_without_dirsync(fake_ad, source):
    ends = [f"<GUID={guid(n)}>;CN=u{n},DC=example,DC=test" for n in range(100, 133)]
    with fake_ad() as s:
        s.on_search(base=f"<GUID={guid(7)}>", answers=[range_answers("CN=g", "member", ends, 10, uSNChanged="5")])
        s.on_search(base=s.BASE, scope=2, dirsync=False, answers=[
            [entry(f"<GUID={guid(7)}>;CN=g,{s.BASE}", objectClass=["group"], name="g", attributes={"member": [], "member;range=0-9": ends[:10]}),
             paged(), done()]])
        r = source(s, ca_file=None, changes="usn").read()
        assert r.sealed and r.apply()[str(guid(7))]["links"]["member"] == {("id", str(guid(n))) for n in range(100, 133)}


def test_auto_tries_dirsync_once_and_only_a_refusal_means_no(fake_ad, source):
    for code, by_usn in ((UNWILLING, True), (51, None)):
        with fake_ad() as s:
            s.on_dirsync([done(code)])
            s.on_search(base=s.BASE, scope=2, dirsync=False, answers=[[person(1), paged(), done()]])
            c = source(s, ca_file=None, changes="auto")
            if by_usn:
                assert "deltas-complete" not in c.hello["capabilities"] and c.read().sealed
                assert len([q for q in s.requests if q.dirsync]) == 1
            else:
                assert c.hello["error"]["kind"] == "retry", "a busy server says nothing about rights"


# --- with the engine ----------------------------------------------------------------------

def test_I1_I7_what_usn_misses_a_full_read_finds_and_status_says_when(samba_fresh, agent, acme, plain):
    """Deleted unseen, moved out of sight, restored: nothing is removed before it is confirmed, and the full read comes by itself."""
    dc = samba_fresh
    ou, ann, bob, group = people(dc)
    hidden = dc.add_ou("Hidden")
    hide(dc, hidden, "plain")
    eve = dc.add_user("eve", ou)
    password = agent.secret("plain-password", PASSWORD)
    options = (f'type = "ad"  server = "{dc.url}"  ca_file = "{dc.ca}"  bind = "{plain["bind"]}"\n'
               f"password_file = \"{password}\"  missing_after = \"1h\"  full_every = \"2d\"")
    agent.configure(options, acme, " scope { base = '" + ou + "' }")
    first = agent.sync()
    assert first["created"] == 4 and first["kind"] == "full"
    people_there = lambda: {u["userName"]: u["active"] for u in hosted(acme)[0].values()}
    assert people_there() == {f"{n}@example.test": True for n in ("ann", "bob", "eve")}
    [state] = agent.json("status")["sources"]
    assert state["changes_complete"] is False and state["full_due"] == state["read_full"] + 2 * 86400 and state["missing"] == 0
    assert "next due at" in agent.run("status").stdout
    # a delta sees changes, but neither the deletion nor the move out of sight
    dc.modify(ann, displayName="Ann B")
    bob_id = dc.delete(bob)
    eve = dc.move(eve, hidden)
    second = agent.sync()
    assert second["kind"] == "delta" and second["updated"] == 1 and second["disabled"] == 0
    # two days later the full read comes by itself: what is missing is noted, not acted on, and soon confirmed
    age(agent, 2 * 86400)
    third = agent.sync()
    assert third["kind"] == "full" and third["disabled"] == 0 and third["deleted"] == 0
    [state] = agent.json("status")["sources"]
    assert state["missing"] == 2 and state["full_due"] == state["read_full"] + 3600
    assert "missing, not confirmed: 2" in agent.run("status").stdout
    assert agent.sync()["kind"] == "delta", "not again before missing_after"
    age(agent, 3600)
    fourth = agent.sync()
    assert fourth["kind"] == "full" and fourth["disabled"] == 2
    assert people_there() == {"ann@example.test": True, "bob@example.test": False, "eve@example.test": False}
    # restored, and back in sight: seen at once, since these are changes of their own
    dc.undelete(bob_id, bob)
    dc.modify(bob, displayName="bob", mail="bob@example.test", userPrincipalName="bob@example.test")     # a tombstone lost them
    dc.move(eve, ou)
    fifth = agent.sync()
    assert fifth["kind"] == "delta" and fifth["enabled"] == 2
    assert people_there() == {f"{n}@example.test": True for n in ("ann", "bob", "eve")}
    assert not any(agent.sync()[k] for k in ("created", "updated", "enabled", "disabled", "deleted"))


def age(agent, seconds):
    """As if so much time had passed since the last reads."""
    with sqlite3.connect(os.path.join(agent.path("state"), "source-company.db")) as db:
        db.execute("UPDATE head SET read_at = read_at - ?, full_at = full_at - ?", (seconds, seconds))
        db.execute("UPDATE absent SET since = since - ?", (seconds,))
    db.close()


def test_I7_a_source_that_says_all_is_not_read_whole_by_itself(samba_fresh, agent, acme):
    dc = samba_fresh
    people(dc)
    agent.configure(agent.ad(dc), acme)
    agent.sync()
    age(agent, 400 * 86400)
    assert agent.sync()["kind"] == "delta"
    [state] = agent.json("status")["sources"]
    assert state["changes_complete"] is True and "full_due" not in state and "source company" not in agent.run("status").stdout
