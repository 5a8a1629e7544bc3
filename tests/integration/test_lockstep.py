"""The main job, end to end: what is hosted is what the directory has, after each day, by an oracle of its own."""
import os
import shutil

import pytest

import ldif
from company import Company
from mirrored import differences, hosted, wanted

BASES = ["OU=People,DC=example,DC=test", "OU=Groups,DC=example,DC=test"]
SYNC = """ scope { base = {'OU=People,DC=example,DC=test', 'OU=Groups,DC=example,DC=test'} }
 guard { disable = "90%"  delete = "90%"  member_removal = "90%"  member_per_group = "100%" }"""
CHANGES = ("created", "updated", "enabled", "disabled", "deleted", "recreated", "members_added", "members_removed", "failed")


def nothing(run):
    return {k: run[k] for k in CHANGES if run.get(k)} == {}


def check(tree, client):
    assert differences(wanted(tree, BASES), hosted(client)) == []


class Folder:
    """A company as a folder of LDIF, and what it means."""

    def __init__(self, path, people, seed, days):
        self.story = Company(people, seed).write(str(path / "all"), days)
        self.all, self.folder, self.tree = path / "all", path / "directory", {}
        self.folder.mkdir()
        self.take("000-company.ldif")

    def take(self, name):
        shutil.copy(self.all / name, self.folder)
        ldif.replay(self.tree, str(self.all / name))

    def source(self):
        return f"type = \"ldif\"  file = \"{self.folder}\"  base = 'DC=example,DC=test'"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ldif_three_weeks_day_by_day_I6_I7(tmp_path, agent, acme, seed):
    directory = Folder(tmp_path, 120, seed, 15)
    agent.configure(directory.source(), acme, SYNC)
    first = agent.sync()
    assert first["created"] == 120 + directory.story["counts"]["groups"]
    check(directory.tree, acme)
    for day in directory.story["days"]:
        directory.take(day["file"])
        agent.sync()
        check(directory.tree, acme)
    assert nothing(agent.sync())
    assert nothing(agent.sync("--full")), "a full read finds what the deltas missed"
    check(directory.tree, acme)


@pytest.mark.parametrize("seed", [4, 5])
def test_ldif_three_weeks_at_once_I7(tmp_path, agent, acme, seed):
    directory = Folder(tmp_path, 120, seed, 15)
    agent.configure(directory.source(), acme, SYNC)
    agent.sync()
    for day in directory.story["days"]:
        directory.take(day["file"])
    agent.sync()
    check(directory.tree, acme)
    assert nothing(agent.sync("--full"))
    check(directory.tree, acme)


def test_the_oracle_can_fail(tmp_path, agent, acme):
    directory = Folder(tmp_path, 40, 1, 0)
    agent.configure(directory.source(), acme, SYNC)
    agent.sync()
    check(directory.tree, acme)
    people = [a for a in directory.tree.values() if a.get("manager")]
    groups = [a for a in directory.tree.values() if len(a.get("member", ())) > 1]
    people[0]["title"] = [b"Nobody"]
    people[1]["userAccountControl"] = [b"514"]
    del people[2]["manager"]
    del groups[0]["member"][0]
    assert len(differences(wanted(directory.tree, BASES), hosted(acme))) == 4


def tree_of(dc):
    return dict(dc.search("(|(objectClass=user)(objectClass=group))", attrs=["*", "objectGUID"]))


def test_samba_a_week_day_by_day(tmp_path, agent, acme, samba_fresh):
    dc = samba_fresh
    story = Company(80, 6, dc.base, "samba").write(str(tmp_path / "company"), 5)
    dc.stop()
    dc.load(str(tmp_path / "company" / "000-company.ldif"))
    dc.load(str(tmp_path / "company" / "000-company-links.ldif"), changes=True)
    dc.start()
    agent.configure(agent.ad(dc), acme, SYNC)
    agent.run("check")
    agent.sync()
    check(tree_of(dc), acme)
    for day in story["days"]:
        dc.apply(os.path.join(tmp_path, "company", day["file"]))
        agent.sync()
        check(tree_of(dc), acme)
    assert nothing(agent.sync())
    assert nothing(agent.sync("--full"))


def test_samba_move_out_and_back_undelete_and_group_renamed(agent, acme, samba_fresh):
    dc = samba_fresh
    people, groups = dc.add_ou("People"), dc.add_ou("Groups")
    outside = dc.add_ou("Outside")
    users = [dc.add_user(f"u{i}", people, userPrincipalName=f"u{i}@example.test") for i in range(8)]
    inner = dc.add_group("inner", groups, users[:3])
    outer = dc.add_group("outer", groups, [inner, users[4]])
    agent.configure(agent.ad(dc), acme, SYNC)

    def step():
        agent.sync()
        check(tree_of(dc), acme)
    step()
    users[0] = dc.move(users[0], outside)
    step()
    users[0] = dc.move(users[0], people)
    step()
    outer = dc.rename(outer, "renamed, outer")
    dc.add_members(inner, outer)                        # a loop
    step()
    guid = dc.delete(users[1])
    step()
    dc.undelete(guid, users[1])                         # comes back without most of what it had
    dc.modify(users[1], mail="u1@example.test", displayName="u1", userPrincipalName="u1@example.test")
    step()
    dc.modify(users[2], title="Boss", telephoneNumber="+1 2 3", manager=users[3])
    step()
    dc.modify(users[2], title=None, telephoneNumber=None, manager=None)
    step()
    people = dc.rename(people, "People")                # the same name: nothing
    dc.disable(users[3])
    dc.expire(users[4])
    step()
    dc.enable(users[3])
    dc.remove_members(outer, inner)
    dc.delete(inner)
    step()
    assert nothing(agent.sync("--full"))


def test_samba_another_controller_removes_nothing_it_has_not_heard_of_I1(agent, acme, samba_pair):
    dc1, dc2 = samba_pair
    people, groups = dc1.add_ou("People"), dc1.add_ou("Groups")
    users = [dc1.add_user(f"u{i}", people) for i in range(6)]
    team = dc1.add_group("team", groups, users)
    dc2.replicate(dc1)
    source = agent.ad(dc1).replace(f'"{dc1.url}"', f'{{"{dc1.url}", "{dc2.url}"}}')
    agent.configure(source, acme, SYNC)
    agent.sync()
    check(tree_of(dc1), acme)

    dc2.stop()                      # knows nothing of what follows
    dc1.add_user("late", people)
    dc1.add_members(team, f"CN=late,{people}")
    agent.sync()
    before = tree_of(dc1)
    check(before, acme)
    dc1.stop()
    dc2.start()
    title = "Changed at the second controller"
    dc2.modify(users[0], title=title)
    gone = dc2.delete(users[1])
    run = agent.sync()
    assert run["kind"] == "full", "a cursor of another controller is worth nothing"
    users_now, groups_now = hosted(acme)
    late = next(u for u in users_now.values() if u["userName"] == "late@example.test")
    assert late["active"], "not seen by a controller that has not heard of it"
    assert not users_now[gone]["active"], "a tombstone is proof"
    assert title in [u["title"] for u in users_now.values()]
    members = next(g["members"] for g in groups_now.values() if g["displayName"] == "team")
    assert gone not in members

    dc1.start()
    dc1.replicate(dc2)
    dc2.replicate(dc1)
    agent.sync()
    agent.sync("--full")
    check(tree_of(dc1), acme)
    assert nothing(agent.sync())


def test_samba_a_refused_sign_on_is_not_tried_again_and_again_7_4(agent, acme, samba_fresh):
    """The directory counts wrong passwords; a dozen runs and a watcher are one of them."""
    dc = samba_fresh
    agent.configure(agent.ad(dc), acme, SYNC)
    name = dc.account.split("@")[0]
    dc.modify(dc.base, lockoutThreshold="50")        # without one nothing is counted

    def wrong():
        (_, found), = dc.search(f"(sAMAccountName={name})", attrs=["badPwdCount"])
        return int(found.get("badPwdCount", [b"0"])[0])
    agent.sync()
    before = wrong()
    agent.secret("password", "not-the-password")
    for _ in range(4):
        run = agent.sync(code=3)
        assert run["error"]["code"] == "bind-refused" and run["exit"] == 3
    assert wrong() == before + 1
    assert "not tried before" in run["error"]["message"] and "--retry" in run["error"]["message"]
    assert agent.run("watch", "company", code=2).returncode == 2 and wrong() == before + 1
    assert agent.sync("--retry", code=3)["error"]["code"] == "bind-refused" and wrong() == before + 2
    agent.secret("password", dc.account_password)
    assert agent.sync()["exit"] == 0, "a changed secret is tried at once"
    assert agent.sync()["exit"] == 0
