"""Fixture fake_ldap: a scripted LDAP server (tests/lib/fakeldap.py), running, without rules. Fails the test that
made its client write, or whose script is wrong."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fakeldap import FakeLdap  # noqa: E402


@pytest.fixture
def fake_ldap():
    with FakeLdap() as server:
        yield server
    assert server.errors == []
