"""How lockstep-source-ad signs on: StartTLS, and Kerberos with a keytab, against Samba and a scripted server."""
import os

import pytest

from agentd import until
from certs import make_ca, make_certificate
from fakeldap import PROTOCOL_ERROR, UNAVAILABLE, dirsync, done
from source_ad_fixtures import refused


# --- StartTLS -----------------------------------------------------------------------------

def plain(dc):
    return [f"ldap://{dc.address}"]


def test_start_tls_reads_what_ldaps_reads(samba_dc, source):
    want = source(samba_dc).read()
    c = source(samba_dc, server=plain(samba_dc), tls="start")
    r = c.read()
    assert r.sealed and r.entries.keys() == want.entries.keys()
    assert c.read(want.cursor).sealed, "the same controller: the same cursors"
    found = {m["topic"]: m for m in c.check()}
    assert found["certificate"]["level"] == "ok" and samba_dc.host in found["certificate"]["text"]


def test_start_tls_verifies_authority_and_host_name(fake_ad, source, tmp_path):
    make_ca(str(tmp_path))
    make_certificate(str(tmp_path / "name"), str(tmp_path), ["DNS:elsewhere.example.test"])
    make_certificate(str(tmp_path / "good"), str(tmp_path), ["IP:127.0.0.1"])
    for folder, ca, text in (("name", "ca.pem", "another host name"), ("good", None, "not trusted"), ("good", "ca.pem", None)):
        with fake_ad(start=(str(tmp_path / folder / "cert.pem"), str(tmp_path / folder / "key.pem"))) as s:
            s.on_dirsync([dirsync(0, b"x"), done()])
            c = source(s, tls="start", ca_file=ca and str(tmp_path / ca))
            if text:
                refused(c, "certificate", text)
                assert s.binds == []
            else:
                assert c.read().sealed and len(s.binds) == 1


@pytest.mark.parametrize("start,code", [(PROTOCOL_ERROR, "tls-required"), (UNAVAILABLE, "tls-required"), (None, "tls")])
def test_start_tls_never_falls_back_to_clear_text(fake_ad, source, start, code):
    with fake_ad(start=start) as s:
        refused(source(s, tls="start", ca_file=None), code)
        assert s.binds == [] and s.requests == []
        c = source(s, classes=[], attributes=[], tls="start", ca_file=None)
        assert [m["level"] for m in c.check() if m["topic"] == "server"] == ["fail", "fail"]
        assert s.binds == []


def test_a_word_that_is_not_known_for_tls(samba_dc, source):
    refused(source(samba_dc, tls="no"), "bad-config", "tls = 'no'", "ldaps or start")


# --- Kerberos -----------------------------------------------------------------------------

@pytest.fixture(scope="module")
def keytab(samba_dc, tmp_path_factory):
    return samba_dc.keytab(str(tmp_path_factory.mktemp("keys") / "svc.keytab"))


@pytest.fixture
def kerberos(samba_dc, source, keytab):
    """A connector that has a key instead of a password, over ldap://."""
    def start(dc=samba_dc, **options):
        given = dict(server=plain(dc), bind="gssapi", password_file=None, keytab=keytab, ca_file=None)
        given.update(options)
        given.setdefault("krb5_conf", None if "krb5_conf" in given else dc.krb5_conf())
        return source(dc, **given)
    return start


def principal(dc):
    return f"svc-lockstep@{dc.realm}"


def test_kerberos_sealed_without_tls(samba_dc, source, kerberos):
    c = kerberos()
    assert c.hello["bind"] == principal(samba_dc), "who it is, not how: another account's key is noticed"
    r = c.read()
    assert r.sealed and r.entries.keys() == source(samba_dc).read().entries.keys()
    assert c.read(r.cursor).sealed
    found = {m["topic"]: m for m in c.check()}
    assert found["bind"]["level"] == "ok" and "Kerberos" in found["bind"]["text"]
    assert found["groups"]["level"] == "ok" and found["certificate"]["level"] == "info"
    assert c.close() == 0


def test_kerberos_by_the_name_of_a_key(samba_dc, kerberos, keytab):
    assert kerberos(bind=samba_dc.account).hello["bind"] == principal(samba_dc)
    e = refused(kerberos(bind="other@example.test"), "bad-keytab", "no key of 'other@example.test'", principal(samba_dc))
    assert e["kind"] == "config"


def test_kerberos_inside_tls(samba_fresh, kerberos, tmp_path):
    dc = samba_fresh
    key = dc.keytab(str(tmp_path / "k"))
    inside = [dict(server=[dc.url], ca_file=dc.ca), dict(tls="start", ca_file=dc.ca)]
    for how in inside:
        refused(kerberos(dc, keytab=key, **how), "tls-required", "Kerberos inside TLS", "allow_sasl_over_tls")
    dc.stop()
    dc.write_conf("\tldap server require strong auth = allow_sasl_over_tls\n")
    dc.start()
    for how in inside:
        c = kerberos(dc, keytab=key, **how)
        assert c.hello["bind"] == principal(dc) and c.read().sealed


def test_kerberos_tickets_are_got_anew_by_themselves(samba_fresh, kerberos, tmp_path):
    """When a connection is made anew and little is left of the ticket, another is asked for; else the one that is there serves."""
    dc = samba_fresh
    dc.stop()
    dc.write_conf("\tlog level = 0 kerberos:3\n")
    dc.start()

    def asked():
        text = ""
        for name in os.listdir(os.path.join(dc.folder, "log")):
            with open(os.path.join(dc.folder, "log", name), errors="replace") as f:
                text += f.read()
        return text.count("AS-REQ svc-lockstep@")
    conf, key = dc.krb5_conf(), dc.keytab(str(tmp_path / "k"))
    with open(conf) as f:
        text = f.read()
    brief = tmp_path / "krb5.conf"
    brief.write_text(text.replace("rdns", "ticket_lifetime = 9m\nrdns"))
    for each, krb5_conf in (0, conf), (1, str(brief)):
        c = kerberos(dc, keytab=key, krb5_conf=krb5_conf)
        r = c.read()
        before = asked()
        assert r.sealed and before > 0
        dc.restart()
        until(lambda: c.read(r.cursor).sealed)      # the KDC may come up later than LDAP
        assert (asked() > before) == bool(each)
        c.close()


def test_kerberos_key_of_before_and_account_disabled(samba_fresh, kerberos, tmp_path):
    dc = samba_fresh
    key = dc.keytab(str(tmp_path / "k"))
    dc.krb5_conf()
    dc.set_password("svc-lockstep", "An0ther-password-here")
    e = refused(kerberos(dc, keytab=key), "bind-refused", principal(dc), "password was changed", "keytab anew")
    assert e["kind"] == "config"
    key = dc.keytab(key)
    assert kerberos(dc, keytab=key).hello["type"] == "hello"
    dc.disable(f"CN=svc-lockstep,CN=Users,{dc.base}")
    refused(kerberos(dc, keytab=key), "bind-refused", "disabled")


def test_kerberos_what_is_missing_is_named(samba_dc, kerberos, keytab, tmp_path):
    none = str(tmp_path / "none")
    assert none in refused(kerberos(keytab=none), "os")["message"]
    junk = tmp_path / "junk"
    junk.write_text("no keytab at all")
    junk.chmod(0o600)
    refused(kerberos(keytab=str(junk)), "bad-keytab", "not a keytab", str(junk))
    junk.chmod(0o644)
    refused(kerberos(keytab=str(junk)), "secret-open")
    conf = tmp_path / "krb5.conf"
    conf.write_text(f"[libdefaults]\ndns_lookup_kdc = false\n[realms]\n{samba_dc.realm} = {{\n kdc = 127.0.0.9\n}}\n")
    e = refused(kerberos(krb5_conf=str(conf)), "kdc-unreachable", "port 88")
    assert e["kind"] == "retry"
    conf.write_text("[realms\n")
    refused(kerberos(krb5_conf=str(conf)), "krb5-conf", "cannot be understood")
    refused(kerberos(krb5_conf=none), "krb5-conf", none)
    refused(kerberos(wrap=("env", "SASL_PATH=/nonexistent")), "no-gssapi", "libsasl2-modules-gssapi-mit")


def test_kerberos_a_host_name_that_the_directory_does_not_know(samba_fresh, kerberos, tmp_path):
    dc = samba_fresh
    key, conf = dc.keytab(str(tmp_path / "k")), dc.krb5_conf()
    names = dc.read(f"CN=DC1,OU=Domain Controllers,{dc.base}", ["servicePrincipalName"])["servicePrincipalName"]
    dc.modify(f"CN=DC1,OU=Domain Controllers,{dc.base}", servicePrincipalName=[n for n in names if dc.address.encode() not in n])
    refused(kerberos(dc, keytab=key, krb5_conf=conf), "bind-refused", "no service ldap/", "full DNS name")


def test_kerberos_configurations_that_contradict_themselves(samba_dc, kerberos, password_file):
    refused(kerberos(password_file=password_file("x")), "bad-config", "both")
    refused(kerberos(keytab=None), "bad-config", "password_file", "keytab")
    refused(kerberos(keytab=None, password_file=password_file("x")), "bad-config", "keytab")
    refused(kerberos(bind="EXAMPLE\\svc-lockstep"), "bad-config", "user@DOMAIN")


def test_setup_text_has_the_commands_for_the_keytab(samba_dc, kerberos):
    text = kerberos(classes=[], attributes=[]).setup()
    assert text.startswith(f"ACCOUNT=svc-lockstep\nBASE='{samba_dc.base}'\nKEYTAB='/") and "exportkeytab" in text
    text = kerberos(classes=[], attributes=[], server=["ldaps://127.0.0.9"], bind="svc-x@CORP.EXAMPLE").setup()
    assert "ACCOUNT=svc-x\n" in text and "ktpass /out $Keytab" in text and "$Keytab = 'svc.keytab'\n" in text
