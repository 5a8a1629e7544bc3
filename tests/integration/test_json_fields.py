"""M8: what each command prints with --json is named in the manual, so that programs may rely on it."""
import json
import os
import re

import pytest

from agent_fixtures import ROOT
from smalldir import SmallDirectory

# What is in these is named by somebody else: attributes of objects.
VALUES = {"attributes", "before", "after", "was"}


# The manual says of these that their object is that of another command, or of another page.
LIKE = {"apply": ["sync"], "undo": ["sync"], "history": ["sync"]}


def page(name):
    with open(os.path.join(ROOT, "man", name)) as f:
        return f.read()


def words_of(command):
    """The words of the command's own item, and of what is said of every command."""
    text = page("lockstep.1")
    parts = [text[:text.index(".Sh COMMANDS")]]
    for c in [command] + LIKE.get(command, []):
        parts += re.findall(rf"^\.It Ic {c}\b.*?(?=^\.It Ic (?!{c}\b)|^\.Sh )", text, re.M | re.S)
    if command == "alerts":
        parts.append(page("lockstepd-alerts.7"))
    return set(re.findall(r"[A-Za-z_][A-Za-z_0-9]*", "\n".join(parts)))


def names(value):
    """Every member name in it, but for those inside of VALUES."""
    if isinstance(value, list):
        return set().union(*map(names, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(names(v) for k, v in value.items() if k not in VALUES)) if value else set()


@pytest.fixture
def small(agent, acme):
    d = SmallDirectory(agent.path("people.ldif"))
    for n in ("anna", "bert", "carla"):
        d.user(n)
    d.user("nobody", mail=None)
    d.group("staff", "anna", "bert")
    agent.configure(d.write().source(), acme)
    return d


def said(agent, *words):
    done = agent.run(*words, "--json", code=(0, 1, 2, 3, 4, 5))
    lines = done.stdout.splitlines()
    assert len(lines) == 1, f"{words}: one object on one line\n{done.stdout}\n{done.stderr}"
    return json.loads(lines[0])


def test_M8_every_field_is_in_the_manual(agent, small, acme):
    missing = {}

    def look(*words, holds=()):
        value = said(agent, *words)
        found = names(value)
        assert set(holds) <= found, (words, value)
        unknown = found - words_of(words[0])
        if unknown:
            missing[" ".join(words)] = sorted(unknown)
        return value

    look("check", holds=("findings", "level", "topic"))
    look("plan", holds=("operations", "totals"))
    first = look("sync", holds=("run", "created", "failed", "as_of"))["run"]
    small.set("anna", title="Chief")
    small.drop("carla")
    small.group("staff", "anna")
    small.write()
    plan = agent.path("plan")
    look("plan", "--out", plan, holds=("digest",))
    second = look("apply", plan)["run"]
    look("sync", "--full", holds=("drifted",))
    look("status", holds=("failing_codes", "failures", "attempts", "entries"))
    look("history", holds=("runs", "counts"))
    for run in (first, second):
        look("history", str(run), holds=("operations", "op"))
    look("explain", "anna@example.test", holds=("in_scope", "values", "sent"))
    look("explain", "nobody", holds=("problem",))
    look("explain", "carla@example.test")
    look("drift", holds=("listing",))
    look("adopt", "--list", holds=("adoptions", "orphans"))
    look("search", "anna", holds=("results",))
    look("browse", "groups", holds=("members",))
    look("browse", "containers", holds=("users_below",))
    look("undo", str(second), "--dry-run")
    look("undo", str(second))
    look("status", holds=("pins", "references"))
    look("unpin", "--all")
    look("release", "1")
    look("config", "show", holds=("text",))
    look("state", "check", holds=("findings",))
    look("state", "backup", agent.path("copy"))
    look("state", "rebuild", "company", holds=("rebuild",))
    look("alerts", holds=())
    look("register", holds=("token_file",))
    look("explain", "who-is-this", holds=("error", "code"))
    look("sync", "no-such-sync", holds=("error",))
    assert missing == {}
