"""lockstep browse and search: what the mirror has, for whoever chooses groups and bases (S1.5) or looks for somebody."""
import pytest

from agent_fixtures import Agent
from company import Company

BASE = "DC=example,DC=test"


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """A configuration whose source was read by `plan`; its target is away."""
    folder = tmp_path_factory.mktemp("browse")
    Company(250, 1).write(str(folder / "company"), 0)

    class Nobody:
        port, token = 1, "x" * 40
    a = Agent(folder).configure(f"type = \"ldif\"  file = '{folder}/company/000-company.ldif'", Nobody())
    before = a.json("browse", "groups", code=2)
    assert before["error"]["code"] == "never-read"
    a.run("plan", "--json", code=(0, 5))
    return a


def test_containers_with_what_is_in_them(read):
    got = read.json("browse", "containers")
    rows = {r["dn"]: r for r in got["containers"]}
    assert got["total"] == len(rows)
    people = rows[f"OU=People,{BASE}"]
    below = [r for dn, r in rows.items() if dn.endswith(f",OU=People,{BASE}")]
    assert people["users_below"] == people["users"] + sum(r["users"] for r in below) >= 200
    assert list(rows).index(people["dn"]) < min(list(rows).index(r["dn"]) for r in below) if below else True
    only = read.json("browse", "containers", "--under", f"OU=People,{BASE}")["containers"]
    assert only and all(r["dn"].endswith(f"OU=People,{BASE}") for r in only)


def test_groups_by_any_part_of_their_name(read):
    rows = read.json("browse", "groups")["groups"]
    assert rows and all(r["kind"] == "group" and "members" in r for r in rows)
    assert any(r["members"] > 0 for r in rows)
    one = rows[0]
    part = one["name"][1:].upper()
    assert one["dn"] in [r["dn"] for r in read.json("browse", "groups", "--match", part)["groups"]]
    assert read.json("browse", "groups", "--match", "no such group at all")["groups"] == []


def test_search_finds_nearest_first(read):
    people = [r for r in read.json("search", "example")["results"] if r["kind"] == "user"]
    one = next(r for r in people if r.get("mail"))
    for word in (one["mail"], one["mail"].upper(), one["dn"], one["id"], one["name"]):
        found = read.json("search", word)["results"]
        assert found[0]["dn"] == one["dn"] or found[0]["name"] == one["name"], word
    many = read.json("search", "e")
    assert len(many["results"]) == 50 and many["total"] > 50
    assert read.json("search", "zzzzzz-nobody")["results"] == []
    assert one["name"] in read.run("search", one["mail"]).stdout


@pytest.mark.parametrize("words", [("browse",), ("browse", "users"), ("browse", "groups", "--match"), ("search",),
                                   ("search", ""), ("search", "a", "b")])
def test_usage(read, words):
    assert "usage:" in read.run(*words, code=2).stderr
