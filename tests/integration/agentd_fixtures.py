"""What tests of lockstepd have in common: a few people in a file, a service that can be stopped at its first write."""
import threading

import pytest

from agentd import WAIT, until
from fakescim import FakeScim
from smalldir import SmallDirectory


@pytest.fixture
def people(tmp_path):
    directory = SmallDirectory(tmp_path / "people.ldif")
    for i in range(5):
        directory.user(f"u{i}")
    return directory.write()


def names(acme):
    return {r["userName"] for r in acme("GET", "/Users").json["Resources"]}


def mail(*people):
    return {f"{p}@example.test" for p in people}


def appears(acme, *people):
    until(lambda: mail(*people) <= {n if "@" in n else n + "@example.test" for n in names(acme)},
          f"{people} do not appear")


class Gate:
    """A target that stops at the first thing that is to be written, until it is opened."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self):
        self.reached.set()
        self.opened.wait(WAIT)


@pytest.fixture
def slow():
    """A service of somebody else's and the gate before it."""
    gate = Gate()
    with FakeScim() as service:
        for line in ("POST /Users", "POST /Bulk"):
            service.fault(line, "call", gate, times=100000)
        service.gate = gate
        yield service
        gate.opened.set()
