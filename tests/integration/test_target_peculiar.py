"""What services do differently (profiles and quirks of lockstep-target-scim), against a fake that behaves so and
refuses all else: nobody can have AWS, Google or Entra on a test machine. scimmy, a real one, is in test_scimmy.py."""
import pytest

from fakescim import FakeScim
from mirrored import differences, hosted_of, wanted
from targetops import create, error, find, members, refs
from test_lockstep import BASES, Folder, SYNC, nothing
from test_target_scim import live

AWS = dict(patch_members=100, terms=1, page=50, patch_body=False, no_replace_all=True)
# name: options of the target, and how the fake behaves
PECULIAR = {
    "strict": (dict(), dict()),
    "entra-like": (dict(profile="entra-like"), dict(capital_ops=True, patch_members=100, terms=1, strict=False, patch_body=False)),
    "put-only": (dict(profile="put-only"), dict(patch=False, terms=1)),
    "put-learned": (dict(), dict(patch=False)),
    "aws": (dict(profile="aws"), AWS),
    "google": (dict(profile="google"), dict(patch_ops=2, patch_members=1, terms=1, throttle_403=40)),
    "throttled-by-403": (dict(quirks=["throttle-403"]), dict(throttle_403=25)),
    "no-totals": (dict(quirks=["no-totals"]), dict(totals=False, page=30)),
    "case-names": (dict(quirks=["case-names"]), dict(case_names=True)),
    "case-names-singly": (dict(quirks=["case-names"], find_batch=1), dict(case_names=True, terms=1)),
    "relative-locations": (dict(), dict(location="relative", write_body=False)),
    "absolute-locations": (dict(), dict(location="absolute", write_body=False, no_version=True)),
    "empty-answers": (dict(), dict(location=None, write_body=False, patch_body=False)),
    "few-members": (dict(patch_members=3, patch_operations=4, page=7), dict(patch_members=3, patch_ops=4, page=7)),
}
every = pytest.mark.parametrize("name", PECULIAR)


@every
def test_life_of_objects(start, name):
    options, knobs = PECULIAR[name]
    live(start, knobs, **options)


@every
def test_the_agent_keeps_it_in_lockstep_I6(tmp_path, agent, name):
    options, knobs = PECULIAR[name]
    directory = Folder(tmp_path, 30, 3, 2)
    text = "".join(f" {k} = {{{', '.join(map(repr, v))}}}" if isinstance(v, list) else f' {k} = "{v}"'
                   for k, v in options.items())
    with FakeScim(**knobs) as fake:
        agent.configure(directory.source(), fake, SYNC, text)
        check = lambda: differences(wanted(directory.tree, BASES), hosted_of(fake.users.values(), fake.groups.values()))
        agent.sync()
        assert check() == []
        for day in directory.story["days"]:
            directory.take(day["file"])
            agent.sync()
            assert check() == []
        assert nothing(agent.sync())
        assert nothing(agent.sync("--full"))
        assert check() == [] and set(fake.store.creates.values()) == {1}


OURS = "urn:lockstep:params:scim:schemas:extension:2.0:User"


@every
def test_elements_of_others_stay_6_3(start, name):
    options, knobs = PECULIAR[name]
    with FakeScim(**knobs) as fake:
        t = start(fake, **options)
        assert {"elements", "list-refs"} - set(t.hello["capabilities"]) <= ({"list-refs"} if name == "aws" else set())
        key = t.call(create(1, aliases=["a@x", "b@x"]))[0]["key"]
        fake.users[key][OURS]["aliases"].append("theirs@x")
        change = lambda **c: t.call(dict(op="update", kind="user", key=key, attrs={"aliases": c, "title": ["T"]}))[0]
        for _ in range(2):                                          # a lost answer: the same again
            assert "error" not in change(add=["c@x", "d@x"], remove=["a@x", "b@x"])
        assert sorted(fake.users[key][OURS]["aliases"]) == ["c@x", "d@x", "theirs@x"]
        assert "error" not in change(add=[], remove=["c@x", "d@x"])
        assert fake.users[key][OURS]["aliases"] == ["theirs@x"]


@every
def test_members_are_listed_in_lines_6_2(start, name):
    options, knobs = PECULIAR[name]
    with FakeScim(**knobs) as fake:
        t = start(fake, **options)
        keys = [r["key"] for r in t.call(*[create(i) for i in range(5)])]
        group = t.call(create(1, "group"))[0]["key"]
        fake.groups[group]["members"] = [{"value": k, "type": "User"} for k in keys] * 300
        t.send(type="op", id=99, op="list-refs", kind="group", key=group, attribute="members")
        came = []
        while (m := t.next())["type"] == "refs":
            assert m["id"] == 99 and len(m["set"]) <= 1000 and {e["kind"] for e in m["set"]} == {"user"}
            came += [e["key"] for e in m["set"]]
        assert m["ok"] == {"refs": 1500} and came == keys * 300


# --- each by itself

def test_listing_without_totals_ends_with_an_empty_page(start):
    with FakeScim(totals=False, page=7, bulk=500) as fake:
        t = start(fake, quirks=["no-totals"])
        for n in (0, 1, 7, 14, 20):
            n and t.call(*[create(f"{n}-{i}") for i in range(n - len(fake.users))])
            objects, end = t.list("user")
            assert end["sealed"] is True and {o["key"] for o in objects} == set(fake.users)
        objects, end = start(fake).list("user")
        assert end["sealed"] is False and "no-totals" in end["error"]["message"]


def test_I1_listing_without_totals_of_a_service_that_repeats_itself_is_not_sealed(start):
    with FakeScim(totals=False, page=7, bulk=500, index=False, tell_start=False, search=False) as fake:
        t = start(fake, quirks=["no-totals"])
        t.call(*[create(i) for i in range(20)])
        assert t.list("user")[1]["sealed"] is False


@pytest.mark.parametrize("terms", [1, 1000])
def test_names_are_found_in_small_letters_too(start, terms):
    with FakeScim(case_names=True, terms=terms, bulk=500) as fake:
        t = start(fake, quirks=["case-names"])
        keys = [m["key"] for m in t.call(*[create(i) for i in range(5)])]
        found = t.call(find(90, "U1@X"), find(91, "u2@x"), find(92, "U99@X"), find(3, "U0@x"))
        assert [[f["key"] for f in r["found"]] for r in found[:3]] == [[keys[1]], [keys[2]], []]
        assert keys[3] in [f["key"] for f in found[3]["found"]]
        assert start(fake).call(find(90, "U1@X"))[0]["found"] == [], "what the quirk is for"


def test_aws_gets_a_hundred_members_at_a_time_and_never_all(start):
    with FakeScim(**AWS) as fake:
        t = start(fake, profile="aws")
        keys = []
        for i in range(0, 250, 50):
            keys += [m["key"] for m in t.call(*[create(k) for k in range(i, i + 50)])]
        g = t.call(create(1, "group"))[0]["key"]
        t.call(refs(g, add=keys))
        assert members(fake, g) == set(keys) and fake.store.patches["Groups"] == 3
        t.call(refs(g, remove=keys[:150]))
        assert members(fake, g) == set(keys[150:]) and fake.store.patches["Groups"] == 5
        t.call(refs(g, remove=keys[150:]))
        assert members(fake, g) == set()


def test_google_gets_one_member_at_a_time(start):
    with FakeScim(patch_ops=2, patch_members=1, terms=1) as fake:
        t = start(fake, profile="google")
        keys = [m["key"] for m in t.call(*[create(i) for i in range(12)])]
        g = t.call(create(1, "group"))[0]["key"]
        t.call(refs(g, add=keys))
        t.call(refs(g, remove=keys[3:]))
        assert members(fake, g) == set(keys[:3]) and fake.store.patches["Groups"] == 12 + 9


@pytest.mark.parametrize("bulk", [0, 500])
def test_a_second_delete_that_is_answered_by_500_is_looked_at(start, bulk):
    with FakeScim(delete_again=500, bulk=bulk) as fake:
        t = start(fake)
        keys = [m["key"] for m in t.call(create(1), create(2), create(3))]
        delete = lambda *which: t.call(*[dict(op="delete", kind="user", key=keys[i]) for i in which])
        assert "error" not in delete(0)[0] and all("error" not in r for r in delete(0, 1))
        fake.fault("DELETE /Users", "status", (500, []))
        assert error(delete(2)[0]) == ("retry", "service-error") and len(fake.users) == 1, "it is there: it was not done"
        assert "error" not in delete(2)[0] and not fake.users


def test_put_only_never_tries_patch(start):
    with FakeScim(patch=False, terms=1) as fake:
        t = start(fake, profile="put-only")
        key = t.call(create(1))[0]["key"]
        t.call(dict(op="update", kind="user", key=key, attrs={"title": ["T"]}))
        assert fake.users[key]["title"] == "T" and not [r for r in fake.requests if r[0].startswith("PATCH")]


def test_403_is_a_rate_limit_where_it_is_said_to_be(start):
    with FakeScim(throttle_403=5) as fake:
        t = start(fake, quirks=["throttle-403"])
        assert all("key" in r for r in t.call(*[create(i) for i in range(6)]))
        assert set(fake.store.creates.values()) == {1}
        fake.knobs["throttle_403"] = 0
        fake.fault("POST /Users", "status", (403, []), times=9)
        assert error(start(fake).call(create(99))[0]) == ("config", "token-refused")


@pytest.mark.parametrize("status,options", [(403, dict(quirks=["throttle-403"])), (429, {}), (503, {})])
def test_a_rate_limit_at_the_first_look_is_waited_for(start, status, options):
    with FakeScim() as fake:
        for what in ("ServiceProviderConfig", "Users"):
            fake.fault("GET /" + what, "status", (status, [("Retry-After", "1")]))
        assert start(fake, **options).hello["type"] == "hello"
        fake.fault("GET /", "status", (status, [("Retry-After", "1")]), times=9)
        assert start(fake, **options).hello["type"] == "error"


def test_I3_an_eventually_consistent_service_is_waited_for_before_looking(tmp_path, agent):
    """Nothing is found for a second after it was made; the answers to half of the creations are lost."""
    directory = Folder(tmp_path, 20, 3, 0)
    with FakeScim(lag=1, terms=1) as fake:
        fake.fault("POST /Users", "cut_after", times=10)
        agent.configure(directory.source(), fake, SYNC, 'profile = "eventual" settle = 3')
        for _ in range(4):
            if agent.sync(code=(0, 1))["exit"] == 0:
                break
        assert differences(wanted(directory.tree, BASES), hosted_of(fake.users.values(), fake.groups.values())) == []
        assert set(fake.store.creates.values()) == {1}
        assert nothing(agent.sync())


def test_options_that_are_not_known_are_named(start):
    with FakeScim() as fake:
        for options, words in [(dict(quirks=["case-name"]), ("quirks", "case-names")), (dict(patch_members="-1"), ("patch_members",)),
                               (dict(page="many"), ("page",)), (dict(settle="-2"), ("settle",))]:
            e = start(fake, **options).hello["error"]
            assert (e["kind"], e["code"]) == ("config", "bad-option") and all(w in e["message"] for w in words), e


def test_answers_that_are_about_another_object_are_not_believed(start):
    """A proxy that mixes them up: what became of the operation is not known then, and nothing wrong is remembered."""
    with FakeScim(terms=1) as fake:
        t = start(fake)
        a, b = [m["key"] for m in t.call(create(1), create(2))]
        other = lambda: fake.store.out("Users", fake.users[a])
        update = dict(op="update", kind="user", key=b, attrs={"title": ["T"]})
        for op, line, kind in [(update, "PATCH", "unknown"), (dict(op="get", kind="user", key=b), "GET", "retry"),
                               (create(3), "POST", "unknown")]:
            fake.fault(line + " /Users", "instead", other)
            r = t.call(op)[0]
            assert error(r) == (kind, "bad-answer") and "another object" in r["error"]["message"]
        assert fake.users[b]["title"] == "T" and len(fake.users) == 3, "it was done all the same"


def test_the_answer_to_another_bulk_is_not_believed(start):
    with FakeScim(bulk=500) as fake:
        t = start(fake)
        t.call(*[create(i) for i in range(5)])
        before = fake.last_bulk
        fake.fault("POST /Bulk", "instead", lambda: before)
        assert {error(r) for r in t.call(*[create(i) for i in range(5, 10)])} == {("unknown", "no-result")}
        assert len(fake.users) == 10 and all("key" in m for m in t.call(*[create(i) for i in range(10, 15)]))
