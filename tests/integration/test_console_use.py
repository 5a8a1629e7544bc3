"""The console's API: commands, settings, the bundle, set-up (S1.3, S1.6, S2.3)."""
import glob
import json
import os
import re
import shutil
import socket
import stat
import tempfile
import threading

import pytest

from console import BIN, until
from desk import BASE, Desk
from fakescim import FakeScim
from slapd import Slapd


@pytest.fixture
def open_folder():
    """That others may go into, as pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="lockstep-open-") as folder:
        os.chmod(folder, 0o755)
        yield folder


# --- what it does ---

def test_commands_as_jobs(c):
    assert c.get("read", c="status")["output"]["targets"][0]["in_lockstep"] is True
    job = c.command("sync", "--full")
    assert job["exit"] == 0 and job["output"]["kind"] == "full"
    assert c.get("read", c=["search", "anna"])["output"]["results"]
    live = c.get("live")
    assert "jobs" in live
    overview = c.get("overview")
    assert overview["setup"] is False and overview["syncs"][0]["name"] == "mail" and overview["status"]["targets"]
    status, body = c.api("POST", "cancel", {"job": 999999})
    assert status == 404 and body["error"]["code"] == "no-such-job"


def test_health_for_monitoring(c):
    status, headers, text = c.raw("GET", "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain") and b"lockstep_" in text
    assert c.raw("GET", "/healthz")[0] == 200


def test_bundle_holds_no_secret(c, desk):
    status, headers, text = c.raw("GET", "/api/bundle", headers={"Cookie": c.cookie})
    assert status == 200 and "attachment" in headers["Content-Disposition"]
    bundle = json.loads(text)
    assert {"version", "service", "status", "history", "drift", "configuration", "check", "alerts"} <= set(bundle)
    assert bundle["status"]["targets"] and desk.client.token.encode() not in text and c.cookie.split("=")[1].encode() not in text


@pytest.mark.parametrize("changes", [
    {"target/hosted/proxy": ["http://user:a\"b'c\\PLANTED@127.0.0.1:9"]}, {"target/hosted/url": ["https://user:PLANTED@127.0.0.1:9/scim/v2"]},
    {"target/hosted/url": ["https://127.0.0.1:9/scim/v2?token=PLANTED"]}, {"alerts/webhook": ["https://127.0.0.1:9/services/PLANTED/x"]},
    {"alerts/smtp": ["smtps://user:PLANTED@127.0.0.1:9"], "alerts/mail_from": ["a@b.example"], "alerts/mail_to": ["a@b.example"]}])
def test_i9_the_bundle_masks_what_addresses_hold(c, changes):
    """Whatever somebody puts into a URL does not leave with the diagnostics; the host does, for whoever is to help."""
    was = c.get("config")
    text = c.post("config/edit", {"text": was["text"], "changes": [{"path": p, "values": v} for p, v in changes.items()]})["text"]
    assert "PLANTED" in text
    c.post("config", {"text": text, "digest": was["digest"], "note": ""})
    try:
        bundle = c.raw("GET", "/api/bundle", headers={"Cookie": c.cookie})[2].decode()
        assert "PLANTED" not in bundle and "***" in bundle
        assert "127.0.0.1:9" in json.loads(bundle)["configuration"]["text"]
    finally:
        c.post("config", {"text": was["text"], "digest": c.get("config")["digest"], "note": "back"})


def test_settings_change_and_back(c):
    was = c.get("config")
    fresh = next(o for s in was["sections"] if s["section"] == "sync" for o in s["options"] if o["name"] == "fresh")
    assert fresh["path"] == "sync/mail/fresh" and fresh["type"] == "duration" and not fresh["set"]
    text = c.post("config/edit", {"text": was["text"], "changes": [{"path": "sync/mail/fresh", "values": ["60s"]}]})["text"]
    assert [line for line in text.split("\n") if line not in was["text"].split("\n")] == ['\tfresh = "60s"']
    c.post("config", {"text": text, "digest": was["digest"], "note": "a promise"})
    now = c.get("config")
    assert now["text"] == text and now["versions"][0]["note"] == "a promise" and now["versions"][0]["by"]
    # Somebody else's edit is not overwritten.
    status, answer = c.api("POST", "config", {"text": was["text"], "digest": was["digest"], "note": ""})
    assert status == 409 and answer["error"]["code"] == "changed-meanwhile"
    # What would not load is not written: lexically, and what only connectors know.
    for bad, says in ((text.replace("fresh =", "frish ="), "did you mean 'fresh'"), (text.replace("url =", "ulr ="), "ulr"),
                      (text.replace("fresh =", "scope { filter = '(mail=' } fresh ="), "filter")):
        status, answer = c.api("POST", "config", {"text": bad, "digest": now["digest"], "note": ""})
        assert status == 422 and says in answer["error"]["message"], answer
    assert c.get("config")["text"] == text
    # Back.
    first = c.get("config/version", version=now["versions"][1]["version"])
    assert first["text"] == was["text"]
    c.post("config", {"text": first["text"], "digest": now["digest"], "note": "back"})
    assert c.get("config")["text"] == was["text"]
    assert not [n for n in os.listdir(os.path.dirname(c.conf)) if n.startswith(".lockstep-draft")]


def test_1_1_connectors_say_what_there_is_to_set(c):
    """The form offers what a connector describes; set by name, it is taken over, and what it does not know is refused."""
    own = {x["section"]: {o["name"]: o for o in x["options"]} for x in c.get("read", c=["config", "options"])["output"]["connectors"]}
    assert own["target"]["page"]["type"] == "int" and own["target"]["page"]["default"] == "0" and own["target"]["page"]["help"]
    assert own["source"]["file"]["required"] is True
    was = c.get("config")
    text = c.post("config/edit", {"text": was["text"], "changes": [{"path": "target/hosted/page", "values": ["50"]}]})["text"]
    c.post("config", {"text": text, "digest": was["digest"], "note": ""})
    now = c.get("config")
    assert [o["values"] for s in now["sections"] if s["section"] == "target" for o in s["connector"] if o["name"] == "page"] == [["50"]]
    c.post("config", {"text": was["text"], "digest": now["digest"], "note": "back"})


@pytest.mark.parametrize("put, says", [
    ("user { map { displayName = 'Left(cn,' } }", "displayName"), ("user { map { title = 'Lefft(cn, 2)' } }", "Lefft"),
    ("user { map { manager = 'secretary' } }", "manager"), ("scope { when = 'cn ==' }", "when"),
    ("scope { filter = '(&(mail=*)' }", "filter"), ("guard { delete = \"often\" }", "often")])
def test_1_2_what_no_run_would_take_is_not_saved(c, put, says):
    """Rules are compiled before the file is replaced: object, file and line are named, and the file stays as it was."""
    was = c.get("config")
    lines = was["text"].split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith("sync "))
    text = "\n".join(lines[:at + 1] + ["\t" + put] + lines[at + 1:])
    status, answer = c.api("POST", "config", {"text": text, "digest": was["digest"], "note": ""})
    said = answer["error"]["message"]
    assert status == 422 and says in said and f"lockstep.conf:{at + 2}" in said, answer
    if "map" in put or "scope" in put:
        job = c.finished(c.post("config/preview", {"text": text})["job"])
        assert f"{c.conf}:{at + 2}" in json.dumps(job) and "lockstep-draft" not in json.dumps(job)
    now = c.get("config")
    assert now["text"] == was["text"] and now["versions"] == was["versions"] and "error" not in now


def test_1_2_a_name_that_only_the_directory_refutes_is_not_saved(bare, tmp_path):
    """The directory is asked for names that are new: what it refuses, with the line; away, the file is saved and that is said."""
    directory = Slapd(tmp_path / "slapd").start().fill()
    try:
        c = bare.console.sign_in()
        answers = dict(bare.answers(), source={"name": "directory", "type": "ldap", "servers": [directory.plain_url], "bind": directory.account})
        c.post("setup", {"answers": answers, "secrets": {"token": bare.client.token, "password": directory.account_password}})
        c.post("setup/save", {})
        c.synced()
        was = c.get("config")

        def save(name, option="user/map/title"):
            now = c.get("config")
            text = c.post("config/edit", {"text": now["text"], "changes": [{"path": "sync/mail/" + option, "values": [name]}]})["text"]
            return c.api("POST", "config", {"text": text, "digest": now["digest"], "note": ""}), text
        (status, answer), text = save("roomNumbr")
        line = next(i for i, t in enumerate(text.split("\n"), 1) if "roomNumbr" in t)
        said = answer["error"]["message"]
        assert status == 422 and "'roomNumbr'" in said and f"lockstep.conf:{line}:" in said and "did you mean 'roomNumber'" in said, answer
        assert ".lockstep-draft" not in said and c.get("config")["text"] == was["text"]
        (status, answer), text = save("roomNumber")
        assert (status, answer) == (200, {"ok": True})
        assert c.command("sync")["exit"] == 0
        directory.stop()
        assert save("10m", "fresh")[0] == (200, {"ok": True})  # all names were asked for before: nobody is asked
        (status, answer), text = save("carLicens")
        assert status == 200 and "source directory could not be asked" in answer["caveat"] and c.get("config")["text"] == text
        directory.start()
        assert c.command("sync")["exit"] == 2
    finally:
        directory.remove()


def test_s1_3_a_linked_file_keeps_its_link_mode_and_line_ends(c, desk):
    """What is replaced is the file that the link leads to; comments and CRLF stay."""
    was = c.get("config")
    folder = os.path.join(desk.folder, "elsewhere")
    os.mkdir(folder)
    real = os.path.join(folder, "real.conf")
    crlf = was["text"].replace("\n", "\r\n")
    with open(real, "w", encoding="utf-8", newline="") as f:
        f.write(crlf)
    os.chmod(real, 0o640)
    os.chown(real, os.getuid(), 65534) if os.getuid() == 0 else None
    group = os.stat(real).st_gid
    os.unlink(c.conf)
    os.symlink(real, c.conf)
    try:
        now = c.get("config")
        assert now["text"] == crlf and now["writable"]
        text = c.post("config/edit", {"text": crlf, "changes": [{"path": "sync/mail/fresh", "values": ["70s"]}]})["text"]
        assert text.count("\n") == text.count("\r\n") == crlf.count("\n") + 1 and len(text) > len(crlf)
        c.post("config", {"text": text, "digest": now["digest"], "note": "through the link"})
        assert os.path.islink(c.conf)
        with open(real, encoding="utf-8", newline="") as f:
            assert f.read() == text
        st = os.stat(real)
        assert stat.S_IMODE(st.st_mode) == 0o640 and st.st_gid == group
    finally:
        os.unlink(c.conf)
        with open(c.conf, "w", encoding="utf-8") as f:
            f.write(was["text"])
        c.ask({"ask": "reload"})


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, which may be kept from giving files away")
def test_s1_3_a_file_that_cannot_be_given_back_to_its_owner_is_not_replaced(bare):
    """The refusal comes before anything is changed: file, owner, versions and what is in force stay."""
    c = bare.set_up().console
    os.chown(c.conf, 65534, 65534)
    c.stop()
    c.before = ["setpriv", "--inh-caps", "-chown", "--bounding-set", "-chown"]
    c.start()
    was = c.get("config")
    status, answer = c.api("POST", "config", {"text": was["text"] + "# more\n", "digest": was["digest"], "note": ""})
    assert status == 500 and c.conf in answer["error"]["message"] and "65534" in answer["error"]["message"], answer
    now = c.get("config")
    assert now["text"] == was["text"] and "# more" not in json.dumps(now["versions"]) and now["pending"] is False
    assert os.stat(c.conf).st_uid == 65534
    assert [n for n in os.listdir(os.path.dirname(c.conf)) if n.startswith(("lockstep.conf.", ".lockstep-draft"))] == []


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to run the service as somebody else")
def test_s1_3_where_the_service_may_not_write_the_file(open_folder):
    """Set-up and settings say what to put where and how to go on; what was prepared can be looked at; nothing is half written."""
    d = Desk(open_folder, user="nobody")
    try:
        c = d.console.sign_in()
        assert c.get("setup")["writable"] is False
        c.post("setup", {"answers": d.answers(), "secrets": {"token": d.client.token}})
        put = c.post("setup/save", {})
        assert put["put"] == c.conf and not os.path.exists(c.conf)
        with open(c.conf, "w", encoding="utf-8") as f:
            f.write(put["text"])
        c.synced()
        was = c.get("config")
        assert was["writable"] is False and was["text"] == put["text"]
        text = c.post("config/edit", {"text": was["text"], "changes": [{"path": "sync/mail/scope/base", "values": [f"OU=Groups,{BASE}"]}]})["text"]
        job = c.finished(c.post("config/preview", {"text": text})["job"])
        assert {t["op"] for t in job["output"]["totals"]} >= {"disable"}
        status, answer = c.api("POST", "config", {"text": text, "digest": was["digest"], "note": ""})
        assert status == 403 and answer["error"]["code"] == "not-writable"
        assert c.conf in answer["error"]["message"] and "systemctl reload lockstepd" in answer["error"]["message"]
        now = c.get("config")
        assert now["text"] == was["text"] and now["versions"] == was["versions"]
        with open(c.conf, "w", encoding="utf-8") as f:
            f.write(text)
        assert c.get("config")["pending"] is True
        c.ask({"ask": "reload"})
        now = c.get("config")
        assert now["pending"] is False and now["text"] == text
    finally:
        d.stop()


def test_settings_preview_from_the_mirror(c):
    was = c.get("config")
    text = c.post("config/edit", {"text": was["text"], "changes": [
        {"path": "sync/mail/scope/base", "values": [f"OU=Groups,{BASE}"]}]})["text"]
    job = c.finished(c.post("config/preview", {"text": text})["job"])
    totals = {(t["kind"], t["op"]): t["count"] for t in job["output"]["totals"]}
    assert totals[("user", "disable")] > 100
    assert len([o for o in job["output"]["operations"] if o["op"] == "disable"]) == 25
    assert c.get("config")["text"] == was["text"]
    assert c.command("sync")["exit"] == 0 and c.get("read", c="status")["output"]["targets"][0]["in_lockstep"]
    assert not [n for n in os.listdir(os.path.dirname(c.conf)) if n.startswith(".lockstep-draft")]


def test_settings_of_an_included_file_are_refused(c):
    was = c.get("config")
    other = os.path.join(os.path.dirname(c.conf), "more.conf")
    with open(other, "w", encoding="utf-8") as f:
        f.write("keep {\n\tsize = 100\n}\n")
    text = was["text"] + f"include('{other}')\n"
    status, answer = c.api("POST", "config/edit", {"text": text, "changes": [{"path": "keep/size", "values": ["200"]}]})
    assert status == 422 and answer["error"]["code"] == "not-here" and "more.conf, line 2" in answer["error"]["message"]
    os.unlink(other)


def test_sessions_outlive_a_restart_and_jobs_are_not_mistaken(desk):
    """A page that was left open asks for the number of its command: it is nobody else's, and the answer says so."""
    c = desk.console
    old = c.post("command", {"command": ["sync"]})["job"]
    c.finished(old)
    assert c.stop() == 0
    c.start()
    assert c.get("session")["by"]
    status, answer = c.api("GET", f"job?id={old}")
    assert status == 404 and answer["error"]["code"] == "no-such-job" and "started anew" in answer["error"]["message"]
    assert c.post("command", {"command": ["sync"]})["job"] > old


def test_s1_3_a_status_from_before_the_end_of_a_run_is_not_kept(bare):
    """Asked for before a run ended and answered after: whoever asks then is told how it is now."""
    c = bare.set_up().console
    with open(c.conf, encoding="utf-8") as f:
        text = f.read()
    with open(c.conf, "w", encoding="utf-8") as f:
        f.write(text.replace('sync "mail" {', 'sync "mail" {\n\tschedule { on_change = no }'))
    c.stop()
    # The service's own programs, but that what `status` says comes late while that is wanted.
    folder, late = os.path.join(bare.folder, "bin"), os.path.join(bare.folder, "late")
    os.mkdir(folder)
    for name in os.listdir(BIN):
        if name not in ("lockstep", "lockstepd"):
            os.symlink(os.path.join(BIN, name), os.path.join(folder, name))
    shutil.copy(os.path.join(BIN, "lockstepd"), folder)
    with open(os.path.join(folder, "lockstep"), "w", encoding="utf-8") as f:
        f.write(f'#!/bin/sh\ncase "$*" in *" status"*) ;; *) exec {BIN}/lockstep "$@" ;; esac\n[ -e {late} ] || exec {BIN}/lockstep "$@"\n'
                f'{BIN}/lockstep "$@" > {late}.$$; : > {late}.$$.read; while [ -e {late} ]; do sleep 0.05; done; cat {late}.$$\n')
    os.chmod(os.path.join(folder, "lockstep"), 0o755)
    c.before = ["sh", "-c", f'shift; exec {folder}/lockstepd "$@"', "lockstepd"]
    c.start()
    until(lambda: not c.get("live")["jobs"])
    c.command("sync")
    open(late, "w").close()
    asked = threading.Thread(target=c.get, args=("overview",))
    asked.start()

    def read():
        status = [j["why"] for j in c.get("live")["jobs"] if j["command"].startswith("status")]
        return "console" in status and len(glob.glob(late + ".*.read")) == len(status)
    until(read)
    bare.add("Otto Ohne")
    c.command("sync")
    os.unlink(late)
    asked.join()
    assert c.get("overview")["status"]["targets"][0]["failing"] == 1


# --- set up (S1.6, S2.3) ---

def test_set_up_step_by_step(bare):
    c = bare.console.sign_in()
    assert c.get("session")["setup"] is True and c.get("setup")["setup"] is True
    assert c.api("POST", "setup/check", {"what": "target"})[0] == 422
    answers = bare.answers(group=[f"CN=All Staff,OU=Groups,{BASE}"])
    # The target alone, with a wrong token, then with the right one.
    c.post("setup", {"answers": {"target": answers["target"]}, "secrets": {"token": "wrong"}})

    def target():
        found = c.post("setup/check", {"what": "target"})["output"]["findings"]
        return [f["level"] for f in found if f["where"] == "target hosted"]
    assert "fail" in target()
    c.post("setup", {"secrets": {"token": bare.client.token}})
    assert "fail" not in target()
    # Kept over a restart, readable by us alone, never given out.
    c.post("setup", {"answers": answers})
    c.stop()
    c.start()
    c.sign_in()
    got = c.get("setup")
    assert got["answers"] == answers and got["token"] is True and bare.client.token not in json.dumps(got)
    secret = os.path.join(c.state, "setup", "target.token")
    assert stat.S_IMODE(os.stat(secret).st_mode) == 0o600
    # Read, choose, look.
    plan = c.finished(c.post("setup/read", {})["job"])
    assert plan["exit"] == 0 and plan["output"]["totals"], plan
    groups = c.get("setup/browse", c=["browse", "groups", "--match", "all staff"])["output"]["groups"]
    assert groups[0]["name"] == "All Staff"
    assert c.api("GET", "setup/browse?c=sync")[0] == 400
    everybody = sum(t["count"] for t in plan["output"]["totals"] if t["op"] == "create")
    assert everybody > 0
    # Nothing was written so far.
    assert bare.client.find("/Users", "userName pr") == []
    assert not os.path.exists(c.conf)
    saved = c.post("setup/save", {})
    c.synced()
    # S1.4: the key is exchanged without being asked for, and is nowhere any more.
    assert f'"{socket.gethostname()}"' in saved["caveat"] and "revoked alone" in saved["caveat"]
    with open(os.path.join(c.state, "secrets", "target.token"), encoding="utf-8") as f:
        assert f.read().startswith("lsa_")
    assert c.get("session")["setup"] is False
    assert len(bare.client.find("/Users", "userName pr")) > 0
    assert not os.path.exists(secret)
    assert stat.S_IMODE(os.stat(os.path.join(c.state, "secrets", "target.token")).st_mode) == 0o600
    with open(c.conf, encoding="utf-8") as f:
        text = f.read()
    assert bare.client.token not in text and "All Staff" in text
    assert c.api("POST", "setup", {"answers": {}})[0] == 409
    assert c.get("config")["versions"][0]["note"] == "set up"


def test_s1_4_set_up_with_a_service_that_exchanges_no_keys(bare):
    with FakeScim() as fake:
        c = bare.console.sign_in()
        answers = bare.answers()
        answers["target"]["url"] = fake.url
        c.post("setup", {"answers": answers, "secrets": {"token": fake.token}})
        assert "caveat" not in c.post("setup/save", {})
        with open(os.path.join(c.state, "secrets", "target.token"), encoding="utf-8") as f:
            assert f.read() == fake.token + "\n"


def test_s1_4_set_up_goes_on_when_the_key_could_not_be_exchanged(bare):
    with FakeScim(marker={"credentials": {"endpoint": "/.lockstep/credentials"}}) as fake:
        fake.fault("POST /.lockstep/credentials", "status", (500, []))
        c = bare.console.sign_in()
        answers = bare.answers()
        answers["target"]["url"] = fake.url
        c.post("setup", {"answers": answers, "secrets": {"token": fake.token}})
        said = c.post("setup/save", {})["caveat"]
        assert "lockstep register" in said and "500" in said and fake.token not in said
        with open(os.path.join(c.state, "secrets", "target.token"), encoding="utf-8") as f:
            assert f.read() == fake.token + "\n"


@pytest.mark.parametrize("answers", [
    {"target": {"url": "http://x\" }\nstate = '/etc"}, "source": {"type": "ldif", "file": "a'b\\c\"d\n${HOME}"}},
    {"target": {"url": ["http://x"], "name": "a\" {"}, "source": {"type": "ad", "name": "../x", "servers": ["ldaps://a", 5, "b\nc"], "bind": "x"}},
])
def test_answers_are_values_never_text(bare, answers):
    """Whatever is typed stays one value of its option."""
    c = bare.console.sign_in()
    c.post("setup", {"answers": answers})
    status, answer = c.api("POST", "setup/check", {"what": "source"})
    assert status in (200, 422)
    path = os.path.join(c.state, "setup", "lockstep.conf")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            bare_text = re.sub(r"'(\\.|[^'\\])*'|\"[^\"]*\"", "''", f.read())
        assert len(re.findall(r"^state", bare_text, re.M)) == 1
    assert c.process.poll() is None
