"""lockstep-cloud against the clients of others: the shapes that Entra and Okta send, and the rules that their test
suites check, as cases of our own. What each case holds is in lockstep-cloud(8), "CLIENTS"."""
import pytest
from cloud_fixtures import ENTERPRISE, NOBODY, USER, ids, ids_of_members, make_users, op, patch, refused

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def change(acme, resource, *operations, kind="/Users/", **query):
    """A PATCH that must succeed; what is there behind it."""
    answer = acme("PATCH", kind + resource["id"], patch(*operations), **query)
    assert answer.status in (200, 204), answer
    return acme("GET", kind + resource["id"]).json


# --- Entra ----------------------------------------------------------------------------------------------

def entra_user(name, /, **more):
    """As the default attribute mapping makes one."""
    return dict({
        "schemas": [USER, ENTERPRISE], "externalId": "oid-" + name, "userName": name + "@corp.example", "active": True,
        "displayName": name, "emails": [{"primary": True, "type": "work", "value": name + "@corp.example"}],
        "meta": {"resourceType": "User"}, "name": {"formatted": name + " X", "familyName": "X", "givenName": name},
        "roles": []}, **more)


def test_entra_user_life(acme):
    """Look by the matching attribute, create, change one attribute at a time, disable, enable, delete."""
    assert acme.find("/Users", 'userName eq "ann@corp.example"') == []
    made = acme("POST", "/Users", entra_user("ann"))
    assert made.status == 201 and made.json["schemas"] == [USER]
    assert ids(acme.find("/Users", 'userName eq "ANN@corp.example"')) == [made.json["id"]]
    assert ids(acme.find("/Users", 'externalId eq "oid-ann"')) == [made.json["id"]]
    user = change(
        acme, made.json,
        {"op": "Replace", "path": "displayName", "value": "Ann B"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "ann.b@corp.example"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+1 555"},
        {"op": "Add", "path": 'addresses[type eq "work"].streetAddress', "value": "S 1"},
        {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "admin"},
        {"op": "Replace", "path": "name.familyName", "value": "B"},
        {"op": "Add", "path": ENTERPRISE + ":department", "value": "D"})
    assert user["emails"] == [{"value": "ann.b@corp.example", "type": "work", "primary": True}]
    assert user["phoneNumbers"] == [{"value": "+1 555", "type": "mobile"}]
    assert user["addresses"] == [{"streetAddress": "S 1", "type": "work"}]
    assert user["roles"] == [{"value": "admin", "primary": True}]
    assert (user["displayName"], user["name"]["familyName"], user[ENTERPRISE]) == ("Ann B", "B", {"department": "D"})
    for text, active in ("False", False), ("True", True), (False, False), (True, True):
        assert change(acme, user, {"op": "Replace", "path": "active", "value": text})["active"] is active
        found = acme.find("/Users", 'userName eq "ann@corp.example"')
        assert [u["active"] for u in found] == [active]  # a disabled user is still found
    assert acme("DELETE", "/Users/" + user["id"]).status == 204
    assert acme.find("/Users", 'userName eq "ann@corp.example"') == []


def test_entra_manager(acme):
    boss, other, user = (acme.user(n)["id"] for n in ("boss", "other", "user"))
    for shape, manager in (
            ({"op": "Add", "path": ENTERPRISE + ":manager", "value": boss}, boss),
            ({"op": "Replace", "path": ENTERPRISE + ":manager", "value": {"value": other}}, other),
            ({"op": "Add", "path": ENTERPRISE + ":manager", "value": [{"$ref": None, "value": boss}]}, boss),
            ({"op": "replace", "value": {ENTERPRISE + ":manager": other}}, other),
            ({"op": "replace", "value": {ENTERPRISE: {"manager": {"value": boss}}}}, boss)):
        assert change(acme, {"id": user}, shape)[ENTERPRISE]["manager"]["value"] == manager
    assert ENTERPRISE not in change(acme, {"id": user}, {"op": "Replace", "path": ENTERPRISE + ":manager", "value": ""})
    change(acme, {"id": user}, {"op": "Add", "path": ENTERPRISE + ":manager", "value": boss})
    assert ENTERPRISE not in change(acme, {"id": user}, {"op": "Remove", "path": ENTERPRISE + ":manager"})


def test_entra_with_its_compliance_flag(acme):
    """Lower case, real booleans, one path-less operation with dotted, filtered and URN-qualified keys."""
    user = acme("POST", "/Users", entra_user("ann")).json
    user = change(acme, user, {"op": "replace", "value": {
        "displayName": "D", "name.givenName": "G", 'emails[type eq "work"].value': "w@x", "active": False,
        'emails[type eq "other"].value': "o@x", ENTERPRISE + ":employeeNumber": "7", USER + ":title": "T"}})
    assert (user["displayName"], user["title"], user["active"]) == ("D", "T", False)
    assert user["name"] == {"formatted": "ann X", "familyName": "X", "givenName": "G"}
    assert user["emails"] == [{"value": "w@x", "type": "work", "primary": True}, {"value": "o@x", "type": "other"}]
    assert user[ENTERPRISE] == {"employeeNumber": "7"}
    user = change(acme, user, {"op": "remove", "path": 'emails[type eq "other"]'},
                  {"op": "add", "value": {"phoneNumbers": [{"type": "fax", "value": "1"}], "nickName": "N"}})
    assert [e["type"] for e in user["emails"]] == ["work"] and user["nickName"] == "N"


def test_entra_clears_attributes_with_empty_text_and_with_null(acme):
    user = acme("POST", "/Users", entra_user("ann", title="T", nickName="N", **{ENTERPRISE: {"department": "D"}})).json
    for nothing in "", None:
        user = change(acme, user, *({"op": "Replace", "path": p, "value": nothing} for p in (
            "title", "nickName", ENTERPRISE + ":department", 'emails[type eq "work"].value')))
        assert not user.get("title") and not user.get("nickName") and not user.get(ENTERPRISE, {}).get("department")
        assert not any(e.get("value") for e in user.get("emails", []))
    refused(acme("PATCH", "/Users/" + user["id"], patch({"op": "Replace", "path": "userName", "value": ""})),
            400, "invalidValue", ["userName"])


def test_entra_group_life(acme):
    users = [acme.user("u%d" % i)["id"] for i in range(3)]
    made = acme("POST", "/Groups", {
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "oid", "displayName": "G", "meta": {"resourceType": "Group"}})
    assert made.status == 201 and made.json["schemas"] == [GROUP] and "members" not in made.json
    path = "/Groups/" + made.json["id"]
    assert ids(acme.find("/Groups", 'displayName eq "g"', excludedAttributes="members")) == [made.json["id"]]
    added = patch({"op": "Add", "path": "members", "value": [{"$ref": None, "value": u} for u in users]})
    removed = patch({"op": "Remove", "path": "members", "value": [{"$ref": None, "value": users[0]}]})
    for body, left in (added, users), (added, users), (removed, users[1:]), (removed, users[1:]):
        answer = acme("PATCH", path, body)
        assert answer.status == 204 and answer.text == b""
        assert ids_of_members(acme("GET", path).json) == sorted(left)
    assert "members" not in acme("GET", path, excludedAttributes="members").json
    found = acme.find("/Groups", 'id eq "%s" and members eq "%s"' % (made.json["id"], users[1]))
    assert ids(found) == [made.json["id"]]  # is this one a member?
    assert acme.find("/Groups", 'id eq "%s" and members eq "%s"' % (made.json["id"], users[0])) == []
    assert acme("PATCH", path, patch({"op": "Replace", "path": "displayName", "value": "H"})).status == 204
    assert acme("DELETE", path).status == 204


def test_microsofts_collection(acme):
    """What its requests have that others lack. Known deltas are in lockstep-cloud(8)."""
    assert acme("GET", "/users").json["Resources"] == []  # the endpoint in lower case
    body = entra_user("ann", emails=[{"Primary": True, "type": "work", "value": "mail-357"},
                                     {"Primary": False, "type": "home", "value": "h"}],
                      active="True", **{ENTERPRISE: {"Department": "D", "Manager": {"Value": NOBODY}}})
    made = acme("POST", "/Users", body, {"Content-Type": "application/json"})
    assert made.status == 201 and made.json["active"] is True
    assert made.json[ENTERPRISE] == {"department": "D", "manager": {"value": NOBODY}}
    path = "/Users/" + made.json["id"]
    twin = acme("POST", "/Users", dict(body, userName="twin"))
    assert twin.status == 201 and twin.json["externalId"] == made.json["externalId"]  # only the name is unique
    refused(acme("POST", "/Users", body), 409, "uniqueness")
    assert ids(acme("GET", "/Users/", filter='DisplayName eq "ann"').json["Resources"]) == ids([made.json, twin.json])
    for names in "emails", 'emails[type eq "work"]', 'emails[value eq "mail-357"],userName':
        got = acme("GET", path, attributes=names).json
        assert got["emails"][0]["value"] == "mail-357" and "displayName" not in got
    assert acme("PUT", path, dict(body, adreses=[{"country": "DE"}])).status == 200  # misspelt: passed over
    refused(acme("PUT", path, {"userame": "x"}), 400, "invalidValue", ["userName"])
    assert "User Account" in acme("GET", "/Schemas").text.decode()
    assert acme("GET", "/ResourceTypes").json["Resources"][0]["endpoint"] == "/Users"
    page = acme("GET", "/Users", startIndex=1, count=1).json
    assert (page["totalResults"], page["itemsPerPage"], page["startIndex"]) == (2, 1, 1)
    group = acme("POST", "/Groups", {"displayName": "G", "members": [{"value": made.json["id"], "display": "VP"}]}).json
    assert acme("PUT", "/Groups/" + group["id"], {"id": group["id"], "displayName": "H"}).json["displayName"] == "H"


def test_the_validators_users(acme):
    """Every attribute of the default mapping comes back as it was sent; then what the validator does to a user."""
    full = entra_user("ann", title="T", preferredLanguage="hi", userType="U", nickName="N", locale="L", timezone="Z",
                      profileUrl="P", name={"formatted": "F", "familyName": "A", "givenName": "B", "middleName": "C",
                                            "honorificPrefix": "D", "honorificSuffix": "E"},
                      addresses=[{"formatted": "F", "streetAddress": "S", "locality": "L", "region": "R",
                                  "postalCode": "P", "country": "C", "type": "work", "primary": True}],
                      phoneNumbers=[{"value": "1", "type": t, "primary": t == "work"} for t in ("work", "mobile", "fax")],
                      roles=[{"value": "V", "display": "D", "type": "T", "primary": "True"}],
                      **{ENTERPRISE: {"employeeNumber": "1", "costCenter": "2", "organization": "3", "division": "4",
                                      "department": "5", "manager": {"value": "XYM"}}})
    made = acme("POST", "/Users", full)
    assert made.status == 201 and made.headers["Location"] == made.json["meta"]["location"]
    sent = dict(full, meta=made.json["meta"], id=made.json["id"], roles=[dict(full["roles"][0], primary=True)],
                schemas=made.json["schemas"])
    assert made.json == sent and set(full["schemas"]) <= set(made.json["schemas"])
    refused(acme("POST", "/Users", full), 409, "uniqueness")
    path = "/Users/" + made.json["id"]
    values = {"displayName": "d", "title": "t", "name.givenName": "g", ENTERPRISE + ":department": "e",
              'phoneNumbers[type eq "fax"].value': "2", 'addresses[type eq "work"].formatted': "f", "userName": "New"}
    verbose = [{"op": "replace", "path": p, "value": v} for p, v in values.items()]
    got = change(acme, made.json, *verbose)
    assert (got["displayName"], got["title"], got["name"]["givenName"], got["userName"]) == ("d", "t", "g", "New")
    assert got["phoneNumbers"][2]["value"] == "2" and got["addresses"][0]["formatted"] == "f"
    assert change(acme, got, {"op": "replace", "value": values}) == got  # said otherwise, so nothing changes
    got = change(acme, got, *({"op": "add", "path": "title", "value": str(i)} for i in range(3)),
                 {"op": "remove", "path": "nickName"}, {"op": "add", "path": "nickName", "value": "M"})
    assert (got["title"], got["nickName"]) == ("2", "M")  # one after another
    assert ids(acme.find("/Users", 'userName eq "nEW"')) == [got["id"]] and not acme.find("/Users", 'userName eq "no"')
    assert acme("DELETE", path).status == 204
    refused(acme("GET", path), 404)
    refused(acme("DELETE", path), 404)
    refused(acme("DELETE", "/Users/" + NOBODY), 404)


def test_the_validators_groups(acme):
    users = [acme.user("u%d" % i)["id"] for i in range(2)]
    made = acme("POST", "/Groups", {"displayName": "G", "externalId": "x", "schemas": [GROUP]})
    assert made.status == 201 and made.headers["Location"] == made.json["meta"]["location"]
    refused(acme("POST", "/Groups", {"displayName": "g", "schemas": [GROUP]}), 409, "uniqueness")
    got = change(acme, made.json, {"op": "replace", "value": {"externalId": "y"}},
                 {"op": "replace", "path": "displayName", "value": "H"}, kind="/Groups/")
    assert (got["externalId"], got["displayName"]) == ("y", "H")
    members = [{"op": "add", "path": "members", "value": [{"value": u}]} for u in users]
    members.append({"op": "remove", "path": 'members[value eq "%s"]' % users[0]})
    assert ids_of_members(change(acme, made.json, *members, kind="/Groups/")) == users[1:]
    for query in {"excludedAttributes": "members"}, {}:
        found = acme.find("/Groups", 'displayName eq "h"', **query)
        assert ids(found) == [got["id"]] and ("members" in found[0]) == (not query)
    assert acme.find("/Groups", 'displayName eq "no"') == []
    assert acme("DELETE", "/Groups/" + got["id"]).status == 204
    for group in got["id"], NOBODY:
        refused(acme("DELETE", "/Groups/" + group), 404)


@pytest.mark.parametrize("text,found", [
    ('userName sw "O"', "o"), ("userName sw O", "o"), ("userName eq 'oscar'", "o"), ("userName EQ OSCAR", "o"),
    ("name.FamilyName eq Employee and (emails.Value co example.com or emails.Value co example.org)", "p"),
    ("meta.Created gt 2015-10-10T14:38:21.8617979-07:00", "op"), ("externalId eq 4711", "p"),
    ("externalId eq '4711' or userName eq nobody", "p"), ("active eq True", "o"), ('active eq "false"', "p"),
    ("emails[type eq work]", "p"), ("not (userName eq 'oscar')", "p")])
def test_filters_in_every_quoting_style(acme, text, found):
    acme.user("oscar")
    acme.user("paul", name={"familyName": "employee"}, externalId="4711", active=False,
              emails=[{"value": "p@example.com", "type": "work"}])
    assert "".join(u["userName"][0] for u in acme.find("/Users", text)) == found


def test_what_no_client_means_is_refused_in_filters(acme):
    for text in ("active eq flase", "userName eq John Smith", "userName eq 'x", "userName eq", 'userName "x"',
                 "name eq x", "active gt true"):
        refused(acme("GET", "/Users", filter=text), 400, "invalidFilter")


# --- Okta -----------------------------------------------------------------------------------------------

def okta_user(name, /, **more):
    return dict({"schemas": [USER], "userName": name + "@corp.example", "name": {"givenName": name, "familyName": "F"},
                 "emails": [{"primary": True, "value": name + "@corp.example", "type": "work"}],
                 "displayName": name + " F", "locale": "en-US", "externalId": "00u" + name, "groups": [],
                 "password": "1mz050nq", "active": True}, **more)


def test_oktas_specification_test(acme):
    acme("POST", "/Users", okta_user("seed"))
    page = acme("GET", "/Users", startIndex=1, count=2)
    assert page.status == 200 and page.json["schemas"] == [LIST]
    assert all(isinstance(page.json[n], int) for n in ("itemsPerPage", "startIndex", "totalResults"))
    first = page.json["Resources"][0]
    assert first["id"] and first["name"]["familyName"] and first["name"]["givenName"] and first["emails"][0]["value"]
    assert first["active"] is True and acme("GET", "/Users/" + first["id"]).json == first
    nobody = acme("GET", "/Users", filter='userName eq "nobody@corp.example"').json
    assert nobody["totalResults"] == 0 and nobody["Resources"] == [] and nobody["schemas"] == [LIST]
    refused(acme("GET", "/Users/00919288221112222"), 404)
    made = acme("POST", "/Users", okta_user("ann"),
                {"Content-Type": "application/json", "Accept": "application/scim+json; charset=utf-8"})
    assert made.status == 201 and made.headers["Content-Type"] == "application/scim+json"
    assert made.json["userName"] == "ann@corp.example" and "password" not in made.json
    refused(acme("POST", "/Users", okta_user("ann", emails=[])), 409, "uniqueness")
    found = acme("GET", "/Users", filter='userName eq "ANN@CORP.EXAMPLE"').json
    assert found["totalResults"] == 1 and found["Resources"][0]["id"] == made.json["id"]
    assert acme("GET", "/Groups").json["Resources"] == []
    token, acme.token = acme.token, "non-token"
    refused(acme("GET", "/Users", filter='userName eq "x"'), 401)
    acme.token = token


def test_okta_user_life(acme):
    """Read, change, write back whole; deactivated by a PATCH without path (OIN) or by PUT (AIW)."""
    user = acme("POST", "/Users", okta_user("ann")).json
    group = acme.group("g", [user["id"]])
    user = acme("GET", "/Users/" + user["id"]).json
    assert user["groups"][0]["value"] == group["id"]
    user["name"]["givenName"] = "Anna"
    put = acme("PUT", "/Users/" + user["id"], user)  # with id, meta and groups as they were read
    assert put.status == 200 and put.json["name"]["givenName"] == "Anna" and put.json["groups"] == user["groups"]
    for active in False, True, False:
        answer = acme("PATCH", "/Users/" + user["id"], patch({"op": "replace", "value": {"active": active}}))
        assert answer.status == 200 and answer.json["active"] is active  # with the body, which Okta reads
    kept = {k: v for k, v in user.items() if k != "active"}
    assert acme("PUT", "/Users/" + user["id"], kept).json["active"] is False
    assert acme("PUT", "/Users/" + user["id"], dict(kept, active=None)).json["active"] is False
    assert acme("PUT", "/Users/" + user["id"], dict(kept, active=True)).json["active"] is True
    assert acme("PUT", "/Users/" + user["id"], dict(kept, active=False)).json["active"] is False
    assert change(acme, user, {"op": "replace", "value": {"password": "new"}})["active"] is False


@pytest.mark.parametrize("active", [True, False])
def test_absence_of_active_changes_nothing(acme, active):
    user = acme.user("u", active=active)
    for operation in ({"op": "remove", "path": "active"}, {"op": "replace", "path": "active", "value": None},
                      {"op": "replace", "value": {"active": None, "title": "t"}}, {"op": "replace", "path": "active"}):
        assert change(acme, user, operation)["active"] is active
    assert acme("PUT", "/Users/" + user["id"], {"userName": "u"}).json["active"] is active


def test_okta_group_life(acme):
    users = [acme.user("u%d" % i)["id"] for i in range(4)]
    group = acme("POST", "/Groups", {"schemas": [GROUP], "displayName": "g", "members": []}).json
    path = "/Groups/" + group["id"]
    named = {"op": "replace", "value": {"id": group["id"], "displayName": "h"}}
    steps = [
        ((named,), []),
        ((named, {"op": "add", "path": "members", "value": [{"value": u, "display": "x"} for u in users[:3]]}), users[:3]),
        (({"op": "remove", "path": 'members[value eq "%s"]' % users[0]},
          {"op": "add", "path": "members", "value": [{"value": users[3]}]}), users[1:]),
        (({"op": "replace", "value": {"displayName": "h", "members": None}},), users[1:]),
        (({"op": "remove", "path": "members", "value": []},), users[1:]),
        (({"op": "replace", "path": "members", "value": [{"value": users[0]}]},), users[:1]),
        (({"op": "replace", "path": "members", "value": []},), [])]
    for operations, left in steps:
        assert acme("PATCH", path, patch(*operations)).status == 204
        assert ids_of_members(acme("GET", path).json) == sorted(left)
    refused(acme("PATCH", path, patch({"op": "replace", "path": "members"})), 400, "invalidValue")
    put = {"schemas": [GROUP], "id": group["id"], "displayName": "h", "members": [{"value": u} for u in users]}
    assert ids_of_members(acme("PUT", path, put).json) == sorted(users)
    assert ids_of_members(acme("PUT", path, dict(put, members=None)).json) == sorted(users)


# --- what a client may ask of an answer -----------------------------------------------------------------

def test_projections_hold_for_every_answer_with_a_body(acme):
    """RFC 7644 3.9: GET, lists, .search, POST, PUT, PATCH."""
    made = acme("POST", "/Users", okta_user("ann"), attributes="userName")
    few = {"schemas", "id", "userName"}
    assert made.status == 201 and set(made.json) == few
    assert made.headers["Location"] and made.headers["ETag"] == 'W/"1"'  # the headers say the rest
    path = "/Users/" + made.json["id"]
    whole = set(acme("GET", path).json)
    title = {"op": "replace", "path": "title", "value": "T"}
    for attributes, left in ({"attributes": "userName"}, few), ({"excludedAttributes": "meta,emails,id"},
                                                               whole - {"meta", "emails"} | {"title"}):
        answers = [acme("PUT", path, okta_user("ann", title="T"), **attributes),
                   acme("PATCH", path, patch(title), **attributes), acme("GET", path, **attributes)]
        assert [a.status for a in answers] == [200] * 3
        lists = [acme("GET", "/Users", **attributes), acme("POST", "/Users/.search", {"schemas": [SEARCH], **{
            k: v.split(",") for k, v in attributes.items()}})]
        assert all(set(a.json) == left for a in answers)
        assert all(set(a.json["Resources"][0]) == left for a in lists)
    group = acme.group("g", [made.json["id"]])
    answer = acme("PATCH", "/Groups/" + group["id"], patch({"op": "add", "path": "externalId", "value": "E"}),
                  attributes="members.value")
    assert answer.status == 200 and answer.json["members"] == [{"value": made.json["id"]}]
    assert acme("GET", path, attributes="groups.display").json["groups"] == [{"display": "g"}]
    assert acme("GET", path, excludedAttributes="groups.$ref,groups.type").json["groups"] == [
        {"value": group["id"], "display": "g"}]
    many = acme.group("many", make_users(acme, 120))  # so many that they are sent as they are read
    listed = acme("GET", "/Groups/" + many["id"], attributes="members.value,members.type").json["members"]
    assert len(listed) == 120 and all(set(m) == {"value", "type"} for m in listed)
    put = acme("PUT", "/Groups/" + group["id"], {"displayName": "g"}, excludedAttributes="members")
    assert put.status == 200 and "members" not in put.json
    refused(acme("POST", "/Users", {"userName": "x"}, attributes="id", excludedAttributes="meta"), 400, "invalidValue")
    assert acme.find("/Users", 'userName eq "x"') == []  # refused before anything is made


def test_search_says_what_it_does_not_understand(acme):
    user, group = acme.user("u"), acme.group("g")
    for path, expected in ("/Users/.search", [user]), ("/Groups/.search", [group]), ("/.search", [user, group]):
        answer = acme("POST", path, {"schemas": [SEARCH], "startIndex": 1, "count": 10, "filter": None})
        assert answer.status == 200 and ids(answer.json["Resources"]) == ids(expected)
        refused(acme("GET", path), 405)
        for wrong, code in (({"filter": 5}, "invalidSyntax"), ({"filter": ["userName pr"]}, "invalidSyntax"),
                            ({"count": "ten"}, "invalidCount"), ({"count": 1.5}, "invalidCount"),
                            ({"startIndex": 1e300}, "invalidValue"), ({"cursor": 7}, "invalidSyntax"),
                            ({"cursor": "x"}, "invalidCursor"), ({"filter": "userName"}, "invalidFilter")):
            refused(acme("POST", path, wrong), 400, code)


def test_discovery_takes_no_filter(acme):
    for path in "/Schemas", "/ResourceTypes", "/ServiceProviderConfig":
        refused(acme("GET", path, filter='id eq "x"'), 403)  # RFC 7644 4
        assert acme("GET", path.lower()).json == acme("GET", path).json


# --- versions -------------------------------------------------------------------------------------------

def test_conditions_on_versions(acme):
    user = acme.user("u")
    path, body = "/Users/" + user["id"], {"userName": "u", "title": "x"}
    for tag in 'W/"1"', '"1"', 'W/"9", W/"1"', "*":
        assert acme("GET", path, headers={"If-None-Match": tag}).status == 304
        assert acme("GET", path, headers={"If-Match": tag}).status == 200
        refused(acme("PUT", path, body, {"If-None-Match": tag}), 412)
    unchanged = acme("GET", path, headers={"If-None-Match": 'W/"1"'})
    assert unchanged.text == b"" and unchanged.headers["ETag"] == 'W/"1"'
    for tag in 'W/"2"', "1", 'W/"11"', "":
        for method in "GET", "PUT", "DELETE":
            refused(acme(method, path, body if method == "PUT" else None, {"If-Match": tag}), 412)
        assert acme("GET", path, headers={"If-None-Match": tag}).status == 200
    changed = acme("PUT", path, body, {"If-Match": "*", "If-None-Match": 'W/"7"'})
    assert changed.headers["ETag"] == 'W/"2"'
    refused(acme("PATCH", path, patch({"op": "remove", "path": "title"}), {"If-Match": 'W/"1"'}), 412)
    refused(acme("PUT", "/Users/" + NOBODY, body, {"If-Match": "*"}), 404)
    group = acme.group("g", [user["id"]])
    refused(acme("PATCH", "/Groups/" + group["id"], patch({"op": "remove", "path": "members"}), {"If-Match": 'W/"9"'}), 412)
    assert ids_of_members(acme("GET", "/Groups/" + group["id"]).json) == [user["id"]]


# --- Bulk -----------------------------------------------------------------------------------------------

def statuses(answer):
    return [o["status"] for o in answer.json["Operations"]]


def managed(name, manager, **more):
    return dict({"userName": name, ENTERPRISE: {"manager": {"value": "bulkId:" + manager}}}, **more)


def test_bulk_cycles_are_resolved(acme):
    """RFC 7644 3.7.1: of managers, and of groups through three."""
    answer = acme.bulk([op("POST", "/Users", managed(a, b), bulkId=a) for a, b in ("ab", "bc", "ca")])
    assert statuses(answer) == ["201"] * 3
    users = {u["userName"]: u for u in acme("GET", "/Users").json["Resources"]}
    assert all(users[a][ENTERPRISE]["manager"]["value"] == users[b]["id"] for a, b in ("ab", "bc", "ca"))
    answer = acme.bulk([op("POST", "/groups", {"displayName": a, "members": [{"value": "bulkId:" + b}]}, bulkId=a)
                        for a, b in ("ab", "bc", "ca")])
    assert statuses(answer) == ["201"] * 3
    groups = {g["displayName"]: g for g in acme("GET", "/Groups").json["Resources"]}
    assert all(ids_of_members(groups[a]) == [groups[b]["id"]] for a, b in ("ab", "bc", "ca"))


def test_bulk_a_chain_of_references_forward_as_long_as_a_bulk(acme):
    n = 1000
    answer = acme.bulk([op("POST", "/Users", managed("u%d" % i, str((i + 1) % n)), bulkId=str(i)) for i in range(n)])
    assert statuses(answer) == ["201"] * n  # and the last refers to the first
    groups = [op("POST", "/Groups", {"displayName": "g%d" % i, "members": [{"value": "bulkId:%d" % (i + 1)}] * (i < 499)},
                 bulkId=str(i)) for i in range(500)]
    assert statuses(acme.bulk(groups)) == ["201"] * 500
    made = {g["displayName"]: g for g in acme("GET", "/Groups", count=n).json["Resources"]}
    assert all(ids_of_members(made["g%d" % i]) == [made["g%d" % (i + 1)]["id"]] for i in range(499))
    users = {u["userName"]: u for u in acme("GET", "/Users", count=n).json["Resources"]}
    assert all(users["u%d" % i][ENTERPRISE]["manager"]["value"] == users["u%d" % ((i + 1) % n)]["id"] for i in range(n))


def test_bulk_what_is_not_reached_before_fail_on_errors_is_not_referred_to(acme):
    chain = [op("POST", "/Users", managed("u%d" % i, str(i + 1)), bulkId=str(i)) for i in range(70)]
    answer = acme.bulk([*chain, op("DELETE", "/Users/" + NOBODY), op("POST", "/Users", {"userName": "u70"}, bulkId="70")],
                       failOnErrors=1)
    assert statuses(answer) == ["201"] * 70 + ["404", "201"]  # referred to, so reached
    chain = [op("POST", "/Users", managed("v%d" % i, str(i + 1)), bulkId=str(i)) for i in range(70)]
    chain.insert(1, op("DELETE", "/Users/" + NOBODY))  # the first 64 are made for the first's sake, the others not
    answer = acme.bulk([*chain, op("POST", "/Users", {"userName": "v70"}, bulkId="70")], failOnErrors=1)
    assert statuses(answer) == ["409", "404"] + ["409"] * 63
    assert not any(u["userName"].startswith("v") for u in acme("GET", "/Users", count=1000).json["Resources"])


@pytest.mark.parametrize("bad", "abc")
def test_bulk_a_cycle_that_cannot_be_resolved_leaves_nothing(acme, bad):
    """Whichever of the cycle fails, the others have 409 and are gone, and so is who refers to them."""
    taken = acme.user("taken")
    answer = acme.bulk(
        [op("POST", "/Users", managed("taken" if a == bad else a, b), bulkId=a) for a, b in ("ab", "bc", "ca")] +
        [op("POST", "/Users", managed("tail", "b"), bulkId="t"), op("POST", "/Users", {"userName": "free"}, bulkId="f"),
         op("POST", "/Groups", {"displayName": "g", "members": [{"value": "bulkId:c"}, {"value": "bulkId:f"}]}, bulkId="g")])
    got = answer.json["Operations"]
    assert statuses(answer)[:3] == ["409"] * 3 and [o["status"] for o in got[4:5]] == ["201"]
    assert all(o["response"]["status"] == o["status"] and "location" not in o for o in got[:4] + got[5:])
    assert [o["response"].get("scimType") for o in got[:3]] == ["uniqueness" if a == bad else None for a in "abc"]
    assert got[3]["status"] in ("400", "409") and got[5]["status"] in ("400", "409")
    names = {u["userName"] for u in acme("GET", "/Users").json["Resources"]}
    assert names == {"taken", "free"} and acme("GET", "/Groups").json["totalResults"] == 0
    assert acme("GET", "/Users/" + taken["id"]).json == taken


def test_bulk_references_however_they_are_written(acme):
    answer = acme("POST", "/Bulk", b'{"Operations":[{"method":"POST","path":"/Users","bulkId":"u","data":{"userName":"u"}},'
                  b'{"method":"POST","path":"/Groups","bulkId":"g","data":{"displayName":"g","members":'
                  b'[{"value":"bulk\\u0049d:u"}]}}]}')
    assert statuses(answer) == ["201", "201"]
    assert len(acme("GET", "/Groups").json["Resources"][0]["members"]) == 1
