#!/usr/bin/python3
"""./dev bench: what Lockstep costs, as ratios within one run where that is possible.

  ad_read_ratio        full read of 10,000 users from Samba by lockstep-source-ad, against ldapsearch with the same
                       DirSync request over the same LDAPS; medians of interleaved repetitions
  full_objects_per_s   first sync of 100,000 users from LDIF into lockstep-cloud over HTTP
  list_objects_per_s   the same 100,000 read back from lockstep-cloud by `sync --full`, sealed, and compared; list_peak_mb:
                       peak of resident memory of the engine meanwhile
  with_links_ops_per_s the same for a company of 20,000 with managers and groups: creates, references and members
  idle_delta_ratio     CPU time of a run that finds nothing to do, 200,000 mirrored entries against 1,000
  member_change_ratio  CPU time (agent and hosted side) of one member changed in a group of 50,000 against one of 10
  peak_mb              peak of resident memory by program in a first sync of 200,000; peak_ratio: against 20,000
  cloud_vs_scimmy_writes, latency_ratio, undo_ops_per_s: see others.py

  notice_ms            from a change in the directory (a file: it tells at once) to the hosted side, 200 changes
  notice_ad_ms, notice_beyond_ms   from a change in a Samba AD DC to the hosted side, 200 changes; and from the
                       controller's own word of it (it looks every 5 s)
  daemon_mb, daemon_idle_cpu_percent   lockstepd at rest

The last line of standard output is one JSON object; --json FILE keeps it. --scale 0.1 makes everything smaller, to
try it; --only NAME[,NAME] measures a part (ad, full, links, delta, scimmy,
latency, undo, service, notice).
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import inputs
import notice
import others
import service
from rig import BIN, Done, World, program, say

AIMS = {"ad_read_ratio": "<= 1.1", "full_objects_per_s": ">= 8000", "idle_delta_ratio": "<= 1.2",
        "member_change_ratio": "<= 2", "peak_mb": "< 64", "peak_ratio": "<= 1.2",
        "cloud_vs_scimmy_writes": ">= 15", "latency_ratio": "<= 1.5", "notice_ms": "< 1000", "notice_beyond_ms": "< 1000",
        "daemon_mb": "< 12", "daemon_idle_cpu_percent": "< 1"}
ATTRIBUTES = ("accountExpires c cn company department displayName employeeID facsimileTelephoneNumber givenName l mail "
              "manager member mobile objectSid postalCode preferredLanguage proxyAddresses sAMAccountName sn st "
              "streetAddress telephoneNumber title userAccountControl userPrincipalName").split()
ALWAYS = "objectClass objectGUID parentGUID isDeleted primaryGroupID name".split()
CLASSES = ["user", "group", "organizationalUnit", "container", "domainDNS", "builtinDomain"]


# --- (a)

def read_by_agent(dc, folder):
    """Speaks as the engine does, but does not look into what it is told: that is not what is measured."""
    hello = dict(type="hello", versions=[1, 1], role="source", classes=CLASSES, attributes=ATTRIBUTES, options=dict(
        server=[dc.url], bind=[dc.account], ca_file=[dc.ca], password_file=[os.path.join(folder, "password")]))
    read = dict(type="read", cursor=None, classes=CLASSES, attributes=ATTRIBUTES)
    done = Done([program("lockstep-source-ad")], requests="".join(json.dumps(m) + "\n" for m in (hello, read)).encode())
    end = json.loads(done.stdout.rstrip(b"\n").rsplit(b"\n", 1)[1])
    if end["type"] != "end" or not end["sealed"]:
        raise RuntimeError(end)
    return done, end["counts"]["entry"]


def read_by_ldapsearch(dc, folder):
    classes = "".join(f"(objectClass={c})" for c in CLASSES)
    flags = -(1 << 31)                    # incremental values, as a signed number
    done = Done(["env", f"LDAPTLS_CACERT={dc.ca}", "ldapsearch", "-LLL", "-x", "-H", dc.url, "-D", dc.account,
                 "-y", os.path.join(folder, "bare"), "-b", dc.base, "-E", f"!dirSync={flags}/1048576", "-E",
                 "!extendedDn=1", f"(|{classes})", *ALWAYS, *ATTRIBUTES])
    return done, done.stdout.count(b"\ndn:") + done.stdout.startswith(b"dn:")


def bench_ad(scale, out):
    from sambadc import SambaDC, may_bind_low_ports
    if not may_bind_low_ports():
        say("ad: skipped, a domain controller needs ports below 1024")
        return
    count = int(10000 * scale)
    say(f"ad: a domain controller with {count} people")
    folder = tempfile.mkdtemp(prefix="lsb-")
    try:
        dc = SambaDC.new(os.path.join(folder, "dc"), people=count, account=True)
        for name, text in (("password", dc.account_password + "\n"), ("bare", dc.account_password)):
            with open(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
                f.write(text)
        dc.start()
        try:
            times = ([], [])
            for i in range(6):                # the first of each warms the server
                (a, found), (b, shown) = read_by_agent(dc, folder), read_by_ldapsearch(dc, folder)
                if min(found, shown) < count or abs(found - shown) > 0.01 * count:
                    raise RuntimeError(f"{found} entries by the agent, {shown} by ldapsearch")
                say(f"ad: agent {a.seconds:.2f} s, ldapsearch {b.seconds:.2f} s, {found} entries")
                if i:
                    times[0].append(a.seconds), times[1].append(b.seconds)
            out["ad_read"] = dict(entries=found, agent_s=times[0], ldapsearch_s=times[1])
            out["ad_read_ratio"] = statistics.median(times[0]) / statistics.median(times[1])
            out.setdefault("peak_mb", {}).update({k: v for k, v in a.peaks.items() if k.startswith("lockstep")})
        finally:
            dc.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- (b)

def bench_full(scale, out):
    count = int(100000 * scale)
    directory = inputs.people(count)
    say(f"full: first sync of {count} people")
    with World("full", directory, inputs.BASE) as w:
        done = w.sync(created=count)
        out["full_objects_per_s"] = count / done.seconds
        out["full"] = dict(objects=count, seconds=done.seconds, agent_cpu_s=done.cpu, cloud_cpu_s=w.server_cpu())
        again = [w.sync("--full", updated=0, drifted=0, missing=0) for _ in range(2)][1]  # the first one learns what is shown
        listing = w.json("drift")["targets"][0]["listing"]
        if listing["users"] != dict(objects=count, complete=True):
            raise RuntimeError(listing)
        out["list_objects_per_s"] = count / listing["seconds"]
        out["list"] = dict(objects=count, seconds=listing["seconds"], run_seconds=again.seconds,
                           peak_mb=again.peaks.get("lockstep", 0))


def bench_links(scale, out):
    directory = inputs.company(int(20000 * scale))
    say(f"links: first sync of a company of {int(20000 * scale)}")
    with World("links", directory, "DC=example,DC=test") as w:
        done = w.sync()
        ops = sum(done.result[k] for k in ("created", "updated", "members_added"))
        out["with_links_ops_per_s"] = ops / done.seconds
        out["with_links"] = dict(operations=ops, seconds=done.seconds, agent_cpu_s=done.cpu, cloud_cpu_s=w.server_cpu())


# --- (c), (d), (e)

def idle(w):
    return w.sync(read=0, created=0, updated=0, members_added=0).cpu


def change(w, number, group, member, op):
    w.take(f"{number:03d}-change.ldif", inputs.member_change(group, member, op))
    before = w.server_cpu()
    done = w.sync(**{"members_added" if op == "add" else "members_removed": 1, "created": 0})
    return done.cpu + w.server_cpu() - before


def bench_delta(scale, out):
    many, few, big = int(200000 * scale), int(20000 * scale), int(50000 * scale)
    # the same groups in both, so that only the number of entries differs; the smaller lacks some of the members
    groups = (("big", big), ("small", 10))
    sizes = [(many, groups), (few, groups), (int(1000 * scale), ())]
    paths = [inputs.people(n, groups) for n, groups in sizes]
    worlds, peaks = [], []
    try:
        for (n, groups), path in zip(sizes, paths):
            say(f"delta: first sync of {n} people")
            worlds.append(World(f"delta-{n}", path, inputs.BASE))
            first = worlds[-1].sync(created=n + len(groups))
            say(f"delta: {first.seconds:.1f} s, " + ", ".join(f"{k} {v:.1f} MB" for k, v in sorted(first.peaks.items())))
            peaks.append(first.peaks)
        out.setdefault("peak_mb", {}).update(peaks[0])
        out["peak_ratio"] = {k: v / peaks[1][k] for k, v in peaks[0].items() if k in peaks[1]}
        large, _, small = worlds
        idle(large), idle(small)
        pairs = [(idle(large), idle(small)) for _ in range(9)]
        a, b = (statistics.median(x) for x in zip(*pairs))
        out["idle_delta_ratio"], out["idle_delta"] = a / b, dict(large_cpu_s=a, small_cpu_s=b, entries=[many, sizes[2][0]])
        say(f"delta: idle {a:.3f} s and {b:.3f} s of CPU time")
        costs, number = {"big": [], "small": []}, 0
        for i in range(12):                   # in and out by turns, the first of each is for the caches
            for group in ("big", "small"):
                number += 1
                cost = change(large, number, group, many - 1 - i // 2, "delete" if i % 2 else "add")
                costs[group] += [cost] if i >= 2 else []
        a, b = (statistics.median(costs[g]) for g in ("big", "small"))
        out["member_change_ratio"] = a / b
        out["member_change"] = dict(large_cpu_s=a, small_cpu_s=b, members=[big, 10])
    finally:
        for w in worlds:
            w.close()


# --- the whole

def bench_micro(out):
    """Programs of tests/bench in C: lines of {"name", "value", "unit"}."""
    folder = os.path.join(os.path.dirname(BIN), "tests", "bench")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.startswith("bench_") and os.access(os.path.join(folder, name), os.X_OK) and "." not in name:
            lines = subprocess.run([os.path.join(folder, name)], check=True, capture_output=True, text=True).stdout
            for figure in map(json.loads, lines.splitlines()):
                out.setdefault("micro_" + figure["unit"], {})[figure["name"]] = figure["value"]


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((x.split(":")[1].strip() for x in f if x.startswith("model name")), platform.machine())
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) // 1024
    return dict(cpu=model, cores=os.cpu_count(), memory_mb=memory, kernel=platform.release(), load=os.getloadavg()[0])


def flat(out):
    for name, value in out.items():
        if isinstance(value, dict):
            yield from ((f"{name} {k}", v, AIMS.get(name, "")) for k, v in value.items() if isinstance(v, (int, float)))
        elif isinstance(value, (int, float)):
            yield name, value, AIMS.get(name, "")


def meets(value, aim):
    op, _, limit = aim.partition(" ")
    return {"<=": value <= float(limit), ">=": value >= float(limit), "<": value < float(limit)}[op]


PARTS = {"ad": bench_ad, "full": bench_full, "links": bench_links, "delta": bench_delta, "scimmy": others.bench_scimmy,
         "latency": others.bench_latency, "undo": others.bench_undo, "service": service.bench_service, "notice": notice.bench_notice}


def main():
    p = argparse.ArgumentParser(prog="dev bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--json", metavar="FILE")
    p.add_argument("--scale", type=float, default=1.0)
    p.add_argument("--only", default=",".join(PARTS))
    o = p.parse_args()
    parts = o.only.split(",")
    if set(parts) - set(PARTS):
        p.error(f"--only takes {', '.join(PARTS)}")
    os.makedirs(inputs.KEPT, exist_ok=True)
    out = dict(scale=o.scale, machine=machine())
    for name in parts:
        PARTS[name](o.scale, out)
    if parts == list(PARTS):
        bench_micro(out)
    for name, value, aim in flat({k: v for k, v in out.items() if k not in ("machine", "scale")}):
        print(f"{name:44} {value:12.3f}  {aim:10} {'' if not aim else 'ok' if meets(value, aim) else 'MISSED'}")
    text = json.dumps(out)
    print(text)
    if o.json:
        with open(o.json, "w") as f:
            f.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
