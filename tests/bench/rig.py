"""Runs the real programs and measures them: time, CPU time of a process tree, peaks of memory."""
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

from inputs import KEPT, ROOT

BIN = os.environ.get("LOCKSTEP_BIN", os.path.join(ROOT, "build", "bin"))
TICK = os.sysconf("SC_CLK_TCK")


def say(text):
    print(f"-- {text}", file=sys.stderr, flush=True)


def program(name):
    return os.path.join(BIN, name)


def proc_status(pid):
    """(name, peak of resident memory in MB), or None. The name is that of the program file, not cut."""
    try:
        with open(f"/proc/{pid}/status") as f:
            peak = next((int(x.split()[1]) for x in f if x.startswith("VmHWM")), None)
        return (os.path.basename(os.readlink(f"/proc/{pid}/exe")), peak / 1024) if peak else None
    except OSError:
        return None


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(x) for x in f.read().split()]
    except OSError:
        return []


def cpu_of(pid):
    """User and system seconds of one process."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Peaks(threading.Thread):
    """Looks at processes and their children often: VmHWM only grows, so the last look counts."""

    def __init__(self, *pids):
        super().__init__(daemon=True)
        self.pids, self.mb, self.over = pids, {}, threading.Event()
        self.start()

    def look(self):
        for pid in [p for top in self.pids for p in (top, *children(top))]:
            found = proc_status(pid)
            if found and found[1] > self.mb.get(found[0], 0):
                self.mb[found[0]] = found[1]

    def run(self):
        while not self.over.wait(0.02):
            self.look()

    def end(self):
        self.over.set()
        self.join()
        return self.mb


class Done:
    """One command: its result, and what it cost with all its children. A connector is told its requests, and its
    standard input stays open until it has said `end`."""

    def __init__(self, argv, also=(), requests=None):
        start, out = time.monotonic(), []
        p = subprocess.Popen(argv, stdin=subprocess.PIPE if requests else subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        peaks = Peaks(p.pid, *also)
        errors = threading.Thread(target=lambda: out.append(p.stderr.read()))
        errors.start()
        self.stdout = self._converse(p, requests) if requests else p.stdout.read()
        errors.join()
        _, status, use = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        self.seconds, self.cpu, self.peaks = time.monotonic() - start, use.ru_utime + use.ru_stime, peaks.end()
        if p.returncode:
            raise RuntimeError(f"{argv}: exit {p.returncode}\n{self.stdout[-2000:]!r}\n{out[0][-2000:]!r}")


    @staticmethod
    def _converse(p, requests):
        chunks, tail = [], b""
        p.stdin.write(requests)
        p.stdin.flush()
        while chunk := p.stdout.read1(1 << 20):
            chunks.append(chunk)
            tail = (tail + chunk)[-2000:]
            if not p.stdin.closed and b'{"type":"end"' in tail and tail.endswith(b"\n"):
                p.stdin.close()
        return b"".join(chunks)


class World:
    """An empty hosted side - or another service, by its port and token - and an agent that has never run, for one
    directory of LDIF."""

    def __init__(self, name, directory, base, service=None):
        self.folder = os.path.join(KEPT, "run-" + name)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.directory = os.path.join(self.folder, "directory")
        os.makedirs(self.directory)
        for f in os.listdir(directory):
            if f.endswith(".ldif"):
                os.link(os.path.join(directory, f), os.path.join(self.directory, f))
        self.base, self.server = base, None
        if not service:
            token = self.serve()
        with open(os.open(self.path("token"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(service.token + "\n" if service else token)
        self.configure(service.port if service else self.port)

    def serve(self):
        db = self.path("cloud.db")
        token = subprocess.run([program("lockstep-cloud"), "tenant", "add", "bench", "--db", db], check=True,
                               capture_output=True, text=True).stdout
        self.server = subprocess.Popen([program("lockstep-cloud"), "serve", "--listen", "127.0.0.1:0", "--db", db],
                                       stdout=subprocess.PIPE, text=True)
        self.port = int(self.server.stdout.readline().split(":")[2].split("/")[0])
        return token

    def configure(self, port):
        with open(self.path("lockstep.conf"), "w") as f:
            f.write(f"state = \"state\"\nsource \"d\" {{ type = \"ldif\"  file = \"directory\"  base = '{self.base}' }}\n"
                    f"target \"t\" {{ type = \"scim\"  url = \"http://127.0.0.1:{port}/scim/v2\"  token_file = \"token\" }}\n"
                    "sync \"s\" { from = \"d\"  to = \"t\" }\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def sync(self, *words, **expected):
        """A run; the counts that are named must be these."""
        done = Done([program("lockstep"), "-c", self.path("lockstep.conf"), "sync", *words, "--json"],
                    also=(self.server.pid,) if self.server else ())
        self.result(done, **expected)
        return done

    @staticmethod
    def result(done, **expected):
        done.result = json.loads(done.stdout)
        wrong = {k: done.result[k] for k, v in expected.items() if done.result[k] != v}
        if wrong or done.result["failed"] or done.result["held"]:
            raise RuntimeError(f"expected {expected}, found {done.result}")
        return done.result

    def json(self, *words):
        return json.loads(Done([program("lockstep"), "-c", self.path("lockstep.conf"), *words, "--json"]).stdout)

    def take(self, name, text):
        """A file of changes appears, whole."""
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(path + ".new", path)

    def server_cpu(self):
        return cpu_of(self.server.pid)

    def close(self):
        if self.server:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(60)
            self.server.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
