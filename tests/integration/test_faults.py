"""Between the agent and a server of somebody else (scimmy, with Express 4 and 5) everything goes wrong that can: a company
and days of changes are synced through a proxy of ours that cuts, delays, refuses and garbles (tests/lib/faultproxy.py).
However many runs it takes, the end is that of an undisturbed run; nothing was made twice and nothing removed on the way.
LOCKSTEP_SEED changes which requests are met."""
import itertools
import os
import shutil
import sqlite3

import pytest

from agent_fixtures import Agent
from faultproxy import FAULTS, FaultProxy
from scimmy import Scimmy
from test_lockstep import Folder, SYNC, nothing

SEED = os.environ.get("LOCKSTEP_SEED", "1")
PEOPLE, RUNS = 40, 15
KEEPS = {"create", "update", "enable", "member add"}
NOT_OURS = ("id", "meta", "$ref", "schemas")  # scimmy names schemas whose attributes it drops
SLOW = ("rate_limit_bare",)               # ten seconds each: once is enough
WAYS = {"single": 'bulk = "no"', "bulk": ""}
BOTH = [(4, "single"), (5, "bulk")]
NOT_THE_FIRST = "^(?!GET /scim/v2/ServiceProviderConfig)"  # of a run: that is asked for again, after two seconds


class Story:
    """The company and its days, in two steps; how an undisturbed agent leaves the server after each, by Express and way."""

    def __init__(self, path):
        self.path, self.ends = path, {}
        days = [d["file"] for d in Folder(path, PEOPLE, 9, 8).story["days"]]
        self.steps = [[], days]

    def folder(self, name):
        """A copy of the directory before the days."""
        there = self.path / name
        (there / "directory").mkdir(parents=True)
        shutil.copy(self.path / "all" / "000-company.ldif", there / "directory")
        return there

    def agent(self, name, service, options):
        there = self.folder(name)
        agent = Agent(there)
        agent.configure(f"type = \"ldif\"  file = \"{there / 'directory'}\"  base = 'DC=example,DC=test'", service, SYNC,
                        "settle = 0 " + options)
        return agent

    def take(self, agent, days):
        for day in days:
            shutil.copy(self.path / "all" / day, agent.path("directory"))

    def end(self, express, way):
        if (express, way) not in self.ends:
            with Scimmy(express) as service:
                agent = self.agent(f"undisturbed-{express}-{way}", service, WAYS[way])
                steps = []
                for days in self.steps:
                    self.take(agent, days)
                    agent.sync()
                    steps.append(content(service))
                assert set(removals(agent)) and nothing(agent.sync())
                self.ends[express, way] = steps, removals(agent), service.made()
        return self.ends[express, way]


def content(service):
    """Everything that is there, by externalId; ids and times are not the same twice."""
    dump = service.dump()
    ids = {r["id"]: r["externalId"] for kind in dump.values() for r in kind}
    assert len(set(ids.values())) == len(ids), "one object twice"
    assert len({u["userName"].lower() for u in dump["users"]}) == len(dump["users"])

    def plain(x):
        if isinstance(x, dict):
            return {k: ids.get(v, v) if k == "value" else plain(v) for k, v in x.items() if k not in NOT_OURS}
        # scimmy keeps a member twice that was added twice, though RFC 7644 3.5.2.1 says it must not: one is one
        return [v for v, _ in itertools.groupby(sorted(map(plain, x), key=str))] if isinstance(x, list) else x
    return {r["externalId"]: plain(r) for kind in dump.values() for r in kind}


def removals(agent):
    """What the agent took away, in all its runs: a set, as an answer that was lost may mean that it was said twice."""
    runs = agent.json("history")["runs"]
    ops = [o for r in runs for o in agent.json("history", str(r["run"]))["operations"]]
    return {(o["op"], o["id"], o.get("other")) for o in ops if o.get("op", "create") not in KEEPS}


def time_passes(agent):
    """What waits for its next try (SEMANTICS 7.3) is due."""
    with sqlite3.connect(agent.path("state/target-hosted.db")) as db:
        for table in ("dirty", "dirty_link"):
            db.execute(f"UPDATE {table} SET wait = 1 WHERE wait > 0")
    db.close()


def until_done(agent):
    codes = []
    for _ in range(RUNS):
        run = agent.sync(code=(0, 1, 5))
        codes.append(run["exit"])
        print({k: v for k, v in run.items() if v})
        if run["exit"] == 0:
            return run
        time_passes(agent)
        print(agent.run("status", code=(0,1,2,3,4,5)).stdout)
    raise AssertionError(f"no end: exit codes {codes}")


def same(want, have):
    assert want.keys() == have.keys()
    wrong = [f"{w['displayName']}: {f}: {w.get(f)!r} is {h.get(f)!r}" for w, h in ((want[k], have[k]) for k in want)
             for f in w.keys() | h.keys() if w.get(f) != h.get(f)]
    assert wrong == []


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return Story(tmp_path_factory.mktemp("faults"))


def live(story, express, way, faults, name, **more):
    steps, removed, made = story.end(express, way)
    with Scimmy(express) as service, FaultProxy(service.port, faults, seed=f"{SEED}/{name}/{express}/{way}", **more) as proxy:
        proxy.token = service.token
        agent = story.agent(f"{name}-{express}-{way}", proxy, WAYS[way])
        for days, want in zip(story.steps, steps):
            story.take(agent, days)
            proxy.again()
            until_done(agent)
            same(want, content(service))
        print(proxy.injected, proxy.requests)
        proxy.weights = {}
        assert nothing(agent.sync()), "I6"
        assert nothing(agent.sync("--full")), "what we think is there is there"
        assert service.made()["made"] == made["made"], "made twice"
        assert sorted(service.made()["deleted"]) == sorted(made["deleted"])
        assert removals(agent) <= removed
        return proxy


@pytest.mark.parametrize("express,way", BOTH)
@pytest.mark.parametrize("fault", [f for f in FAULTS if f not in SLOW])
def test_I3_the_end_is_the_same_under(story, fault, express, way):
    proxy = live(story, express, way, fault, fault, only=NOT_THE_FIRST)
    assert proxy.injected[fault] >= 2, "once in each step at least"


def test_I3_the_end_is_the_same_under_a_rate_limit_that_does_not_say_how_long(story):
    proxy = live(story, 4, "bulk", "rate_limit_bare", "bare", only="POST /scim/v2/(Bulk|Users)", most=1)
    assert proxy.injected["rate_limit_bare"]


@pytest.mark.parametrize("express,way", BOTH)
def test_I3_the_end_is_the_same_under_all_of_them(story, express, way):
    proxy = live(story, express, way, {f: 1 for f in FAULTS if f not in SLOW and f!="twice_late"}, "mix", share=0.3, most=12)
    assert sum(proxy.injected.values()) > 12 and len(proxy.injected) >= 6
