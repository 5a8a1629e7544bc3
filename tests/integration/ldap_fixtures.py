"""A slapd of the test's own, and lockstep-source-ldap connected to it."""

import pytest

from mirrored import hosted
from slapd import BASE, READER, READER_PASSWORD, Slapd
from sourcepipe import Source

CLASSES = ["user", "inetOrgPerson", "group", "groupOfNames", "groupOfUniqueNames", "posixGroup", "organizationalUnit", "domain"]

ATTRIBUTES = ["objectClass", "mail", "cn", "sn", "uid", "title", "member", "manager", "secretary", "displayName", "jpegPhoto",
              "pwdAccountLockedTime", "nsAccountLock", "userAccountControl", "primaryGroupID", "memberOf"]

PEOPLE, GROUPS = f"ou=People,{BASE}", f"ou=Groups,{BASE}"


@pytest.fixture
def slapd(tmp_path):
    """slapd(**settings): a running one with the top of a tree."""
    made = []

    def new(**settings):
        made.append(Slapd(tmp_path / f"slapd{len(made)}", **settings).start().fill())
        return made[-1]
    yield new
    for s in made:
        s.remove()


@pytest.fixture
def connect(password_file):
    running = []

    def start(s, attributes=ATTRIBUTES, password=READER_PASSWORD, classes=CLASSES, **options):
        given = dict(server=[s.url], bind=READER, ca_file=s.ca, password_file=password_file(password), **{})
        running.append(Source("lockstep-source-ldap", {**given, **options}, classes, attributes))
        return running[-1]
    yield start
    for c in running:
        c.__exit__()


def refused(c, code, *texts):
    assert c.hello["type"] == "error", c.hello
    assert c.hello["error"]["code"] == code, c.hello
    for text in texts:
        assert text in c.hello["error"]["message"], c.hello
    return c.hello["error"]


def said(r):
    """A state that can be compared: links and attributes without order; DNs are followed by the mirror."""
    return {i: ({a: sorted(map(str, v)) for a, v in e["attrs"].items()}, e["links"]) for i, e in r.items()}


def have(client):
    users, groups = hosted(client)
    return ({i: (u["mail"], u["displayName"], u["title"]) for i, u in users.items() if u["active"]},
            {i: g["members"] for i, g in groups.items()})


def of(agent, s, more=""):
    password = agent.secret("password", READER_PASSWORD)
    return f'type = "ldap"  server = "{s.url}"  ca_file = "{s.ca}"  bind = "{READER}"  password_file = "{password}"\n{more}'
