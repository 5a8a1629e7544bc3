"""What a Samba AD DC of the tests' own needs of this computer: an address, ports, processes that end."""
import os
import signal
import socket
import time

from certs import CommandFailed


class SambaError(CommandFailed):
    pass


def may_bind_low_ports():
    """Else no domain controller can be started here."""
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as f:
        if int(f.read()) <= 135:
            return True
    return _capable(10)          # CAP_NET_BIND_SERVICE


def may_mount():
    """Else there can be no pair, whose members need a resolv.conf of their own (not in a plain container)."""
    return _capable(21)          # CAP_SYS_ADMIN


def _capable(bit):
    with open("/proc/self/status") as f:
        caps = next(int(line.split()[1], 16) for line in f if line.startswith("CapEff"))
    return bool(caps >> bit & 1)


def reserve_address(first=10, last=99):
    """A 127.0.0.x on which no LDAP server listens, and the socket that keeps it from others."""
    for n in range(first, last):
        try:
            guard = guard_address(f"127.0.0.{n}", 0)
        except SambaError:
            continue
        if not any(listens(f"127.0.0.{n}", port) for port in (636, 389, 135)):
            return f"127.0.0.{n}", guard
        guard.close()
    raise SambaError("no free 127.0.0.x address: are domain controllers of earlier tests still running?")


def listens(address, port):
    with socket.socket() as s:
        return s.connect_ex((address, port)) == 0


def started_at(pid):
    """When a process started, in ticks since boot, as text; what makes a pid unique. OSError: gone."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    if fields[0] == "Z":
        raise ProcessLookupError(f"{pid} has ended")
    return fields[19]


def end_group(pid, kill):
    try:
        os.killpg(pid, signal.SIGKILL if kill else signal.SIGTERM)
        end = time.monotonic() + 60
        while True:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
            os.killpg(pid, 0 if time.monotonic() < end else signal.SIGKILL)
            time.sleep(0.05)
    except ProcessLookupError:
        pass


def guard_address(address, patience):
    """Reserves an address while a DC runs there: the socket is inherited by Samba."""
    end = time.monotonic() + patience
    while True:
        guard = socket.socket(socket.AF_UNIX)
        try:
            guard.bind(f"\0lockstep-dc-{address}")
            return guard
        except OSError:
            guard.close()
            if time.monotonic() >= end:
                raise SambaError(f"{address}: another domain controller is there") from None
        time.sleep(0.5)
