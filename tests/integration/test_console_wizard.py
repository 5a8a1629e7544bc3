"""The set-up as it is used in earnest (S1.6, S2.3): in two windows, over a restart of the service, by keyboard alone."""
import json
import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from console import until  # noqa: E402
from console_fixtures import check_target, look, needs_browser  # noqa: E402

pytestmark = needs_browser


def kept(desk):
    with open(os.path.join(desk.console.state, "setup", "draft.json"), encoding="utf-8") as f:
        return json.load(f)


def to_directory(b, desk):
    check_target(b, desk.url, desk.client.token)
    b.button("Next: directory")
    b.heading("Set up: directory")


def read_file(b, desk):
    b("check", label="A file (LDIF)")
    b.fill("File or folder", desk.file)
    b.button("Test", exact=True)
    b.see("The directory can be read.")


def test_s1_6_two_windows_overwrite_nothing(clean, new_desk):
    """Who is behind is told so, and shown how it stands; who saves second saves nothing unseen."""
    b, d, found = clean, new_desk, []
    b("forget")
    b.goto(d.console.link())
    to_directory(b, d)
    until(lambda: kept(d).get("step") == 1)
    b("window", n=1)
    b.goto(f"http://127.0.0.1:{d.console.port}/")
    b.heading("Set up: directory")
    read_file(b, d)
    b("window", n=0)
    b("eval", js="window.dispatchEvent(new Event('focus'))")
    b.see("The set-up was gone on with in another window.")
    found += b.shot("setup-elsewhere")
    assert kept(d)["source"]["type"] == "ldif"
    b.button("Show how it stands")
    b.heading("Set up: directory")
    assert b("value", label="File or folder") == d.file
    b.button("Test", exact=True)
    b.see("The directory can be read.")
    b.button("Next: who")
    b("see", css="fieldset.tabs")
    b("check", label="Everybody")
    b.button("Next: preview")
    b("see", css=".plan li", has="create")
    b("window", n=1)
    b.button("Next: who")  # without a look first: refused, nothing is overwritten
    b.see("The set-up was gone on with in another window.")
    assert kept(d)["step"] == 3
    b.button("Show how it stands")
    b.heading("Set up: preview")
    b("see", css=".plan li", has="create")
    b.button("Save and start sync")
    b("see", role="status", has="In lockstep.")
    b("window", n=0)
    b.button("Save and start sync")
    b.see("The set-up is finished.")
    b.button("Go to the overview")
    b.see("hosted: in lockstep")
    look(found)


def test_s1_6_the_second_to_send_is_refused(new_desk):
    """What the page relies on: each step says which draft it has seen."""
    c = new_desk.console.sign_in()
    seen = c.get("setup")["revision"]
    answers = new_desk.answers()
    first = c.post("setup", {"answers": answers, "revision": seen})["revision"]
    assert first != seen and c.get("setup")["revision"] == first
    for path, body in (("setup", {"answers": {}}), ("setup/check", {"what": "target"}), ("setup/read", {}), ("setup/save", {})):
        status, answer = c.api("POST", path, dict(body, revision=seen))
        assert status == 409 and answer["error"]["code"] == "changed-meanwhile", path
    assert c.get("setup")["answers"] == answers
    # Another token is a change, too; the word for it gives nothing away and stays the same over a restart.
    second = c.post("setup", {"secrets": {"token": new_desk.client.token}, "revision": first})["revision"]
    assert second != first and c.api("POST", "setup/save", {"revision": first})[0] == 409
    c.stop()
    c.start()
    assert c.get("setup")["revision"] == second
    job = c.finished(c.post("setup/read", {"revision": second})["job"])
    assert job["exit"] == 0 and not os.path.exists(c.conf)
    c.post("setup/save", {"revision": second})
    assert c.api("POST", "setup/save", {"revision": second})[1]["error"]["code"] == "set-up"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_s1_6_the_service_is_restarted_in_mid_wizard(clean, new_desk, how):
    """What was typed stays, the token too; the page says what is the matter, and goes on by itself where it read."""
    b, d, found = clean, new_desk, []
    c = d.console
    b("forget")
    b.goto(c.link())
    b.heading("Set up: target")
    b.fill("Address of the service", d.url)
    b.fill("Token", d.client.token)
    c.stop(how)
    b.button("Test", exact=True)
    b.see("The service does not answer.")
    found += b.shot("setup-away")
    assert b("value", label="Token") == d.client.token
    c.start()
    b.button("Test", exact=True)
    b.see("The service answers and takes the token.")
    assert b("value", label="Token") == "" and b("there", text="One is kept.")
    b.button("Next: directory")
    # What is typed and not tested yet is there again after a look back.
    b("check", label="OpenLDAP, or its like")
    b.fill("Servers", "ldap.example.test")
    b.fill("Password", "typed, not tested")
    b.button("Back")
    b.heading("Set up: target")
    b.button("Directory")
    assert b("value", label="Servers") == "ldap.example.test" and b("value", label="Password") == "typed, not tested"
    read_file(b, d)
    b.button("Next: who")
    b("see", css="fieldset.tabs")
    b("check", label="Everybody")
    c.stop(how)
    b.button("Next: preview")
    b.see("The service does not answer.")
    c.start()
    b.button("Next: preview")
    b("see", css=".plan li", has="create")
    c.stop(how)
    b.button("Look again")
    b.see("this goes on by itself")
    found += b.shot("setup-away-reading")
    c.start()
    b("see", css=".plan li", has="create")
    assert not b("there", text="does not answer")
    b.button("Save and start sync")
    b("see", role="status", has="In lockstep.")
    look(found)


def test_s1_3_the_session_ends_in_mid_work(clean, new_desk):
    """A new link in another window, and what was typed here is still there."""
    b, d, found = clean, new_desk, []
    b("forget")
    b.goto(d.console.link())
    b.heading("Set up: target")
    b.fill("Address of the service", d.url)
    b.fill("Token", d.client.token)
    b("forget")
    b.button("Test", exact=True)
    b.heading("Sign in again")
    found += b.shot("sign-in-again")
    b("window", n=1)
    b.goto(d.console.link())
    b.heading("Set up: target")
    b("window", n=0)
    b.button("Go on")
    b.heading("Set up: target")
    assert b("value", label="Address of the service") == d.url
    b.button("Test", exact=True)
    b.see("The service answers and takes the token.")
    look(found)


# --- answers that come late ---

def at_step(b, d, step):
    d.console.sign_in().post("setup", {"answers": dict(d.answers(), step=step), "secrets": {"token": d.client.token}})
    b("forget")
    b.goto(d.console.link())


def test_s1_6_what_is_typed_during_a_test_is_neither_lost_nor_taken_for_tested(clean, new_desk):
    b, d = clean, new_desk
    at_step(b, d, 1)
    b.heading("Set up: directory")
    b.button("Back")
    b.heading("Set up: target")
    b.fill("Token", d.client.token)
    b.hold("/api/setup")
    b.button("Test", exact=True)
    b.held()
    b.fill("Token", "another")
    b.let_go()
    assert b("value", label="Token") == "another"
    assert b("eval", js="document.querySelectorAll('button.step')[1].disabled")  # not kept yet: no way on
    b.fill("Token", d.client.token)
    b.hold("/api/setup/check")
    b.button("Test", exact=True)
    b.held()
    b.fill("Address of the service", "http://127.0.0.1:1/scim/v2")
    b.let_go()
    assert not b("there", text="The service answers") and not b("there", role="button", name="Next: directory")
    b.button("Test", exact=True)
    b.see("Not ready.")


def test_s1_6_a_step_back_while_the_step_on_is_kept_loses_nothing(clean, new_desk):
    b, d = clean, new_desk
    at_step(b, d, 0)
    b.heading("Set up: target")
    b.button("Test", exact=True)
    b.see("The service answers and takes the token.")
    kept_so_far = b("eval", js=KEPT)
    b.hold("/api/setup")
    b.button("Next: directory")
    b.held()
    b.button("Back")
    b.heading("Set up: target")
    b.let_go()
    until(lambda: b("eval", js=KEPT) == kept_so_far + 2)
    assert kept(d)["step"] == 1


KEPT = "performance.getEntriesByType('resource').filter((r) => r.name.endsWith('/api/setup')).length"
GROUP = "ul[aria-label='Groups'] li"


def test_s1_6_the_groups_are_those_that_were_looked_for_last(clean, new_desk):
    b, d = clean, new_desk
    at_step(b, d, 2)
    b("see", css=GROUP, has="Engineering")
    b.hold("--match")
    b.fill("Find a group", "engineering")
    b.held()
    b.fill("Find a group", "all staff")
    b("gone", css=GROUP, has="Engineering")
    b.let_go()
    assert b("there", css=GROUP, has="All Staff") and not b("there", css=GROUP, has="Engineering")


FAIL_ONCE = """(() => { const real = window.fetch; let free = true;
    window.fetch = (url, how) => free && url.includes(WORD) ? (free = false, Promise.reject(new TypeError("away"))) : real(url, how); })()"""


def test_s1_6_the_first_sync_is_told_though_the_service_was_away_at_its_end(clean, new_desk):
    b, d = clean, new_desk
    at_step(b, d, 3)
    b("see", css=".plan li", has="create")
    b("eval", js=FAIL_ONCE.replace("WORD", "'c=history'"))
    b.button("Save and start sync")
    b("see", role="status", has="In lockstep.")


# --- by keyboard alone ---

FOCUS = """(() => { const e = document.activeElement; if (!e || e === document.body) return null;
    const s = getComputedStyle(e), l = e.labels && e.labels[0], r = e.getBoundingClientRect();
    return { what: (e.getAttribute('aria-label') || (l ? l.innerText : e.innerText) || e.id).trim(), tag: e.tagName, type: e.type || '',
        marked: (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none',
        seen: r.width > 0 && r.bottom > 0 && r.top < innerHeight }; })()"""


def focus(b):
    return b("eval", js=FOCUS)


def tab_to(b, what, key="Tab", most=60):
    """Goes from one to the next until there; each is visible and marked. What was met on the way."""
    met = []
    for _ in range(most):
        b("press", key=key)
        f = focus(b)
        if f is None:
            continue
        assert f["marked"] and f["seen"], f
        met.append(f["what"])
        if f["what"].startswith(what):
            return met
    raise AssertionError(f"{what} is not reached: {met}")


def write(b, text):
    b("type", value=text)


def test_s1_3_the_wizard_by_keyboard_alone(clean, new_desk):
    """In the order of reading; after each step the next one's heading has the focus; results are announced."""
    b, d = clean, new_desk
    b("forget")
    b("size", width=1280, height=900)
    b.goto(d.console.link())
    b.heading("Set up: target")
    assert tab_to(b, "Address of the service")[0] == "Skip to content"
    b("press", key="Enter")  # with nothing typed: told what is missing, and taken there
    until(lambda: focus(b)["what"].startswith("Address of the service"))
    b.see("An address such as")
    assert b("eval", js="document.activeElement.getAttribute('aria-invalid')") == "true"
    described = b("eval", js="document.activeElement.getAttribute('aria-describedby').split(' ').map((i) => document.getElementById(i).innerText).join(' ')")
    assert "An address such as" in described
    write(b, d.url)
    tab_to(b, "Token")
    write(b, d.client.token)
    b("press", key="Enter")
    b.see("The service answers and takes the token.")
    assert focus(b)["what"].startswith("Token")  # nothing jumps
    assert b("eval", js="!!document.evaluate(\"//*[contains(text(), 'The service answers and takes')]/ancestor-or-self::*[@aria-live]\", document, null, 9).singleNodeValue")
    assert tab_to(b, "Next: directory")[:2] == ["More", "Test"]
    b("press", key="Enter")
    until(lambda: (focus(b) or {}).get("what") == "Set up: directory")
    tab_to(b, "Active Directory")
    b("press", key="ArrowDown")
    b("press", key="ArrowDown")
    until(lambda: focus(b)["what"] == "A file (LDIF)")
    tab_to(b, "File or folder")
    write(b, d.file)
    tab_to(b, "Test")
    b("press", key="Enter")
    b.see("The directory can be read.")
    assert focus(b)["what"] == "Test"  # not lost while it was at work
    tab_to(b, "Back", key="Shift+Tab")
    tab_to(b, "Next: who")
    b("press", key="Space")
    until(lambda: (focus(b) or {}).get("what") == "Set up: who")
    b("see", css="ul.pick li", has="Engineering")
    tab_to(b, "Find a group")
    write(b, "all st")
    b("gone", css="ul.pick li", has="Engineering")
    tab_to(b, "All Staff")
    b("press", key="Space")
    b("see", css="ul.chips li", has="All Staff")
    tab_to(b, "Remove CN=All Staff", key="Shift+Tab")
    b("press", key="Enter")
    b.see("No group is chosen yet.")
    until(lambda: focus(b) is not None)  # what was removed takes the focus not with it
    tab_to(b, "All Staff")
    b("press", key="Space")
    tab_to(b, "Next: preview")
    b("press", key="Enter")
    until(lambda: (focus(b) or {}).get("what") == "Set up: preview")
    b("see", css=".plan li", has="create")
    tab_to(b, "examples")
    b("press", key="Enter")
    assert focus(b)["what"] == "hide"
    tab_to(b, "Save and start sync")
    b("press", key="Enter")
    until(lambda: (focus(b) or {}).get("what") == "First sync")
    b("see", role="status", has="In lockstep.")
    tab_to(b, "Go to the overview")
    b("press", key="Enter")
    b.see("hosted: in lockstep")
    assert b("eval", js="document.activeElement.id") == "main"
