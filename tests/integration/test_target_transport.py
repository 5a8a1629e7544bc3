"""lockstep-target-scim: TLS, client certificates, proxies (tinyproxy), and where a token may never go."""
import os
import ssl
import warnings

import pytest

from certs import make_ca, make_certificate, run
from fakescim import FakeScim
from targetops import create
from tinyproxy import Tinyproxy


class Pki:
    """Our certification authority, a service's certificate, a client's, and a client's of somebody else."""

    def __init__(self, folder):
        path = lambda *names: os.path.join(str(folder), *names)
        for ca in ("ours", "theirs"):
            os.makedirs(path(ca))
            make_ca(path(ca))
        make_certificate(path("service"), path("ours"), ["DNS:localhost", "IP:127.0.0.1"])
        make_certificate(path("elsewhere"), path("ours"), ["DNS:elsewhere.example"])
        make_certificate(path("client"), path("ours"), ["DNS:agent"], use="clientAuth")
        make_certificate(path("stranger"), path("theirs"), ["DNS:agent"], use="clientAuth")
        self.path, self.ca = path, path("ours", "ca.pem")

    def context(self, low=ssl.TLSVersion.TLSv1_2, high=ssl.TLSVersion.TLSv1_3, clients=False, name="service"):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():         # old versions are what is tested
            warnings.simplefilter("ignore")
            c.minimum_version, c.maximum_version = low, high
        c.load_cert_chain(self.path(name, "cert.pem"), self.path(name, "key.pem"))
        if clients:
            c.verify_mode = ssl.CERT_REQUIRED
            c.load_verify_locations(self.ca)
        return c

    def client(self, name="client"):
        return dict(client_cert_file=self.path(name, "cert.pem"), client_key_file=self.path(name, "key.pem"))


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


def works(t):
    assert t.hello["type"] == "hello", t.hello
    return "key" in t.call(create(1))[0]


def refused(t, code, *words):
    assert t.hello["type"] == "error" and t.hello["error"]["code"] == code, t.hello
    assert all(w in t.hello["error"]["message"] for w in words), t.hello
    return t.hello["error"]["kind"]


# --- TLS

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=str)
def test_client_certificates(start, pki, version, tmp_path):
    with FakeScim(tls=pki.context(version, version, clients=True)) as fake:
        assert works(start(fake, ca_file=pki.ca, **pki.client()))
        for options in ({}, pki.client("stranger")):
            e = start(fake, ca_file=pki.ca, **options).hello["error"]
            # in TLS 1.3 what the service says may be lost with the connection
            assert (e["kind"], e["code"]) in [("config", "client-certificate"), ("side", "lost-answer"), ("side", "unreachable")], e
            assert "client_cert_file" in e["message"], e
        mixed = dict(pki.client(), client_key_file=pki.path("stranger", "key.pem"))
        assert refused(start(fake, ca_file=pki.ca, **mixed), "client-certificate", "belong together") == "config"
        # a key with a passphrase is refused, and nobody is asked for it
        locked = tmp_path / "locked.pem"
        run("openssl", "ec", "-aes128", "-passout", "pass:secret", "-in", pki.path("client", "key.pem"), "-out", str(locked))
        locked.chmod(0o600)
        assert refused(start(fake, ca_file=pki.ca, **dict(pki.client(), client_key_file=locked)), "client-certificate",
                       "passphrase") == "config"
        assert fake.store.creates.total() == 1


def test_I9_a_client_key_that_others_can_read_is_refused(start, pki, tmp_path):
    key = tmp_path / "key.pem"
    key.write_bytes(open(pki.path("client", "key.pem"), "rb").read())
    key.chmod(0o644)
    with FakeScim() as fake:
        refused(start(fake, **dict(pki.client(), client_key_file=key)), "secret-open", "client_key_file")
        refused(start(fake, client_cert_file=pki.path("client", "cert.pem")), "bad-option", "both")


def test_the_tls_floor(start, pki):
    old, new = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    with FakeScim(tls=pki.context(old, old)) as fake:
        assert works(start(fake, ca_file=pki.ca))
        assert refused(start(fake, ca_file=pki.ca, tls_min="1.3"), "tls-version", "tls_min") == "config"
    with FakeScim(tls=pki.context(new, new)) as fake:
        assert works(start(fake, ca_file=pki.ca, tls_min="1.3"))
    ancient = pki.context(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
    ancient.set_ciphers("DEFAULT@SECLEVEL=0")
    with FakeScim(tls=ancient) as fake:
        assert refused(start(fake, ca_file=pki.ca), "tls-version") == "config"
        refused(start(fake, ca_file=pki.ca, tls_min="1.1"), "bad-option", "tls_min")


def test_a_service_of_another_name_or_authority_is_refused(start, pki):
    with FakeScim(tls=pki.context()) as fake:
        assert refused(start(fake, ca_file=pki.path("theirs", "ca.pem")), "certificate", "ca_file") == "config"
        assert refused(start(fake), "certificate") == "config"
        assert works(start(fake, ca_file=pki.ca, url=fake.url.replace("127.0.0.1", "localhost")))
        refused(start(fake, ca_file=pki.path("no-such-file")), "certificate", "ca_file")
    with FakeScim(tls=pki.context(name="elsewhere")) as fake:
        assert refused(start(fake, ca_file=pki.ca), "certificate", "name") == "config"
        assert not fake.requests


# --- proxies

def test_through_a_proxy(start, pki, tmp_path):
    with FakeScim(tls=pki.context()) as fake, Tinyproxy(tmp_path, ports=[fake.port]) as proxy:
        t = start(fake, ca_file=pki.ca, proxy=proxy.url)
        assert works(t) and proxy.connected() == 1
        # names, domains and networks that are reached directly, and others
        by_name = fake.url.replace("127.0.0.1", "localhost")
        for direct, url, through in [(["127.0.0.1"], fake.url, 0), (["example.test", "127.0.0.0/8"], fake.url, 0),
                                     (["LOCALHOST"], by_name, 0), (["calhost", "127.0.0.2"], fake.url, 1),
                                     (["calhost", "127.0.0.1"], by_name, 1)]:
            before = proxy.connected()
            assert start(fake, ca_file=pki.ca, proxy=proxy.url, no_proxy=direct, url=url).hello["type"] == "hello"
            assert proxy.connected() == before + through, direct
        assert fake.token not in proxy.text() and "/scim/v2" not in proxy.text()


def test_through_a_proxy_that_asks_for_a_login(start, pki, tmp_path):
    def login(text):
        path = tmp_path / "login"
        path.write_text(text + "\n")
        path.chmod(0o600)
        return path

    with FakeScim(tls=pki.context(), bulk=500) as fake:
        with Tinyproxy(tmp_path, login="agent:pa55word", ports=[fake.port]) as proxy:
            go = lambda **more: start(fake, ca_file=pki.ca, proxy=proxy.url, **more)
            assert refused(go(), "proxy-refused", "407", "proxy_login_file") == "config"
            assert refused(go(proxy_login_file=login("agent:other")), "proxy-refused") in ("config", "side")
            assert not fake.requests and proxy.connected() == 0
            t = go(proxy_login_file=login("agent:pa55word"))
            assert works(t) and all("key" in r for r in t.call(*[create(i) for i in range(2, 40)]))
            assert all(n == 1 for n in fake.store.creates.values())
            assert all("Proxy-Authorization" not in headers for _, _, _, headers in fake.requests)
            refused(go(proxy_login_file=login("agent")), "bad-option", "user:password")


def test_what_a_proxy_refuses_was_not_sent(start, pki, tmp_path):
    with FakeScim(tls=pki.context()) as fake, Tinyproxy(tmp_path, ports=[1]) as proxy:
        assert refused(start(fake, ca_file=pki.ca, proxy=proxy.url), "proxy-refused", "403") == "side"
        gone = "http://127.0.0.1:1"
        assert refused(start(fake, ca_file=pki.ca, proxy=gone), "unreachable") == "side"
        for bad, word in [("socks5://127.0.0.1:1", "HTTP proxy"), ("http://u:p@127.0.0.1:1", "proxy_login_file"),
                          ("http://127.0.0.1", "PORT"), ("127.0.0.1:1", "PORT"), ("http://127.0.0.1:1/x", "PORT"),
                          ("http://[", "PORT")]:
            assert refused(start(fake, ca_file=pki.ca, proxy=bad), "bad-option", word) == "config"
        refused(start(fake, ca_file=pki.ca, proxy=gone, no_proxy=["a b"]), "bad-option", "blanks")
        refused(start(fake, ca_file=pki.ca, no_proxy=["a"]), "bad-option", "no_proxy")
        assert not fake.requests


def test_I9_plain_http_never_goes_through_a_proxy(start, tmp_path):
    with FakeScim() as fake, Tinyproxy(tmp_path, ports=[fake.port]) as proxy:
        assert works(start(fake, proxy=proxy.url))
        assert proxy.connected() == 0 and fake.token not in proxy.text()


# --- redirections

@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirections_are_not_followed(start, status):
    with FakeScim() as other, FakeScim() as fake:
        other.token = fake.token
        t = start(fake)
        key = t.call(create(0))[0]["key"]
        for base in (other.url, fake.url):
            where = [("Location", base + "/Users")]
            fake.fault("(POST|GET|PATCH) /Users", "status", (status, where))
            before = len(fake.requests)
            r = start(fake)
            refused(r, "redirected", "not followed")
            assert len(fake.requests) == before + 2
        assert not other.requests, "nothing goes to another host, a token least of all"
        fake.fault("PATCH", "status", (status, [("Location", other.url + "/Users/" + key)]))
        r = t.call(dict(op="update", kind="user", key=key, attrs={"title": ["x"]}))[0]
        assert (r["error"]["kind"], r["error"]["code"]) == ("config", "redirected") and not other.requests


# --- a service that ends

@pytest.mark.parametrize("more", [dict(), dict(bulk=100)])
def test_I3_a_service_that_ends_before_it_answers_may_have_done_it(start, more):
    """The connection was kept from earlier requests, so libcurl connects anew by itself, and is refused: that says nothing
    of the request that was sent."""
    with FakeScim(**more) as fake:
        t = start(fake)
        assert works(t)
        fake.fault("POST /(Users|Bulk)", "die_after")
        error = t.call(create(2))[0]["error"]
        assert (error["kind"], error["code"]) == ("unknown", "lost-answer"), error
        assert len(fake.users) == 2
