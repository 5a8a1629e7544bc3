"""Debian's tinyproxy (package tinyproxy-bin) in a folder of its own, on an address of its own."""
import os
import random
import socket
import subprocess
import time

from ports import free_port


class Tinyproxy:
    """with Tinyproxy(folder, login="user:password") as p: p.url, p.connected()"""

    def __init__(self, folder, login=None, ports=()):
        self.folder, self.login, self.ports = str(folder), login, ports
        self.log = os.path.join(self.folder, "tinyproxy.log")

    def _start(self):
        host = "127.%d.%d.%d" % tuple(random.randint(1, 254) for _ in range(3))
        port = free_port(host)
        lines = [f"Port {port}", f"Listen {host}", "Timeout 60", f'LogFile "{self.log}"', "LogLevel Connect", "MaxClients 50",
                 "Allow 127.0.0.0/8", *(f"ConnectPort {p}" for p in self.ports)]
        if self.login:
            lines.append("BasicAuth " + self.login.replace(":", " ", 1))
        conf = os.path.join(self.folder, "tinyproxy.conf")
        with open(conf, "w") as f:
            f.write("\n".join(lines) + "\n")
        self.process = subprocess.Popen(["tinyproxy", "-d", "-c", conf], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.url = f"http://{host}:{port}"
        while self.process.poll() is None:
            try:
                socket.create_connection((host, port), 1).close()
                return True
            except OSError:
                time.sleep(0.02)
        return False

    def __enter__(self):
        assert self._start() or self._start(), "tinyproxy does not start"
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(120)

    def text(self):
        with open(self.log) as f:
            return f.read()

    def connected(self):
        """How many connections went to a service."""
        return self.text().count("Established connection to host")
