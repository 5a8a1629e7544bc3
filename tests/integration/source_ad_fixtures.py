"""Fixtures around lockstep-source-ad: a connector that is running, and a scripted directory that looks like AD."""
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fakeldap import FakeLdap, done, entry  # noqa: E402
from sourcepipe import Source  # noqa: E402

CLASSES = ["user", "group", "organizationalUnit"]
ATTRIBUTES = ["objectClass", "mail", "displayName", "cn", "sAMAccountName", "userAccountControl", "accountExpires",
              "proxyAddresses", "member", "manager", "memberOf"]


@pytest.fixture
def password_file(tmp_path):
    def write(text):
        path = tmp_path / f"password-{len(text)}"
        path.write_text(text + "\n")
        path.chmod(0o600)
        return str(path)
    return write


@pytest.fixture
def source(password_file):
    """source(dc, option=...): a connector as the account that only reads."""
    running = []

    def start(dc, classes=CLASSES, attributes=ATTRIBUTES, password=None, wrap=(), **options):
        given = dict(server=[dc.url], bind=dc.account, ca_file=dc.ca, password_file=password_file(password or dc.account_password))
        given.update({**getattr(dc, "usual", {}), **options})
        running.append(Source("lockstep-source-ad", given, classes, attributes, wrap))
        return running[-1]
    yield start
    for c in running:
        c.__exit__()


def refused(c, code, *texts):
    assert c.hello["type"] == "error", c.hello
    error = c.hello["error"]
    assert error["code"] == code, error
    for text in texts:
        assert text in error["message"], error
    assert c.hear() is None
    assert c.close() == 1
    return error


class FakeAd(FakeLdap):
    """What every read asks first is answered; a test adds the answers to DirSync."""
    BASE = "DC=example,DC=test"
    SYNTAX = {"member": ("2.5.5.1", "FALSE", "2"), "manager": ("2.5.5.1", "TRUE", "42"), "objectClass": ("2.5.5.2", "FALSE", None),
              "userAccountControl": ("2.5.5.9", "TRUE", None), "accountExpires": ("2.5.5.16", "TRUE", None),
              "proxyAddresses": ("2.5.5.12", "FALSE", None), "memberOf": ("2.5.5.1", "FALSE", "3")}
    # what Source() needs to know of a directory
    account, account_password, ca, dns, base = "reader@example.test", "secret", None, "example.test", BASE
    usual = {"changes": "dirsync"}      # not tried first

    def __init__(self, **options):
        super().__init__(**options)
        self.on_search(base=self.BASE, scope=0, dirsync=False, answers=[
            [entry(self.BASE, objectGUID=bytes(range(16, 32)), objectClass=["domainDNS"],
                   objectSid=bytes.fromhex("010400000000000515000000010000000200000003000000")), done()]])
        self.on_search(base=self.root["schemaNamingContext"][0], answers=[self._schema])
        self.on_search(base=f"<WKGUID=18E2EA80684F11D2B9AA00C04F79F805,{self.BASE}>", answers=[
            [entry(f"CN=Deleted Objects,{self.BASE}", objectClass=["top", "container"]), done()]])

    def _schema(self, r):
        rows = []
        for name in re.findall(r"lDAPDisplayName=([^)]*)", r.filter):
            if name in ("user", "group", "organizationalUnit"):
                rows.append(entry(f"CN={name},CN=Schema", lDAPDisplayName=name, objectClass=["top", "classSchema"]))
                continue
            syntax, single, link = self.SYNTAX.get(name, ("2.5.5.12", "TRUE", None))
            more = {"linkID": link} if link else {}
            rows.append(entry(f"CN={name},CN=Schema", lDAPDisplayName=name, objectClass=["top", "attributeSchema"],
                              attributeSyntax=syntax, isSingleValued=single, **more))
        for link in re.findall(r"linkID=(\d+)", r.filter):
            rows.append(entry(f"CN=back{link},CN=Schema", lDAPDisplayName={"3": "memberOf"}.get(link, f"back{link}"),
                              objectClass=["top", "attributeSchema"], linkID=link))
        return rows + [done()]

    def on_dirsync(self, *answers):
        self.on_search(base=self.BASE, dirsync=True, answers=list(answers))


@pytest.fixture
def fake_ad():
    """fake_ad(**FakeLdap's options): a context manager; what a script did wrong, or a client wrote, fails the test."""
    made = []

    def new(**options):
        made.append(FakeAd(**options))
        return made[-1]
    yield new
    for server in made:
        server.stop()
        assert server.errors == []
