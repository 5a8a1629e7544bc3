"""What tests of the console share: a set-up agent; a browser, and that nothing of what a page does fails or leaves this machine."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from browser import MODULES, Browser  # noqa: E402
from desk import Desk  # noqa: E402

needs_browser = pytest.mark.skipif(
    not os.path.exists("/usr/bin/chromium") or not os.path.exists(os.path.join(MODULES, "node_modules")),
    reason="needs chromium and the modules that ./dev check installs")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Set up, without a browser."""
    d = Desk(tmp_path_factory.mktemp("desk"))
    try:
        yield d.set_up()
    finally:
        d.stop()


@pytest.fixture
def c(desk):
    return desk.console


@pytest.fixture
def bare(tmp_path):
    """In set-up mode."""
    d = Desk(tmp_path)
    try:
        yield d
    finally:
        d.stop()


@pytest.fixture(scope="module")
def browser():
    b = Browser()
    yield b
    b.close()


@pytest.fixture
def clean(browser):
    """Nothing that a page did was refused by its policy, failed, or left this machine."""
    browser("window", n=0)
    browser("size", width=1280, height=900)
    yield browser
    wrong = [w for w in browser("wrong") if "Failed to load resource" not in w]
    assert not wrong, wrong


@pytest.fixture
def new_desk(tmp_path):
    """With nothing set up, for this test alone."""
    d = Desk(tmp_path, people=40)
    yield d
    d.stop()


def look(found):
    assert not found, "\n".join(found)


def check_target(b, url, token):
    b.fill("Address of the service", url)
    b.fill("Token", token)
    b.button("Test", exact=True)
