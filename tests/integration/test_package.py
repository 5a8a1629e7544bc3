"""The Debian packages: built, installed into a clean Debian, used, upgraded, removed, purged (needs root).

Slow, and apart from the rest: nothing here looks at what the programs do beyond that they do it when installed.
"""
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

import chroot
from chroot import Chroot, Machine
from connector import ROOT
from smalldir import SmallDirectory

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("debootstrap"), reason="needs root and debootstrap")
PACKAGES = chroot.BUILD / "package"
UNITS = ("lockstepd.service", "lockstep-cloud.service")


def newest_source():
    names = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    paths = [ROOT / n for n in names.stdout.decode().split("\0") if n and not n.startswith("tests/")]
    return max(p.lstat().st_mtime for p in paths if p.exists())


@pytest.fixture(scope="module")
def debs():
    """{name: path} of the packages, built from what lies here."""
    made = sorted(PACKAGES.glob("*.changes"))
    if not made or made[0].stat().st_mtime < newest_source():
        chroot.run([str(ROOT / "dev"), "package"], cwd=ROOT)
    return {p.name.split("_")[0]: p for p in PACKAGES.glob("*.deb")}


@pytest.fixture(scope="module")
def system(debs):
    """A clean Debian with both packages installed; what they need is downloaded once, into the base."""
    base = chroot.base()
    with Chroot(base, keep=True) as c:
        put(c, debs)
        c.do("apt-get", "-q", "update")
        c.do("apt-get", "install", "-q", "-y", "--download-only", "--no-install-recommends", "bash-completion", "man-db",
             *at(debs))
    with Chroot(base) as c:
        put(c, debs)
        c.said = c.do("apt-get", "install", "-q", "-y", "--no-install-recommends", "bash-completion", *at(debs))
        yield c


def put(c, debs):
    for name in ("lockstep", "lockstep-cloud"):
        shutil.copy(debs[name], c.path(f"/tmp/{name}.deb"))


def at(debs):
    return ["/tmp/lockstep.deb", "/tmp/lockstep-cloud.deb"]


def bumped(deb, version, folder):
    """The same package as of another version."""
    tree = folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    chroot.run(["dpkg-deb", "-R", str(deb), str(tree)])
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*", f"Version: {version}", control.read_text(), flags=re.M))
    out = folder / f"{deb.name.split('_')[0]}.deb"
    chroot.run(["dpkg-deb", "-b", str(tree), str(out)])
    return out


def mode(c, path):
    return c.do("stat", "-c", "%U:%G %a", path).strip()


# --- before anything is installed

def test_lintian_has_nothing_to_say(debs):
    chroot.run(["lintian", "--allow-root", "--fail-on", "error,warning", *map(str, PACKAGES.glob("*.changes"))])


# --- installed

def test_what_is_there(system):
    version = re.search(r"^\s*version: '(.+)'", (ROOT / "meson.build").read_text(), re.M).group(1)
    assert version in system.do("lockstep", "--version") and version in system.do("lockstep-cloud", "--version")
    assert mode(system, "/var/lib/lockstep") == "lockstep:lockstep 700"
    assert mode(system, "/etc/lockstep") == "root:lockstep 770"
    assert mode(system, "/var/lib/lockstep-cloud") == "lockstep-cloud:lockstep-cloud 700"
    for name in ("source-ad", "source-ldap", "source-ldif", "target-scim"):
        assert '"options"' in system.do(f"/usr/lib/lockstep/lockstep-{name}", "--describe")
    for page in (ROOT / "man").glob("*.[1-9]"):
        assert system.path(f"/usr/share/man/man{page.suffix[1:]}/{page.name}.gz").exists(), page
    # S1.15
    assert "http://127.0.0.1:8080" in system.said and "lockstep console" in system.said


def test_every_program_has_a_page_and_its_libraries(system):
    for folder in ("/usr/bin", "/usr/sbin", "/usr/lib/lockstep"):
        for program in system.path(folder).glob("lockstep*"):
            assert list(system.path("/usr/share/man").glob(f"man*/{program.name}.*.gz")), program.name
            assert "not found" not in system.do("ldd", f"{folder}/{program.name}")


def exposure(c, unit):
    text = chroot.run(["systemd-analyze", "security", "--offline=true", f"--root={c.root}", "--no-pager", unit])
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", text).group(1))


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_are_locked_down(system, unit):
    assert exposure(system, unit) <= 1.5
    text = system.path(f"/lib/systemd/system/{unit}").read_text()
    wrong = chroot.run(["systemd-analyze", "verify", "--man=no", f"--root={system.root}", unit]) if "lockstepd" not in unit or \
        system.path("/usr/sbin/lockstepd").exists() else ""
    assert "Unknown" not in wrong and "rror" not in wrong, wrong
    if unit == "lockstepd.service":
        for call in ("seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"):
            assert re.search(rf"^SystemCallFilter=.*\b{call}\b", text, re.M), call


# --- completion

class Terminal:
    """bash -i in the chroot, at a terminal."""

    def __init__(self, c):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(c.command("TERM=dumb", "bash", "--norc", "--noprofile", "-i"), stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True)
        os.close(slave)
        self.ask("source /usr/share/bash-completion/bash_completion; PS1='ready> '; bind 'set bell-style none'\n", "ready> ")

    def ask(self, keys, wanted, within=180):
        """Types, and waits for what comes of it."""
        os.write(self.master, keys.encode())
        seen, until = "", time.monotonic() + within
        while wanted not in seen:
            assert time.monotonic() < until, (keys, wanted, seen)
            if select.select([self.master], [], [], 0.2)[0]:
                seen += os.read(self.master, 4096).decode(errors="replace")
        return seen

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def test_the_shell_completes(system):
    system.path("/etc/lockstep/lockstep.conf").write_text('sync "evening-people" {\n')
    t = Terminal(system)
    try:
        for typed, comes in (("lockstep expl", "lockstep explain "), ("lockstep plan --fo", "plan --force "),
                             ("lockstep state reb", "state rebuild "), ("lockstep -c /etc/lockstep/lo", "/etc/lockstep/lockstep.conf "),
                             ("lockstep sync even", "sync evening-people "), ("lockstep-cloud ten", "lockstep-cloud tenant "),
                             ("lockstep-cloud tenant rem", "tenant remove "), ("lockstep-cloud serve --lis", "serve --listen ")):
            t.ask(typed + "\t", comes)
            t.ask("\x15\n", "ready> ")      # the line is given up
    finally:
        t.close()
        system.path("/etc/lockstep/lockstep.conf").unlink()


def test_completion_knows_every_command(system):
    commands = re.findall(r"^  ([a-z]+)\b.*  ", system.do("lockstep", "--help"), re.M)
    script = system.path("/usr/share/bash-completion/completions/lockstep").read_text()
    known = re.search(r"'' *\) subs=\"([^\"]*)\"", script).group(1).split()
    assert len(commands) > 10 and set(commands) <= set(known)
    for command in commands:
        options = set(re.findall(r"--[a-z][a-z-]+", system.do("lockstep", command, "--help"))) - {"--json"}
        mine = re.search(rf"^\t{command}\) .*?options\+=\"([^\"]*)\"", script, re.M)
        assert options <= set((mine.group(1) if mine else "").split()), command


# --- used

class Company:
    """The hosted side, a folder of LDIF and a configuration, all in the chroot."""

    def __init__(self, c):
        self.c = c
        token = c.do("lockstep-cloud", "tenant", "add", "acme", "--db", "/var/lib/lockstep-cloud/cloud.db").strip()
        # what root made there is the service's
        assert mode(c, "/var/lib/lockstep-cloud/cloud.db") == "lockstep-cloud:lockstep-cloud 600"
        self.cloud = c.start("lockstep-cloud", "serve", "--listen", "127.0.0.1:0", "--db", "/var/lib/lockstep-cloud/cloud.db",
                             user="lockstep-cloud", stdout=subprocess.PIPE, text=True)
        url = re.search(r"http://\S+", self.cloud.stdout.readline()).group(0)
        self.secret("/etc/lockstep/hosted.token", token)
        c.path("/srv/ldif").mkdir(exist_ok=True)
        self.directory = SmallDirectory(c.path("/srv/ldif/people.ldif"))
        for name in ("anna", "berta", "carl"):
            self.directory.user(name, displayName=name.title())
        self.directory.write()
        c.path("/etc/lockstep/lockstep.conf").write_text(
            'state = "/var/lib/lockstep"\n'
            'source "corp" { type = "ldif"  file = "/srv/ldif" }\n'
            f'target "hosted" {{ type = "scim"  url = "{url}"  token_file = "/etc/lockstep/hosted.token" }}\n'
            "sync \"people\" { from = \"corp\"  to = \"hosted\"\n scope { base = 'OU=People,DC=example,DC=test' } }\n")

    def secret(self, path, text):
        self.c.path(path).write_text(text + "\n")
        self.c.do("chown", "lockstep:lockstep", path)
        self.c.do("chmod", "600", path)

    def close(self):
        self.cloud.terminate()
        self.cloud.wait(120)


@pytest.fixture(scope="module")
def company(system):
    company = Company(system)
    yield company
    company.close()


def test_first_sync_as_root_and_then_as_the_service(system, company):
    # root looks and helps; what it leaves behind, the service goes on with
    found = system.do("lockstep", "check")
    assert "FAIL" not in found and found.count("sandbox") == 2, found
    assert "created 3" in system.do("lockstep", "sync")
    owners = system.do("find", "/var/lib/lockstep", "-printf", "%u:%g %m %p\\n").splitlines()
    assert len(owners) > 3 and all(line.startswith("lockstep:lockstep ") for line in owners), owners
    company.directory.user("dora")
    company.directory.write()
    assert "created 1" in system.do("lockstep", "sync", user="lockstep")
    assert "In lockstep" in system.do("lockstep", "sync")


def test_connectors_run_as_the_service_even_for_root(system, company):
    """So `check` by root finds what the service could not read."""
    system.do("chown", "root:root", "/etc/lockstep/hosted.token")
    code, found = system.status("lockstep", "check")
    assert code == 1 and "Permission denied" in found and "hosted.token" in found, found
    company.secret("/etc/lockstep/hosted.token", system.path("/etc/lockstep/hosted.token").read_text().strip())
    assert "FAIL" not in system.do("lockstep", "check")


def test_upgrade_goes_on_with_the_state(system, company, debs, tmp_path):
    system.do("lockstep", "sync")
    runs = system.do("lockstep", "history", user="lockstep")
    for name in ("lockstep", "lockstep-cloud"):
        shutil.copy(bumped(debs[name], "9.9.9", tmp_path), system.path(f"/tmp/{name}-next.deb"))
    said = system.do("apt-get", "install", "-q", "-y", "/tmp/lockstep-next.deb", "/tmp/lockstep-cloud-next.deb")
    assert "upgraded" in said and "8080" not in said
    assert "9.9.9" in system.do("dpkg-query", "-W", "lockstep")
    assert "4 unchanged" in system.do("lockstep", "sync", "--full", user="lockstep")
    assert "Sound" in system.do("lockstep", "state", "check", user="lockstep")
    assert len(system.do("lockstep", "history", user="lockstep").splitlines()) >= len(runs.splitlines())
    assert mode(system, "/etc/lockstep") == "root:lockstep 770"


# --- as a machine of its own, with systemd; and as a container whose first process is lockstepd

SERVICE = """state = "/var/lib/lockstep"
source "corp" { type = "ldif"  file = "/srv/ldif" }
target "here" {
    type = "scim"
    url = "http://127.0.0.1:8081/scim/v2"
    token_file = "%s"
}
sync "people" {
    from = "corp"
    to = "here"
    scope { base = 'OU=People,DC=example,DC=test' }
}
"""


@pytest.fixture
def tenant(system, company):
    """The service's configuration; its token."""
    def make(name, token_file):
        conf = system.path("/etc/lockstep/lockstep.conf")
        conf.write_text(SERVICE % token_file)
        conf.chmod(0o640)
        system.do("chown", "root:lockstep", "/etc/lockstep/lockstep.conf")
        return system.do("lockstep-cloud", "tenant", "add", name, "--db", "/var/lib/lockstep-cloud/cloud.db")
    return make


def facts(m, pid):
    """What the kernel says of a process."""
    lines = m.do("cat", f"/proc/{pid}/status").splitlines()
    return {k: v.split()[0] for k, v in (line.split(":\t", 1) for line in lines if ":\t" in line) if v.strip()}


def test_the_service_under_systemd(system, tenant):
    secret = system.path("/root/here.token")        # root's alone: systemd hands it to the service
    secret.write_text(tenant("under-systemd", "/run/credentials/lockstepd.service/here.token"))
    secret.chmod(0o600)
    system.path("/etc/systemd/system/lockstepd.service.d").mkdir(parents=True)
    system.path("/etc/systemd/system/lockstepd.service.d/secrets.conf").write_text(
        "[Service]\nLoadCredential=here.token:/root/here.token\n")
    m = Machine(system, "/lib/systemd/systemd", "--system", "--log-target=journal")
    try:
        m.wait(lambda: all(m.status("systemctl", "is-active", u)[0] == 0 for u in UNITS), 300)
        pid = m.do("systemctl", "show", "--value", "-p", "MainPID", "lockstepd").strip()
        found = facts(m, pid)
        assert found["Uid"] == m.do("id", "-u", "lockstep").strip() and int(found["CapBnd"], 16) == 0, found
        assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2"), found
        # a run, all its connectors within the service's own restrictions and theirs
        said = m.do("lockstep", "sync")
        assert "In lockstep" in said, said
        assert "here: in lockstep" in m.do("lockstep", "status")
        # a bad file is refused, the old one goes on
        conf = system.path("/etc/lockstep/lockstep.conf")
        good = conf.read_text()
        conf.write_text(good.replace("sync", "snyc"))
        m.status("systemctl", "reload", "lockstepd")
        m.wait(lambda: "config-refused" in m.do("journalctl", "--no-pager", "-o", "cat", "LOCKSTEP_EVENT=config-refused"))
        conf.write_text(good)
        m.do("systemctl", "reload", "lockstepd")
        assert m.do("systemctl", "show", "--value", "-p", "MainPID", "lockstepd").strip() == pid
        assert "control-group" not in m.do("journalctl", "--no-pager", "-u", "lockstepd")
        m.do("systemctl", "stop", "lockstepd")
        assert m.do("systemctl", "show", "--value", "-p", "Result", "lockstepd").strip() == "success"
        assert m.do("systemctl", "show", "--value", "-p", "ExecMainStatus", "lockstepd").strip() == "0"
    finally:
        m.close()
        shutil.rmtree(system.path("/etc/systemd/system/lockstepd.service.d"))


def test_a_container_whose_first_process_is_lockstepd(system, tenant):
    tenant("unused", "/etc/lockstep/hosted.token")
    as_service = ["sh", "-c", "install -d -o lockstep -g lockstep /run/lockstep && exec setpriv --reuid=lockstep --regid=lockstep "
                  "--init-groups /usr/sbin/lockstepd -c /etc/lockstep/lockstep.conf"]
    m = Machine(system, *as_service)
    try:
        m.wait(lambda: "lockstepd:" in m.status("lockstep", "status")[1])
        assert m.do("cat", "/proc/1/comm").strip() == "lockstepd"
        code, said = m.status("lockstep", "sync", "--full")
        assert code == 5, said                          # nobody serves in here: and that is said
        # orphans become its children, and it lets none stand
        m.do("sh", "-c", "(sleep 0.1 &) ; exit 0")
        m.wait(lambda: not re.search(r"^State:\s+Z", m.do("sh", "-c", "cat /proc/[0-9]*/status 2>/dev/null; :"), re.M))
        subprocess.run(["kill", "-TERM", m.first], check=True)
        assert m.process.wait(180) == 0
        # JSON lines where there is no journal
        assert b'"event":"started"' in m.process.stdout.read()
    finally:
        m.close()


def test_remove_keeps_and_purge_does_not(system, company):
    company.close()
    system.do("apt-get", "remove", "-q", "-y", "lockstep", "lockstep-cloud")
    assert not system.path("/usr/bin/lockstep").exists() and not system.path("/usr/sbin/lockstep-cloud").exists()
    assert system.path("/var/lib/lockstep/target-hosted.db").exists() and system.path("/etc/lockstep/hosted.token").exists()
    said = system.do("apt-get", "purge", "-q", "-y", "lockstep", "lockstep-cloud")
    assert "Removed /var/lib/lockstep" in said and "/var/lib/lockstep-cloud" in said
    assert not system.path("/var/lib/lockstep").exists() and not system.path("/etc/lockstep").exists()
    # others' directory is theirs
    assert system.path("/var/lib/lockstep-cloud/cloud.db").exists()
    left = [p for p in system.do("find", "/etc", "/usr", "/lib/systemd", "-name", "*lockstep*").splitlines()]
    assert left == [], left
