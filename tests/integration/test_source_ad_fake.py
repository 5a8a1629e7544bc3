"""lockstep-source-ad against a scripted server: what Samba does not do (DESIGN.md, Tests), and servers that fail."""
import calendar
import time
import uuid

import pytest

from certs import make_ca, make_certificate
from fakeldap import (BUSY, INSUFFICIENT, REFERRAL, SIZE_LIMIT, TIME_LIMIT, UNAVAILABLE, UNWILLING, cut, dirsync, done, drop,
                      entry, hang, range_answers, raw, reference, reset, wait)
from source_ad_fixtures import refused

BASE = "DC=example,DC=test"
CA = dict(ca_file=None)     # no TLS on this computer


def guid(n):
    return uuid.UUID(int=n)


def person(n, name=None, **attrs):
    name = name or f"u{n}"
    facts = dict(objectGUID=guid(n).bytes_le, parentGUID=bytes(range(16, 32)), objectClass=["top", "user"], name=name,
                 sAMAccountName=name, primaryGroupID="513")
    facts.update(attrs)
    return entry(f"<GUID={guid(n)}>;CN={name},{BASE}", **{k: v for k, v in facts.items() if v is not None})


def group(n, name="g", attributes=None, **attrs):
    return entry(f"<GUID={guid(n)}>;CN={name},{BASE}", objectGUID=guid(n).bytes_le, objectClass=["top", "group"], name=name,
                 attributes=attributes or {}, **attrs)


def test_continuation_until_there_is_no_more(fake_ad, source):
    with fake_ad() as s:
        s.on_dirsync([person(1), dirsync(1, b"one"), done()], [dirsync(1, b"two"), done()], [person(2), dirsync(0, b"three"), done()])
        c = source(s, **CA)
        r = c.read()
        assert r.sealed and set(r.entries) == {str(guid(1)), str(guid(2))}
        assert [q.dirsync[2] for q in s.requests if q.dirsync] == [b"", b"one", b"two"]
        assert {q.dirsync[0] for q in s.requests if q.dirsync} == {0x80000000}
        assert {q.base for q in s.requests if q.dirsync} == {BASE}
        c.read(r.cursor)
        assert [q for q in s.requests if q.dirsync][-1].dirsync[2] == b"three"
        assert "whenChanged" in s.requests[-1].attrs, "N8: when it changed is asked for, and not missed when it is not told"


def test_4_1_the_request_names_classes_and_attributes_only(fake_ad, source):
    with fake_ad() as s:
        s.on_dirsync([dirsync(0, b"x"), done()])
        source(s, **CA).read()
        q = s.requests[-1]
        assert set(q.filter.replace("(|", "").replace("))", ")").strip("()").split(")(")) >= {"objectClass=user", "objectClass=group"}
        assert all(part.startswith("objectClass=") for part in q.filter[2:-1].strip("()").split(")("))
        assert "unicodePwd" not in q.attrs and "memberOf" not in q.attrs and "mail" in q.attrs


@pytest.mark.parametrize("code,kind,name", [
    (SIZE_LIMIT, "side", "size-limit"), (TIME_LIMIT, "retry", "time-limit"), (REFERRAL, "side", "referral"),
    (BUSY, "retry", "busy"), (UNAVAILABLE, "retry", "unavailable"), (INSUFFICIENT, "config", "no-dirsync-right"),
    (UNWILLING, "config", "no-dirsync-right")])
def test_I1_any_result_but_success_is_unsealed(fake_ad, source, code, kind, name):
    with fake_ad() as s:
        referral = ["ldap://127.0.0.1:1/" + BASE] if code == REFERRAL else ()
        s.on_dirsync([person(1), dirsync(0, b"x"), done(code, referral=referral)])
        c = source(s, **CA)
        r = c.read()
        assert not r.sealed and r.cursor is None
        assert (r.error["kind"], r.error["code"]) == (kind, name), r.error
        assert s.connections == 1                                   # a referral is not followed
        assert not c.read().sealed                                  # still alive, and still so


def test_I1_a_cut_on_the_second_page_is_unsealed(fake_ad, source):
    with fake_ad() as s:
        s.on_dirsync([person(1), dirsync(1, b"one"), done()], [person(2), done(SIZE_LIMIT)])
        r = source(s, **CA).read()
        assert not r.sealed and r.error["code"] == "size-limit"


@pytest.mark.parametrize("steps", [[drop()], [reset()], [cut(person(2), 30)], [raw(b"\x30\x84\xff\xff\xff\xff"), drop()],
                                   [raw(b"garbage that is not BER at all"), drop()]])
def test_I1_a_connection_lost_in_mid_answer_is_unsealed(fake_ad, source, steps):
    with fake_ad() as s:
        s.on_dirsync([person(1)] + steps, [person(1), dirsync(0, b"x"), done()])
        c = source(s, **CA)
        r = c.read()
        assert not r.sealed and r.error["kind"] == "retry", r.error
        assert c.read().sealed                                      # connects anew, to the same controller
        assert s.connections == 2


def test_I1_another_controller_behind_the_same_name(fake_ad, source):
    with fake_ad() as s:
        s.on_dirsync([person(1), drop()], [person(1), dirsync(0, b"x"), done()])
        c = source(s, **CA)
        assert not c.read().sealed
        s.invocation = bytes(range(100, 116))
        r = c.read()
        assert not r.sealed and r.error["code"] == "controller-changed"


def test_I1_no_cookie_no_seal(fake_ad, source):
    with fake_ad() as s:
        s.on_dirsync([person(1), done()], [person(1), dirsync(0, b""), done()])
        c = source(s, **CA)
        for _ in range(2):
            r = c.read()
            assert not r.sealed and r.error["code"] == "no-cookie"


def test_more_for_ever_is_not_believed(fake_ad, source):
    with fake_ad() as s:
        s.on_dirsync([dirsync(1, b"same"), done()])
        r = source(s, **CA).read()
        assert not r.sealed and r.error["code"] == "no-progress"


def test_references_are_passed_over(fake_ad, source):
    with fake_ad() as s:
        s.on_dirsync([reference("ldap://127.0.0.1:1/x"), person(1), reference("ldap://127.0.0.1:1/y"), dirsync(0, b"x"), done()])
        r = source(s, **CA).read()
        assert r.sealed and len(r.entries) == 1 and s.connections == 1


def test_progress_while_the_server_computes_and_time_limit(fake_ad, source):
    with fake_ad() as s:
        s.on_dirsync([wait(4), person(1), dirsync(0, b"x"), done()], [person(1), hang()])
        r = source(s, timeout="60", **CA).read()
        assert r.sealed and len(r.of("progress")) >= 2
        r = source(s, timeout="5", **CA).read()
        assert not r.sealed and r.error["code"] == "timeout"


@pytest.mark.parametrize("tls", [False, True])
def test_a_message_that_stops_in_the_middle(fake_ad, source, tls, tmp_path):
    options, ca = {}, CA
    if tls:
        make_ca(str(tmp_path))
        make_certificate(str(tmp_path / "c"), str(tmp_path), ["IP:127.0.0.1"])
        options, ca = dict(tls=(str(tmp_path / "c/cert.pem"), str(tmp_path / "c/key.pem"))), dict(ca_file=str(tmp_path / "ca.pem"))
    with fake_ad(**options) as s:
        s.on_dirsync([raw(b"\x30\x50\x02\x01"), hang()])
        r = source(s, timeout="5", **ca).read()
        assert not r.sealed and r.error["code"] == "timeout"


def test_values_in_forced_ranges(fake_ad, source):
    ends = [f"<GUID={guid(n)}>;CN=u{n},{BASE}" for n in range(100, 133)]
    with fake_ad() as s:
        s.on_search(base=f"<GUID={guid(7)}>", filter=r"objectClass=\*", answers=[range_answers(f"CN=g,{BASE}", "member", ends, 10, uSNChanged="5")])
        s.on_search(base=f"<GUID={guid(7)}>", answers=[
            [group(7, attributes={"member": [], "member;range=0-9": ends[:10]}), done()]])
        s.on_dirsync([group(7, attributes={"member;range=0-9": ends[:10]}), dirsync(0, b"x"), done()])
        c = source(s, **CA)
        want = {("id", str(guid(n))) for n in range(100, 133)}
        r = c.read()
        assert r.sealed and r.apply()[str(guid(7))]["links"]["member"] == want
        f = c.fetch(str(guid(7)))
        assert f.sealed and f.apply()[str(guid(7))]["links"]["member"] == want
        assert [a for q in s.requests for a in q.attrs if "range=" in a] == [f"member;range={n}-*" for n in (0, 10, 20, 30)] * 2


def test_a_group_that_changes_while_its_ranges_are_read_is_read_anew(fake_ad, source):
    ends = [f"<GUID={guid(n)}>;CN=u{n},{BASE}" for n in range(100, 120)]
    later = ends[1:]                                                # the first one left in between
    answers = [range_answers("CN=g", "member", ends, 10, uSNChanged="5"), *[range_answers("CN=g", "member", later, 10, uSNChanged="6")] * 9]
    with fake_ad() as s:
        s.on_search(base=f"<GUID={guid(7)}>", answers=answers)
        s.on_dirsync([group(7, attributes={"member;range=0-9": ends[:10]}), dirsync(0, b"x"), done()])
        r = source(s, **CA).read()
        assert r.sealed and r.apply()[str(guid(7))]["links"]["member"] == {("id", str(guid(n))) for n in range(101, 120)}


def test_a_group_that_never_rests_is_held_back(fake_ad, source):
    ends = [f"<GUID={guid(n)}>;CN=u{n},{BASE}" for n in range(100, 120)]
    count = iter(range(10 ** 6))
    with fake_ad() as s:
        s.on_search(base=f"<GUID={guid(7)}>", answers=[lambda r: range_answers("CN=g", "member", ends, 10, uSNChanged=str(next(count)))(r)])
        s.on_dirsync([group(7, attributes={"member;range=0-9": ends[:10]}), dirsync(0, b"x"), done()])
        r = source(s, **CA).read()
        assert r.sealed and [(m["id"], m["attribute"]) for m in r.bad] == [(str(guid(7)), "member")]


def test_a_large_group_in_several_entries_of_a_full_read(fake_ad, source):
    """Active Directory sends links in the order of their USN: the entry comes again, with links alone."""
    ends = [f"<GUID={guid(n)}>;<SID=S-1-5-21-1-2-3-{n}>;CN=u{n},{BASE}" for n in range(100, 130)]
    with fake_ad() as s:
        s.on_dirsync([group(7, displayName="The group", attributes={"member;range=1-1": ends[:10], "member;range=0-0": ends[29:]}), dirsync(1, b"1"), done()],
                     [entry(f"<GUID={guid(7)}>;CN=g,{BASE}", objectGUID=guid(7).bytes_le, attributes={"member;range=1-1": ends[10:29]}),
                      dirsync(0, b"2"), done()])
        r = source(s, **CA).read()
        state = r.apply()[str(guid(7))]
        assert r.sealed and state["attrs"]["displayName"] == ["The group"]
        assert state["links"]["member"] == {("id", str(guid(n))) for n in range(100, 129)}


def test_links_by_id_by_sid_and_by_name(fake_ad, source):
    hexed = guid(5).bytes_le.hex()
    with fake_ad() as s:
        s.on_dirsync([group(7, member=[f"<GUID={hexed}>;CN=a,DC=x", "<SID=S-1-5-32-544>;CN=b,DC=x", "CN=c,DC=x"]), dirsync(0, b"x"), done()])
        r = source(s, **CA).read()
        assert r.of("links")[0]["set"] == [{"id": str(guid(5))}, {"sid": "S-1-5-32-544"}, {"dn": "CN=c,DC=x"}]


def test_what_cannot_be_read_holds_back_its_object_only(fake_ad, source):
    with fake_ad() as s:
        s.on_dirsync([person(1), group(7, member=["<GUID=nonsense>;CN=a"]), person(2, mail="x" * 300000),
                      entry(f"CN=nobody,{BASE}", objectClass=["user"]), person(3, primaryGroupID="abc"), dirsync(0, b"x"), done()])
        r = source(s, **CA).read()
        assert r.sealed
        assert [(m.get("id") or m["dn"], m.get("attribute")) for m in r.bad] == [
            (str(guid(7)), "member"), (str(guid(2)), "mail"), (f"CN=nobody,{BASE}", None), (str(guid(3)), "primaryGroup")]
        assert set(r.entries) == {str(guid(n)) for n in (1, 2, 3, 7)} and "mail" not in r.entries[str(guid(2))]["full"]


def test_a_range_of_an_attribute_that_is_no_link_is_held_back(fake_ad, source):
    with fake_ad() as s:
        s.on_dirsync([person(1, attributes={"proxyAddresses;range=0-1": ["a", "b"]}), dirsync(0, b"x"), done()])
        r = source(s, **CA).read()
        assert r.sealed and [m["attribute"] for m in r.bad] == ["proxyAddresses"]


def test_a_server_that_does_not_know_extended_dns(fake_ad, source):
    with fake_ad() as s:
        s.on_dirsync([entry(f"CN=a,{BASE}", name="a", objectClass=["user"], mail="a@x", objectGUID=guid(1).bytes_le,
                            objectSid=bytes.fromhex("01020000000000052000000020020000")), dirsync(0, b"x"), done()])
        r = source(s, **CA).read()
        assert r.sealed and r.entries[str(guid(1))]["sid"] == "S-1-5-32-544" and r.entries[str(guid(1))]["dn"] == f"CN=a,{BASE}"


def test_a_delta_a_new_entry_is_whole_a_changed_one_a_part(fake_ad, source):
    with fake_ad() as s:
        s.on_dirsync([dirsync(0, b"x"), done()],
                     [person(1, whenCreated="20260101000000.0Z"), person(2, objectClass=["top", "user", "extra"]), dirsync(0, b"y"), done()])
        c = source(s, **CA)
        r = c.read(c.read().cursor)
        assert "full" in r.entries[str(guid(1))] and "part" in r.entries[str(guid(2))]


def test_restored_links_are_looked_up(fake_ad, source):
    """With the Recycle Bin an undeleted object is back in its groups without a word about it."""
    with fake_ad() as s:
        s.on_dirsync([dirsync(0, b"x"), done()],
                     [entry(f"<GUID={guid(1)}>;CN=u1,{BASE}", objectGUID=guid(1).bytes_le, isDeleted=[], name="u1"), dirsync(0, b"y"), done()])
        s.on_search(base=f"<GUID={guid(1)}>", attrs=["memberOf"], answers=[
            [entry(f"CN=u1,{BASE}", memberOf=[f"<GUID={guid(7)}>;CN=g,{BASE}", f"<GUID={guid(8)}>;CN=h,{BASE}"]), done()]])
        c = source(s, **CA)
        r = c.read(c.read().cursor)
        assert [m["type"] for m in r.messages if m["type"] != "progress"] == ["gone", "entry", "links", "links", "end"]
        assert [(m["id"], m["add"]) for m in r.of("links")] == [(str(guid(n)), [{"id": str(guid(1))}]) for n in (7, 8)]


@pytest.mark.parametrize("why,code,text", [
    ("wrong_password", "bind-refused", "password is wrong"), ("no_user", "account-moved", "no such user"),
    ("locked", "account-locked", "locked out"), ("password_expired", "password-expired", "password has expired"),
    ("disabled", "account-disabled", "disabled"), ("account_expired", "account-expired", "account has expired"),
    ("must_change", "password-expired", "must be changed"), ("hours", "bind-refused", "at this hour"),
    ("workstation", "bind-refused", "from this computer")])
def test_7_4_why_a_bind_is_refused(fake_ad, source, why, code, text):
    with fake_ad() as s:
        s.refuse_bind(why)
        e = refused(source(s, **CA), code, text)
        assert e["kind"] == "config" and len(s.binds) == 1


@pytest.mark.parametrize("why,topic", [("wrong_password", "bind"), ("no_user", "account-moved"), ("locked", "account-locked"),
                                       ("password_expired", "password-expires"), ("disabled", "account-disabled"),
                                       ("account_expired", "account-expires")])
def test_s3_4_check_names_the_state_of_the_account(fake_ad, source, why, topic):
    with fake_ad() as s:
        s.refuse_bind(why)
        assert topic in {m["topic"] for m in source(s, classes=[], attributes=[], **CA).check() if m["level"] == "fail"}


def test_a_server_that_is_not_a_domain_controller(fake_ad, source):
    with fake_ad(root={"supportedCapabilities": None}) as s:
        refused(source(s, **CA), "not-ad", "not an Active Directory")


def test_5_2_clock_of_the_directory(fake_ad, source):
    with fake_ad() as s:
        s.set_clock(-4000)
        c = source(s, **CA)
        there = calendar.timegm(time.strptime(c.hello["now"], "%Y-%m-%dT%H:%M:%SZ"))
        assert 3990 < time.time() - there < 4030
        found = [m for m in c.check() if m["topic"] == "clock"]
        assert found[0]["level"] == "warn" and "behind" in found[0]["text"] and found[0]["remedy"]


def test_wrong_host_name_and_expired(fake_ad, source, tmp_path):
    make_ca(str(tmp_path))
    make_certificate(str(tmp_path / "name"), str(tmp_path), ["DNS:elsewhere.example.test"])
    make_certificate(str(tmp_path / "old"), str(tmp_path), ["IP:127.0.0.1"], days=-1)
    for folder, texts in ("name", ["another host name", "elsewhere.example.test"]), ("old", ["expired", "renew"]):
        with fake_ad(tls=(str(tmp_path / folder / "cert.pem"), str(tmp_path / folder / "key.pem"))) as s:
            e = refused(source(s, ca_file=str(tmp_path / "ca.pem")), "certificate", *texts)
            assert e["kind"] == "config" and s.binds == []
