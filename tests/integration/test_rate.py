"""Rate limits as data (N10): of a profile, an option, or the service's own words; we keep below, and plans tell."""
import time

import pytest

from fakescim import FakeScim
from smalldir import SmallDirectory


@pytest.fixture
def times():
    """A service that takes the time of each request."""
    def make(**knobs):
        fake = FakeScim(**knobs)
        fake.times = []
        seen = fake.seen

        def stamped(line, *more):
            fake.times.append((time.monotonic(), line))
            seen(line, *more)
        fake.seen = stamped
        return fake
    return make


def kept_to(fake, began, rate, of="/Users"):
    """No more had come at any moment since `began` than a second's worth for each second that had begun. A request is seen
    here after it was sent, never before, so that a machine that is busy makes them fewer."""
    at = sorted(t for t, line in fake.times if of in line and t >= began)
    assert len(at) > 2 * rate
    return all(n <= rate * (int(t - began) + 1) for n, t in enumerate(at, 1))


def creates(n):
    return [{"op": "create", "kind": "user", "external": f"x{i}", "name": f"u{i}@x.test",
             "attrs": {"userName": [f"u{i}@x.test"], "active": ["true"]}} for i in range(n)]


def test_N10_option_is_kept_to(start, times):
    with times() as fake:
        t = start(fake, rate="20/1s", bulk="no")
        assert t.hello["rate"] == {"requests": 20, "seconds": 1}
        began = time.monotonic()
        assert all("key" in r for r in t.call(*creates(50)))
        assert kept_to(fake, began, 20)


def test_N10_what_the_service_says_is_learned(start, times):
    with times(headers=[("RateLimit-Policy", '"default";q=30;w=1')]) as fake:
        t = start(fake, bulk="no")
        assert t.hello["rate"] == {"requests": 30, "seconds": 1}
        began = time.monotonic()
        assert all("key" in r for r in t.call(*creates(70)))
        assert kept_to(fake, began, 30)
    with times(headers=[("X-RateLimit-Limit", "100, 100;w=60")]) as fake:
        assert start(fake, rate="0").hello.get("rate") is None, "the option has the last word"


def test_N10_nothing_left_is_waited_for(start, times):
    with times() as fake:
        t = start(fake, bulk="no")
        fake.fault("POST /Users", "headers", value=[("RateLimit-Limit", "10"), ("RateLimit-Remaining", "0"), ("RateLimit-Reset", "2")])
        t.call(*creates(1))
        told = fake.times[-1][0]
        t.call({"op": "find", "kind": "user", "external": "x0", "name": "u0@x.test"})
        assert fake.times[-1][0] >= told + 1.9


def test_N10_a_row_of_the_profile_and_a_bad_option(start):
    with FakeScim() as fake:
        assert start(fake, profile="google").hello["rate"] == {"requests": 2400, "seconds": 60}
        assert "rate" not in start(fake).hello
        assert "500/10s" in start(fake, rate="many").hello["error"]["message"]


def test_N10_plan_says_how_long_and_check_names_the_limit(agent):
    with FakeScim(headers=[("RateLimit-Policy", "60;w=60")]) as fake:
        people = SmallDirectory(agent.path("people.ldif"))
        for i in range(300):
            people.user(f"p{i}")
        agent.configure(people.write().source(), fake)
        assert "60 requests in 60 s, as the service says" in agent.run("check", code=(0, 1)).stdout
        assert 300 <= agent.json("plan")["seconds"] <= 302
        assert "takes about 5m" in agent.run("plan").stdout


def test_N10_speed_of_the_last_runs(agent, acme):
    people = SmallDirectory(agent.path("people.ldif"))
    for i in range(200):
        people.user(f"p{i}")
    agent.configure(people.write().source(), acme)
    assert agent.json("plan")["seconds"] is None, "nothing is known of a target that says nothing"
    agent.sync()
    for i in range(200):
        people.set(f"p{i}", title="Chief")
    people.write()
    assert 0 < agent.json("plan")["seconds"] < 600
    agent.sync()
    assert agent.json("plan")["seconds"] == 0
