"""The scripted LDAP server speaks LDAP as libldap understands it."""
import calendar
import socket
import time

import ldap
import pytest
from test_bed_samba import dirsync as ask
from ldap.controls import SimplePagedResultsControl

from certs import make_ca, make_certificate
from fakeldap import (ADMIN_LIMIT, BUSY, DIRSYNC, REFERRAL, SIZE_LIMIT, UNAVAILABLE, FakeLdap, control, cut, dirsync, done,
                      drop, entry, hang, integer, items, octets, paged, range_answers, raw, reference, reset, seq, tlv, wait)

BASE = "DC=example,DC=test"


def connect(server, **options):
    conn = ldap.initialize(server.url)
    conn.set_option(ldap.OPT_REFERRALS, 0)
    conn.set_option(ldap.OPT_NETWORK_TIMEOUT, 5)
    conn.simple_bind_s("a@example.test", "secret")
    return conn


def test_root_dse_and_invocation_id(fake_ldap):
    fake_ldap.set_clock(-3600)
    conn = connect(fake_ldap)
    (_, root), = conn.search_s("", ldap.SCOPE_BASE)
    assert root["defaultNamingContext"] == [BASE.encode()]
    there = calendar.timegm(time.strptime(root["currentTime"][0].decode(), "%Y%m%d%H%M%S.0Z"))
    assert 3590 < time.time() - there < 3630
    (_, dsa), = conn.search_s(root["dsServiceName"][0].decode(), ldap.SCOPE_BASE)
    assert dsa["invocationId"] == [fake_ldap.invocation]
    assert fake_ldap.binds == [("a@example.test", 0x80, b"secret")]


def test_dirsync_in_parts(fake_ldap):
    fake_ldap.on_search(base=BASE, dirsync=True, answers=[
        [entry(f"CN=a,{BASE}", cn="a", mail=["a@x", "ä@x"]), dirsync(1, b"one"), done()],
        lambda r: [entry(f"CN=b,{BASE}", seen=r.dirsync[2]), dirsync(0, b"two"), done()]])
    conn = connect(fake_ldap)
    found, more, cookie = ask(conn, BASE, flags=0x80000001)
    assert (list(found), more, cookie) == ([f"CN=a,{BASE}"], 1, b"one")
    assert found[f"CN=a,{BASE}"]["mail"] == [b"a@x", "ä@x".encode()]
    found, more, cookie = ask(conn, BASE, cookie, flags=0x80000001)
    assert found[f"CN=b,{BASE}"]["seen"] == [b"one"] and (more, cookie) == (0, b"two")
    assert fake_ldap.requests[0].dirsync == (0x80000001, 1 << 20, b"")


@pytest.mark.parametrize("code,error", [(SIZE_LIMIT, ldap.SIZELIMIT_EXCEEDED), (ADMIN_LIMIT, ldap.ADMINLIMIT_EXCEEDED),
                                        (BUSY, ldap.BUSY), (UNAVAILABLE, ldap.UNAVAILABLE)])
def test_result_codes(fake_ldap, code, error):
    fake_ldap.on_search(base=BASE, answers=[[entry(f"CN=a,{BASE}", cn="a"), done(code)]])
    with pytest.raises(error):
        connect(fake_ldap).search_s(BASE, ldap.SCOPE_SUBTREE)


def test_referral_and_references(fake_ldap):
    fake_ldap.on_search(base=BASE, answers=[
        [reference("ldap://127.0.0.99/x"), done()],
        [done(REFERRAL, referral=["ldap://127.0.0.99/" + BASE])]])
    conn = connect(fake_ldap)
    assert conn.search_s(BASE, ldap.SCOPE_SUBTREE) == [(None, ["ldap://127.0.0.99/x"])]
    with pytest.raises(ldap.REFERRAL):
        conn.search_s(BASE, ldap.SCOPE_SUBTREE)


@pytest.mark.parametrize("steps", [[drop()], [reset()], [entry("CN=a," + BASE, cn="a"), cut(entry("CN=b," + BASE, cn="b"), 20)],
                                   [raw(b"\x30\x84\xff\xff\xff\xff")]])
def test_connection_lost_in_mid_answer(fake_ldap, steps):
    fake_ldap.on_search(base=BASE, answers=[steps + [drop()]])
    with pytest.raises((ldap.SERVER_DOWN, ldap.DECODING_ERROR)):
        connect(fake_ldap).search_s(BASE, ldap.SCOPE_SUBTREE)


def test_hang_and_slow(fake_ldap):
    fake_ldap.on_search(base=BASE, answers=[[wait(0.3), done()], [hang()]])
    conn = connect(fake_ldap)
    before = time.monotonic()
    conn.search_s(BASE, ldap.SCOPE_SUBTREE)
    assert time.monotonic() - before >= 0.3
    with pytest.raises(ldap.TIMEOUT):
        conn.search_st(BASE, ldap.SCOPE_SUBTREE, timeout=1)


def test_missing_control(fake_ldap):
    fake_ldap.on_search(base=BASE, answers=[[done()]])
    with pytest.raises(StopIteration):
        ask(connect(fake_ldap), BASE)


def test_malformed_control_is_sent_as_it_is(fake_ldap):
    junk = b"\x30\x05junk"
    fake_ldap.on_search(base=BASE, answers=[[control(DIRSYNC, junk), done()]])
    search = seq(integer(7), seq(octets(BASE), integer(2, 10), integer(0, 10), integer(0), integer(0), tlv(1, b"\0"),
                                 tlv(0x87, "objectClass"), seq(), tag=0x63))
    with socket.create_connection((fake_ldap.address, fake_ldap.port), 60) as s:
        s.sendall(search)
        answer = items(items(s.recv(4096))[0][1])
    assert answer[1][0] == 0x65 and items(items(answer[2][1])[0][1]) == [(4, DIRSYNC.encode()), (4, junk)]


def test_forced_ranges(fake_ldap):
    dn, members = f"CN=big,{BASE}", [f"CN=u{i},{BASE}" for i in range(3200)]
    fake_ldap.on_search(base=dn, answers=[range_answers(dn, "member", members, 1500, cn="big")])
    conn, got, name = connect(fake_ldap), [], "member"
    while True:
        (_, attrs), = conn.search_s(dn, ldap.SCOPE_BASE, attrlist=[name])
        key = next(k for k in attrs if ";range=" in k)
        got += attrs[key]
        if key.endswith("-*"):
            break
        name = f"member;range={len(got)}-*"
    assert got == [m.encode() for m in members] and len(fake_ldap.requests) == 3


def test_paged(fake_ldap):
    fake_ldap.on_search(base=BASE, answers=[[entry(f"CN=a,{BASE}", cn="a"), paged(b"next"), done()]])
    conn = connect(fake_ldap)
    msgid = conn.search_ext(BASE, ldap.SCOPE_SUBTREE, serverctrls=[SimplePagedResultsControl(True, size=1, cookie="")])
    assert conn.result3(msgid)[3][0].cookie == b"next"


def test_refused_bind(fake_ldap):
    fake_ldap.refuse_bind("locked", times=1)
    with pytest.raises(ldap.INVALID_CREDENTIALS, match="data 775"):
        connect(fake_ldap)
    connect(fake_ldap)


@pytest.mark.parametrize("text", ["(&(objectClass=user)(!(cn=a*b*c))(|(uid>=5)(mail=*)))",
                                  "(userAccountControl:1.2.840.113556.1.4.803:=2)", r"(cn=\28x\29)", "(cn=*end)", "(cn=start*)"])
def test_filters_are_read_back(fake_ldap, text):
    fake_ldap.on_search(base=BASE, answers=[[done()]])
    connect(fake_ldap).search_s(BASE, ldap.SCOPE_SUBTREE, text)
    assert fake_ldap.requests[-1].filter == text


def test_a_write_is_noticed():
    with FakeLdap() as server:
        with pytest.raises(ldap.UNWILLING_TO_PERFORM):
            connect(server).delete_s(f"CN=a,{BASE}")
        assert len(server.errors) == 1


def test_ldaps(tmp_path):
    make_ca(str(tmp_path))
    make_certificate(str(tmp_path / "s"), str(tmp_path), ["DNS:dc1.example.test", "IP:127.0.0.1"])
    with FakeLdap(tls=(tmp_path / "s/cert.pem", tmp_path / "s/key.pem")) as server:
        for ca, ok in ((str(tmp_path / "ca.pem"), True), ("/etc/ssl/certs/ca-certificates.crt", False)):
            conn = ldap.initialize(server.url)
            conn.set_option(ldap.OPT_X_TLS_CACERTFILE, ca)
            conn.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
            if ok:
                conn.simple_bind_s("x", "y")
            else:
                with pytest.raises(ldap.SERVER_DOWN):
                    conn.simple_bind_s("x", "y")
