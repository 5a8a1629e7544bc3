"""A clean Debian in a folder, for packages to be installed into (root only).

The base is made once, by debootstrap from where this machine's own apt gets its packages, and kept under build/;
a Chroot is an overlay over it (or a copy), thrown away at the end.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from connector import ROOT

BUILD = pathlib.Path(os.environ.get("LOCKSTEP_BUILD", ROOT / "build"))
MOUNTS = [("proc", "proc"), ("sysfs", "sys"), ("devtmpfs", "dev")]


class Failed(Exception):
    pass


def run(argv, **kw):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", **kw)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, argv[:6]))}: exit {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def remove(folder):
    """Never through a mount: /dev is the machine's own."""
    subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=False)


def mirror():
    """(address, suite) of the machine's own Debian."""
    lines = run(["apt-get", "indextargets", "--format", "$(SITE) $(SUITE) $(CODENAME) $(ORIGIN) $(COMPONENT)",
                 "Created-By: Packages"]).splitlines()
    for line in lines:
        site, _, codename, origin, component = (line.split() + [""] * 5)[:5]
        if origin == "Debian" and component == "main" and "-" not in codename:
            return site, codename
    raise Failed("no Debian among the sources of apt")


def base():
    """The clean system, made when it is not there."""
    folder = BUILD / "chroot" / "base"
    if (folder / "made").exists():
        return folder
    remove(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    address, suite = mirror()
    run(["debootstrap", "--variant=minbase", suite, str(folder), address])
    # the machine's own sources, with what they need: security updates, a proxy
    for name in ("sources.list", "sources.list.d", "apt.conf.d", "auth.conf.d", "keyrings", "trusted.gpg.d"):
        there, here = pathlib.Path("/etc/apt", name), folder / "etc/apt" / name
        if there.is_dir():
            shutil.copytree(there, here, dirs_exist_ok=True)
        elif there.exists():
            shutil.copy(there, here)
    # `apt install` in this chroot starts no services, as in a container's build
    (folder / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (folder / "usr/sbin/policy-rc.d").chmod(0o755)
    (folder / "made").write_text("")
    return folder


class Chroot:
    def __init__(self, lower, keep=False):
        """Over a base; keep: what is done is done to the base itself."""
        self.folder = tempfile.mkdtemp(prefix="chroot-", dir=BUILD / "chroot")
        self.mounted, self.root = [], os.path.join(self.folder, "root")
        if keep:
            self.root = str(lower)
        else:
            self._overlay(str(lower))
        for kind, where in MOUNTS:
            self._mount(["-t", kind, kind, os.path.join(self.root, where)])
        for name in ("resolv.conf", "hosts"):
            shutil.copy(f"/etc/{name}", os.path.join(self.root, "etc", name))

    def _mount(self, argv):
        run(["mount", *argv])
        self.mounted.append(argv[-1])

    def _overlay(self, lower):
        up, work = os.path.join(self.folder, "up"), os.path.join(self.folder, "work")
        for d in (up, work, self.root):
            os.mkdir(d)
        try:
            self._mount(["-t", "overlay", "-o", f"lowerdir={lower},upperdir={up},workdir={work}", "overlay", self.root])
        except Failed:
            os.rmdir(self.root)
            run(["cp", "-a", "--reflink=auto", lower, self.root])

    def path(self, name):
        return pathlib.Path(self.root + name)

    def command(self, *argv, user=None):
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        return ["chroot", self.root, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
                "LC_ALL=C.UTF-8", "HOME=/root", *as_user, *argv]

    def do(self, *argv, user=None):
        """Its output; another exit status than 0 is an error."""
        return run(self.command(*argv, user=user))

    def status(self, *argv, user=None):
        """(exit status, output)"""
        done = subprocess.run(self.command(*argv, user=user), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def start(self, *argv, user=None, **kw):
        return subprocess.Popen(self.command(*argv, user=user), stdin=subprocess.DEVNULL, **kw)

    def close(self):
        for where in reversed(self.mounted):
            subprocess.run(["umount", "-l", where], check=False)
        remove(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# What becomes of the chroot when it is started as a machine of its own: a network with nothing but loopback, its
# own processes and control groups; not chroot(2), in which no user namespace can be made.
BOOT = r"""
set -e
mount --make-rprivate /
/usr/bin/python3 -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x49))'
for d in proc sys dev; do umount -l "$1/$d" || :; done
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for d in null zero full random urandom tty; do : >dev/$d; mount --bind /dev/$d dev/$d; done
mkdir -p dev/shm dev/pts old-root
mount -t tmpfs tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
pivot_root . old-root
cd /
umount -l /old-root
mount --make-rshared /
exec env -i container=lockstep PATH=/usr/sbin:/usr/bin:/sbin:/bin "${@:2}"
"""
SPACES = ["--mount", "--pid", "--cgroup", "--uts", "--ipc", "--net"]


class Machine:
    """A Chroot that runs a first process of its own: systemd, or another."""

    def __init__(self, c, *first):
        self.process = subprocess.Popen(["unshare", *SPACES, "--fork", "--kill-child", "bash", "-c", BOOT, "boot", c.root, *first],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.first = None

    def wait(self, ready, within=180):
        """Until `ready` is true; the first process is known from then on."""
        until = time.monotonic() + within
        while True:
            if self.process.poll() is not None:
                raise Failed("it ended: " + self.process.stdout.read().decode(errors="replace")[-4000:])
            found = subprocess.run(["pgrep", "-P", str(self.process.pid)], stdout=subprocess.PIPE, text=True).stdout.split()
            self.first = found[0] if found else None
            if self.first and ready():
                return
            if time.monotonic() > until:
                raise Failed(f"not ready after {within} s")
            time.sleep(0.2)

    def command(self, *argv):
        return ["nsenter", "-t", self.first, *SPACES, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", *argv]

    def status(self, *argv):
        done = subprocess.run(self.command(*argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def do(self, *argv):
        return run(self.command(*argv))

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
