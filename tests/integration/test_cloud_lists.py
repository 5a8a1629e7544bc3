"""lockstep-cloud: sorted lists (RFC 7644 3.4.2.3) and cursors (RFC 9865)."""
import random
import signal

import pytest
from cloud_fixtures import ENTERPRISE, LOCKSTEP, ids, make_users, op, refused, walk

PEOPLE = [  # userName, family name, title, department, mail addresses, externalId
    ("Zoe", "Müller", "b", "IT", ["z@x"], "e3"), ("adam", "MULLER", None, "it", [], "E1"),
    ("Bert", "MÜLLER", "B", None, ["b@x", "a@x"], None), ("carl", None, "", "Sales", ["y@x"], "e1"),
    ("DORA", "Abel", "a", "IT", ["m@x"], "E2")]


@pytest.fixture
def people(acme):
    for name, family, title, department, mails, external in PEOPLE:
        acme.user(name, name={"familyName": family}, title=title, externalId=external, active=name != "adam",
                  emails=[{"value": m, "primary": i == 1} for i, m in enumerate(mails)],
                  **{ENTERPRISE: {"department": department}, LOCKSTEP: {"aliases": [m + "y" for m in mails]}})
    return acme


def initials(acme, **query):
    answer = acme("GET", "/Users", **query)
    assert answer.status == 200, answer
    assert answer.json["totalResults"] == len(answer.json["Resources"])
    return "".join(u["userName"][0].upper() for u in answer.json["Resources"])


# Without a value: last, so first when descending; what is equal stands in the order of creation.
ORDERS = {
    "userName": "ABCDZ", "USERNAME": "ABCDZ", "name.familyName": "DAZBC", "title": "DZBAC",
    ENTERPRISE + ":department": "ZADCB", "emails": "BDCZA", "emails.value": "BDCZA", "externalId": "ADCZB",
    LOCKSTEP + ":aliases": "BDCZA", "active": "AZBCD", "meta.created": "ZABCD", "id": "ZABCD", "meta.version": "ZABCD"}


def test_orders(people):
    for by, expected in ORDERS.items():
        if by == "id":  # in the order of creation by second, then by chance
            expected = "".join(u["userName"][0].upper() for u in sorted(
                people("GET", "/Users").json["Resources"], key=lambda u: u["id"]))
        assert initials(people, sortBy=by) == expected, by
        assert initials(people, sortBy=by, sortOrder="ascending") == expected, by
        assert initials(people, sortBy=by, sortOrder="Descending") == expected[::-1], by
    assert initials(people, sortBy="userName", filter="emails pr") == "BCDZ"
    assert initials(people, sortBy="title", filter='userName eq "zoe" or userName eq "dora"') == "DZ"
    answer = people("POST", "/Users/.search", {"sortBy": "userName", "sortOrder": "descending", "attributes": ["userName"]})
    assert [u["userName"] for u in answer.json["Resources"]] == ["Zoe", "DORA", "carl", "Bert", "adam"]


def test_over_all_types(people):
    people.group("boss", externalId="e2")
    everything = people("POST", "/.search", {"sortBy": "externalId"}).json["Resources"]
    assert [r.get("externalId") for r in everything] == ["E1", "E2", "e1", "e2", "e3", None]
    by_name = people("GET", "/", sortBy="userName").json["Resources"]  # a group has none: last
    assert [r.get("userName") for r in by_name] == ["adam", "Bert", "carl", "DORA", "Zoe", None]


def test_pages_of_a_sorted_list(people):
    names = [p[0] for p in sorted(PEOPLE, key=lambda p: p[0].lower())]
    for start, count in (1, 2), (3, 2), (5, 2), (7, 2), (-3, 1), (2, 100), (3, 0):
        page = people("GET", "/Users", sortBy="userName", startIndex=start, count=count).json
        first = max(start, 1) - 1
        assert [u["userName"] for u in page["Resources"]] == names[first:first + count]
        assert (page["totalResults"], page["startIndex"]) == (5, first + 1)
    for by, expected in (("userName", "ABCDZ"), ("title", "DZBAC"), ("meta.created", "ZABCD")):
        for order, text in ("ascending", expected), ("descending", expected[::-1]):
            known = {u["id"]: u["userName"][0].upper() for u in people("GET", "/Users").json["Resources"]}
            for count in 1, 2, 3, 5, 9:
                seen = walk(people, "/Users", sortBy=by, sortOrder=order, count=count)
                assert "".join(known[i] for i in seen) == text


def test_what_cannot_be_sorted_is_refused(people):
    for by in ("name", "groups", "noSuchName", "user name", "", 'emails[type eq "work"].value', ENTERPRISE):
        refused(people("GET", "/Users", sortBy=by), 400, "invalidValue")
    refused(people("GET", "/Groups", sortBy="members"), 400, "invalidValue")
    refused(people("GET", "/Groups", sortBy="userName"), 400, "invalidValue")
    refused(people("GET", "/Users", sortBy="userName", sortOrder="up"), 400, "invalidValue")
    refused(people("POST", "/Users/.search", {"sortBy": ["userName"]}), 400, "invalidSyntax")
    for start, count in (10001, 1), (9990, 12), (10 ** 9, 100):  # what would have to be kept in memory is bounded
        refused(people("GET", "/Users", sortBy="userName", startIndex=start, count=count), 400, "tooMany", ["cursor"])
    assert people("GET", "/Users", sortBy="userName", startIndex=9990, count=11).json["Resources"] == []


def test_a_sorted_walk_is_stable_while_others_come_and_go(acme):
    rng = random.Random(8)
    users = make_users(acme, 60)
    name = {u: "m%d" % i for i, u in enumerate(users)}
    gone = set()

    def churn():
        for victim in rng.sample([u for u in users if u not in gone], 2):
            assert acme("DELETE", "/Users/" + victim).status == 204
            gone.add(victim)
        acme.user("n%d" % len(gone))
    seen = walk(acme, "/Users", churn, count=7, sortBy="userName", sortOrder="descending")
    ours = [name[u] for u in seen if u in name]
    assert len(seen) == len(set(seen)) and ours == sorted(ours, reverse=True)
    assert {u for u in users if u not in gone} <= set(seen)


def test_a_cursor_of_a_sorted_list(cloud, acme):
    """It is bound to the order, too, and does not tell the key that it stands on."""
    for n in "Anna.Secret", "Berta.Secret", "Carla.Secret":
        acme.user(n)
    page = acme("GET", "/Users", cursor="", count=1, sortBy="userName").json
    cursor = page["nextCursor"]
    assert page["totalResults"] == 3 and [u["userName"] for u in page["Resources"]] == ["Anna.Secret"]
    for query in {}, {"sortBy": "id"}, {"sortBy": "userName", "sortOrder": "descending"}, {"sortBy": "USERNAME"}:
        refused(acme("GET", "/Users", cursor=cursor, count=1, **query), 400, "invalidCursor")
    refused(cloud.tenant("other")("GET", "/Users", cursor=cursor, count=1, sortBy="userName"), 400, "invalidCursor")
    answer = acme("POST", "/Users/.search", {"cursor": cursor, "count": 5, "sortBy": "userName", "sortOrder": "ascending"})
    assert [u["userName"] for u in answer.json["Resources"]] == ["Berta.Secret", "Carla.Secret"]
    assert "nextCursor" not in answer.json
    for count in 0, -1:
        refused(acme("GET", "/Users", cursor="", count=count), 400, "invalidCount")
    again = acme("GET", "/Users", cursor="", count=1, sortBy="userName").json["nextCursor"]
    assert again != cursor and len(again) == len(cursor)


def test_long_lists_at_once_are_bounded_for_a_tenant(cloud, acme):
    make_users(acme, 1000)
    other = cloud.tenant("other")
    make_users(other, 300)
    clients = [cloud.tenant("acme") for _ in range(40)] + [other]
    for c in clients:  # the connection is there
        assert c("GET", "/Users", count=0).status == 200
    cloud.process.send_signal(signal.SIGSTOP)  # so that all find each other
    for c in clients:
        c.send("POST", "/Users/.search", {"filter": " or ".join('userName co "x%d"' % i for i in range(50)), "sortBy": "id"})
    cloud.process.send_signal(signal.SIGCONT)
    answers = [c.receive() for c in clients]
    assert answers.pop().status == 200  # another tenant's
    refusals = [a for a in answers if a.status != 200]
    assert 1 <= len(refusals) <= 8
    for answer in refusals:
        refused(answer, 503)
        assert answer.headers["Retry-After"] == "1"
    assert acme("GET", "/Users", sortBy="userName").status == 200


def test_the_configuration_tells_the_truth(acme):
    config = acme("GET", "/ServiceProviderConfig").json
    assert all(config[f]["supported"] for f in ("patch", "bulk", "filter", "sort", "etag"))
    assert config["changePassword"] == {"supported": False}
    pages = config["pagination"]
    assert pages == {"cursor": True, "index": True, "defaultPaginationMethod": "index", "defaultPageSize": 100,
                     "maxPageSize": 1000, "cursorTimeout": 86400}
    make_users(acme, 1010)
    unasked = acme("GET", "/Users").json
    assert "nextCursor" not in unasked and len(unasked["Resources"]) == pages["defaultPageSize"]
    for more in {}, {"cursor": ""}, {"sortBy": "externalId"}:
        page = acme("GET", "/Users", count=5000, **more).json
        assert len(page["Resources"]) == pages["maxPageSize"] == config["filter"]["maxResults"]
    names = sorted("m%d" % i for i in range(1010))
    page = acme("GET", "/Users", count=20, startIndex=995, sortBy="userName").json
    assert [u["userName"] for u in page["Resources"]] == names[994:1010]


def test_the_order_of_the_parts_of_a_filter_does_not_matter(acme):
    users = make_users(acme, 300)
    group = acme.group("all", users)
    text = 'groups.value eq "%s" and userName eq "m7"' % group["id"]
    assert ids(acme.find("/Users", text)) == ids(acme.find("/Users", " and ".join(text.split(" and ")[::-1]))) == [users[7]]
    answer = acme.bulk([op("DELETE", "/Users/" + users[7])])
    assert answer.status == 200 and acme.find("/Users", text) == []
