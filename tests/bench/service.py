"""What the service costs: from a change in the directory to the target, and at rest.

The directory is one file of LDIF (inotify tells at once), so that what is timed is ours alone: the watcher, the daemon's
pause to gather, the run, the hosted side. A controller's own notification comes on top (Samba's: up to 5 s).
"""
import os
import statistics
import subprocess
import sys
import time

from rig import World, cpu_of, program, say

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", d) for d in ("lib", "integration")]

REST = 20       # seconds at rest


def memory_mb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS")) / 1024


def bench_service(scale, out):
    from cloud_fixtures import Client
    from smalldir import BASE, SmallDirectory
    changes, people = max(20, int(200 * scale)), max(100, int(1000 * scale))
    w = World("service", HERE, BASE)       # no LDIF in there: the one file is ours
    directory = SmallDirectory(w.path("people.ldif"))
    ids = [directory.user(f"u{i}") for i in range(people)]
    directory.write()
    with open(w.path("lockstep.conf")) as f:
        text = f.read().replace('file = "directory"', 'file = "people.ldif"')
    with open(w.path("lockstep.conf"), "w") as f:
        f.write(text + 'console { enabled = "no" }\n')
    with open(w.path("token")) as f:
        client = Client(w.port, f.read().strip())
    daemon = subprocess.Popen([program("lockstepd"), "-c", w.path("lockstep.conf")], stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        def value(i):
            found = client("GET", "/Users", filter=f'externalId eq "{ids[i]}"').json["Resources"]
            return found[0].get("title") if found else None

        def wait(i, title):
            end = time.monotonic() + 60
            while value(i) != title:
                if time.monotonic() > end:
                    raise RuntimeError(f"{title} does not arrive")
                time.sleep(0.005)
        directory.set("u0", title="begin")
        directory.write()
        wait(0, "begin")
        wait(people - 1, None)
        time.sleep(3)                          # the watcher stands
        times = []
        for n in range(changes):
            directory.set(f"u{n % people}", title=f"change {n}")
            start = time.monotonic()
            directory.write()
            wait(n % people, f"change {n}")
            times.append(1000 * (time.monotonic() - start))
        times.sort()
        out["notice_ms"] = dict(median=statistics.median(times), p99=times[int(len(times) * 0.99) - 1], worst=times[-1])
        time.sleep(5)
        before = cpu_of(daemon.pid)
        time.sleep(REST)
        out["daemon_idle_cpu_percent"] = 100 * (cpu_of(daemon.pid) - before) / REST
        out["daemon_mb"] = memory_mb(daemon.pid)
        say(f"service: {out['notice_ms']['median']:.0f} ms, p99 {out['notice_ms']['p99']:.0f} ms; "
            f"{out['daemon_mb']:.1f} MB and {out['daemon_idle_cpu_percent']:.2f} % at rest")
    finally:
        daemon.terminate()
        daemon.wait()
        w.close()
