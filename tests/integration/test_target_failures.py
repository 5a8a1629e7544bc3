"""lockstep-target-scim: what goes wrong at a SCIM service, and what is made of it."""
import time

import pytest

from connector import Target
from fakescim import FakeScim
from targetops import create, error, find


@pytest.mark.parametrize("bulk", [0, 500])
def test_I3_a_lost_answer_is_unknown_and_never_repeated(start, bulk):
    with FakeScim(bulk=bulk) as fake:
        t = start(fake)
        t.call(create(0), create(1))  # the connection is a kept one now: libcurl would repeat by itself
        where = "POST /Bulk" if bulk else "POST /Users$"
        for action in ["cut_after", "cut_before", "nonsense", "html"]:
            fake.fault(where, action, 200 if action == "html" else None, times=50)
            before = dict(fake.store.creates)
            results = t.call(*[create(f"{action}{i}") for i in range(3)])
            fake.faults.clear()
            assert {error(r)[0] for r in results} == {"unknown"}
            made = fake.store.creates - type(fake.store.creates)(before)
            assert all(n == 1 for n in made.values()), made
            found = t.call(*[find(f"{action}{i}") for i in range(3)])
            there = action in ("cut_after", "nonsense")
            assert [len(f["found"]) for f in found] == [there] * 3
        assert all(n == 1 for n in fake.store.creates.values())


@pytest.mark.parametrize("bulk", [0, 500])
def test_timeouts_are_unknown_for_writes_and_retry_for_reads(start, bulk):
    with FakeScim(bulk=bulk) as fake:
        t = start(fake, timeout=3)
        key = t.call(create(0))[0]["key"]
        fake.fault("POST", "delay_after", 30, times=2)
        assert {error(r)[0] for r in t.call(create(1), create(2))} == {"unknown"}
        fake.faults.clear()
        fake.fault("GET /Users", "delay", 30)
        assert error(t.call(dict(op="get", kind="user", key=key))[0])[0] == "retry"
        fake.fault("GET /Users", "delay", 30)
        assert error(t.call(find(1))[0])[0] == "retry"


@pytest.mark.parametrize("status,create_kind,update_kind",
                         [(500, "unknown", "retry"), (502, "unknown", "retry"), (503, "unknown", "retry"),
                          (504, "unknown", "retry"), (418, "object", "object"), (412, "object", "object")])
def test_statuses(start, status, create_kind, update_kind):
    with FakeScim() as fake:
        t = start(fake)
        key = t.call(create(0))[0]["key"]
        fake.fault("POST /Users", "status", (status, []))
        assert error(t.call(create(1))[0])[0] == create_kind
        fake.fault("PATCH", "status", (status, []))
        r = error(t.call(dict(op="update", kind="user", key=key, attrs={"title": ["x"]}))[0])
        assert r[0] == update_kind and (status != 412 or r[1] == "stale")
        fake.fault("POST /Users", "status", (status, []))
        assert "found" in t.call(find(0))[0]


@pytest.mark.parametrize("knobs", [dict(), dict(bulk=500)], ids=str)
def test_short_rate_limits_are_waited_for_long_ones_reported(start, knobs):
    with FakeScim(**knobs) as fake:
        t = start(fake)
        where = "POST /Bulk" if knobs else "POST /Users$"
        fake.fault(where, "status", (429, [("Retry-After", "1")]), times=2)
        began = time.monotonic()
        assert all("key" in r for r in t.call(*[create(i) for i in range(6)]))
        assert time.monotonic() - began >= 1
        when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 600))
        fake.fault(where, "status", (503, [("Retry-After", when)]), times=10)
        for r in t.call(create(10), create(11)):
            assert error(r) == ("wait", "rate-limit") and 500 < r["error"]["wait"] <= 600


def test_7_4_a_refused_token_stops_everything_at_once(start):
    with FakeScim() as fake:
        t = start(fake, token="wrong")
        assert t.hello["error"]["kind"] == "config" and t.hello["error"]["code"] == "token-refused"
        t = start(fake)
        t.call(create(0))
        fake.token = "changed"
        results = t.call(*[create(i) for i in range(1, 30)])
        assert {error(r) for r in results} == {("config", "token-refused")}
        assert fake.count["POST /Users"] <= 1 + 8
        objects, end = t.list("user")
        assert not objects and end["sealed"] is False


def test_forbidden_is_about_the_object_until_it_is_about_all(start):
    with FakeScim() as fake:
        t = start(fake)
        keys = [m["key"] for m in t.call(*[create(i) for i in range(10)])]
        change = [dict(op="update", kind="user", key=k, attrs={"title": ["x"]}) for k in keys]
        fake.fault("PATCH /Users/" + keys[0], "status", (403, []))
        results = t.call(*change)
        assert error(results[0]) == ("object", "forbidden") and all("key" in r for r in results[1:])
        fake.fault("PATCH", "status", (403, []), times=99)
        assert ("config", "token-refused") in {error(r) for r in t.call(*change)}


def test_hello_errors_tell_what_to_do(start, tmp_path):
    with FakeScim() as fake:
        for options, code, word in [
                (dict(url="http://192.0.2.1/scim"), "bad-url", "loopback"),
                (dict(url="ftp://127.0.0.1/scim"), "bad-url", "https"),
                (dict(url="http://u:p@127.0.0.1/scim"), "bad-url", "token_file"),
                (dict(url="http://127.0.0.1:1/scim"), "unreachable", "connect"),
                (dict(url="https://no-such-host.invalid/scim"), "unreachable", "DNS"),
                (dict(url=fake.url + "/wrong"), "not-scim", "scim/v2"),
                (dict(url=fake.url.replace("http:", "https:")), "unreachable", "TLS"),
                (dict(profile="strikt"), "bad-option", "strict"),
                (dict(requests="0"), "bad-option", "requests"),
                (dict(bulk="maybe"), "bad-option", "bulk")]:
            t = start(fake, **options)
            assert t.hello["type"] == "error" and t.hello["error"]["code"] == code, t.hello
            assert word in t.hello["error"]["message"]
        fake.fault("GET /ServiceProviderConfig", "html", 200)
        assert start(fake).hello["error"]["code"] == "not-scim"
        fake.fault("GET /ServiceProviderConfig", "status", (302, [("Location", "https://elsewhere.example/")]))
        assert start(fake).hello["error"]["code"] == "redirected"
        open_token = tmp_path / "open"
        open_token.write_text(fake.token)
        open_token.chmod(0o644)
        t = Target("lockstep-target-scim", url=fake.url, token_file=open_token)
        assert t.hello["error"]["code"] == "secret-open"
        t.close()


def test_a_service_without_description(start):
    with FakeScim(config=False, bulk=500) as fake:
        t = start(fake)
        assert "bulk" not in t.hello["capabilities"]
        assert "key" in t.call(create(1))[0]
        t = start(fake, bulk="yes")
        assert "key" in t.call(create(2), create(3))[0] and fake.count["POST /Bulk"] == 1


def test_bulk_that_is_promised_but_absent(start):
    with FakeScim(bulk=500) as fake:
        t = start(fake)
        fake.knobs["bulk"] = 0
        assert all("key" in r for r in t.call(*[create(i) for i in range(10)]))
        assert fake.count["POST /Bulk"] == 1 and fake.count["POST /Users"] == 10


def test_bulk_sizes_are_obeyed(start):
    with FakeScim(bulk=500, bulk_bytes=4000) as fake:
        t = start(fake)
        assert all("key" in r for r in t.call(*[create(i) for i in range(40)],
                                              create("big", title=["x" * 5000])))
        assert max(len(b) for line, _, b, _ in fake.requests if line == "POST /Bulk") <= 4000
        assert fake.count["POST /Users"] >= 1
        fake.fault("POST /Bulk", "status", (413, []), times=3)
        assert all("key" in r for r in t.call(*[create(100 + i) for i in range(40)]))


@pytest.mark.parametrize("location", [True, False])
def test_an_empty_201_is_looked_for(start, location):
    with FakeScim() as fake:
        t = start(fake)
        fake.fault("POST /Users", "empty", location)
        key = t.call(create(1))[0]["key"]
        assert fake.users[key]["externalId"] == "x1"


def test_stale_versions_are_refused(start):
    for knobs in [dict(etag=True), dict(etag=True, bulk=500), dict(etag=True, patch=False)]:
        with FakeScim(**knobs) as fake:
            t = start(fake)
            made = t.call(create(1), create(2))
            u = [dict(op="update", kind="user", key=m["key"], version=m["version"], attrs={"title": ["x"]}) for m in made]
            assert all("key" in r for r in t.call(*u))
            assert {error(r) for r in t.call(*u)} == {("object", "stale")}
            assert t.call(find(1))[0]["found"][0]["version"] == 'W/"2"'


def test_a_huge_answer_is_cut_off(start):
    with FakeScim() as fake:
        t = start(fake)
        fake.fault("POST /Users", "big", 9 << 20)
        r = t.call(create(1))[0]
        assert error(r)[0] == "unknown" and "8 MiB" in r["error"]["message"]


def test_a_proxys_404_does_not_prove_a_deletion(start):
    with FakeScim() as fake:
        t = start(fake)
        key = t.call(create(1))[0]["key"]
        fake.fault("DELETE", "html", 404)
        assert error(t.call(dict(op="delete", kind="user", key=key))[0])[0] in ("retry", "unknown")
        fake.fault("GET", "html", 404)
        assert error(t.call(find(1))[0])[0] == "retry"
