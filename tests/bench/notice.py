"""From a change in a real directory to the hosted side, by the service: 200 changes at random moments in a Samba AD DC.

A controller tells of changes when it likes (Samba looks every 5 s). So a relay stands between us and the controller,
looks into nothing (it is TLS) and notes when bytes come to the one connection that only waits for news. What passes
from there is ours, and a part of the directory's own: reading what changed.
"""
import os
import random
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from rig import World, program, say

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", d) for d in ("lib", "integration")]

MEAN = 1.0      # seconds from one change to the next


class Relay(threading.Thread):
    """TCP to the controller; open: for each connection that stands, when bytes came from there."""

    def __init__(self, address, port):
        super().__init__(daemon=True)
        self.to, self.listener = (address, port), socket.create_server((address, 0))
        self.port, self.open = self.listener.getsockname()[1], []
        self.start()

    def run(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(self.to)
            threading.Thread(target=self.keep, args=(near, far), daemon=True).start()

    def keep(self, near, far):
        heard = []
        self.open.append(heard)
        try:
            self.carry(near, far, heard)
        finally:
            self.open = [h for h in self.open if h is not heard]

    @staticmethod
    def carry(near, far, heard):
        with selectors.DefaultSelector() as ready, near, far:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in ready.select():
                    try:
                        data = key.fileobj.recv(65536)
                        if key.fileobj is far:
                            heard.append(time.monotonic())
                        if not data:
                            return
                        key.data.sendall(data)
                    except OSError:
                        return


def configure(w, dc, relay, token):
    with open(os.open(w.path("password"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(dc.account_password + "\n")
    with open(w.path("lockstep.conf"), "w") as f:
        f.write(f"""state = "state"
console {{ enabled = "no" }}
source "d" {{ type = "ad"  server = "ldaps://{dc.address}:{relay.port}"  ca_file = "{dc.ca}"  bind = "{dc.account}"
  password_file = "password"  base = '{dc.base}' }}
target "t" {{ type = "scim"  url = "http://127.0.0.1:{w.port}/scim/v2"  token_file = "token" }}
sync "s" {{ from = "d"  to = "t"  schedule {{ every = "1h" }} }}
""")


class Changes:
    """Made at random moments; each is looked for in the hosted side until it is there."""

    def __init__(self, dc, client, people):
        self.dc, self.client, self.people = dc, client, people
        self.made, self.open, self.arrived = {}, {}, {}

    def make(self, n):
        guid, dn = self.people[n % len(self.people)]
        self.dc.modify(dn, title=f"change {n}")
        self.made[n], self.open[n] = time.monotonic(), guid

    def look(self):
        for n, guid in list(self.open.items()):
            found = self.client("GET", "/Users", filter=f'externalId eq "{guid}"').json["Resources"]
            if found and found[0].get("title") == f"change {n}":
                self.arrived[n] = time.monotonic()
                del self.open[n]

    def all(self, count, chance):
        due = [0.0]
        for _ in range(count - 1):
            due.append(due[-1] + chance.expovariate(1 / MEAN))
        start, n = time.monotonic(), 0
        while n < count or self.open:
            while n < count and time.monotonic() >= start + due[n]:
                self.make(n)
                n += 1
            self.look()
            if n == count and time.monotonic() > self.made[n - 1] + 120:
                raise RuntimeError(f"changes {list(self.open)} do not arrive")
            time.sleep(0.01)


def spread(values):
    values = sorted(1000 * v for v in values)
    return dict(median=values[len(values) // 2], p99=values[max(0, int(len(values) * 0.99) - 1)], worst=values[-1])


def measure(w, dc, relay, client, count, out):
    people = [(dc.guid(dn), dn) for dn, _ in dc.search("(&(objectClass=user)(mail=*))", attrs=["1.1"])]
    changes = Changes(dc, client, people[:count])
    changes.make(0)
    while changes.open:                     # the watcher stood before the first run had ended, or the change is in that
        time.sleep(0.2)
        changes.look()
    time.sleep(6)                           # at rest: only the connection of the watcher is open
    (news,) = relay.open
    changes.all(count, random.Random(7))
    told = {n: next((t for t in news if t > at), None) for n, at in changes.made.items()}
    whole = [changes.arrived[n] - changes.made[n] for n in changes.made]
    beyond = [changes.arrived[n] - told[n] for n in changes.made if told[n]]
    if len(beyond) < len(whole) * 0.9:
        raise RuntimeError(f"of {len(whole)} changes only {len(beyond)} were told of by the controller")
    out["notice_ad_ms"], out["notice_beyond_ms"] = spread(whole), spread(beyond)


def bench_notice(scale, out):
    from cloud_fixtures import Client
    from sambadc import SambaDC, may_bind_low_ports
    from smalldir import BASE
    if not may_bind_low_ports():
        say("notice: skipped, a domain controller needs ports below 1024")
        return
    count = max(10, int(200 * scale))
    say(f"notice: {count} changes in a domain controller, about one a second")
    folder, daemon = tempfile.mkdtemp(prefix="lsb-"), None
    dc = SambaDC.new(os.path.join(folder, "dc"), people=300, account=True)
    w = World("notice", HERE, BASE)         # no LDIF in there: the directory is the controller
    try:
        dc.start()
        relay = Relay(dc.address, 636)
        with open(w.path("token")) as f:
            client = Client(w.port, f.read().strip())
        configure(w, dc, relay, client.token)
        daemon = subprocess.Popen([program("lockstepd"), "-c", w.path("lockstep.conf")], stdin=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        measure(w, dc, relay, client, count, out)
        whole, beyond = out["notice_ad_ms"], out["notice_beyond_ms"]
        say(f"notice: {whole['median']:.0f} ms in all, p99 {whole['p99']:.0f} ms; beyond the controller's own word "
            f"{beyond['median']:.0f} ms, p99 {beyond['p99']:.0f} ms")
    finally:
        if daemon:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()
        w.close()
        dc.stop()
        shutil.rmtree(folder, ignore_errors=True)
