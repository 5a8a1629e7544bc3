"""lockstep-source-ad over several naming contexts: each has its cursor and, where need be, its server."""
import json

import sambadc
from source_ad_fixtures import FakeAd, refused
from fakeldap import dirsync, done, drop, entry
from test_source_ad import Follower, people
from test_source_ad_fake import guid, person
from test_source_ad_usn import sid_of

CONFIG = "CN=Configuration,DC=example,DC=test"


class ChildAd(FakeAd):
    BASE = "DC=child,DC=example,DC=test"

    def __init__(self):
        super().__init__(root={"defaultNamingContext": [self.BASE], "namingContexts": [self.BASE, CONFIG]}, invocation=bytes(range(50, 66)))


def forest(*servers):
    """Each knows of all domains, and holds one."""
    for s in servers:
        s.on_search(base=f"CN=Partitions,{CONFIG}", answers=[[
            entry("CN=a", nCName="DC=EXAMPLE,DC=test", systemFlags="3"), entry("CN=b", nCName=ChildAd.BASE, systemFlags="3"),
            entry("CN=c", nCName=CONFIG, systemFlags="1"), entry("CN=d", nCName="DC=elsewhere,DC=test", systemFlags="0"), done()]])


def test_two_domains_each_from_its_own_server(fake_ad, source):
    with fake_ad() as one, ChildAd() as two:
        forest(one, two)
        one.on_dirsync([person(1), dirsync(0, b"one"), done()], [person(2), dirsync(0, b"one more"), done()])
        two.on_dirsync([person(5), dirsync(0, b"two"), done()], [dirsync(0, b"two more"), done()], [person(6), drop()])
        bases = [f"OU=People,{two.BASE}", one.BASE, f"OU=Other,{one.BASE}"]
        c = source(one, ca_file=None, server=[one.url, two.url], base=bases)
        assert one.BASE in c.hello["context"] and two.BASE in c.hello["context"]
        assert "deltas-complete" in c.hello["capabilities"]
        swapped = source(one, ca_file=None, server=[two.url, one.url], base=bases[::-1])
        for fact in ("context", "invocation", "server"):
            assert c.hello[fact] == swapped.hello[fact], "whatever the order in the configuration"
        r = c.read()
        assert r.sealed and r.entries.keys() == {str(guid(1)), str(guid(5))}
        assert {q.base for q in one.requests if q.dirsync} == {one.BASE} and {q.base for q in two.requests if q.dirsync} == {two.BASE}
        d = c.read(r.cursor)
        assert d.sealed and d.entries.keys() == {str(guid(2))}
        assert [[q for q in s.requests if q.dirsync][-1].dirsync[2] for s in (one, two)] == [b"one", b"two"]
        # one that fails: nothing of it counts
        bad = c.read(d.cursor)
        assert not bad.sealed and bad.cursor is None and two.BASE in bad.error["message"]


def test_a_base_of_a_child_domain_is_not_taken_for_its_parents(fake_ad, source):
    with fake_ad() as one, ChildAd() as two:
        forest(one, two)
        e = refused(source(one, ca_file=None, base=[f"OU=x,{two.BASE}"]), "other-domain", two.BASE, "server")
        assert e["kind"] == "config"
        two.on_dirsync([dirsync(0, b"x"), done()])
        c = source(one, ca_file=None, server=[one.url, two.url], base=[f"OU=x,{two.BASE}"])
        assert c.hello["server"] == two.url and c.read().sealed
        refused(source(one, ca_file=None, base=["OU=x,DC=elsewhere,DC=test"]), "bad-base", "elsewhere")


def test_domain_and_configuration_of_one_server_I7(samba_fresh, source):
    dc = samba_fresh
    ou, ann, bob, group = people(dc)
    config = f"CN=Configuration,{dc.base}"
    services = f"CN=Services,{config}"
    single = source(dc).read()
    c = source(dc, base=[dc.base, services])
    assert set(c.hello["capabilities"]) == {"fetch", "watch"}, "the account has its rights on the domain alone"
    sambadc.run("samba-tool", "dsacl", "set", f"--objectdn={config}", "-H", dc.sam, "-s", dc.conf,
                f"--sddl=(OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;;{sid_of(dc, 'svc-lockstep')})")
    c = source(dc, base=[dc.base, services])
    f = Follower(c)
    assert {dc.guid(ann), dc.guid(services)} <= f.state.keys()
    assert len(json.loads(f.cursor)["contexts"]) == 2
    made = dc.add(f"CN=Lockstep,{services}", objectClass="container")
    dc.modify(ann, displayName="Ann B")
    r = f.next()
    assert r.entries.keys() == {dc.guid(made), dc.guid(ann)}
    got = c.fetch(dc.guid(made), dc.guid(bob), "11111111-2222-3333-4444-555555555555")
    assert got.sealed and got.entries.keys() == {dc.guid(made), dc.guid(bob)}
    assert f.state[dc.guid(bob)]["links"]["primaryGroup"] == single.apply()[dc.guid(bob)]["links"]["primaryGroup"]
    gone = dc.delete(bob)
    assert f.next().gone == [gone]
    assert c.read(single.cursor).error["code"] == "cursor-invalid" == source(dc).read(f.cursor).error["code"]
    found = c.check()
    assert [m["text"] for m in found if m["topic"] == "context"] == [f"of {dc.base}:", f"of {config}:"]
    assert {m["level"] for m in found if m["topic"] in ("server", "bind", "base", "dirsync")} == {"ok"}
    assert len([m for m in found if m["topic"] == "base"]) == 2
