"""What the console says when something is wrong, missing or unusual: the overview's states, plots, searching (S1.3, S1.7)."""
import json
import os
import re
import signal
import sqlite3
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from console import until  # noqa: E402
from console_fixtures import look, needs_browser  # noqa: E402
from desk import Desk  # noqa: E402
from slapd import Slapd  # noqa: E402

pytestmark = needs_browser


@pytest.fixture
def ready(clean, new_desk):
    """The overview of a company that is in lockstep."""
    new_desk.set_up()
    clean("forget")
    clean("size", width=1280, height=900)
    clean.goto(new_desk.console.link())
    clean.see("hosted: in lockstep")
    return clean, new_desk


@pytest.fixture
def by_ldap(clean, new_desk, tmp_path):
    directory = Slapd(tmp_path / "slapd").start().fill()
    c = new_desk.console.sign_in()
    c.post("setup", {"answers": dict(new_desk.answers(), source={"name": "directory", "type": "ldap", "servers": [directory.plain_url], "bind": directory.account}),
                     "secrets": {"token": new_desk.client.token, "password": directory.account_password}})
    c.post("setup/save", {})
    c.synced()
    clean("forget")
    clean.goto(c.link())
    clean.see("hosted: in lockstep")
    yield clean, c, directory
    directory.remove()


def state(b):
    return b("text", css="section.state")


def test_s1_3_source_down(by_ldap):
    """Cause, remedy, what becomes of the target meanwhile, and when it is tried again."""
    b, c, directory = by_ldap
    directory.stop()
    c.command("sync")
    b("see", css="section.state", has="It is tried again")  # once the service, too, knows how the run ended
    said = state(b)
    assert "hosted: not in lockstep" in said
    assert "The directory could not be read; what is at the target stays as it is." in said
    assert "cannot be reached" in said and "is the server up" in said
    found = b.shot("overview-source-down")
    directory.start()
    b.button("Sync now")
    b.see("hosted: in lockstep")
    look(found)


def test_7_4_source_refuses_the_account(by_ldap):
    """Held back so that no account is locked: the page says that somebody has to act, and what."""
    b, c, _ = by_ldap
    secret = os.path.join(c.state, "secrets", "source.password")
    with open(secret, encoding="utf-8") as f:
        right = f.read()
    with open(secret, "w", encoding="utf-8") as f:
        f.write("wrong\n")
    c.command("sync")
    b.see("Somebody has to mend it")
    assert "password is not right" in state(b)
    b("see", css="li.alert-row", has="What to do:")
    b("see", css=".top nav .badge", has="1")
    found = b.shot("overview-source-refused")
    with open(secret, "w", encoding="utf-8") as f:
        f.write(right)
    b.button("Sync now")
    b.see("hosted: in lockstep")
    look(found)


def test_s1_3_target_down(ready):
    b, d = ready
    d.cloud.stop()
    d.add("Nina Neu", "mail: nina@example.test")
    d.console.command("sync")
    b("see", css="section.state", has="It is tried again")
    said = state(b)
    assert "The target could not be reached; what it missed is kept." in said and "check url, firewall, service" in said
    look(b.shot("overview-target-down"))


def test_s1_3_the_service_is_away(ready):
    """Nothing is said to be so that nobody knows."""
    b, d = ready
    d.console.stop()
    b.see("hosted: not known now")
    said = b("text", css="main")
    assert "in lockstep when the service was last heard" in said and "systemctl status lockstepd" in said
    assert b("text", css="section.state.wait .mark") == "?" and not b("there", css="section.state.good")
    look(b.shot("overview-away"))
    d.console.start()
    b.see("hosted: in lockstep")
    b("gone", text="The service does not answer.")
    # Pages that nothing else refreshes, too.
    d.console.stop()
    b.page("history")
    b.see("The service does not answer.")
    d.console.start()
    b("see", css="table.list")
    b("gone", text="The service does not answer.")


def test_s1_3_the_service_goes_away_while_something_runs(ready):
    """What ran is not shown as running any more: neither what was begun here nor elsewhere."""
    b, d = ready
    d.add("Nina Neu", "mail: nina@example.test")
    d.cloud.process.send_signal(signal.SIGSTOP)
    try:
        d.console.post("command", {"command": ["sync"]})
        b.page("")
        b.button("Sync now")
        b("see", css="main > div > .progress")  # of what was begun here
        d.console.stop(signal.SIGKILL)
        b.see("hosted: not known now")
        b("gone", css=".progress")
        look(b.shot("overview-away-in-a-run"))
    finally:
        d.cloud.process.send_signal(signal.SIGCONT)
    d.console.start()
    b.see("hosted: in lockstep", timeout=60000)
    b.see("The sync was lost sight of.")
    look(b.shot("overview-back-after-a-run"))


COLUMN = """(() => { const over = document.querySelector('.u-over').getBoundingClientRect(), canvas = document.querySelector('.plot canvas'),
    box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
    return HOURS.map((h) => { const x = Math.round((over.left - box.left + (1 - h / 24) * over.width) * scale);
        const d = canvas.getContext('2d').getImageData(x - 2, 0, 5, canvas.height).data;
        let n = 0; for (let i = 0; i < d.length; i += 4) if (d[i] < 60 && d[i + 1] > 120 && d[i + 3] > 200) n++;
        return n; }); })()"""


def test_n8_a_plot_shows_where_nothing_was_measured(ready):
    """Hours without the service are a gap, not a line; the newest value is not called now when it is old."""
    b, d = ready
    now = int(time.time()) // 60 * 60
    with sqlite3.connect(os.path.join(d.console.state, "agent.db"), timeout=30) as db:
        db.execute("INSERT OR IGNORE INTO series(name) VALUES('freshness.mail')")
        s = db.execute("SELECT s FROM series WHERE name = 'freshness.mail'").fetchone()[0]
        db.execute("DELETE FROM point WHERE s = ?", (s,))
        minutes = [*range(20 * 60, 16 * 60, -1), *range(10 * 60, 6 * 60, -1), 3 * 60]
        db.executemany("INSERT INTO point VALUES(?, ?, ?)", [(s, now - m * 60, "30") for m in minutes])
        # The service measures with each minute, and one begins at any time.
        db.execute(f"CREATE TRIGGER no_more BEFORE INSERT ON point WHEN NEW.s = {s} BEGIN SELECT RAISE(IGNORE); END")
    b("reload")
    b("see", css=".plot canvas")
    lined = until(lambda: (lambda n: n if n[0] else None)(b("eval", js=COLUMN.replace("HOURS", "[18, 13, 8, 4, 1]"))))
    assert lined[2] and lined[1] == lined[3] == lined[4] == 0, lined
    words = b("text", css=".plot figcaption")
    assert words == "mail: 30 seconds when last measured, 3 hours ago; at most 30 seconds"
    look(b.shot("overview-gaps"))


AT_ONCE = """new Promise((done) => { location.hash = "#/objects";
    const look = () => document.body.innerText.includes("No object fails.") ? done(document.getElementById("find").value) : setTimeout(look, 0);
    look(); })"""


def test_s1_7_a_search_follows_its_address(ready):
    """A link to a search starts it wherever one is; Back goes where one came from."""
    b, _ = ready
    b.page("objects")
    b.see("No object fails.")
    b.page("objects?q=anna")
    b("see", css="ul.rows li a", has="Anna")
    assert b("value", label="Name, mail address") == "anna"
    b.page("objects?q=%23none")
    b.see("is called like that")
    assert b("eval", js=AT_ONCE) == ""
    b.fill("Name, mail address", "anna")
    b("see", css="ul.rows li a", has="Anna")
    assert b("eval", js="location.hash") == "#/objects?q=anna"
    b("click", css="ul.rows li a")
    b.heading("In scope")
    b("eval", js="history.back()")
    b("see", css="ul.rows li a", has="Anna")
    assert b("value", label="Name, mail address") == "anna"
    b("size", width=390, height=844)
    height, line = b("eval", js="(() => { const l = document.querySelector('label[for=find]'); return [l.getBoundingClientRect().height, parseFloat(getComputedStyle(l).lineHeight)]; })()")
    assert height < 2 * line
    b("size", width=1280, height=900)


def test_s1_14_of_two_counts_of_alerts_the_newer_one_is_shown(ready):
    b, d = ready
    b.hold("/api/alerts")
    b.page("history")
    b.held()
    d.add("Otto Ohne")
    d.console.command("sync")
    until(lambda: d.console.get("alerts")["open"])
    b.page("")
    b("see", css=".top nav .badge")
    b.let_go()
    assert b("there", css=".top nav .badge")


def test_s1_3_addresses_of_nothing(ready):
    """What a person types by hand, or an old bookmark names: told, never a blank page."""
    b, _ = ready
    for address, says in (("run/99", "There is no such run"), ("run/abc", "There is no such run"), ("run/1?target=nowhere", "There is no such run at nowhere"),
                          ("objects/nobody@example.test", "nobody in the mirror has"), ("objects/100%", "nobody in the mirror has"), ("nowhere/%E0", "hosted: in lockstep")):
        b.page(address)
        b.see(says)
    b("reload")
    b.see("hosted: in lockstep")


LONG = "A long name that goes on and on, as departments of large organizations like to have " * 2


def test_s1_3_long_names_many_things(clean, tmp_path):
    """Names of 64 characters, several syncs and targets, long attributes: nothing is wider than the window, nothing broken letter by letter."""
    d = Desk(tmp_path, people=30)
    try:
        d.set_up()
        c = d.console
        with open(c.conf, encoding="utf-8") as f:
            text = f.read()
        name = "target-of-the-department-of-long-names-and-longer-words-0123456"
        target, sync = text[text.index("target "):text.index("sync ")], text[text.index("sync "):]
        sync = sync[:sync.index("\n}\n") + 3]
        for i in range(3):
            text += target.replace('"hosted"', f'"{name}{i}"') + sync.replace('"mail"', f'"{name}{i}"').replace('to = "hosted"', f'to = "{name}{i}"')
        with open(c.conf, "w", encoding="utf-8") as f:
            f.write(text)
        d.add("Lena " + "Lang" * 20, "mail: lena@example.test", f"title: {LONG}", "department: " + "Donaudampfschiffahrt" * 8)
        c.ask({"ask": "reload"})
        until(lambda: [s for s in c.get("overview")["syncs"] if s["name"] == f"{name}2" and s.get("last")] and not c.get("live")["jobs"])
        b, found = clean, []
        b("forget")
        b.goto(c.link())
        b.see(f"{name}2")
        found += b.shot("long-overview")
        for width in (1280, 390):
            b("size", width=width, height=900)
            for cell in b("eval", js="[...document.querySelectorAll('.runs th[scope=row], .runs thead th')].map((e) => [e.innerText, e.getBoundingClientRect().width])"):
                assert cell[1] > 60, (width, cell)
        b.page("objects?q=lena")
        b("see", css="ul.rows li a", has="Lena")
        found += b.shot("long-objects")
        b("click", css="ul.rows li a", has="Lena")
        b.heading("In scope")
        found += b.shot("long-object")
        b.page("history")
        b("see", css="table.list")
        found += b.shot("long-history")
        b.page("settings")
        b("see", css="details.section")
        found += b.shot("long-settings")
        look(found)
    finally:
        d.stop()


def test_8_a_release_is_of_the_target_that_was_looked_at(clean, tmp_path):
    """Run numbers are each target's own: what is held at another one stays held."""
    d = Desk(tmp_path, people=60)
    try:
        d.set_up()
        c = d.console
        with open(c.conf, encoding="utf-8") as f:
            text = f.read()
        target, sync = text[text.index("target "):text.index("sync ")], text[text.index("sync "):]
        sync = sync[:sync.index("\n}\n") + 3].replace("{", "{\n\tschedule { on_change = no }", 1)  # else one of them may run twice
        with open(c.conf, "w", encoding="utf-8") as f:
            f.write(text + "".join(target.replace('"hosted"', f'"{n}"') + sync.replace('"mail"', f'"to-{n}"').replace('to = "hosted"', f'to = "{n}"')
                                   for n in ("one", "two")))
        c.ask({"ask": "reload"})

        def held():
            return {t["target"]: (t["run"], t["held"]) for t in c.get("read", c="status")["output"]["targets"]}
        until(lambda: held().get("one", (0, 0))[1] and held().get("two", (0, 0))[1] and not c.get("live")["jobs"])
        before = held()
        assert before["one"][0] == before["two"][0]
        # Without a name nothing is released.
        job = c.command("release", str(before["one"][0]))
        assert job["exit"] == 2 and "--target" in json.dumps(job), job
        assert {n: held()[n] for n in ("one", "two")} == {n: before[n] for n in ("one", "two")}
        b = clean
        b("forget")
        b.goto(c.link())
        b("click", css="section.state[aria-label='Target two'] a")
        b.see(f"Run {before['two'][0]} at two")
        b.see("Of what stands at the target already")
        # A question that stays open over a step back is not about the other one's.
        b.page(f"run/{before['one'][0]}?target=one")
        b.see(f"Run {before['one'][0]} at one")
        b.button("Release …")
        b("see", css="dialog[open]")
        b("eval", js="history.back()")
        b.see(f"Run {before['two'][0]} at two")
        assert not b("there", css="dialog")
        b.button("Release …")
        b.button("Release and sync")
        b("gone", css="#held")
        until(lambda: not c.get("live")["jobs"])
        assert held()["two"][1] == 0 and held()["one"][1] == before["one"][1]
        b("size", width=1280, height=900)        # where a row is a line
        b.page("history")
        b("see", css="table.list")
        at = {(str(r["run"]), r["target"]): r["started"] for r in c.get("read", c="history")["output"]["runs"]}
        shown = [at[row] for row in re.findall(r"(\d+)\t.*\n.* · (\w+) · ", b("text", css="table.list tbody"))]
        assert len(shown) >= 3 and shown == sorted(shown, reverse=True), "the newest first, whichever target's"
        look(b.shot("history-targets"))
    finally:
        d.stop()
