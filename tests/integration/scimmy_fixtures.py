"""Fixture scimmy: servers of somebody else, with Express 4 and with 5 (tests/lib/scimmy.py)."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from scimmy import Scimmy  # noqa: E402


@pytest.fixture(params=[4, 5], ids=["express4", "express5"])
def scimmy(request):
    with Scimmy(request.param) as server:
        yield server
