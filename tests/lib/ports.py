"""Ports of this computer that stay this program's own, also while nothing listens there."""
import random
import socket

FIRST, LAST = 15000, 31999      # below what the kernel gives to connections that go out (ip_local_port_range)
_kept = []                      # a name per port in the abstract namespace, until this program ends


def free_port(address="127.0.0.1"):
    """A port on which a server can be started, stopped and started again; no other test gets it."""
    while True:
        port, guard = random.randint(FIRST, LAST), socket.socket(socket.AF_UNIX)
        try:
            guard.bind(f"\0lockstep-port-{port}")
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind((address, port))
        except OSError:
            guard.close()
            continue
        _kept.append(guard)
        return port
