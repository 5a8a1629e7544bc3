"""The console as a person meets it: Chromium on the real programs (S1.3, S1.5-S1.7, S2.3, S2.4, N2, N5, N6). Each page at
1280 and 390 px and in the dark is kept in build/screens/ and looked over by axe-core."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from console import until  # noqa: E402
from console_fixtures import check_target, look, needs_browser  # noqa: E402
from desk import BASE, Desk  # noqa: E402
from slapd import Slapd  # noqa: E402

pytestmark = needs_browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    d = Desk(tmp_path_factory.mktemp("pages"))
    yield d
    d.stop()


@pytest.fixture
def there(clean, desk):
    """The browser at the overview, signed in, whatever the tests before did or did not."""
    if not os.path.exists(desk.console.conf):
        desk.set_up()
    desk.console.sign_in()
    clean("forget")
    clean.goto(desk.console.link())
    clean.heading("Overview")
    return clean


@pytest.fixture
def slapd(tmp_path):
    s = Slapd(tmp_path / "slapd").start().fill()
    yield s
    s.remove()


def test_the_wizard_from_nothing_to_the_first_sync(clean, desk, slapd):
    """S1.6, S2.3, S2.4: each step tested, mistakes said, nothing written before the end."""
    b, found = clean, []
    b("forget")
    b.goto(f"http://localhost:{desk.console.port}/")
    b.heading("Sign in")
    found += b.shot("sign-in")
    b.goto(desk.console.link())
    b.heading("Set up: target")
    b.button("Test", exact=True)
    b.see("An address such as")
    check_target(b, desk.url, "wrong")
    b.see("Not ready.")
    found += b.shot("setup-1-target-wrong")
    check_target(b, desk.url, desk.client.token)
    b.see("The service answers and takes the token.")
    b.button("Next: directory")
    b.heading("Set up: directory")
    found += b.shot("setup-2-directory")
    b("check", label="OpenLDAP, or its like")
    b.button("Test", exact=True)
    b.see("A server is needed")
    found += b.shot("setup-2-openldap")
    b.fill("Servers", slapd.plain_url)
    b.fill("Account", slapd.account)
    b.fill("Password", slapd.account_password)
    b.button("Test", exact=True)
    b.see("The directory can be read.")
    b("check", label="A file (LDIF)")
    b.fill("File or folder", "/nowhere.ldif")
    b.button("Test", exact=True)
    b.see("Not ready.")
    b.fill("File or folder", desk.file)
    b.button("Test", exact=True)
    b.see("The directory can be read.")
    b.button("Next: who")
    b("see", css="ul.pick li", has="Engineering")
    b.fill("Find a group", "all st")
    b("gone", css="ul.pick li", has="Engineering")
    b("check", role="checkbox", name="All Staff")
    found += b.shot("setup-3-groups")
    b("check", label="Places in the tree")
    for place in ("People", "Groups"):
        b("click", css="ul.tree label", has=place)
    found += b.shot("setup-3-places")
    b("reload")
    b.heading("Set up: who")  # gone on with where it was left
    b("see", css="fieldset.tabs")
    b("check", label="Places in the tree")
    for place in ("People", "Groups"):
        b("click", css="ul.tree label", has=place)
    b.button("Next: preview")
    b.heading("The first sync would")
    b("see", css=".plan li", has="create")
    b.button("examples", nth=1)
    b.see("No conflicts")
    found += b.shot("setup-4-preview")
    assert desk.client.find("/Users", "userName pr") == []
    b.button("Save and start sync")
    b.heading("First sync")
    b("see", role="status", has="In lockstep.")
    found += b.shot("setup-5-first-sync")
    b.button("Go to the overview")
    b.see("hosted: in lockstep")
    desk.console.sign_in()
    assert desk.console.get("read", c="status")["output"]["targets"][0]["users"] == 250
    with open(desk.console.conf, encoding="utf-8") as f:
        assert f"OU=People,{BASE}" in f.read()
    look(found)


def test_sync_now_and_every_page(there, desk):
    b, found = there, []
    b.button("Sync now")
    b.see("Nothing had to be changed.")
    found += b.shot("overview")
    b.page("history")
    b("see", css="table.list")
    found += b.shot("history")
    b.link("1", exact=True)
    first = b("text", css="ul.rows li a")
    b.button("what changed", nth=0)
    b("see", role="button", name="less")
    b.fill("Filter", "anna")
    assert b("text", css="ul.rows li a") != first and not b("there", role="button", name="less")  # unfolded was another
    found += b.shot("run")
    b.page("adoption")
    b.see("Nothing waits")
    found += b.shot("adoption")
    b.page("objects")
    b.fill("Name, mail address", "anna")
    b("see", css="ul.rows li a", has="Anna")
    found += b.shot("objects")
    b("click", css="ul.rows li a", has="Anna")
    b.heading("In scope")
    b.see("kept in lockstep")
    found += b.shot("object")
    b.page("about")
    b.button("Check now")
    b.heading("source directory")
    found += b.shot("about")
    look(found)


def test_s1_14_an_error_is_explained_and_mended(there, desk):
    """Somebody without address: named with cause, gone when it is mended."""
    b = there
    desk.add("Nora Nameless")
    c = desk.console
    c.command("sync")
    until(lambda: c.get("read", c="status")["output"]["targets"][0]["failing"] == 1)
    b.page("")
    b.see("1 object fails")
    b.page("objects")
    b.link("Nora Nameless")
    b.heading("Nora Nameless")
    b.see("It cannot be synchronized.")
    found = b.shot("object-failing")
    desk.change("Nora Nameless", "mail: nora@example.test")
    b("click", css=".tools button", has="now")
    b("gone", text="It cannot be synchronized.")
    b.see("kept in lockstep")
    b.page("")
    b.see("hosted: in lockstep")
    look(found)


def test_n2_a_held_run_is_released(there, desk):
    b = there
    c = desk.console
    desk.drop_people(80)
    c.command("sync")
    until(lambda: c.get("read", c="status")["output"]["targets"][0]["held"])
    b.page("")
    b.see("held back by the guard")
    b.see("disable of users: 79 at once, the limit is 24")
    found = b.shot("overview-held")
    b.link("held back by the guard")
    b.heading("Held back: ")
    b.see("disable of users: 79 at once, the limit is 24")
    found += b.shot("run-held")
    b.button("Release …")
    b.see("The next sync performs those that are still wanted then")
    b.button("Release and sync")
    b("gone", css="#held")
    b.page("")
    b.see("hosted: in lockstep")
    assert c.get("read", c="status")["output"]["targets"][0]["held"] == 0
    look(found)


def test_n6_undo_after_a_look(there, desk):
    b = there
    c = desk.console
    someone = next(r for r in c.get("read", c=["search", "e"])["output"]["results"] if r["kind"] == "user" and r.get("mail"))
    name = someone["dn"].split(",")[0][3:]
    desk.edit(lambda records: [r + b"\nroomNumber: 1\ndepartmentNumber: 2" if r.startswith(f"dn: CN={name},".encode()) else r for r in records])
    desk.add("Uwe Undo", "mail: uwe@example.test")
    c.command("sync")
    until(lambda: c.get("read", c=["search", "uwe@example.test"])["output"]["results"])
    runs = until(lambda: [r for r in c.get("read", c="history")["output"]["runs"] if (r.get("counts") or {}).get("created")])
    b.page(f"run/{runs[0]['run']}")
    b.see("uwe@example.test")
    b.button("Undo …")
    b.see("taken back")
    found = b.shot("undo")
    b.button("Undo, and keep it so")
    b("gone", css="dialog")
    b.page("objects?q=uwe")
    b("click", css="ul.rows li a", has="Uwe Undo")
    b.see("Held as it was by the undo of")
    b.button("Unpin")
    b("gone", text="Held as it was by the undo of")
    look(found)


def test_settings_changed_with_a_preview_and_rolled_back(there, desk):
    b, found = there, []
    c = desk.console
    before = c.get("config")["text"]
    b.page("settings")
    b("click", css="details.section summary", has="Sync mail")
    b.fill("fresh", "10m")
    b("click", css="details.section summary", has="Target hosted")
    b.see("Objects in one page of a listing")  # the connector's own options, by its own words, set or not
    b("fill", css="#o-target-hosted-page", value="50")
    found += b.shot("settings")
    b.button("Text", exact=True)
    b.button("Form", exact=True)
    b.see("2 changed")  # a look at the text loses nothing
    b.button("Review and save")
    b("see", css="pre.diff .new")
    b.button("What would it do?")
    b("see", css="dialog .plan, dialog .empty")
    found += b.shot("settings-save")
    b.fill("Note", "a promise")
    b.button("Save", exact=True)
    b.see("Saved, and in force.")
    assert 'fresh = "10m"' in c.get("config")["text"] and 'page = "50"' in c.get("config")["text"]
    b.button("Text", exact=True)
    text = b("value", label="Text of the configuration")
    assert 'fresh = "10m"' in text and text.startswith("# Lockstep")
    b.fill("Text of the configuration", text.replace("fresh", "frish"))
    b.button("Review and save")
    b.button("Save", exact=True)
    b.see("did you mean 'fresh'?")
    found += b.shot("settings-refused")
    b.button("Cancel")
    b.button("Discard")
    b.button("Versions", exact=True)
    b.button("compare with the file", nth=1)
    found += b.shot("settings-versions")
    b.button("Go back to this version")
    b.button("Save", exact=True)
    b.see("Saved, and in force.")
    assert c.get("config")["text"] == before
    look(found)


def test_s1_3_what_is_typed_into_settings_outlasts_other_pages(there, desk):
    """And is not saved over what somebody else has saved meanwhile."""
    b, c = there, desk.console
    before = c.get("config")["text"]
    b.page("settings")
    b("click", css="details.section summary", has="Sync mail")
    b.fill("fresh", "10m")
    b.page("about")
    b.page("settings?view=text")
    b.fill("Text of the configuration", before + "# mine\n")
    b.page("settings")
    b.see("1 changed")
    b.button("Discard")
    b("gone", text="1 changed")
    with open(c.conf, "a", encoding="utf-8") as f:
        f.write("# theirs\n")
    b.page("about")
    b.page("settings?view=text")
    b.see("The file was changed since this was begun.")
    assert b("value", label="Text of the configuration") == before + "# mine\n"
    found = b.shot("settings-changed-meanwhile")
    b.button("Review and save")
    b.button("Save", exact=True)
    b.see("the file was changed meanwhile")
    b.button("Cancel")
    b.button("Discard")
    b("gone", text="The file was changed since this was begun.")
    assert b("value", label="Text of the configuration") == c.get("config")["text"] == before + "# theirs\n"
    look(found)


def test_alerts_name_cause_and_remedy(there, desk):
    b = there
    c = desk.console
    desk.add("Otto Ohne")
    c.command("sync")
    until(lambda: c.get("alerts")["open"])
    b.page("alerts")
    b.see("What to do:")
    found = b.shot("alerts")
    b.button("I have seen it")
    b.see("noted by")
    look(found)


def test_s3_5_the_service_is_restarted_in_mid_run(clean, tmp_path):
    """The page says that it is away, comes back by itself, and the work is finished; the sign-in is still good."""
    b = clean
    d = Desk(tmp_path, people=1500)
    try:
        d.set_up(base=[f"OU=Groups,{BASE}"])
        c = d.console
        was = c.get("config")
        text = c.post("config/edit", {"text": was["text"], "changes": [
            {"path": "sync/mail/scope", "remove": True}, {"path": "target/hosted/requests", "values": ["1"]},
            {"path": "target/hosted/bulk", "values": ["no"]}]})["text"]
        b("forget")
        b.goto(c.link())
        b.heading("Overview")
        c.post("config", {"text": text, "digest": was["digest"], "note": "everybody"})
        until(lambda: [j for j in c.get("live")["jobs"] if (j.get("progress") or {}).get("done", 0) > 20])
        assert c.stop() == 0
        b.see("The service does not answer.")
        assert d.client("GET", "/Users", count=0).json["totalResults"] < 1500
        c.start()
        until(lambda: (lambda o: o.get("status", {}).get("targets", [{}])[0].get("in_lockstep") and not o["jobs"])(c.get("overview")), 120)
        b("gone", text="The service does not answer.")
        b.see("hosted: in lockstep")
        assert c.get("read", c="status")["output"]["targets"][0]["users"] >= 1500
    finally:
        d.stop()


def test_by_keyboard_alone(there, desk):
    b = there
    b("press", key="Tab")
    assert b("eval", js="document.activeElement.className") == "skip"
    b("press", key="Enter")
    assert b("eval", js="document.activeElement.id") == "main"
    b("eval", js="document.querySelector('.top nav a[href=\"#/alerts\"]').focus()")
    b("press", key="Enter")
    b.heading("Alerts")
    until(lambda: b("eval", js="document.activeElement.id") == "main")  # read from its beginning
    assert b("eval", js="document.title") == "Alerts · Lockstep"
    b.page("settings")
    b("click", css="details.section summary", has="Sync mail")
    b.fill("fresh", "11m")
    b.button("Review and save")
    b("see", css="dialog[open]")
    b("press", key="Escape")
    b("gone", css="dialog")


def test_the_wizard_with_a_real_domain_controller(clean, samba_dc, tmp_path):
    """S1.5: the account is tested, its rights shown, a group chosen from the directory; with AD as it is."""
    b, found = clean, []
    d = Desk(tmp_path, people=10)
    try:
        b("forget")
        b.goto(d.console.link())
        b.heading("Set up: target")
        check_target(b, d.url, d.client.token)
        b.button("Next: directory")
        b("click", css="details summary", has="More")
        b.fill("Controllers", samba_dc.url)
        b.fill("File of certificates to trust", samba_dc.ca)
        b.fill("Account", samba_dc.account)
        b.fill("Password", "not this one")
        b.button("Test", exact=True)
        b.see("Not ready.")
        found += b.shot("setup-ad-refused")
        b.fill("Password", samba_dc.account_password)
        b.button("Test", exact=True)
        b.see("The directory can be read.", timeout=60000)
        found += b.shot("setup-ad-rights")
        b.button("Next: who")
        b("see", css="ul.pick li", has="Domain Admins", timeout=60000)
        b.fill("Find a group", "all staff")
        b("gone", css="ul.pick li", has="Domain Admins")
        b("check", role="checkbox", name="All Staff")
        b.button("Next: preview")
        b("see", css=".plan li", has="create", timeout=60000)
        found += b.shot("setup-ad-preview")
        b.button("Save and start sync")
        b("see", role="status", has="In lockstep.", timeout=90000)
        b.button("Go to the overview")
        b.see("hosted: in lockstep")
        d.console.sign_in()
        users = d.console.get("read", c="status")["output"]["targets"][0]["users"]
        assert users == d.client("GET", "/Users", count=0).json["totalResults"] > 100
        b.button("Sync now")
        b.see("In lockstep.")
        look(found)
    finally:
        d.stop()
