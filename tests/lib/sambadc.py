#!/usr/bin/python3
"""A private Samba AD DC for tests and the demo: nothing outside its folder.

As a module: SambaDC.new(folder), .start(), .stop(), and the LDAP helpers of
sambaldap.py. As a command:

  sambadc.py new DIR [--realm R] [--address A] [--people N] [--seed S]
  sambadc.py start|stop|status DIR
  sambadc.py load DIR FILE         add entries offline, fast (the DC must not run)
  sambadc.py apply DIR FILE        change records, online, as the administrator
  sambadc.py password DIR NAME PASSWORD-FILE
  sambadc.py account DIR PASSWORD-FILE   the least-privilege account svc-lockstep
  sambadc.py recyclebin DIR        enable the Recycle Bin (for good)

A domain is provisioned once and kept as a golden copy in build/samba-golden,
under a digest of what it was made from; a new DC is a copy (0.1 s). It listens on
one 127.0.0.x address on the usual ports (LDAP 389/636 cannot be moved), with an EC
certificate for its DNS name and its address, signed by the CA in DIR/ca.pem.
Ports below 1024 need root or CAP_NET_BIND_SERVICE.
"""
import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

LIB = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(LIB))
OFFLINE = os.path.join(LIB, "samba_offline.py")
GOLDEN = os.path.join(ROOT, "build", "samba-golden")
sys.path.insert(0, LIB)
from certs import CommandFailed, make_ca, make_certificate, run  # noqa: E402  (beside this file)
from samba_host import (  # noqa: E402
    SambaError, end_group, guard_address, listens, may_bind_low_ports, reserve_address, started_at)
from sambaldap import Directory  # noqa: E402

ADMIN_PASSWORD = "Adm1n-of-a-private-DC"
ACCOUNT, ACCOUNT_PASSWORD = "svc-lockstep", "Only-r3ads-the-directory"
FORMAT = 6           # raise when a golden copy of before no longer fits
SERVICES = "rpc ldap cldap kdc"
PAIR_SERVICES = SERVICES + " drepl kcc dns"
PORTS = {"kdc": 88, "rpc": 135, "dns": 53}
PAIR = ("127.0.0.110", "127.0.0.111")     # fixed: the addresses stand in the domain's DNS

CONF = """[global]
\tworkgroup = {domain}
\trealm = {realm}
\tnetbios name = {netbios}
\tserver role = active directory domain controller
\tinterfaces = {address}/8
\tbind interfaces only = yes
\tserver services = {services}
\tprivate dir = {d}/private
\tstate directory = {d}/state
\tcache directory = {d}/cache
\tlock directory = {d}/run
\tpid directory = {d}/run
\tncalrpc dir = {d}/run/ncalrpc
\twinbindd socket directory = {d}/run/winbindd
\tntp signd socket directory = {d}/run/ntp_signd
\tbinddns dir = {d}/bind-dns
\tlog file = {d}/log/%m.log
\tdns update command = /bin/true
\tdsdb:schema update allowed = yes
[sysvol]
\tpath = {d}/state/sysvol
[netlogon]
\tpath = {d}/state/sysvol/{dns}/scripts
"""


class SambaDC(Directory):
    """One domain controller in one folder. Its facts are in DIR/dc.json."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        with open(os.path.join(self.folder, "dc.json")) as f:
            self.facts = json.load(f)
        self.process = self.guard = None
        self.realm, self.address = self.facts["realm"], self.facts["address"]
        self.dns, self.base = self.realm.lower(), "DC=" + self.realm.lower().replace(".", ",DC=")
        self.host = f"{self.facts['netbios'].lower()}.{self.dns}"
        self.url = f"ldaps://{self.address}"
        self.ca = os.path.join(self.folder, "ca.pem")
        self.conf = os.path.join(self.folder, "etc", "smb.conf")
        self.sam = os.path.join(self.folder, "private", "sam.ldb")
        self.admin, self.admin_password = f"Administrator@{self.dns}", ADMIN_PASSWORD
        self.account, self.account_password = f"{ACCOUNT}@{self.dns}", ACCOUNT_PASSWORD

    # -- making
    @classmethod
    def new(cls, folder, realm="EXAMPLE.TEST", address=None, people=0, seed=1, account=False, services=SERVICES):
        """A fresh DC in a folder that does not exist yet (or is empty), not started.
        people: with the company of company.py in it. account: with the least-privilege account."""
        folder = os.path.abspath(folder)
        if len(folder) > 70:
            raise SambaError(f"{folder}: too long a path for Samba's sockets (70 at most)")
        golden = _golden(realm.upper(), people, seed, account)
        guard, anywhere = None, address is None
        if anywhere:
            address, guard = reserve_address()
        os.makedirs(folder, exist_ok=True)
        run("cp", "-a", "--sparse=always", golden + "/.", folder)
        dc = cls._settle(folder, realm=realm.upper(), netbios="DC1", address=address, services=services,
                         anywhere=anywhere)
        dc.guard = guard
        return dc

    @classmethod
    def _settle(cls, folder, **facts):
        """Writes what depends on the place and the address: dc.json, smb.conf, certificate."""
        with open(os.path.join(folder, "dc.json"), "w") as f:
            json.dump(facts, f, indent=1)
        dc = cls(folder)
        for sub in ("etc", "log", "run", "cache", "private/tls"):
            os.makedirs(os.path.join(folder, sub), exist_ok=True)
        dc.write_conf()
        dc.issue_certificate()
        with open(os.path.join(folder, "resolv.conf"), "w") as f:
            f.write(f"nameserver {dc.facts.get('resolver', dc.address)}\n")
        return dc

    def write_conf(self, more=""):
        """more: further lines of [global]."""
        with open(self.conf, "w") as f:
            f.write(CONF.replace("[sysvol]", more + "[sysvol]").format(d=self.folder, realm=self.realm, domain=self.realm.split(".")[0], dns=self.dns,
                                netbios=self.facts["netbios"], address=self.address, services=self.facts["services"]))

    def issue_certificate(self, names=None, days=825):
        """A certificate for the DC's name and address, or for other names (a wrong one, to see it refused)."""
        names = names or [f"DNS:{self.host}", f"IP:{self.address}"]
        make_certificate(os.path.join(self.folder, "private", "tls"), self.folder, names, days)

    @classmethod
    def pair(cls, folder):
        """Two controllers of one domain that replicate, in folder/dc1 and folder/dc2, not started;
        with the least-privilege account. One pair at a time on a machine: start() of the first waits for its turn."""
        golden = _golden("EXAMPLE.TEST", 0, 1, True, pair=True)
        run("cp", "-a", "--sparse=always", golden + "/.", folder)
        return [cls._settle(os.path.join(folder, name), **cls(os.path.join(folder, name)).facts) for name in ("dc1", "dc2")]

    # -- life
    def start(self, wait=True, keep=False):
        """keep: goes on when this program has ended; else the DC ends with it, however that happens."""
        if not may_bind_low_ports():
            raise SambaError("a domain controller needs ports 389, 636 and 135: run this as root (or with sudo), "
                             "or inside: unshare -Urn sh -c 'ip link set lo up; ...'")
        if self.running():
            raise SambaError(f"{self.folder}: runs already")
        self.guard = self.guard or self.take_address()
        log = open(os.path.join(self.folder, "log", "samba.out"), "ab")
        # with -i Samba ends when its standard input, a pipe, is closed
        argv = [*self.resolved(), "samba", "-i", "-M", "standard", "-s", self.conf, "--no-process-group"]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL if keep else subprocess.PIPE, stdout=log, stderr=log,
                                        start_new_session=True, pass_fds=(self.guard.fileno(),))
        log.close()
        with open(os.path.join(self.folder, "pid"), "w") as f:
            f.write(f"{self.process.pid} {started_at(self.process.pid)}\n")
        if wait:
            self.wait()
        return self

    def take_address(self):
        """Its address, or another one when that is taken meanwhile and none was asked for."""
        try:
            return guard_address(self.address, 900 if self.address in PAIR else 0)
        except SambaError:
            if not self.facts.get("anywhere"):
                raise
        address, guard = reserve_address()
        self.__init__(self._settle(self.folder, **{**self.facts, "address": address}).folder)
        return guard

    def resolved(self):
        """What to put before a command so that it asks the domain's DNS (nothing for a lone DC)."""
        if not self.facts.get("resolver"):
            return []
        return ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"',
                os.path.join(self.folder, "resolv.conf")]

    def wait(self, seconds=180):
        """Until LDAPS answers and knows the domain, and the other services listen, too: each is a process of its own."""
        import ldap
        end = time.monotonic() + seconds
        while True:
            try:
                conn = self.connect(None)
                attrs = conn.search_s("", ldap.SCOPE_BASE, attrlist=["defaultNamingContext"])[0][1]
                conn.unbind_s()
                deaf = [s for s in self.facts["services"].split() if s in PORTS and not listens(self.address, PORTS[s])]
                if attrs.get("defaultNamingContext") and not deaf:
                    return
                last = f"not listening: {deaf}"
            except (ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.UNAVAILABLE, ldap.TIMEOUT, ldap.OPERATIONS_ERROR,
                    ldap.BUSY) as e:
                last = e
            if self.process is not None and self.process.poll() is not None:
                raise SambaError(f"samba ended with {self.process.returncode}: {self.tail()}")
            if time.monotonic() > end:
                raise SambaError(f"LDAPS did not answer in {seconds} s ({last}): {self.tail()}")
            time.sleep(0.1)

    def tail(self):
        try:
            with open(os.path.join(self.folder, "log", "samba.out"), errors="replace") as f:
                return f.read()[-2000:]
        except OSError:
            return "no log"

    def pid(self):
        try:
            with open(os.path.join(self.folder, "pid")) as f:
                pid, started = f.read().split()
            # a number alone could be anybody's by now
            return int(pid) if started_at(pid) == started else None
        except (OSError, ValueError):
            return None

    def running(self):
        return self.pid() is not None

    def stop(self, kill=False):
        """Ends the DC and its children: its process group, nothing else. Its address is kept for the next start()."""
        pid = self.pid()
        self.close()
        if pid is not None:
            end_group(pid, kill)
        if self.process is not None:
            if self.process.stdin:
                self.process.stdin.close()
            self.process.wait()
            self.process = None
        try:
            os.unlink(os.path.join(self.folder, "pid"))
        except FileNotFoundError:
            pass

    def end(self):
        """stop() for good: others may have its address."""
        self.stop()
        if self.guard is not None:
            self.guard.close()
            self.guard = None

    def restart(self):
        self.stop()
        return self.start()

    # -- offline work on the database
    def load(self, path, changes=False):
        """Entries (or change records) straight into the database, in one transaction: 300 to 400 a second."""
        run("ldbmodify" if changes else "ldbadd", "-H", self.sam, "-o", "transaction_index_cache_size:200000",
            "-o", "batch_mode:1", path, env=self.env())

    def env(self):
        return {**os.environ, "SMB_CONF_PATH": self.conf}

    def tool(self, *argv, stdin=subprocess.DEVNULL):
        """samba-tool on this DC's own database."""
        return run("samba-tool", *argv, "-s", self.conf, stdin=stdin)

    def replicate(self, source):
        """Pulls the domain's changes from the other controller now (by itself that takes up to 5 s)."""
        run(*self.resolved(), "samba-tool", "drs", "replicate", self.host, source.host, self.base,
            "-U", f"{self.realm.split('.')[0]}/Administrator", f"--password={ADMIN_PASSWORD}", "-s", self.conf)

    def set_password(self, name, password):
        run("samba-tool", "user", "setpassword", name, f"--newpassword={password}", "-H", self.sam, "-s", self.conf)

    def keytab(self, path, account=ACCOUNT):
        """The account's Kerberos key, by the very commands that `check --print-setup` prints."""
        script = os.path.join(LIB, "../../src/source/setup.samba.keytab.sh")
        run("sh", "-e", script, env={**self.env(), "ACCOUNT": account, "KEYTAB": path})
        return path

    def krb5_conf(self):
        """A krb5.conf that finds this DC without DNS; its LDAP service gets a name for its address."""
        spn, dc = f"ldap/{self.address}".encode(), f"CN={self.facts['netbios']},OU=Domain Controllers,{self.base}"
        if spn not in self.read(dc, ["servicePrincipalName"])["servicePrincipalName"]:
            self.modify(dc, servicePrincipalName=self.read(dc)["servicePrincipalName"] + [spn])
        path = os.path.join(self.folder, "etc", "krb5.conf")
        with open(path, "w") as f:
            f.write(f"[libdefaults]\ndefault_realm = {self.realm}\ndns_lookup_kdc = false\ndns_canonicalize_hostname = false\n"
                    f"rdns = false\n[realms]\n{self.realm} = {{\n kdc = {self.address}\n}}\n")
        return path

    def enable_recycle_bin(self):
        run("/usr/bin/python3", OFFLINE, "recyclebin", self.folder)

    def setup_account(self, password=ACCOUNT_PASSWORD, account=ACCOUNT):
        """The least-privilege account, by the very commands of docs/notes-setup.md."""
        script = os.path.join(LIB, "../../src/source/setup.samba.sh")
        with tempfile.TemporaryFile() as f:
            f.write((password + "\n").encode() * 2)
            f.seek(0)
            # without a terminal samba-tool takes the password from standard input
            return run("sh", "-e", script, stdin=f, start_new_session=True,
                       env={**self.env(), "ACCOUNT": account, "BASE": self.base})


# --- the golden copy ----------------------------------------------------------------------

def _golden(realm, people, seed, account, pair=False):
    """The folder of the golden copy with these parameters; made when it is not there."""
    about = dict(format=FORMAT, realm=realm, people=people, seed=seed, account=account, pair=pair,
                 samba=run("samba", "--version").strip())
    sources = []
    if people:
        sources += ["company.py", "days.py", "names.py"]
    if account:
        sources += ["../../src/source/setup.samba.sh"]
    for name in sources:
        with open(os.path.join(LIB, name), "rb") as f:
            about[name] = hashlib.sha256(f.read()).hexdigest()
    key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
    os.makedirs(GOLDEN, exist_ok=True)
    path = os.path.join(GOLDEN, key)
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(path):
            work = tempfile.mkdtemp(prefix="new-", dir=GOLDEN)
            try:
                if pair:
                    _make_pair(work, realm)
                else:
                    _make_golden(work, realm, people, seed, account)
                os.chmod(work, 0o755)          # with sudo, others read ca.pem and dc.json
                os.rename(work, path)
            except BaseException:
                shutil.rmtree(work, ignore_errors=True)
                raise
    return path


def _provisioned(work, **facts):
    make_ca(work)
    dc = SambaDC._settle(work, **facts)
    run("/usr/bin/python3", OFFLINE, "provision", work, dc.realm, dc.address, ADMIN_PASSWORD)
    dc.write_conf()                            # provision rewrites it
    return dc


def _make_golden(work, realm, people, seed, account):
    facts = dict(realm=realm, netbios="DC1", address="127.0.0.10", services=SERVICES)
    if not people and not account:
        _provisioned(work, **facts)
        return
    run("cp", "-a", "--sparse=always", _golden(realm, 0, seed, False) + "/.", work)
    dc = SambaDC._settle(work, **facts)
    if account:
        dc.setup_account()
    if people:
        from company import Company
        with tempfile.TemporaryDirectory() as tmp:
            Company(people, seed, dc.base, "samba").write(tmp, 0)
            dc.load(os.path.join(tmp, "000-company.ldif"))
            dc.load(os.path.join(tmp, "000-company-links.ldif"), changes=True)


def _make_pair(work, realm):
    """DC2 joins DC1. Samba's join leaves out loopback addresses, so DNS and SPNs are completed by hand."""
    facts = dict(realm=realm, services=PAIR_SERVICES, resolver=PAIR[0])
    path1, path2 = os.path.join(work, "dc1"), os.path.join(work, "dc2")
    os.makedirs(path1)
    dc1 = _provisioned(path1, netbios="DC1", address=PAIR[0], **facts)
    dc1.setup_account()
    dc1.start()
    dc2 = None
    try:
        login = ["-U", f"{realm.split('.')[0]}/Administrator", f"--password={ADMIN_PASSWORD}"]
        run(*dc1.resolved(), "samba-tool", "domain", "join", dc1.dns, "DC", *login, f"--targetdir={path2}",
            "--dns-backend=SAMBA_INTERNAL", "--backend-store=mdb", f"--option=interfaces={PAIR[1]}/8",
            "--option=bind interfaces only=yes", "--option=netbios name=DC2", f"--server={dc1.host}")
        for name in ("ca.pem", "ca.key"):
            shutil.copy(os.path.join(path1, name), path2)
        dc2 = SambaDC._settle(path2, netbios="DC2", address=PAIR[1], **facts)
        guid = dc1.guid(f"CN=NTDS Settings,CN=DC2,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,{dc1.base}")
        for zone, name, kind, data in ((dc1.dns, "dc2", "A", PAIR[1]), ("_msdcs." + dc1.dns, guid, "CNAME", dc2.host)):
            run(*dc1.resolved(), "samba-tool", "dns", "add", dc1.host, zone, name, kind, data, *login, "-s", dc1.conf)
        run(*dc1.resolved(), "samba_spnupdate", "-s", dc1.conf)
        dc2.start()
        for to, frm in ((dc2, dc1), (dc1, dc2)):
            to.replicate(frm)
    finally:
        dc1.end()
        if dc2 is not None:
            dc2.end()


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = a.add_subparsers(dest="what", required=True)
    commands = {name: sub.add_parser(name) for name in
                ("new", "start", "stop", "status", "load", "apply", "password", "account", "recyclebin")}
    for p in commands.values():
        p.add_argument("dir")
    new = commands["new"]
    new.add_argument("--realm", default="EXAMPLE.TEST")
    new.add_argument("--address", help="127.0.0.x; default: one that is free")
    new.add_argument("--people", type=int, default=0)
    new.add_argument("--seed", type=int, default=1)
    for name in ("load", "apply"):
        commands[name].add_argument("file")
    commands["password"].add_argument("name")
    for name in ("password", "account"):
        commands[name].add_argument("password_file")
    o = a.parse_args()
    try:
        return _command(o)
    except CommandFailed as e:
        print(f"sambadc: {e}", file=sys.stderr)
        return 1


def _command(o):
    if o.what == "new":
        dc = SambaDC.new(o.dir, o.realm, o.address, o.people, o.seed)
        print(json.dumps(dict(url=dc.url, host=dc.host, base=dc.base, ca=dc.ca, admin=dc.admin)))
        return 0
    dc = SambaDC(o.dir)
    if o.what == "start":
        dc.start(keep=True)
    elif o.what == "stop":
        dc.stop()
    elif o.what == "status":
        print("running" if dc.running() else "stopped")
        return 0 if dc.running() else 3
    elif o.what == "load":
        dc.load(o.file)
    elif o.what == "apply":
        dc.apply(o.file)
    elif o.what == "recyclebin":
        dc.enable_recycle_bin()
    else:
        with open(o.password_file) as f:
            password = f.readline().rstrip("\n")
        dc.setup_account(password) if o.what == "account" else dc.set_password(o.name, password)
    return 0


if __name__ == "__main__":
    sys.exit(main())
