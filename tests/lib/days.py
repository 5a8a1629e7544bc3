"""A few days in the company of company.py, as change records.

Monday people are hired, Tuesday some marry or move, Wednesday accounts are
disabled and expire and groups change, Thursday some leave, Friday a container
is renamed and a group comes and one goes. Then the week begins again, with
other people. Nobody is befallen twice, so that the story can be told.
"""
import datetime
import random
import re

import names
from company import DAYS, filetime, gentime, rdn


class Week:
    def __init__(self, company):
        self.co = company
        self.rng = random.Random(f"days/{company.seed}")
        heads = len(names.DEPARTMENTS)
        now = filetime(company.now)
        free = [p for p in company.pool if p.n > heads and p.uac == 512 and (p.expires in (0,) or p.expires > now)]
        self.rng.shuffle(free)
        self.free = free
        self.by_dn = {p.dn: p for p in company.pool}
        self.teams = {g: [self.by_dn[d] for d in g.members if d in self.by_dn]
                      for g in company.groups if g.cn.startswith("Project ")}
        self.each = max(1, len(company.pool) // 250)      # how many of each sort a day brings
        self.hired = 0
        self.gone = set()
        self.disabled = []
        self.records, self.told = [], {}

    # -- telling
    def take(self, wanted=lambda p: True):
        for i in range(len(self.free) - 1, -1, -1):
            if wanted(self.free[i]):
                return self.free.pop(i)
        return None

    def tell(self, what, item):
        self.told.setdefault(what, []).append(item)

    def modify(self, dn, *mods):
        mods = [(op, attr, [str(v) for v in values]) for op, attr, values in mods]
        if self.co.fmt == "ldif":
            mods.append(("replace", "whenChanged", [gentime(self.today)]))
        self.records.append((dn, "modify", mods))

    def rename(self, dn, new_rdn, superior=None):
        """Renames or moves; returns the new DN, and tells it to all the DNs that contain the old one."""
        parent = superior or re.match(r"(?:\\.|[^,\\])*,(.*)", dn).group(1)
        self.records.append((dn, "modrdn", new_rdn, superior))
        new = f"{new_rdn},{parent}"
        for p in self.co.pool:
            if p.dn == dn or p.dn.endswith("," + dn):
                p.dn = p.dn[:len(p.dn) - len(dn)] + new
        self.co.dept_ou = [o[:len(o) - len(dn)] + new if o == dn or o.endswith("," + dn) else o
                           for o in self.co.dept_ou]
        if self.co.fmt == "ldif" and not superior:
            self.modify(new, ("replace", "name", [re.sub(r"\\(.)", r"\1", new_rdn.split("=", 1)[1])]))
        return new

    # -- what happens
    def hire(self):
        p = self.co.person(self.co.count + self.hired, hired=True)
        self.hired += 1
        self.records.append((p.dn, "add", self.co.person_attrs(p)))
        self.co.pool.append(p)
        self.join(p)
        self.tell("hired", self.co.mail(p.local))

    def join(self, p):
        dept = next(g for g in self.co.groups if g.sam == "g-dept-" + names.DEPARTMENTS[p.dept][1])
        self.modify(dept.dn, ("add", "member", [p.dn]))
        self.tell("member_added", {"group": dept.cn, "mail": self.co.mail(p.local)})

    def promote(self):
        p = self.take()
        if p:
            p.title = "Senior " + p.title
            self.modify(p.dn, ("replace", "title", [p.title]), ("replace", "mobile", [f"+49 171 {p.n:07d}"]))
            self.tell("changed", self.co.mail(p.local))

    def marry(self):
        p = self.take()
        if not p:
            return
        old = self.co.mail(p.local)
        family = self.rng.choice([f for f in self.co.family[p.country] if f[0] != p.family])
        given = next(g[1] for g in self.co.given[p.country] if g[0] == p.given)
        sam = p.sam
        self.co._address(p, given, family[1])
        p.sam, p.family = sam, family[0]          # the account name stays, as it does in most places
        first = names.COUNTRIES[p.country].get("family_first")
        p.display = f"{p.family} {p.given}" if first else f"{p.given} {p.family}"
        again = self.co._unique(self.co.cns, p.display)
        self.rename(p.dn, rdn("CN", p.display if again == 1 else f"{p.display} ({again})"))
        new = self.co.mail(p.local)
        aliases = ["smtp:" + self.co.mail(a) for a in p.aliases] + ["smtp:" + old]
        p.aliases.append(old.split("@")[0])
        self.modify(p.dn, ("replace", "sn", [p.family]), ("replace", "displayName", [p.display]),
                    ("replace", "mail", [new]), ("replace", "userPrincipalName", [new]),
                    ("replace", "proxyAddresses", ["SMTP:" + new] + aliases))
        self.tell("renamed", {"from": old, "to": new})

    def move(self):
        p = self.take(lambda p: p.dept in (0, 1, 2))
        if not p:
            return
        old_dept = p.dept
        p.dept = 3 + self.rng.randrange(2)
        group = {d: next(g for g in self.co.groups if g.sam == "g-dept-" + names.DEPARTMENTS[d][1])
                 for d in (old_dept, p.dept)}
        self.modify(group[old_dept].dn, ("delete", "member", [p.dn]))
        cn = re.match(r"(?:\\.|[^,\\])*", p.dn).group(0)
        self.rename(p.dn, cn, self.co._home(p))
        self.modify(p.dn, ("replace", "department", [names.DEPARTMENTS[p.dept][0]]))
        self.modify(group[p.dept].dn, ("add", "member", [p.dn]))
        self.tell("moved", {"mail": self.co.mail(p.local), "from": names.DEPARTMENTS[old_dept][0],
                            "to": names.DEPARTMENTS[p.dept][0]})

    def disable(self):
        p = self.take()
        if p:
            self.disabled.append(p)
            self.modify(p.dn, ("replace", "userAccountControl", [self.co._uac(514)]))
            self.tell("disabled", self.co.mail(p.local))

    def enable(self):
        if self.disabled:
            p = self.disabled.pop(0)
            self.modify(p.dn, ("replace", "userAccountControl", [self.co._uac(512)]))
            self.tell("enabled", self.co.mail(p.local))

    def expire(self):
        p = self.take()
        if p:      # a past time: true at once under any clock
            p.expires = filetime(self.co.now - datetime.timedelta(hours=14))
            self.modify(p.dn, ("replace", "accountExpires", [p.expires]))
            self.tell("expired", self.co.mail(p.local))

    def regroup(self):
        group, team = self.rng.choice(list(self.teams.items()))
        team[:] = [p for p in team if p.n not in self.gone]
        new = self.take(lambda p: p not in team)
        if team:
            old = team.pop(self.rng.randrange(len(team)))
            self.modify(group.dn, ("delete", "member", [old.dn]))
            self.tell("member_removed", {"group": group.cn, "mail": self.co.mail(old.local)})
        if new:
            team.append(new)
            self.modify(group.dn, ("add", "member", [new.dn]))
            self.tell("member_added", {"group": group.cn, "mail": self.co.mail(new.local)})

    def leave(self):
        p = self.take(lambda p: p.title != "Team Lead" and p.uac == 512)
        if p:      # a controller drops the memberships of the deleted, and does not report that
            self.gone.add(p.n)
            self.co.pool.remove(p)
            self.records.append((p.dn, "delete"))
            self.tell("left", self.co.mail(p.local))

    def reorganize(self):
        old = self.co.dept_ou[5]
        name = "Brand, Web & Marketing" if old.startswith("OU=Marketing") else "Marketing"
        new = self.rename(old, rdn("OU", name))
        self.tell("container_renamed", {"from": old, "to": new})

    def regroup_all(self):
        g = self.co._group(f"Task Force {self.hired}", f"task-{self.hired}",
                           [p.dn for p in self.rng.sample(self.co.pool, 3)], mail=True)
        self.records.append((g.dn, "add", self.co.group_attrs(g)))
        self.tell("group_added", g.cn)
        alumni = next((g for g in self.co.groups if g.cn == "Alumni"), None)
        if alumni:
            self.co.groups.remove(alumni)
            self.records.append((alumni.dn, "delete"))
            self.tell("group_deleted", alumni.cn)

    PLAN = {
        "monday": ["hire", "hire", "hire", "promote", "promote"],
        "tuesday": ["marry", "move", "promote"],
        "wednesday": ["disable", "expire", "regroup", "disable"],
        "thursday": ["leave", "leave", "regroup"],
        "friday": ["reorganize", "regroup_all", "enable", "hire"],
    }
    ONCE = ("reorganize", "regroup_all")

    def day(self, number):
        name = DAYS[number % len(DAYS)]
        self.today = self.co.now + datetime.timedelta(days=number, hours=8)
        self.records, self.told = [], {}
        for step in self.PLAN[name]:
            for _ in range(1 if step in self.ONCE else self.each):
                getattr(self, step)()
        return name, self.records, self.told


def tell(company, count):
    week = Week(company)
    return (week.day(i) for i in range(count))
