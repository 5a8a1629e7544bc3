"""Fixture start: lockstep-target-scim against a service, driven by its pipes."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from connector import Target  # noqa: E402


@pytest.fixture
def start(tmp_path):
    """start(fake, **options) -> Target; all are closed at the end and must have ended well."""
    targets = []

    def go(fake, **options):
        token = tmp_path / f"token{len(targets)}"
        token.write_text(options.pop("token", fake.token) + "\n")
        token.chmod(0o600)
        t = Target("lockstep-target-scim", url=options.pop("url", fake.url), token_file=token, **options)
        targets.append((t, fake))
        return t

    yield go
    for t, fake in targets:
        status, said = t.close(), "".join(t.errors)
        assert status == (1 if t.hello["type"] == "error" else 0), said
        assert "Sanitizer" not in said and "runtime error" not in said, said
        assert fake.token not in said
