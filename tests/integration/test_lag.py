"""How long changes take, and how far behind we are (N8), with a real directory."""
import time


def test_N8_lag_canary_and_freshness(samba_dc, agent, acme):
    dc = samba_dc
    anna, bert = dc.add_user("lag-anna", mail="lag-anna@example.test"), dc.add_user("lag-bert", mail="lag-bert@example.test")
    group = dc.add_group("lag-group", members=[anna])
    agent.configure(agent.ad(dc), acme, sync=' canary = "lag-anna@example.test"')
    first = agent.sync()
    assert first["kind"] == "full" and first["lag"]["count"] == 0 and "ms" not in first["canary"]
    assert abs(first["as_of"] - time.time()) < 60
    idle = agent.sync()
    assert idle["kind"] == "delta" and idle["lag"]["count"] == 0 and idle["as_of"] >= first["as_of"]
    changed = time.time()
    dc.modify(anna, title="Chief")
    dc.add_members(group, bert)
    by = time.time()
    run = agent.sync()
    assert run["updated"] == 1 and run["members_added"] == 1
    assert run["lag"]["count"] == 2 and 0 <= run["lag"]["median_ms"] <= run["lag"]["p99_ms"] <= run["lag"]["max_ms"]
    assert run["lag"]["max_ms"] <= (time.time() - changed + 3) * 1000
    canary = run["canary"]
    assert canary["who"] == "lag-anna@example.test" and canary["sync"] == "mail"
    assert changed - 2 <= canary["changed_at"] <= by + 2 and canary["ms"] == (canary["confirmed_at"] - canary["changed_at"]) * 1000
    dc.delete(bert)
    run = agent.sync()
    assert run["disabled"] == 1 and run["lag"]["count"] >= 1, "who was deleted is timed, too"
    status = agent.json("status")["targets"][0]
    assert status["as_of"] == run["as_of"]
    for dn in (anna, group):
        dc.delete(dn)


def test_N8_what_is_wrong_makes_it_old(agent, acme):
    from smalldir import SmallDirectory
    people = SmallDirectory(agent.path("people.ldif"))
    people.user("anna")
    agent.configure(people.write().source(), acme)
    as_of = agent.sync()["as_of"]
    with open(people.path, "a") as f:
        f.write("\ndn: CN=half")
    time.sleep(2)
    failed = agent.sync(code=3)
    assert failed["as_of"] == as_of
    people.write()
    assert agent.sync()["as_of"] > as_of


def test_N8_a_canary_comes_through_wherever_it_is_read(agent, acme):
    """Nobody says when it changed - a file does not, nor does a full read -, but that it came through is seen."""
    from smalldir import SmallDirectory
    people = SmallDirectory(agent.path("people.ldif"))
    people.user("anna")
    people.user("bert")
    agent.configure(people.write().source(), acme, sync='canary = "anna@example.test"')
    agent.sync()
    people.set("bert", title="Clerk")
    people.write()
    assert "canary" not in agent.sync("--full")
    people.set("anna", title="Chief")
    people.write()
    canary = agent.sync("--full")["canary"]
    assert canary["sync"] == "mail" and abs(canary["confirmed_at"] - time.time()) < 60
    assert "ms" not in canary and "changed_at" not in canary
