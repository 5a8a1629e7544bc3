"""The bed itself: what other tests take for granted of the domain controllers holds."""
import os
import socket
import ssl
import time

import ldap
import pytest
from ldap.controls import KNOWN_RESPONSE_CONTROLS, RequestControl, ResponseControl
from pyasn1.codec.ber import encoder, decoder
from pyasn1.type import univ

DIRSYNC = "1.2.840.113556.1.4.841"


class DirSyncAnswer(ResponseControl):
    controlType = DIRSYNC

    def decodeControlValue(self, raw):
        seq, _ = decoder.decode(raw)
        self.more, self.cookie = int(seq[0]), bytes(seq[2])


KNOWN_RESPONSE_CONTROLS[DIRSYNC] = DirSyncAnswer      # python-ldap drops what it does not know


def dirsync(conn, base, cookie=b"", flags=0, attrs=None, flt="(objectClass=*)"):
    """One DirSync answer: ({dn: attrs}, continue, cookie)."""
    value = univ.Sequence()
    for i, part in enumerate((univ.Integer(flags - (1 << 32) if flags >> 31 else flags), univ.Integer(1 << 20),
                              univ.OctetString(cookie))):
        value.setComponentByPosition(i, part)
    msgid = conn.search_ext(base, ldap.SCOPE_SUBTREE, flt, attrs,
                            serverctrls=[RequestControl(DIRSYNC, True, encoder.encode(value))])
    _, data, _, controls = conn.result3(msgid, 1, 60)
    answer = next(c for c in controls if c.controlType == DIRSYNC)
    return {dn: a for dn, a in data if dn}, answer.more, answer.cookie


def test_certificate_is_verified_for_name_and_address(samba_dc):
    ctx = ssl.create_default_context(cafile=samba_dc.ca)
    for name in (samba_dc.host, samba_dc.address):
        with socket.create_connection((samba_dc.address, 636), 60) as s, ctx.wrap_socket(s, server_hostname=name):
            pass
    with pytest.raises(ssl.SSLCertVerificationError):
        with socket.create_connection((samba_dc.address, 636), 60) as s, ctx.wrap_socket(s, server_hostname="dc9.other.test"):
            pass


def test_company_is_there(samba_dc):
    people = samba_dc.search("(&(objectClass=user)(!(objectClass=computer))(mail=*))", f"OU=People,{samba_dc.base}",
                             ["displayName", "manager", "proxyAddresses"])
    assert len(people) == 250
    assert sum("manager" in a for _, a in people) == 249
    assert any("Müller".encode() in a["displayName"][0] for _, a in people)
    audit = samba_dc.read(f"CN=Committee: Audit,OU=Groups,{samba_dc.base}", ["member"])
    assert f"CN=Committee: Risk,OU=Groups,{samba_dc.base}".encode() in audit["member"], "the loop of groups is closed"


def test_account_reads_by_dirsync_and_sees_the_deleted(samba_fresh):
    dc, conn = samba_fresh, samba_fresh.connect_account()
    dn = dc.add_user("anna", cn="Anna Weiß")
    found, more, cookie = dirsync(conn, dc.base)
    assert dn in found and more == 0
    assert dirsync(conn, dc.base, cookie)[0].keys() <= {samba_account_dn(dc)}, "nothing happened but a bind"
    dn = dc.rename(dn, "Anna Müller")
    found, _, cookie = dirsync(conn, dc.base, cookie)
    assert dn in found and b"Anna M" in found[dn]["name"][0]
    guid = dc.delete(dn)
    found, _, cookie = dirsync(conn, dc.base, cookie)
    (dead, attrs), = [(d, a) for d, a in found.items() if guid in d]
    assert attrs["isDeleted"] == [b"TRUE"] and dead.endswith(f"CN=Deleted Objects,{dc.base}")
    dc.undelete(guid, dn)
    assert dn in dirsync(conn, dc.base, cookie)[0]


def samba_account_dn(dc):
    return dc.search(f"(userPrincipalName={dc.account})", attrs=["1.1"])[0][0]


@pytest.mark.parametrize("what", ["modify", "add", "member", "delete", "rename"])
def test_account_may_not_write(samba_dc, what):
    conn, base = samba_dc.connect_account(), samba_dc.base
    dn, _ = samba_dc.search("(sAMAccountName=g-managers)", attrs=["1.1"])[0]
    act = {
        "modify": lambda: conn.modify_s(base, [(ldap.MOD_REPLACE, "description", [b"x"])]),
        "add": lambda: conn.add_s(f"OU=X,{base}", [("objectClass", [b"organizationalUnit"]), ("ou", [b"X"])]),
        "member": lambda: conn.modify_s(dn, [(ldap.MOD_ADD, "member", [samba_account_dn(samba_dc).encode()])]),
        "delete": lambda: conn.delete_s(dn),
        "rename": lambda: conn.rename_s(dn, "CN=X"),
    }[what]
    with pytest.raises(ldap.INSUFFICIENT_ACCESS):
        act()


def test_plain_user_sees_no_deleted_and_gets_no_dirsync(samba_fresh):
    dc = samba_fresh
    dc.add_user("mallory")
    dc.set_password("mallory", "Just-a-us3r-here")
    dc.delete(dc.add_user("gone"))
    conn = dc.connect(f"mallory@{dc.dns}", "Just-a-us3r-here")
    assert [d for d, _ in dc.search("(isDeleted=TRUE)", conn=conn, deleted=True) if "DEL:" in d] == []
    with pytest.raises(ldap.INSUFFICIENT_ACCESS):
        dirsync(conn, dc.base)


def test_recycle_bin_keeps_what_was_deleted(samba_fresh):
    dc = samba_fresh
    dc.enable_recycle_bin()
    dc.restart()
    guid = dc.delete(dc.add_user("anna"))
    (_, attrs), = [(d, a) for d, a in dc.search("(isDeleted=TRUE)", deleted=True) if guid in d]
    assert attrs["mail"] == [b"anna@example.test"]


def test_restart_keeps_identity_and_stop_ends_all(samba_fresh):
    dc = samba_fresh
    before = dc.root()["dsServiceName"]
    dc.restart()
    assert dc.root()["dsServiceName"] == before
    dc.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((dc.address, 636), 5).close()


def test_a_connection_that_was_dropped_is_made_anew(samba_dc):
    """As Samba does after a quarter of an hour without a word: reads notice by themselves, writes after a pause."""
    def drop():
        with socket.socket(fileno=os.dup(samba_dc.conn.fileno())) as s:
            s.shutdown(socket.SHUT_RDWR)
    drop()
    assert samba_dc.guid(samba_dc.base)
    drop()
    samba_dc._used = 0
    samba_dc.delete(samba_dc.add_ou("Short-lived"))


def test_days_of_changes_apply_online(samba_fresh, tmp_path):
    from company import Company
    dc = samba_fresh
    story = Company(60, 2, dc.base, "samba").write(str(tmp_path), 5)
    dc.stop()
    dc.load(str(tmp_path / "000-company.ldif"))
    dc.load(str(tmp_path / "000-company-links.ldif"), changes=True)
    dc.start()
    for day in story["days"]:
        dc.apply(str(tmp_path / day["file"]))
    for mail in story["days"][0]["hired"]:
        assert dc.search(f"(mail={mail})", attrs=["1.1"])
    for mail in story["days"][3]["left"]:
        assert not dc.search(f"(mail={mail})", attrs=["1.1"])


def test_two_controllers_replicate(samba_pair):
    dc1, dc2 = samba_pair
    invocation = [dc.read(dc.root()["dsServiceName"][0].decode(), ["invocationId"])["invocationId"] for dc in samba_pair]
    assert invocation[0] != invocation[1]
    dn1, dn2 = dc1.add_user("anna"), dc2.add_user("otto")
    dc2.replicate(dc1)
    dc1.replicate(dc2)
    end = time.monotonic() + 180
    while True:
        seen = [len(dc.search("(|(sAMAccountName=anna)(sAMAccountName=otto))", attrs=["1.1"])) for dc in samba_pair]
        if seen == [2, 2]:
            break
        assert time.monotonic() < end, seen
        time.sleep(0.5)
    assert dc1.guid(dn1) == dc2.guid(dn1) and dc1.guid(dn2) == dc2.guid(dn2)
    for dc in samba_pair:
        assert dn1 in dirsync(dc.connect_account(), dc.base)[0]
