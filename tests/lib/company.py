#!/usr/bin/python3
"""A believable company, the same for the same seed.

People of several countries and scripts in departments, their managers, nested
groups, disabled, expired and expiring accounts, mail aliases, computers and
service accounts (which nobody wants in a mail system); then a few days of
changes. Written as LDIF, in one of two shapes:

  ldif    what an Active Directory shows: objectGUID, whenChanged, ... for
          lockstep-source-ldif
  samba   what one loads into a Samba AD DC: without what the controller makes

  company.py --people 250 --seed 1 --out DIR [--format ldif|samba] [--days 5]

writes
  DIR/000-company.ldif        content records: containers, people, groups
  DIR/changes/NNN-DAY.ldif    change records, a file a day, to be taken in order
  DIR/story.json              counts, and who is hired, renamed, moved, ... when

Entries are made one after another and not kept; of 200,000 people only DNs stay
in memory. A company of 300 begins with the same 250 people as one of 250.

As a module: Company(people, seed, ...).entries(), .days(), .write(folder).
"""
import argparse
import base64
import bisect
import datetime
import hashlib
import itertools
import json
import os
import random
import re
import sys
import unicodedata
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import names  # noqa: E402  (beside this file)

NEVER = 9223372036854775807
POOL = 2000          # the changes of the days befall the first of the people
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]
FOLD = {"ß": "ss", "ø": "o", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "æ": "ae", "ð": "d", "þ": "th", "ı": "i"}

SAFE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x1f\x21-\x39\x3b\x3d-\x7f][\x01-\x09\x0b\x0c\x0e-\x7f]*\Z")


# --- LDIF (RFC 2849) and DNs (RFC 4514) ---------------------------------------------------

def ldif_line(attr, value):
    """One folded 'attr: value' or 'attr:: base64', with its line end, as bytes."""
    raw = value if isinstance(value, bytes) else str(value).encode()
    if raw == b"" or (SAFE.match(raw) and not raw.endswith(b" ")):
        line = attr.encode() + b": " + raw if raw else attr.encode() + b":"
    else:
        line = attr.encode() + b":: " + base64.b64encode(raw)
    if len(line) <= 76:
        return line + b"\n"
    parts = [line[:76]] + [line[i:i + 75] for i in range(76, len(line), 75)]
    return b"\n ".join(parts) + b"\n"


def ldif_entry(dn, attrs):
    """A content record: attrs is a list of (attribute, value)."""
    return ldif_line("dn", dn) + b"".join(ldif_line(a, v) for a, v in attrs) + b"\n"


def ldif_change(rec):
    """A change record: (dn, 'add', attrs) | (dn, 'delete') | (dn, 'modify', [(op, attr, values)])
    | (dn, 'modrdn', new rdn, new superior or None)."""
    out = [ldif_line("dn", rec[0]), ldif_line("changetype", rec[1])]
    if rec[1] == "add":
        out += [ldif_line(a, v) for a, v in rec[2]]
    elif rec[1] == "modify":
        for op, attr, values in rec[2]:
            out.append(ldif_line(op, attr))
            out += [ldif_line(attr, v) for v in values]
            out.append(b"-\n")
    elif rec[1] == "modrdn":
        out += [ldif_line("newrdn", rec[2]), b"deleteoldrdn: 1\n"]
        if rec[3]:
            out.append(ldif_line("newsuperior", rec[3]))
    return b"".join(out) + b"\n"


def rdn(attr, value):
    text = re.sub(r'([,+"\\<>;=])', r"\\\1", value)
    if text[:1] in (" ", "#"):
        text = "\\" + text
    if text.endswith(" "):
        text = text[:-1] + "\\ "
    return f"{attr}={text}"


def filetime(t):
    """A datetime as accountExpires counts: 100 ns since 1601-01-01 UTC."""
    return int((t - datetime.datetime(1601, 1, 1, tzinfo=datetime.timezone.utc)).total_seconds()) * 10_000_000


def gentime(t):
    return t.strftime("%Y%m%d%H%M%S.0Z")


def latin(text):
    folded = "".join(FOLD.get(ch, ch) for ch in text)
    folded = unicodedata.normalize("NFKD", folded)
    return re.sub(r"[^a-z0-9-]", "", folded.encode("ascii", "ignore").decode().lower())


# --- the company --------------------------------------------------------------------------

class Person:
    __slots__ = ("n", "given", "family", "display", "local", "sam", "dn", "country", "city", "dept", "title",
                 "manager", "uac", "expires", "aliases", "groups", "key")


class Group:
    __slots__ = ("cn", "dn", "sam", "mail", "type", "members", "text")


def _names(text):
    """'native|latin native|latin ...' -> [(native, latin), ...]"""
    out = []
    for word in text.split():
        native, _, roman = word.partition("|")
        out.append((native.replace("_", " "), latin(roman or native)))
    return out


class Company:
    def __init__(self, people=250, seed=1, base="DC=example,DC=test", fmt="ldif", now="2026-11-02T06:00:00+00:00",
                 staff=None):
        self.count, self.seed, self.base, self.fmt = people, seed, base, fmt
        self.now = datetime.datetime.fromisoformat(now)
        self.domain = ".".join(re.findall(r"DC=([^,]+)", base, re.I)) or "example.test"
        self.staff = staff or f"OU=People,{base}"
        self.groups_ou = f"OU=Groups,{base}"
        self.counts = dict(people=0, enabled=0, disabled=0, expired=0, expiring=0, groups=0, containers=0,
                           service_accounts=0, computers=0)
        self.pool, self.groups = [], []
        self.rng = random.Random(f"company/{seed}")
        self.taken = {}                       # local part or account name -> how often
        self.cns = {}
        self.leads = [[] for _ in names.DEPARTMENTS]
        self.by_dept = [[] for _ in names.DEPARTMENTS]
        self.by_country = [[] for _ in names.COUNTRIES]
        self.lead_dns = []
        self.hosted = []                      # people who are in "Hosted Mail" themselves
        self.country_sum = list(itertools.accumulate(c["weight"] for c in names.COUNTRIES))
        self.dept_sum = list(itertools.accumulate(d[2] for d in names.DEPARTMENTS))
        self.given = [_names(c["given"]) for c in names.COUNTRIES]
        self.family = [_names(c["family"]) for c in names.COUNTRIES]
        self.dept_ou = [f"{rdn('OU', d[0])},{self.staff}" for d in names.DEPARTMENTS]

    # objectGUID is a function of seed and key: the same object in every run
    def guid(self, key):
        return uuid.UUID(bytes=hashlib.md5(f"{self.seed}/{key}".encode()).digest(), version=4)

    def _ad(self, key, cn, created):
        """What a controller adds by itself; nothing in the samba shape."""
        if self.fmt != "ldif":
            return []
        return [("name", cn), ("objectGUID", self.guid(key).bytes_le), ("whenCreated", gentime(created)),
                ("whenChanged", gentime(self.now))]

    def _unique(self, table, text):
        n = table.get(text.lower(), 0) + 1
        table[text.lower()] = n
        return n

    # -- containers
    def containers(self):
        yield self._ou("People", self.base) if self.staff.lower().startswith("ou=people,") else None
        for i, dept in enumerate(names.DEPARTMENTS):
            yield self._ou(dept[0], self.staff)
            if dept[3]:
                for country in names.COUNTRIES:
                    yield self._ou(country["co"], self.dept_ou[i])
        for ou in ("Groups", "Service Accounts", "Workstations"):
            yield self._ou(ou, self.base)

    def _ou(self, name, parent):
        self.counts["containers"] += 1
        dn = f"{rdn('OU', name)},{parent}"
        return dn, [("objectClass", "top"), ("objectClass", "organizationalUnit"), ("ou", name),
                    *self._ad(f"ou/{dn}", name, self.now - datetime.timedelta(days=3000))]

    # -- people
    def person(self, n, hired=False):
        """The next person; n counts from 0. hired: one who comes on a later day."""
        rng, p = self.rng, Person()
        heads = len(names.DEPARTMENTS)
        p.n, p.key = n, f"person/{'new/' if hired else ''}{n}"
        pick = bisect.bisect_right(self.country_sum, rng.random() * self.country_sum[-1])
        p.country = min(pick, len(names.COUNTRIES) - 1)
        if not hired and n <= heads:
            p.dept = max(n - 1, 0)
        else:
            pick = bisect.bisect_right(self.dept_sum, rng.random() * self.dept_sum[-1])
            p.dept = min(pick, heads - 1)
        land, dept = names.COUNTRIES[p.country], names.DEPARTMENTS[p.dept]
        given, family = rng.choice(self.given[p.country]), rng.choice(self.family[p.country])
        p.city = rng.choice(land["cities"])
        p.given, p.family = given[0], family[0]
        p.display = f"{p.family} {p.given}" if land.get("family_first") else f"{p.given} {p.family}"
        again = self._unique(self.cns, p.display)
        cn = p.display if again == 1 else f"{p.display} ({again})"
        self._address(p, given[1], family[1])
        p.dn = f"{rdn('CN', cn)},{self._home(p)}"
        p.manager, p.title = self._place(p, hired)
        roll = rng.random()
        p.uac = 514 if roll < 0.05 else 66048 if roll < 0.08 else 512
        p.expires = NEVER if roll < 0.60 else 0
        if 0.90 <= roll < 0.96:       # far enough away for any clock this runs under
            p.expires = filetime(self.now + datetime.timedelta(days=rng.randrange(1800, 3600), hours=17))
        elif 0.96 <= roll < 0.98:
            p.expires = filetime(self.now - datetime.timedelta(days=rng.randrange(10, 400)))
        if n <= heads or hired:
            p.uac, p.expires = 512, NEVER
        p.aliases = [f"{given[1][:1]}{family[1]}{'' if again == 1 else again}.{n}"] if rng.random() < 0.35 else []
        if rng.random() < 0.1:
            p.aliases.append(f"{dept[1]}.{p.local}")
        p.groups = []
        return p

    def _address(self, p, given, family):
        local = f"{given}.{family}"
        again = self._unique(self.taken, local)
        p.local = local if again == 1 else f"{local}{again}"
        sam = (given[:1] + family)[:14]
        again = self._unique(self.taken, "sam/" + sam)
        p.sam = sam if again == 1 else f"{sam}{again}"

    def _home(self, p):
        ou = self.dept_ou[p.dept]
        return f"OU={names.COUNTRIES[p.country]['co']},{ou}" if names.DEPARTMENTS[p.dept][3] else ou

    def _place(self, p, hired):
        """Manager and title: the chief, heads of departments, leads of teams, the others."""
        dept, leads = names.DEPARTMENTS[p.dept], self.leads[p.dept]
        if p.n == 0 and not hired:
            self.chief = p
            return None, "Chief Executive Officer"
        if not hired and p.n <= len(names.DEPARTMENTS):
            leads.append(p)
            return self.chief, f"Head of {dept[0]}"
        manager = self.rng.choice(leads[-40:]) if leads else self.chief
        if not hired and self.rng.random() < 0.11:
            leads.append(p)
            return manager, "Team Lead"
        return manager, self.rng.choice(dept[4])

    def mail(self, local):
        return f"{local}@{self.domain}"

    def person_attrs(self, p):
        land, dept = names.COUNTRIES[p.country], names.DEPARTMENTS[p.dept]
        rng = random.Random(p.n * 7919 + 13)
        cn = re.sub(r"\\(.)", r"\1", re.match(r"CN=((?:\\.|[^,])*)", p.dn).group(1))
        city, st, post, area = p.city
        ext = 5550000 + p.n
        out = [("objectClass", v) for v in ("top", "person", "organizationalPerson", "user")]
        out += [("cn", cn), ("sn", p.family), ("givenName", p.given), ("displayName", p.display),
                *self._ad(p.key, cn, self.now - datetime.timedelta(days=rng.randrange(1, 3000))),
                ("sAMAccountName", p.sam), ("userPrincipalName", self.mail(p.local)), ("mail", self.mail(p.local)),
                ("proxyAddresses", "SMTP:" + self.mail(p.local))]
        out += [("proxyAddresses", "smtp:" + self.mail(a)) for a in p.aliases]
        out += [("userAccountControl", self._uac(p.uac)), ("accountExpires", p.expires),
                ("employeeID", f"{p.n + 10001}" if not p.key.startswith("person/new") else f"N{p.n + 10001}"),
                ("title", p.title), ("department", dept[0]), ("company", "Example"),
                ("telephoneNumber", f"{land['tel']} {area} {ext}")]
        if rng.random() < 0.4:
            out.append(("mobile", f"{land['tel']} 170 {ext}"))
        out += [("streetAddress", land["street"].format(s=rng.choice(land["streets"]), n=rng.randrange(1, 200))),
                ("postalCode", post), ("l", city), ("st", st), ("c", land["c"]), ("co", land["co"]),
                ("countryCode", land["num"]), ("physicalDeliveryOfficeName", f"{city} {rng.randrange(1, 9)}.{ext % 50}")]
        if p.manager is not None:
            out.append(("manager", p.manager.dn))
        if rng.random() < 0.02:
            out.append(("info", "Keeps the keys.\nAsk before noon: <name@example> "))
        return out

    def _uac(self, uac):
        # without a password Samba takes an account only with PASSWD_NOTREQD
        return uac | 32 if self.fmt == "samba" else uac

    def people(self):
        """(dn, attrs) of each person, and what the groups need to know of them."""
        for n in range(self.count):
            p = self.person(n)
            self.by_dept[p.dept].append(p.dn)
            self.by_country[p.country].append(p.dn)
            if p.title == "Team Lead" or n <= len(names.DEPARTMENTS):
                self.lead_dns.append(p.dn)
            if p.dept in (7, 8) and n % 3 == 0:
                self.hosted.append(p.dn)
            if n < POOL:
                self.pool.append(p)
            self.counts["people"] += 1
            past = 0 < p.expires <= filetime(self.now)
            self.counts["disabled" if p.uac & 2 else "expired" if past else "enabled"] += 1
            self.counts["expiring"] += filetime(self.now) < p.expires < NEVER
            yield p.dn, self.person_attrs(p)

    # -- groups
    def _group(self, cn, local, members, mail=False, nests=False, text=None):
        g = Group()
        g.cn, g.members, g.text = cn, members, text
        g.dn, g.sam = f"{rdn('CN', cn)},{self.groups_ou}", "g-" + local
        g.mail = self.mail(local) if mail else None
        g.type = -2147483640 if nests else 8 if mail else -2147483646
        self.groups.append(g)
        return g

    def make_groups(self):
        """Fills self.groups, members before those who contain them where that is possible."""
        depts = [self._group(d[0], "dept-" + d[1], self.by_dept[i], mail=True, text=f"Everybody in {d[0]}")
                 for i, d in enumerate(names.DEPARTMENTS)]
        lands = [self._group(f"Staff {c['co']}", "staff-" + c["c"].lower(), self.by_country[i])
                 for i, c in enumerate(names.COUNTRIES)]
        staff = self._group("All Staff", "all-staff", [g.dn for g in lands], mail=True, nests=True)
        self._group("Everyone", "everyone", [staff.dn], nests=True, text="Contains All Staff, which contains …")
        self._group("Hosted Mail", "hosted-mail", [g.dn for g in depts[:7]] + self.hosted, nests=True,
                    text="Who gets a mailbox: seven departments, and a few people of the others")
        self._group("Managers", "managers", list(self.lead_dns), mail=True)
        self._group("Alumni", "alumni", [], text="Nobody, yet")
        audit = self._group("Committee: Audit", "audit", [p.dn for p in self.pool[3:6]], nests=True)
        risk = self._group("Committee: Risk", "risk", [p.dn for p in self.pool[5:9]] + [audit.dn], nests=True)
        self.late = [(audit.dn, risk.dn)]     # a loop: each is a member of the other
        projects = []
        for i in range(max(self.count // 25, 1)):
            name = names.PROJECTS[i % len(names.PROJECTS)]
            number = i // len(names.PROJECTS) + 1
            team = [self.pool[j].dn for j in sorted(self.rng.sample(
                range(len(self.pool)), min(self.rng.randrange(4, 20), len(self.pool))))]
            projects.append(self._group(f"Project {name} {number}", f"prj-{name.lower()}-{number}", team, mail=i % 2 == 0))
        self._group("Projects", "projects", [g.dn for g in projects], nests=True)

    def group_attrs(self, g):
        out = [("objectClass", "top"), ("objectClass", "group"), ("cn", g.cn),
               *self._ad(f"group/{g.sam}", g.cn, self.now - datetime.timedelta(days=900)),
               ("sAMAccountName", g.sam), ("groupType", g.type)]
        if g.text:
            out.append(("description", g.text))
        if g.mail:
            out += [("displayName", g.cn), ("mail", g.mail), ("proxyAddresses", "SMTP:" + g.mail)]
        return out + [("member", dn) for dn in g.members]

    # -- what a mail system does not want
    def others(self):
        for name in ("backup", "print", "scan"):
            self.counts["service_accounts"] += 1
            cn = f"svc-{name}"
            yield f"CN={cn},OU=Service Accounts,{self.base}", [
                *[("objectClass", v) for v in ("top", "person", "organizationalPerson", "user")], ("cn", cn),
                *self._ad(f"svc/{name}", cn, self.now), ("sAMAccountName", cn), ("userPrincipalName", self.mail(cn)),
                ("userAccountControl", self._uac(66048)), ("accountExpires", NEVER), ("description", "Runs at night")]
        for n in range(1, min(max(self.count // 50, 1), 20) + 1):
            self.counts["computers"] += 1
            cn = f"PC-{n:04d}"
            yield f"CN={cn},OU=Workstations,{self.base}", [
                *[("objectClass", v) for v in ("top", "person", "organizationalPerson", "user", "computer")], ("cn", cn),
                *self._ad(f"pc/{n}", cn, self.now), ("sAMAccountName", cn + "$"), ("userAccountControl", 4096)]

    def entries(self):
        """Every entry once, as (dn, attrs): containers, people, others, groups."""
        if self.counts["people"]:
            raise RuntimeError("a Company tells its entries once: make another")
        if self.fmt == "ldif":
            dc = self.base.split(",")[0].split("=")[1]
            yield self.base, [("objectClass", "top"), ("objectClass", "domain"), ("objectClass", "domainDNS"),
                              ("dc", dc), *self._ad("domain", dc, self.now)]
        yield from (e for e in self.containers() if e)
        yield from self.people()
        yield from self.others()
        self.make_groups()
        loops = dict(self.late)
        for g in self.groups:
            self.counts["groups"] += 1
            if self.fmt == "ldif" and g.dn in loops:
                g.members = g.members + [loops[g.dn]]
            yield g.dn, self.group_attrs(g)

    def late_links(self):
        """Change records that close what content records cannot in one pass (samba)."""
        if self.fmt == "samba":
            for owner, member in self.late:
                yield owner, "modify", [("add", "member", [member])]

    def days(self, count=5):
        """[(file name, change records, story)], to be asked after entries() is exhausted."""
        import days
        return days.tell(self, count)

    def write(self, folder, count=5):
        """Everything into a folder; returns the story."""
        os.makedirs(os.path.join(folder, "changes"), exist_ok=True)
        with open(os.path.join(folder, "000-company.ldif"), "wb", buffering=1 << 20) as f:
            f.write(b"version: 1\n\n" if self.fmt == "ldif" else b"")
            for dn, attrs in self.entries():
                f.write(ldif_entry(dn, attrs))
        late = list(self.late_links())
        if late:
            with open(os.path.join(folder, "000-company-links.ldif"), "wb") as f:
                f.write(b"".join(ldif_change(r) for r in late))
        story = {"seed": self.seed, "base": self.base, "domain": self.domain, "counts": self.counts, "days": []}
        for i, (name, records, told) in enumerate(self.days(count), 1):
            path = os.path.join("changes", f"{i:03d}-{name}.ldif")
            with open(os.path.join(folder, path), "wb") as f:
                f.write(b"version: 1\n\n" if self.fmt == "ldif" else b"")
                f.write(b"".join(ldif_change(r) for r in records))
            story["days"].append({"file": path, "name": name, "records": len(records), **told})
        with open(os.path.join(folder, "story.json"), "w", encoding="utf-8") as f:
            json.dump(story, f, ensure_ascii=False, indent=1)
            f.write("\n")
        return story


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--people", type=int, default=250)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--out", required=True, help="a folder, or - for the entries alone on standard output")
    a.add_argument("--format", choices=("ldif", "samba"), default="ldif")
    a.add_argument("--base", default="DC=example,DC=test")
    a.add_argument("--days", type=int, default=5, help="days of changes (0: none)")
    o = a.parse_args()
    if not 12 <= o.people <= 1_000_000:
        a.error("--people: 12 to 1000000")
    company = Company(o.people, o.seed, o.base, o.format)
    if o.out == "-":
        for dn, attrs in company.entries():
            sys.stdout.buffer.write(ldif_entry(dn, attrs))
        return
    story = company.write(o.out, o.days)
    print(json.dumps(story["counts"]))


if __name__ == "__main__":
    main()
