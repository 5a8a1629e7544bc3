"""The commands of lockstep as a new user meets them: every exit code for a real cause, every field the manual names."""
import base64
import json
import os
import re
import subprocess
import uuid

import pytest

from agent_fixtures import BIN, ROOT
from company import Company
from mirrored import hosted

BASE = "DC=example,DC=test"
SCOPE = f" scope {{ base = {{'OU=People,{BASE}', 'OU=Groups,{BASE}'}} }}"
PROGRAM = os.path.join(BIN, "lockstep")


class Tree:
    """One LDIF file that is edited as a text, whole records at a time."""

    def __init__(self, path):
        self.path = str(path)
        with open(self.path, "rb") as f:
            self.records = f.read().rstrip(b"\n").split(b"\n\n")

    def drop(self, which, most=10**9):
        """Removes records; which: a predicate over the unfolded text. Returns how many."""
        gone = [r for r in self.records if which(r.replace(b"\n ", b""))][:most]
        self.records = [r for r in self.records if r not in gone]
        return len(gone)

    def add(self, name, *lines, kind="user", guid=None):
        guid = guid or name.encode().ljust(16, b"_")[:16]
        self.records.append("\n".join([
            f"dn: CN={name},OU=People,{BASE}", f"objectClass: {kind}", f"objectGUID:: {base64.b64encode(guid).decode()}",
            f"sAMAccountName: {name}", f"cn: {name}", "userAccountControl: 512", *lines]).encode())

    def write(self):
        """Appears whole, as the manual wants it."""
        with open(self.path + ".new", "wb") as f:
            f.write(b"\n\n".join(self.records) + b"\n\n")
        os.rename(self.path + ".new", self.path)


def tree_id(record):
    found = re.search(rb"\nobjectGUID:: (.*)", record)
    return found and str(uuid.UUID(bytes_le=base64.b64decode(found.group(1))))


def is_person(text):
    return b"\nemployeeID:" in text


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    path = tmp_path_factory.mktemp("company")
    Company(250, 1).write(str(path), 0)
    return path / "000-company.ldif"


@pytest.fixture
def tree(company, agent):
    path = agent.path("directory.ldif")
    with open(company, "rb") as f, open(path, "wb") as g:
        g.write(f.read())
    return Tree(path)


@pytest.fixture
def ready(tree, agent, acme):
    """A configuration with a relative path; nothing done yet."""
    return agent.configure(f"type = \"ldif\"  file = \"directory.ldif\"  base = '{BASE}'", acme, SCOPE)


@pytest.fixture
def synced(ready):
    ready.first = ready.sync()
    return ready


def rewrite(agent, *changes):
    with open(agent.conf) as f:
        text = f.read()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    with open(agent.conf, "w") as f:
        f.write(text)


def bare(*words):
    return subprocess.run([PROGRAM, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)


def documented_fields():
    """What lockstep(1) promises of sync --json."""
    with open(os.path.join(ROOT, "man", "lockstep.1")) as f:
        text = re.search(r"the object has: (.*?), and error", f.read(), re.S).group(1)
    text = re.sub(r"\n\.Pq [^,\n]*", "", text)
    return [x.strip() for x in text.replace("\n", " ").split(",") if x.strip()]


# --- what the commands say

def test_first_hour_of_a_new_user(ready, acme):
    assert "never synced" in ready.run("status", code=1).stdout
    assert ready.run("check").stdout.rstrip().endswith("Ready.")
    text = ready.run("plan").stdout
    assert re.search(r"user +250 create", text) and re.search(r"group +38 create", text) and "--all" in text
    assert len(ready.run("plan", "--all").stdout.splitlines()) > 500
    assert hosted(acme) == ({}, {}), "a plan does nothing"
    plan = ready.json("plan")
    assert {(t["kind"], t["op"]): t["count"] for t in plan["totals"]}[("user", "create")] == 250
    names = {o["name"] for o in plan["operations"] if o["op"] == "create" and o["kind"] == "user"}
    assert "olena.galagan@example.test" in names and len(names) == 250
    assert "In lockstep." in ready.run("sync").stdout
    assert len(hosted(acme)[0]) == 250
    assert re.search(r"in lockstep.*\n +users +250", ready.run("status").stdout)
    assert "nothing to do" in ready.run("plan").stdout
    assert ready.run("sync", "--full", "mail").returncode == 0


def test_sync_json_has_the_documented_fields_in_their_order(ready):
    first = ready.sync()
    assert list(first) == documented_fields()
    assert first["kind"] == "full" and first["created"] == 288 and first["members_added"] > 250 and first["exit"] == 0
    second = ready.sync()
    assert list(second) == documented_fields() and second["kind"] == "delta" and second["unchanged"] == 288
    assert ready.sync("--full")["kind"] == "full"
    assert second["run"] == first["run"] + 1


def test_json_is_one_object_on_one_line(synced):
    for words in (["check"], ["plan"], ["sync"], ["status"], ["history"], ["history", "1"], ["config", "show"],
                  ["explain", "olena.galagan@example.test"]):
        out = synced.run(*words, "--json").stdout
        assert out.count("\n") == 1 and isinstance(json.loads(out), dict), words
    for words, code in ((["explain", "nobody@example.test"], 1), (["release", "7"], 2)):
        error = synced.json(*words, code=code)
        assert error["exit"] == code and words[1] in error["error"]["message"]


def test_status_and_history(synced, tree):
    status = synced.json("status")["targets"][0]
    assert status["target"] == "hosted" and status["in_lockstep"] and (status["users"], status["groups"]) == (250, 38)
    synced.sync()
    runs = synced.json("history")["runs"]
    assert [r["run"] for r in runs] == [2, 1] and runs[1]["counts"]["created"] == 288
    ops = synced.json("history", "1")["operations"]
    assert sum(o["op"] == "create" for o in ops) == 288
    assert "create user olena.galagan@example.test" in synced.run("history", "1").stdout
    tree.records = [r.replace(b"Chief Executive Officer", b"Chief") for r in tree.records]
    tree.write()
    update, = synced.json("history", str(synced.sync()["run"]))["operations"]
    assert update["op"] == "update" and update["name"] == "olena.galagan@example.test"
    assert update["before"]["title"] == ["Chief Executive Officer"] and update["after"]["title"] == ["Chief"]
    assert '"Chief Executive Officer" -> "Chief"' in synced.run("history", "3").stdout
    assert bare("-c", synced.conf, "history", "x").returncode == 2


def test_explain_by_mail_dn_account_and_id(synced):
    by_mail = synced.json("explain", "Olena.Galagan@example.test")["results"][0]
    assert by_mail["in_scope"] and by_mail["state"] == "linked" and by_mail["now"] == []
    values = [v["name"].lower() for v in by_mail["values"]]
    assert len(values) == len(set(values)), "each value once"
    title = next(v for v in by_mail["values"] if v["name"] == "title")
    assert title["wanted"] == title["sent"] == "Chief Executive Officer" and title["expression"] == "title"
    for who in (by_mail["dn"], by_mail["id"], "ogalagan", by_mail["dn"].replace(",OU=", ", ou=")):
        assert synced.json("explain", who)["results"][0]["id"] == by_mail["id"], who
    text = synced.run("explain", "ogalagan").stdout
    assert "Scope of sync mail: IN" in text and "nothing would be sent now" in text and "line 6" in text
    service = synced.json("explain", "svc-backup")["results"][0]
    assert not service["in_scope"] and [s["rule"] for s in service["scope"] if not s["pass"]] == ["base"]
    assert "nobody@x" in synced.run("explain", "nobody@x", code=1).stderr


def test_config_show_can_be_used_in_its_place(synced):
    text = synced.run("config", "show").stdout
    with open(synced.conf, "w") as f:
        f.write(text)
    run = synced.sync()
    assert (run["kind"], run["unchanged"], run["updated"]) == ("delta", 288, 0)
    assert synced.run("config", "show").stdout == text


def test_include_and_relative_paths_from_another_folder(synced, tmp_path):
    with open(synced.conf) as f:
        text = f.read()
    sub = os.path.join(synced.folder, "conf.d")
    os.mkdir(sub)
    start = text.index("sync \"mail\"")
    with open(os.path.join(sub, "sync.conf"), "w") as f:
        f.write(text[start:])
    with open(synced.conf, "w") as f:
        f.write(text[:start] + "include(\"conf.d/sync.conf\")\n")
    done = subprocess.run([PROGRAM, "-c", synced.conf, "sync", "--json"], cwd=str(tmp_path), capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout)["unchanged"] == 288
    done = subprocess.run([PROGRAM, "-c", os.path.basename(synced.conf), "sync", "--json"], cwd=synced.folder,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rewrite_in = os.path.join(sub, "sync.conf")
    with open(rewrite_in, "a") as f:
        f.write("\nbogus = 1\n")
    wrong = synced.run("sync", code=2).stderr
    assert "sync.conf:" in wrong and "bogus" in wrong


# --- help and usage

def test_help_of_every_command():
    text = bare("--help")
    assert text.returncode == 0 and "Exit codes" in text.stdout
    commands = re.findall(r"^  (\w+)", text.stdout, re.M)
    assert {"check", "plan", "sync", "release", "status", "history", "explain", "config"} <= set(commands)
    for c in commands:
        out = bare(c, "--help")
        assert out.returncode == 0 and out.stdout.startswith("usage: lockstep [-c FILE] " + c) and not out.stderr, c
    with open(os.path.join(ROOT, "man", "lockstep.1")) as f:
        manual = f.read()
    for c in commands:
        assert f".It Ic {c}" in manual, f"{c} is not in the manual"
    assert bare("--version").stdout.startswith("lockstep ")


@pytest.mark.parametrize("words,said", [
    (["snyc"], "sync"), (["nonsense-at-all"], "--help"), (["sync", "--ful"], "--full"), (["release"], "number of a run"),
    (["release", "0"], "number of a run"), (["history", "-1"], "number"), (["explain"], "mail address"),
    (["config"], "show"), (["status", "now"], "no arguments"), (["check", "--all"], "--print-setup"), (["plan", "x"], "--all")])
def test_exit_2_usage(ready, words, said):
    done = ready.run(*words, code=2)
    assert said in done.stderr and not done.stdout


def test_exit_2_no_command_no_file_unknown_option(tmp_path):
    assert bare().returncode == 2
    done = bare("-c", str(tmp_path / "none.conf"), "sync")
    assert done.returncode == 2 and "none.conf" in done.stderr and "No such file" in done.stderr
    assert bare("--nonsense", "sync").returncode == 2


# --- exit codes for real causes

@pytest.mark.parametrize("old,new,said", [
    (" scope {", " scpoe {", ["lockstep.conf:6", "scope"]),
    ("url =", "ulr =", ["lockstep.conf:3", "did you mean \"url\""]),
    ("file = \"directory", "fiel = \"directory", ["lockstep.conf:2", "did you mean \"file\""]),
    ("to = \"hosted\"", "to = \"hostde\"", ["lockstep.conf:4", "did you mean \"hosted\""]),
    ("type = \"scim\"", "type = \"scmi\"", ["lockstep.conf:3", "scmi"]),
    (" scope {", " scope { filter = '(mail=*'", ["lockstep.conf:6", "')' is missing"]),
    (" scope {", " user { map { title = 'Trimm(title)' } }\n scope {", ["lockstep.conf:6", "Trim"]),
    ("'OU=Groups", "\"OU\\\\=Groups", ["lockstep.conf:6"]),
    ("token_file =", "token =", ["lockstep.conf:3", "no option \"token\""]),
    ("sync \"mail\" {", "sync \"mail\" {\n user { grace = \"soon\" }", ["lockstep.conf:5", "soon", "30d"])])
def test_exit_2_configuration_with_its_line_and_a_suggestion(ready, old, new, said):
    rewrite(ready, (old, new))
    for command in ("check", "plan", "sync", "status"):
        done = ready.run(command, code=2)
        assert all(s in done.stderr for s in said), done.stderr
    error = ready.json("sync", code=2)
    assert error["error"]["kind"] == "config" and said[0] in error["error"]["message"]
    assert not os.path.exists(ready.path("state")), "nothing was begun"


def test_exit_2_plain_http_to_another_machine_1_5(ready):
    rewrite(ready, ("http://127.0.0.1", "http://192.0.2.1"))
    done = ready.run("sync", code=2)
    assert "https" in done.stderr and "loopback" in done.stderr
    assert "loopback" in ready.run("check", code=1).stdout


def test_exit_3_cut_file_changes_nothing_I1_I4(synced, tree, acme):
    before = hosted(acme)
    with open(tree.path, "rb") as f:
        whole = f.read()
    with open(tree.path, "wb") as f:
        f.write(whole[:len(whole) // 2].rstrip(b"\n"))
    done = synced.run("sync", code=3)
    assert "directory.ldif" in done.stderr
    error = synced.sync("--full", code=3)
    assert error["exit"] == 3 and "directory.ldif" in error["error"]["message"]
    assert hosted(acme) == before
    assert synced.json("explain", "olena.galagan@example.test")["results"][0]["in_scope"], "the mirror is as it was"
    with open(tree.path, "wb") as f:
        f.write(whole)
    run = synced.sync()
    assert {k: run[k] for k in ("created", "updated", "disabled", "deleted", "members_added", "members_removed")
            if run[k]} == {}


def test_exit_3_no_file(synced, tree):
    os.unlink(tree.path)
    assert "directory.ldif" in synced.run("sync", code=3).stderr


def test_exit_4_guard_release_and_undone_by_nobody_I1_8_4(synced, tree, acme):
    assert tree.drop(is_person, 200) == 200
    tree.write()
    held = synced.sync(code=4)
    assert held["held"] > 0 and held["disabled"] == held["deleted"] == 0
    users, _ = hosted(acme)
    enabled = sum(u["active"] for u in users.values())
    assert len(users) == 250 and enabled > 230, "nobody was disabled"
    assert "HELD" in synced.run("plan", code=(0, 4)).stdout
    done = synced.run("sync", code=4)
    run = synced.json("history")["runs"][0]["run"]
    assert f"release {run}" in done.stdout
    assert synced.json("status", code=1)["targets"][0]["held"] > 0
    assert synced.run("history", str(run)).stdout.count("HELD  disable user") == held["held"]
    assert synced.json("release", str(run))["released"] == held["held"] > 180
    after = synced.sync()
    assert after["disabled"] == held["held"] and after["exit"] == 0
    users, groups = hosted(acme)
    assert len(users) == 250 and sum(u["active"] for u in users.values()) == enabled - held["held"]
    left = {tree_id(r) for r in tree.records}
    assert not [m for g in groups.values() for m in g["members"] if m not in left], "who left is in no group"
    assert synced.json("status")["targets"][0]["in_lockstep"]
    assert synced.sync()["held"] == 0
    assert "no run 99" in synced.run("release", "99", code=2).stderr


def test_exit_5_service_down_then_up(ready, cloud):
    port = cloud.port
    cloud.stop()
    done = ready.run("sync", code=5)
    assert f"127.0.0.1:{port}" in done.stderr and "accept" in done.stderr
    assert "FAIL" in ready.run("check", code=1).stdout
    cloud.start(port=port)
    assert ready.sync()["created"] == 288


def test_exit_5_wrong_token_is_one_alert_7_4(ready, acme):
    ready.secret("token", "not-the-token")
    error = ready.sync(code=5)
    assert error["exit"] == 5 and "token" in error["error"]["message"] and error["failed"] == 0
    assert "not-the-token" not in json.dumps(error)
    assert "token" in ready.run("check", code=1).stdout
    assert "NOT in lockstep" in ready.run("status", code=1).stdout
    ready.secret("token", acme.token)
    assert ready.sync()["created"] == 288, "a changed token takes effect at once"


def test_exit_1_objects_that_cannot_be_S1_14_7_3(ready, tree, acme):
    tree.add("nomail", "displayName: No Mail")
    tree.add("twin", "mail: Olena.Galagan@example.test")
    tree.write()
    run = ready.sync(code=1)
    assert run["created"] == 288 and run["failed"] == 2 and run["exit"] == 1, "the others do not wait, nor one of two twins"
    failures = ready.json("status", code=1)["targets"][0]["failures"]
    assert all(f["object"] and f["code"] and f["message"] for f in failures) and len(failures) == 2
    text = ready.run("status", code=1).stdout
    assert re.search(r"FAILS CN=nomail,.*\[no-name\].*userName.*mail", text), text
    assert re.search(r"FAILS olena.galagan@example.test", text, re.I), text
    tree.records.pop(), tree.records.pop()
    tree.add("nomail", "displayName: No Mail", "mail: nomail@example.test")
    tree.add("twin", "mail: twin@example.test")
    tree.write()
    run = ready.sync()
    assert run["created"] == 2 and run["failed"] == 0, "mended at once when the entry changes (7.3)"
    assert ready.json("status")["targets"][0]["failures"] == []


def test_two_sources_do_not_fight_over_one_object_2_4_3_1(tree, agent, acme):
    def configure(*sources):
        token = agent.secret("token", acme.token)
        with open(agent.conf, "w") as f:
            f.write(f'state = "{agent.path("state")}"\ntarget "hosted" {{ type = "scim"  '
                    f'url = "http://127.0.0.1:{acme.port}/scim/v2"  token_file = "{token}" }}\n')
            for name in sources:
                f.write(f"source \"{name}\" {{ type = \"ldif\"  file = \"{tree.path}\"  base = '{BASE}' }}\n"
                        f"sync \"{name}\" {{ from = \"{name}\"  to = \"hosted\"\n{SCOPE}\n}}\n")
    configure("one")
    assert agent.sync()["created"] == 288
    before = hosted(acme)
    configure("one", "two")
    run = agent.sync(code=1)
    assert run["failed"] == 288 and not any(run[k] for k in ("created", "updated", "disabled", "deleted", "held"))
    assert "comes from source one already" in agent.run("status", code=1).stdout
    assert hosted(acme) == before
    configure("two")
    run = agent.sync()
    assert not any(run[k] for k in ("created", "updated", "disabled", "deleted", "members_removed", "failed")), \
        "a source that was renamed goes on with its objects"
    assert hosted(acme) == before
    tree.drop(is_person, 1)
    tree.write()
    assert agent.sync()["disabled"] == 1


def test_exit_4_name_taken_by_a_foreign_object_waits_for_approval_3_2(ready, tree, acme):
    tree.add("taken", "mail: taken@example.test", "displayName: Ours")
    tree.write()
    foreign = acme.user("taken@example.test", displayName="Foreign")
    run = ready.sync(code=4)
    assert run["created"] == 288 and run["held"] == 1 and run["failed"] == 0

    def there():
        found, = acme.find("/Users", "userName eq \"taken@example.test\"")
        assert found["id"] == foreign["id"]
        return found["displayName"]
    assert there() == "Foreign"
    assert "HELD  adopt user taken@example.test" in ready.run("history", str(run["run"])).stdout
    assert "held back: 1" in ready.run("status", code=1).stdout
    assert ready.sync(code=4)["held"] == 1
    assert ready.json("release", str(run["run"]))["released"] == 1
    after = ready.sync()
    assert after["adopted"] == 1 and there() == "Ours"
    assert ready.sync()["unchanged"] == 289


# --- bad input: the rest goes on, and nothing is lost

BAD = {
    "latin1": b"displayName: M\xfcller",
    "base64": b"displayName:: %%%%",
    "url": b"displayName:< file:///etc/passwd",
    "noutf8": b"displayName:: " + base64.b64encode(b"\xff\xfe\xfd"),
    "nul": b"displayName:: " + base64.b64encode(b"a\0b"),
    "huge": b"title:: " + base64.b64encode(b"x" * 1_500_000),
}


@pytest.mark.parametrize("what", sorted(BAD))
def test_bad_value_holds_back_the_value_alone(ready, tree, acme, what):
    tree.add("odd", "mail: odd@example.test", "displayName: Odd One", "title: Before")
    tree.write()
    ready.sync()
    good = tree.records.pop()
    attribute = BAD[what].split(b":")[0] + b":"
    tree.records.append(b"\n".join(x for x in good.split(b"\n") if not x.startswith(attribute)) + b"\n" + BAD[what]
                        + b"\ndepartment: Oddities")
    tree.add("after", "mail: after@example.test")
    tree.write()
    run = ready.sync(code=(0, 1))
    assert run["created"] == 1 and run["disabled"] == run["deleted"] == 0
    user, = acme.find("/Users", "userName eq \"odd@example.test\"")
    assert user["displayName"] == "Odd One" and user["title"] == "Before" and user["active"]
    about = ready.run("explain", "odd@example.test").stdout
    assert "held back" in about and attribute[:-1].decode().lower() in about.lower(), about


def test_check_names_what_only_the_state_can_tell_N13_8_4(ready, tree, agent, acme):
    tree.add("twin", "mail: Olena.Galagan@example.test")
    tree.write()
    guard = " guard { protect = {'olena.galagan@example.test', 'nobody@example.test'}  protect_group = 'CN=None,DC=x' }"
    agent.configure(f"type = \"ldif\"  file = \"directory.ldif\"  base = '{BASE}'", acme, SCOPE + guard)
    ready.run("plan")
    found = [f for f in ready.json("check")["findings"] if f["level"] == "warn"]
    assert [f["topic"] for f in found] == ["duplicate-name", "protect-unknown", "protect-unknown"] and all(f["remedy"] for f in found)
    assert "2 users want the name" in found[0]["text"] and "olena.galagan" in found[0]["text"].lower()
    assert "'nobody@example.test'" in found[1]["text"] and "'CN=None,DC=x'" in found[2]["text"]


def test_explain_of_who_is_gone_N5(synced, tree):
    assert tree.drop(lambda r: b"\nmail: olena.galagan@" in r.lower(), 1)
    tree.write()
    assert synced.sync()["disabled"] == 1
    gone = synced.json("explain", "olena.galagan@example.test")["results"][0]
    assert not gone["in_scope"] and "deleted in the directory" in gone["because"]
    assert [c["op"] for c in gone["sent"]][-1] == "disable" and not gone["active"]


def test_explain_of_who_left_and_is_disabled_I5(ready, tree, agent, acme):
    """What would be sent is what the next run sends, for leave = keep too."""
    agent.configure(f"type = \"ldif\"  file = \"directory.ldif\"  base = '{BASE}'", acme, SCOPE + ' user { leave = "keep" }')
    tree.add("leaver", "mail: leaver@example.test")
    tree.write()
    ready.sync()
    tree.records[-1] = tree.records[-1].replace(b"OU=People,", b"").replace(b"userAccountControl: 512", b"userAccountControl: 514")
    tree.write()
    ready.run("plan")
    left = ready.json("explain", "leaver@example.test")["results"][0]
    assert not left["in_scope"] and [o["op"] for o in left["now"]] == ["disable (seen)"]
    assert ready.sync()["disabled"] == 1
    assert ready.json("explain", "leaver@example.test")["results"][0]["now"] == []


def test_history_counts_as_the_run_said(synced):
    run = synced.sync("--full")
    kept = synced.json("history")["runs"][0]["counts"]
    assert kept["kind"] == run["kind"] == "full" and kept["seconds"] > 0
    assert {k: v for k, v in kept.items() if k != "seconds"} == {k: v for k, v in run.items() if k in kept and k != "seconds"}


def test_line_without_colon_holds_back_the_entry_which_counts_as_present_I1(ready, tree, acme):
    tree.add("odd", "mail: odd@example.test")
    tree.write()
    ready.sync()
    tree.records[-1] += b"\nthis is no line of LDIF"
    tree.write()
    run = ready.sync(code=(0, 1))
    assert run["disabled"] == run["deleted"] == 0
    user, = acme.find("/Users", "userName eq \"odd@example.test\"")
    assert user["active"]


def test_a_backup_of_nothing_is_no_backup(agent, acme):
    """A job that copies the wrong folder every night should hear of it."""
    from smalldir import SmallDirectory
    people = SmallDirectory(agent.path("people.ldif"))
    people.user("anna")
    agent.configure(people.write().source(), acme)
    copy = agent.path("copy")
    assert "nothing was copied" in agent.run("state", "backup", copy, code=1).stderr
    agent.sync()
    agent.run("state", "backup", copy)
    assert sorted(os.listdir(copy)) == ["source-company.db", "target-hosted.db"]
