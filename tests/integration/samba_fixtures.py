"""Fixtures: real Samba domain controllers. See tests/lib/sambadc.py for what one can do with them.

samba_dc     one for the whole session: the company of 250 and the account svc-lockstep. Look; change only what you add.
samba_fresh  one for a test: an empty domain with the account; do anything with it.
samba_pair   two for a test that replicate, with the account.
"""
import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import samba_host  # noqa: E402
import sambadc  # noqa: E402


@pytest.fixture(scope="session")
def samba_folder():
    """A folder with a short name, since Samba's sockets live in it."""
    if not sambadc.may_bind_low_ports():
        pytest.skip("a domain controller needs ports 389 and 636: run as root")
    path = tempfile.mkdtemp(prefix="lsdc-")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def samba_dc(samba_folder):
    dc = sambadc.SambaDC.new(os.path.join(samba_folder, "session"), people=250, account=True)
    dc.start()
    yield dc
    dc.end()


@pytest.fixture
def samba_fresh(samba_folder):
    path = tempfile.mkdtemp(dir=samba_folder)
    dc = sambadc.SambaDC.new(path, account=True)
    dc.start()
    yield dc
    dc.end()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def samba_pair(samba_folder):
    if not samba_host.may_mount():
        pytest.skip("two controllers need a mount namespace each: CAP_SYS_ADMIN")
    path = tempfile.mkdtemp(dir=samba_folder)
    pair = sambadc.SambaDC.pair(path)
    try:
        for dc in pair:
            dc.start()
        yield pair
    finally:
        for dc in pair:
            dc.end()
        shutil.rmtree(path, ignore_errors=True)
