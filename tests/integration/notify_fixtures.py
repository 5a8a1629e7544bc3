"""Fixtures service and hosted: the service and what it syncs to; postfix and webhook: where its messages arrive."""
import os
import subprocess

import pytest

from alertd import Service
from postfix import Postfix, missing
from webhook import Webhook


@pytest.fixture(scope="module")
def postfix_instance():
    why = missing()
    if why:
        pytest.skip(why)
    p = Postfix()
    try:
        yield p.start()
    finally:
        p.remove()


@pytest.fixture
def postfix(postfix_instance):
    """A running Postfix whose mailbox is read."""
    if not postfix_instance.process:
        postfix_instance.start()
    postfix_instance.arrived()
    return postfix_instance


@pytest.fixture
def webhook(tmp_path):
    hook = Webhook(tmp_path / "webhook")
    yield hook
    hook.close()


@pytest.fixture
def service(agent, tmp_path):
    s = Service(agent, tmp_path)
    yield s
    s.stop()


@pytest.fixture
def hosted(cloud):
    """lockstep-cloud with a tenant; .url, .token"""
    client = cloud.tenant("acme")
    client.url = f"http://127.0.0.1:{client.port}/scim/v2"
    return client


@pytest.fixture
def small_disk(service):
    """The state on a tmpfs of 300 MB."""
    os.mkdir(service.state)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m,mode=700", "tmpfs", service.state]).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield service.state
    service.stop()
    subprocess.run(["umount", "-l", service.state], check=True)
