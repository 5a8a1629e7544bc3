"""lockstep-source-ad against a real Samba AD DC, spoken to over its pipes."""
import calendar
import os
import shutil
import subprocess
import time

import pytest

import sambadc
from certs import make_ca
from connector import program
from source_ad_fixtures import ATTRIBUTES, refused

def people(dc):
    """An OU with a group, its members, and a manager."""
    ou = dc.add_ou("People")
    ann = dc.add_user("ann", ou, proxyAddresses=["SMTP:ann@example.test", "smtp:a@example.test"])
    bob = dc.add_user("bob", ou, manager=ann)
    group = dc.add_group("Staff", ou, members=[ann, bob])
    return ou, ann, bob, group


class Follower:
    """Reads in turn, and proves after each delta that it gives what a full read gives (I7)."""

    def __init__(self, connector):
        self.c = connector
        r = connector.read()
        assert r.sealed and r.cursor
        assert all("full" in m for m in r.of("entry"))
        self.state, self.cursor = r.apply(), r.cursor

    def next(self):
        r = self.c.read(self.cursor)
        assert r.sealed, r.end
        self.state, self.cursor = r.apply(self.state), r.cursor
        lacking = [m["id"] for m in r.of("entry") if m["id"] not in self.state]
        if lacking:
            f = self.c.fetch(*lacking)
            assert f.sealed, f.end
            for m in f.messages:                      # on top, links that came in the delta included
                if m["type"] == "entry":
                    self.state[m["id"]] = {"dn": m["dn"], "attrs": m["full"], "links": {}}
                if m["type"] == "links":
                    have = self.state[m["id"]]["links"].setdefault(m["attribute"], set())
                    have |= {next(iter(e.items())) for e in m.get("set", m.get("add", []))}
        full = self.c.read()
        assert full.sealed
        want = full.apply()
        assert comparable(self.state) == comparable(want)
        return r


def comparable(state):
    """Without DNs (a container's move does not report what is below) and values that order does not matter for."""
    alive = set(state)
    return {i: ({a: sorted(map(str, v)) for a, v in e["attrs"].items()},
                {a: {x for x in s if x[0] != "id" or x[1] in alive} for a, s in e["links"].items()
                 if {x for x in s if x[0] != "id" or x[1] in alive}}) for i, e in state.items()}


# --- hello, errors of connecting ----------------------------------------------------------

def test_hello_5_2_3_1(samba_dc, source):
    c = source(samba_dc)
    h = c.hello
    assert h["connector"] == "ad" and h["bind"] == samba_dc.account and h["server"] == samba_dc.url
    assert h["context"] == f"{samba_dc.guid(samba_dc.base)} {samba_dc.base}"
    assert set(h["capabilities"]) == {"deltas-complete", "sees-deletes", "fetch", "watch"}
    assert h["schema"]["member"] == {"syntax": "link", "multi": True}
    assert h["schema"]["manager"] == {"syntax": "link", "multi": False}
    assert h["schema"]["proxyAddresses"] == {"syntax": "string", "multi": True}
    assert h["schema"]["mail"] == {"syntax": "string", "multi": False}
    assert h["schema"]["accountExpires"]["syntax"] == "int"
    there = calendar.timegm(time.strptime(h["now"], "%Y-%m-%dT%H:%M:%SZ"))
    assert abs(there - time.time()) < 30
    assert c.close() == 0


def test_1_4_unknown_attribute_names_the_nearest(samba_dc, source):
    e = refused(source(samba_dc, attributes=ATTRIBUTES + ["dispayName"]), "unknown-attribute", "dispayName",
                "did you mean 'displayName'?")
    assert e["kind"] == "config"


def test_attribute_whose_changes_are_never_reported_is_refused(samba_dc, source):
    for name in ("whenChanged", "tokenGroups", "lastLogon"):
        e = refused(source(samba_dc, attributes=ATTRIBUTES + [name]), "unfollowed-attribute", name)
        assert e["kind"] == "config"


def test_7_4_wrong_password_is_a_config_error_and_tried_once(samba_dc, source):
    c = source(samba_dc, password="not the password", server=[samba_dc.url, "ldaps://127.0.0.99"])
    e = refused(c, "bind-refused", "password", "52e")
    assert e["kind"] == "config" and "127.0.0.99" not in e["message"]
    assert "not the password" not in c.errors()


def test_I9_the_password_is_never_shown(samba_dc, source):
    c = source(samba_dc)
    c.read()
    with open(f"/proc/{c.process.pid}/cmdline") as f:
        assert samba_dc.account_password not in f.read()
    c.close()
    assert samba_dc.account_password not in c.errors() and samba_dc.account_password not in str(c.log)


def test_anonymous_is_refused(samba_dc, source, password_file):
    refused(source(samba_dc, bind=""), "bad-config", "anonymously")
    empty = password_file("")
    refused(source(samba_dc, password_file=empty), "secret-empty", "empty")


def test_untrusted_authority(samba_dc, source, tmp_path):
    make_ca(str(tmp_path))
    e = refused(source(samba_dc, ca_file=str(tmp_path / "ca.pem")), "certificate", "not trusted", "ca_file")
    assert e["kind"] == "config"


def test_ca_file_that_is_not_there(samba_dc, source, tmp_path):
    refused(source(samba_dc, ca_file=str(tmp_path / "none.pem")), "ca-file", "none.pem")


def test_unreachable_and_fail_over(samba_dc, source):
    e = refused(source(samba_dc, server=["ldaps://127.0.0.9"]), "unreachable", "127.0.0.9")
    assert e["kind"] == "retry"
    c = source(samba_dc, server=["ldaps://127.0.0.9", samba_dc.url])
    assert c.hello["type"] == "hello" and c.hello["server"] == samba_dc.url


@pytest.mark.parametrize("server,text", [
    ("ldap://192.0.2.1", "in the clear"), ("http://127.0.0.1", "ldaps://"), ("dc1.example.test", "ldaps://"),
    ("ldaps://127.0.0.1:3269", "global catalog")])
def test_server_that_is_not_acceptable(samba_dc, source, server, text):
    assert refused(source(samba_dc, server=[server]), "bad-config", text)["kind"] == "config"


def test_base_is_raised_to_the_naming_context(samba_dc, source):
    c = source(samba_dc, base=[f"ou=people,{samba_dc.base.lower()}"])
    assert c.hello["context"].endswith(" " + samba_dc.base)
    refused(source(samba_dc, base=["DC=other,DC=test"]), "bad-base", "DC=other,DC=test")
    refused(source(samba_dc, base=["nonsense"]), "bad-dn", "base")


# --- reading ------------------------------------------------------------------------------

def test_full_read_of_the_company(samba_dc, source):
    c = source(samba_dc)
    r = c.read()
    assert r.sealed and not r.bad
    users = samba_dc.search("(&(objectClass=user)(!(objectClass=computer)))", attrs=["mail", "sAMAccountName", "manager"])
    assert len(users) >= 250
    by_dn = {m["dn"]: m for m in r.of("entry")}
    state = r.apply()
    domain_sid = next(m["sid"] for m in r.of("entry") if m["dn"] == samba_dc.base)
    for dn, attrs in users:
        entry = by_dn[dn]
        assert entry["id"] == samba_dc.guid(dn) if dn == users[0][0] else True
        assert entry["full"].get("mail", []) == [v.decode() for v in attrs.get("mail", [])]
        assert entry["full"]["cn"], entry
        links = state[entry["id"]]["links"]
        assert links["primaryGroup"] in ({("sid", f"{domain_sid}-513")}, {("sid", f"{domain_sid}-514")})
        if "manager" in attrs:
            assert links["manager"] == {("id", by_dn[attrs["manager"][0].decode()]["id"])}
        parent = by_dn[samba_dc.parent(dn)]
        assert entry["parent"] == parent["id"]
    for dn, attrs in samba_dc.search("(objectClass=group)", attrs=["member"]):
        ends = state[by_dn[dn]["id"]]["links"].get("member", set())
        assert len(ends) == len(attrs.get("member", []))
    again = c.read(r.cursor)
    assert again.sealed and again.messages == [again.end]          # I6: nothing, when nothing changed


def test_delta_of_each_kind_of_change_I7_I8(samba_fresh, source):
    dc = samba_fresh
    ou, ann, bob, group = people(dc)
    c = source(dc)
    f = Follower(c)
    ids = {n: dc.guid(d) for n, d in dict(ou=ou, ann=ann, bob=bob, group=group).items()}

    r = f.next()
    assert r.messages == [r.end]
    eve = dc.add_user("eve", ou, manager=ann)                       # an addition
    r = f.next()
    assert r.entries[dc.guid(eve)]["full"]["mail"] == ["eve@example.test"] and len(r.entries) == 1
    dc.modify(ann, displayName="Ann Anders", mail=None)             # a change, a cleared attribute
    r = f.next()
    assert r.entries[ids["ann"]]["part"] == {"displayName": ["Ann Anders"], "mail": []}
    dc.modify(ann, proxyAddresses=["SMTP:ann@example.test"])        # one of several values
    assert f.next().entries[ids["ann"]]["part"] == {"proxyAddresses": ["SMTP:ann@example.test"]}
    dc.remove_members(group, bob)                                   # links, as increments
    r = f.next()
    assert [m for m in r.of("links")] == [
        {"type": "links", "id": ids["group"], "attribute": "member", "remove": [{"id": ids["bob"]}]}]
    dc.add_members(group, eve)
    r = f.next()
    assert r.of("links")[0]["add"] == [{"id": dc.guid(eve)}]
    dc.modify(eve, manager=bob)                                     # single-valued: removal before addition
    r = f.next()
    assert [("remove" in m, "add" in m) for m in r.of("links")] == [(True, False), (False, True)]
    dc.modify(eve, manager=None)
    r = f.next()
    assert r.of("links")[0]["remove"] == [{"id": ids["bob"]}]
    dc.disable(bob)
    assert f.next().entries[ids["bob"]]["part"] == {"userAccountControl": ["546"]}
    bob = dc.rename(bob, "Robert")                                  # I8: same id
    r = f.next()
    assert r.entries[ids["bob"]]["dn"] == bob and r.entries[ids["bob"]]["part"] == {"cn": ["Robert"]}
    new = dc.add_ou("Leavers")
    bob = dc.move(bob, new)
    r = f.next()
    assert r.entries[ids["bob"]]["parent"] == dc.guid(new) and r.entries[ids["bob"]]["dn"] == bob
    ou = dc.rename(ou, "Staff and People")                          # a container: it alone is reported
    r = f.next()
    assert list(r.entries) == [ids["ou"]] and r.entries[ids["ou"]]["dn"] == ou
    dc.modify(dc.by_guid(ids["group"]), displayName="The staff")
    r = f.next()
    assert r.entries[ids["group"]]["part"] == {"displayName": ["The staff"]}


def test_password_change_brings_nothing_but_what_was_asked(samba_fresh, source):
    dc = samba_fresh
    _, ann, _, _ = people(dc)
    c = source(dc)
    f = Follower(c)
    dc.set_password("ann", "N3w-passw0rd-of-Ann")
    r = f.next()
    # "password not required" goes from userAccountControl; unicodePwd and the like come empty, and go no further
    assert [m["part"] for m in r.of("entry")] == [{"userAccountControl": ["512"]}] and not r.of("links")


def test_primary_group_change_of_an_entry_that_is_not_sent_whole(samba_fresh, source):
    dc = samba_fresh
    _, ann, _, group = people(dc)
    c = source(dc)
    f = Follower(c)
    sid = next(m["sid"] for m in c.log if m["type"] == "entry" and m["dn"] == group)
    dc.modify(ann, primaryGroupID=sid.rsplit("-", 1)[1])
    r = f.next()
    links = [m for m in r.of("links") if m["attribute"] == "primaryGroup"]
    assert links == [{"type": "links", "id": dc.guid(ann), "attribute": "primaryGroup", "set": [{"sid": sid}]}]


def test_I1_tombstone(samba_fresh, source):
    dc = samba_fresh
    ou, ann, bob, group = people(dc)
    c = source(dc)
    f = Follower(c)
    bob_id, group_id = dc.delete(bob), dc.delete(group)
    r = f.next()
    assert sorted(r.gone) == sorted([bob_id, group_id])
    assert all(m["proof"] == "tombstone" for m in r.of("gone"))
    full = c.read()
    assert bob_id in full.gone and bob_id not in full.entries       # a full read sees tombstones, too
    got = c.fetch(bob_id, "11111111-2222-3333-4444-555555555555", dc.guid(ann))
    assert got.sealed and got.gone == [bob_id] and list(got.entries) == [dc.guid(ann)] and not got.bad


def test_4_1_who_leaves_a_class_filter_is_still_seen(samba_fresh, source):
    """Tombstones have lost most attributes; their objectClass stays, so the request's filter finds them."""
    dc = samba_fresh
    _, ann, _, group = people(dc)
    c = source(dc, classes=["group"])
    f = Follower(c)
    assert dc.guid(ann) not in f.state
    gone = dc.delete(group)
    assert f.next().gone == [gone]


def test_restored_object_comes_as_gone_and_part_and_is_fetched(samba_fresh, source):
    dc = samba_fresh
    ou, ann, bob, group = people(dc)
    c = source(dc)
    f = Follower(c)
    bob_id = dc.delete(bob)
    f.next()
    dc.undelete(bob_id, bob)
    r = f.next()                                                    # proves: same as a full read
    assert r.gone == [bob_id] and "part" in r.entries[bob_id]
    assert ("id", bob_id) not in f.state[dc.guid(group)]["links"]["member"]
    bob_id = dc.delete(bob)                                         # and within one delta
    dc.undelete(bob_id, bob)
    r = f.next()
    assert r.gone == [bob_id]


def test_group_of_5000_and_one_change(samba_fresh, source):
    dc = samba_fresh
    ou = dc.add_ou("Many")
    dc.stop()
    ldif = os.path.join(dc.folder, "many.ldif")
    with open(ldif, "w") as f:
        for i in range(5000):
            f.write(f"dn: CN=u{i},{ou}\nobjectClass: user\nsAMAccountName: u{i}\nuserAccountControl: 544\n\n")
        f.write(f"dn: CN=Big,{ou}\nobjectClass: group\nsAMAccountName: Big\n")
        f.writelines(f"member: CN=u{i},{ou}\n" for i in range(5000))
    subprocess.run(["ldbadd", "-H", dc.sam, "-o", "transaction_index_cache_size:200000", "-o", "batch_mode:1", ldif],
                   check=True, stdout=subprocess.DEVNULL)
    dc.start()
    big = f"CN=Big,{ou}"
    c = source(dc)
    r = c.read()
    assert r.sealed
    chunks = [m for m in r.of("links") if m["attribute"] == "member" and m["id"] == dc.guid(big)]
    assert [len(m["set"]) for m in chunks] == [1000] * 5 and [m.get("more", False) for m in chunks] == [True] * 4 + [False]
    assert len(r.apply()[dc.guid(big)]["links"]["member"]) == 5000
    dc.remove_members(big, f"CN=u77,{ou}")
    d = c.read(r.cursor)
    assert d.sealed and sum(len(m["remove"]) for m in d.of("links")) == 1 and len(d.of("links")) == 1
    got = c.fetch(dc.guid(big))
    assert got.sealed and len(got.apply()[dc.guid(big)]["links"]["member"]) == 4999


def test_I1_4_1_cursor_of_another_controller_or_request(samba_dc, source):
    c = source(samba_dc)
    r = c.read()
    for cursor, text in [(r.cursor.replace(c.hello["invocation"], "11111111-2222-3333-4444-555555555555"), "another domain controller"),
                         (r.cursor.replace(samba_dc.guid(samba_dc.base), "0" * 8), "naming context"),
                         (r.cursor.replace('"usn":"', '"usn":"9'), "gone back"), ("nonsense", "cannot be read"), ("{}", "not one")]:
        bad = c.read(cursor)
        assert not bad.sealed and bad.error["kind"] == "retry" and bad.error["code"] == "cursor-invalid"
        assert text in bad.error["message"] and len(bad.messages) == 1
    assert c.read(r.cursor).sealed
    other = source(samba_dc, attributes=ATTRIBUTES + ["title"])
    bad = other.read(r.cursor)
    assert bad.error["code"] == "cursor-invalid" and "classes or attributes" in bad.error["message"]


def test_I1_controller_switch_and_domain_by_dns(samba_pair, source):
    dc1, dc2 = samba_pair
    both = [dc1.url, dc2.url]
    ann = dc1.add_user("ann")
    dc2.replicate(dc1)
    c = source(dc1, server=both)
    r = c.read()
    first = c.hello["invocation"]
    assert r.sealed and c.hello["server"] == dc1.url
    other = source(dc1, server=both[::-1])                          # as if the first were down
    assert other.hello["server"] == dc2.url and other.hello["invocation"] != first
    assert other.hello["context"] == c.hello["context"]
    bad = other.read(r.cursor)
    assert bad.error["code"] == "cursor-invalid" and "another domain controller" in bad.error["message"]
    full = other.read()
    assert full.sealed and dc1.guid(ann) in full.entries
    found = source(dc1, server=None, domain=dc1.dns, wrap=dc1.resolved())
    assert found.hello["type"] == "hello", found.hello
    assert found.hello["server"] in (f"ldaps://{dc1.host}", f"ldaps://{dc2.host}")
    assert {m["level"] for m in found.check() if m["topic"] in ("server", "certificate", "bind")} == {"ok"}
    refused(source(dc1, server=None, domain="nowhere.test", wrap=dc1.resolved()), "no-srv", "_ldap._tcp.dc._msdcs.nowhere.test")


def test_I1_controller_restored_from_a_copy(samba_fresh, source):
    dc = samba_fresh
    dc.stop()
    copy = dc.folder + "-copy"
    subprocess.run(["cp", "-a", "--sparse=always", dc.folder, copy], check=True)
    dc.start()
    people(dc)
    r = source(dc).read()
    assert r.sealed
    dc.stop()
    shutil.rmtree(os.path.join(dc.folder, "private"))
    shutil.move(os.path.join(copy, "private"), os.path.join(dc.folder, "private"))
    shutil.rmtree(copy)
    dc.start()
    c = source(dc)
    bad = c.read(r.cursor)
    assert bad.error["code"] == "cursor-invalid" and "gone back" in bad.error["message"]
    assert c.read().sealed


def test_I1_an_ou_that_is_hidden_looks_like_fewer_entries_never_like_deletions(samba_fresh, source):
    """The directory answers success: so the read is sealed, and the engine's second full read must confirm (I1)."""
    dc = samba_fresh
    ou, ann, bob, group = people(dc)
    c = source(dc)
    f = Follower(c)
    sid = next(m["sid"] for m in c.log if m["type"] == "entry" and m["dn"].startswith("CN=svc-lockstep,"))
    sambadc.run("samba-tool", "dsacl", "set", f"--objectdn={ou}", f"--sddl=(D;CI;RPLCLORC;;;{sid})", "-H", dc.sam, "-s", dc.conf)
    full = c.read()
    assert full.sealed and not full.gone and dc.guid(ann) not in full.entries and dc.guid(ann) in f.state
    assert c.read(f.cursor).gone == []
    assert [m["level"] for m in c.check(ou) if m["topic"] == "base"] == ["fail"]


def test_no_right_to_dirsync(samba_fresh, source):
    dc = samba_fresh
    dc.add_user("plain", enabled=False)
    dc.set_password("plain", "Pl4in-account-of-nobody")
    dc.enable(f"CN=plain,CN=Users,{dc.base}")
    c = source(dc, bind=f"plain@{dc.dns}", password="Pl4in-account-of-nobody", changes="dirsync")
    assert c.hello["capabilities"] == ["fetch", "watch"]                     # deletions would not be seen: not claimed
    r = c.read()
    assert not r.sealed and r.error["kind"] == "config" and r.error["code"] == "no-dirsync-right"
    assert "Replicating Directory Changes" in r.error["message"] and "--print-setup" in r.error["message"]
    found = {(m["level"], m["topic"]) for m in c.check()}
    assert ("fail", "dirsync") in found and ("warn", "deleted-objects") in found


def test_stop_in_mid_read_and_end_of_input(samba_dc, source):
    c = source(samba_dc)
    c.say(type="read", cursor=None, classes=c.classes, attributes=c.attributes)
    c.say(type="stop")
    answers = c.answers()
    assert answers == [] or answers[-1]["type"] == "end"
    assert c.close() == 0


# --- check and setup ----------------------------------------------------------------------

def findings(c, *bases):
    return {(m["topic"], m["level"]): m for m in c.check(*bases)}


def test_10_check_as_the_account_that_only_reads(samba_dc, source):
    c = source(samba_dc)
    found = c.check(f"OU=Nowhere,{samba_dc.base}")
    levels = {}
    for m in found:
        levels.setdefault(m["topic"], set()).add(m["level"])
    for topic in ("server", "certificate", "bind", "clock", "schema", "dirsync", "deleted-objects", "groups"):
        assert levels[topic] == {"ok"}, found
    assert levels["base"] == {"fail"}
    assert levels["rights"] <= {"ok", "info"}, [m for m in found if m["topic"] == "rights"]
    for m in found:
        assert m["level"] not in ("fail", "warn") or m.get("remedy"), m


def test_10_check_as_an_administrator_warns(samba_dc, source):
    c = source(samba_dc, bind=samba_dc.admin, password=samba_dc.admin_password)
    found = c.check()
    assert [m for m in found if m["topic"] == "rights" and m["level"] == "warn" and "remedy" in m]
    groups = [m["text"] for m in found if m["topic"] == "groups"]
    assert any("Domain Admins" in t for t in groups) and any("Administrators" in t for t in groups)


def test_check_names_duplicates_without_case(samba_fresh, source):
    dc = samba_fresh
    ou = dc.add_ou("People")
    dc.add_user("one", ou, mail="Same@Example.test", proxyAddresses=["SMTP:same@example.test", "X500:/o=x"])
    dc.add_user("two", ou, proxyAddresses=["smtp:SAME@example.test"])
    dc.add_user("three", ou, mail="other@example.test", proxyAddresses=["SMTP:other@example.test", "X500:/o=x"])
    dc.add_group("Sales", ou, displayName="Team")
    dc.add_group("Market", ou, displayName="team")
    found = [m for m in source(dc).check(ou, dc.base) if m["topic"] == "duplicates"]
    texts = sorted(m["text"] for m in found)
    assert len(texts) == 2, texts
    assert "same@example.test" in texts[0] and "CN=one" in texts[0] and "CN=two" in texts[0]
    assert "group name team" in texts[1]


def test_check_when_no_server_answers_is_findings(samba_dc, source):
    c = source(samba_dc, classes=[], attributes=[], server=["ldaps://127.0.0.9", samba_dc.url], password="wrong")
    assert c.hello["type"] == "hello"
    found = c.check()
    by = {(m["topic"], m["level"]) for m in found}
    assert ("server", "warn") in by and ("bind", "fail") in by and ("server", "fail") in by
    assert c.close() == 0


def test_setup_text_is_the_very_commands_and_needs_no_account(samba_dc, source):
    c = source(samba_dc, classes=[], attributes=[], bind="EXAMPLE\\svc-new", password="none yet")
    text = c.setup()
    assert text.startswith(f"ACCOUNT=svc-new\nBASE='{samba_dc.base}'\n")
    with open(os.path.join(sambadc.ROOT, "src/source/setup.samba.sh")) as f:
        assert text.endswith(f.read())
    c = source(samba_dc, classes=[], attributes=[], server=["ldaps://127.0.0.9"], base=["OU=x,DC=corp,DC=example"])
    text = c.setup()
    assert "BASE='DC=corp,DC=example'" in text and "$Domain = 'corp.example'" in text and "dsacls" in text


# --- I9 -----------------------------------------------------------------------------------

def test_I9_no_call_that_writes_a_directory_is_linked():
    path = program("lockstep-source-ad")
    symbols = subprocess.run(["nm", "-D", "--undefined-only", path], check=True, capture_output=True, text=True).stdout
    names = {line.split()[-1].split("@")[0] for line in symbols.splitlines() if line.strip()}
    assert "ldap_search_ext" in names
    writers = {n for n in names if n.startswith("ldap_") and any(
        w in n for w in ("add", "modify", "delete", "rename", "modrdn", "passwd", "extended_operation", "ldif"))}
    assert writers == set()


def test_s3_4_check_sees_what_will_end(samba_fresh, source):
    dc = samba_fresh
    name = dc.account.split("@")[0]
    seen = lambda: {m["topic"]: m for m in source(dc).check() if m["topic"].startswith(("account", "password"))}
    assert seen()["account"]["level"] == "ok"
    dc.tool("user", "setexpiry", name, "--days=3")
    found = seen()
    assert found["account-expires"]["level"] == "warn" and "expires in" in found["account-expires"]["text"]
    dc.tool("user", "setexpiry", name, "--noexpiry")
    assert seen()["account"]["level"] == "ok"
