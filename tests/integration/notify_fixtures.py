"""Fixtures postfix and webhook: where messages of the service arrive."""
import pytest

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
