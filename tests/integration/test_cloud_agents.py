"""lockstep-cloud: a tenant's key is exchanged for revocable credentials of its agents (S1.4)."""
import contextlib
import json
import re
import sqlite3
import time

import pytest
from cloud_fixtures import Client, Cloud, refused

CONFIG = "urn:lockstep:params:scim:schemas:extension:2.0:ServiceProviderConfig"
URN = "urn:lockstep:params:scim:schemas:2.0:Credential"


def offered(client):
    return client("GET", "/ServiceProviderConfig").json[CONFIG]["credentials"]


def exchange(client, name):
    return client("POST", offered(client)["endpoint"], {"name": name})


def agent(client, name="dc1.corp.example"):
    answer = exchange(client, name)
    assert answer.status == 201, answer
    return Client(client.port, answer.json["token"]), answer.json["name"]


def agents(cloud, tenant="acme"):
    said = cloud.command("tenant", "agents", tenant, "--json").stdout
    return {a["name"]: a for a in json.loads(said)["agents"]}


def sql(cloud, *words):
    with contextlib.closing(sqlite3.connect(cloud.db, timeout=30)) as db, db:
        return db.execute(*words).fetchall()


def test_s1_4_a_key_is_exchanged_for_a_credential(cloud, acme):
    answer = exchange(acme, "dc1.corp.example")
    assert answer.status == 201 and answer.json["schemas"] == [URN] and answer.json["name"] == "dc1.corp.example"
    assert re.fullmatch(r"lsa_[0-9a-f]{64}", answer.json["token"])
    mine = Client(cloud.port, answer.json["token"])
    user = mine.user("anna")
    assert acme("GET", "/Users/" + user["id"]).json == user             # it is the same tenant
    assert cloud.tenant("other")("GET", "/Users").json["totalResults"] == 0
    assert offered(acme)["exchanged"] is False and offered(mine)["exchanged"] is True
    cloud.stop()
    with open(cloud.db, "rb") as f:                                     # nobody reads it out of the database
        assert answer.json["token"][4:].encode() not in f.read()


def test_s1_4_a_credential_makes_no_others(acme):
    mine, _ = agent(acme)
    refused(exchange(mine, "second"), 403, words=["credential", "key"])


def test_s1_4_two_agents_of_one_name_leave_each_other_alone(cloud, acme):
    made = [agent(acme, "dc1") for _ in range(3)]
    assert [name for _, name in made] == ["dc1", "dc1-2", "dc1-3"]
    assert all(client("GET", "/Users").status == 200 for client, _ in made)
    assert cloud.command("tenant", "revoke", "acme", "dc1-2").returncode == 0
    assert [client("GET", "/Users").status for client, _ in made] == [200, 401, 200]
    assert agent(acme, "dc1")[1] == "dc1-2"
    assert agent(cloud.tenant("other"), "dc1")[1] == "dc1"              # names are a tenant's


def test_s1_4_revoked_credentials_are_refused_and_the_key_is_not(cloud, acme):
    mine, name = agent(acme)
    assert cloud.command("tenant", "revoke", "acme", name).stdout == ""
    refused(mine("GET", "/Users"), 401, words=["revoked"])              # on the connection that is open
    assert acme("GET", "/Users").status == 200 and agents(cloud) == {}
    for words, said in ((("revoke", "acme", name), name), (("revoke", "nobody", name), "nobody"),
                        (("agents", "nobody"), "nobody"), (("revoke", "acme"), "agent"), (("agents",), "name")):
        done = cloud.command("tenant", *words, check=False)
        assert done.returncode == 2 and said in done.stderr and done.stdout == "", words


def test_s1_4_a_new_key_and_the_end_of_a_tenant(cloud, acme):
    mine, _ = agent(acme)
    acme.token = cloud.command("tenant", "token", "acme").stdout.strip()
    assert mine("GET", "/Users").status == 200 and acme("GET", "/Users").status == 200
    cloud.command("tenant", "remove", "acme")
    assert mine("GET", "/Users").status == 401
    cloud.command("tenant", "add", "acme")
    assert agents(cloud) == {} and mine("GET", "/Users").status == 401


def test_s1_4_when_a_credential_was_used_last(cloud, acme):
    """To the hour, so that reading writes nothing."""
    mine, name = agent(acme)
    assert agents(cloud)[name]["used"] is None
    assert "never" in cloud.command("tenant", "agents", "acme").stdout
    assert mine("GET", "/Users").status == 200
    deadline = time.monotonic() + 60
    while not agents(cloud)[name]["used"] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert re.fullmatch(r"20..-..-..T..:00:00Z", agents(cloud)[name]["used"])
    assert re.fullmatch(r"20..-..-..T..:..:..Z", agents(cloud)[name]["created"])
    ahead = int(time.time()) + 36000
    sql(cloud, "UPDATE credential SET used=?", (ahead,))
    assert mine("GET", "/Users").status == 200
    cloud.stop()                                                        # what was noted is written by now
    assert sql(cloud, "SELECT used FROM credential") == [(ahead,)]


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", {}, {"name": ""}, {"name": None}, {"name": ["dc1"]}, {"name": "two words"}, {"name": "x" * 65},
    {"name": "zoë"}, {"name": "a/b"}, {"name": "a\u202eb"}])
def test_s1_4_names_that_are_none(cloud, acme, body):
    answer = acme("POST", "/.lockstep/credentials", body)
    refused(answer, 400, answer.json["scimType"])
    assert answer.json["scimType"] in ("invalidSyntax", "invalidValue") and agents(cloud) == {}


def test_s1_4_limits(cloud, acme):
    refused(acme("POST", "/.lockstep/credentials", {"name": "a", "x": "y" * 5000}), 413)
    refused(acme("GET", "/.lockstep/credentials"), 405)
    for i in range(1000):
        sql(cloud, "INSERT INTO credential(tenant,name,token_hash,created) SELECT tenant,?,?,1 FROM tenant",
            (f"a{i}", f"h{i}"))
    refused(exchange(acme, "one-more"), 403, words=["1000", "revoke"])
    cloud.command("tenant", "revoke", "acme", "a7")
    assert agent(acme, "one-more")[1] == "one-more"


def test_s1_4_a_database_of_the_version_before_is_taken_over(tmp_path):
    cloud = Cloud(tmp_path).start()
    user = cloud.tenant("acme").user("anna")
    cloud.stop()
    sql(cloud, "DROP TABLE credential")
    sql(cloud, "PRAGMA user_version=1")
    cloud.start()
    acme = cloud.tenant("acme")
    assert acme("GET", "/Users/" + user["id"]).json["userName"] == "anna"
    assert agent(acme)[0]("GET", "/Users").status == 200
    sql(cloud, "PRAGMA user_version=3")
    done = cloud.command("tenant", "list", check=False)
    assert done.returncode == 2 and "newer" in done.stderr
    assert cloud.stop() == 0
