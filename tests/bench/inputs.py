"""What the benchmarks read: directories of any size as LDIF, made once and kept under build/bench."""
import base64
import hashlib
import os
import sys
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
KEPT = os.path.join(ROOT, "build", "bench")
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
from company import Company  # noqa: E402

FORMAT = 1
BASE = "DC=bench,DC=test"
GIVEN = "Anna Ben Carla David Elif Farid Grete Hugo Ines Jörg Katja Liam Mária Noor Olga Pavel".split()
TITLES = "Engineer Accountant Clerk Buyer Analyst Nurse Driver Planner".split()
CITIES = (("Berlin", "DE"), ("Wien", "AT"), ("Lyon", "FR"), ("Leeds", "GB"), ("Kraków", "PL"))


def guid(key):
    raw = uuid.UUID(bytes=hashlib.md5(key.encode()).digest(), version=4).bytes_le
    return base64.b64encode(raw).decode()


def plain(attribute, text):
    if text.isascii():
        return f"{attribute}: {text}\n"
    return f"{attribute}:: {base64.b64encode(text.encode()).decode()}\n"


def dn(n):
    return f"CN=Person {n},OU=Unit {n % 40},OU=People,{BASE}"


def person(n):
    """One entry with 16 attributes that are mapped, and what identifies it."""
    given, (city, land) = GIVEN[n % len(GIVEN)], CITIES[n % len(CITIES)]
    mail = f"{given.lower().encode('ascii', 'ignore').decode()}.person{n}@bench.test"
    return (f"dn: {dn(n)}\nobjectClass: top\nobjectClass: person\nobjectClass: user\nobjectGUID:: {guid(f'person/{n}')}\n"
            f"cn: Person {n}\nsn: Person{n}\n" + plain("givenName", given) + plain("displayName", f"{given} Person{n}") +
            f"sAMAccountName: p{n}\nuserPrincipalName: {mail}\nmail: {mail}\nuserAccountControl: 512\n"
            f"proxyAddresses: SMTP:{mail}\nproxyAddresses: smtp:p{n}@bench.test\ntitle: {TITLES[n % len(TITLES)]}\n"
            f"department: Unit {n % 40}\ncompany: Bench\ntelephoneNumber: +49 30 {n:07d}\nemployeeID: {n + 10000}\n"
            + plain("l", city) + f"c: {land}\npostalCode: {n % 90000 + 10000}\n\n")


def container(name, parent):
    return f"dn: OU={name},{parent}\nobjectClass: top\nobjectClass: organizationalUnit\nou: {name}\n" \
           f"objectGUID:: {guid(name)}\n\n"


def group(name, members):
    head = f"dn: CN={name},OU=Groups,{BASE}\nobjectClass: top\nobjectClass: group\ncn: {name}\nsAMAccountName: {name}\n" \
           f"objectGUID:: {guid('group/' + name)}\ngroupType: -2147483646\n"
    return head + "".join(f"member: {dn(n)}\n" for n in range(members)) + "\n"


def kept(name, make):
    """The path of a folder of LDIF that make(file) has filled; made again only when it is not there."""
    path = os.path.join(KEPT, f"{name}-{FORMAT}")
    if not os.path.isdir(path):
        os.makedirs(path + ".new", exist_ok=True)
        with open(os.path.join(path + ".new", "000-content.ldif"), "w", buffering=1 << 20, encoding="utf-8") as f:
            make(f)
        os.rename(path + ".new", path)
    return path


def people(count, groups=()):
    """Persons, and groups as (name, members)."""
    def make(f):
        f.write(f"dn: {BASE}\nobjectClass: top\nobjectClass: domainDNS\ndc: bench\nobjectGUID:: {guid('domain')}\n\n")
        for name in ("People", "Groups"):
            f.write(container(name, BASE))
        for n in range(40):
            f.write(container(f"Unit {n}", f"OU=People,{BASE}"))
        for n in range(count):
            f.write(person(n))
        for name, members in groups:
            f.write(group(name, members))
    return kept("-".join(["people", str(count), *(f"{n}{m}" for n, m in groups)]), make)


def company(count):
    path = os.path.join(KEPT, f"company-{count}-{FORMAT}")
    if not os.path.isdir(path):
        Company(count, 1).write(path + ".new", 0)
        os.rename(path + ".new", path)
    return path


def member_change(group_name, n, op):
    return f"dn: CN={group_name},OU=Groups,{BASE}\nchangetype: modify\n{op}: member\nmember: {dn(n)}\n-\n\n"


def titles(count):
    """Everybody gets another one."""
    return "".join(f"dn: {dn(n)}\nchangetype: modify\nreplace: title\ntitle: Chief {n}\n-\n\n" for n in range(count))
