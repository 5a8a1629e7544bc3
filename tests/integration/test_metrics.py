"""What /metrics says of a real service, over HTTP: freshness, runs, queue, errors by code, what targets cost (issue 4, N10)."""
import json
import os
import re
import signal

import pytest

from agent_fixtures import ROOT
from console import Console, until
from fakescim import FakeScim
from smalldir import SmallDirectory

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ([-+]?(?:[0-9.]+(?:e[-+]?[0-9]+)?|Inf)|NaN)")


@pytest.fixture
def people(tmp_path):
    directory = SmallDirectory(str(tmp_path / "people.ldif"))
    for i in range(6):
        directory.user(f"u{i}")
    return directory.write()


@pytest.fixture
def served(agent, people):
    """The service with its console, over a scripted target; what is given are the target's and the sync's options."""
    consoles = []

    def make(fake, target="", sync=""):
        agent.configure(people.source(), fake, target=target,
                        sync=f'schedule {{ every = "1h"  on_change = "no" }}\nfresh = "60s"\n{sync}')
        console = Console(agent.folder, conf=agent.conf)
        with open(agent.conf, "a", encoding="utf-8") as f:
            f.write(f"console {{ port = {console.port} }}\n")
        consoles.append(console)
        return console.start()
    yield make
    for console in consoles:
        console.stop()


def read(c):
    """{(name, ((label, value), ...)): number} and {family: type}; what is not to the letter of the text format fails."""
    status, headers, text = c.raw("GET", "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found, types, family = {}, {}, None
    assert text.endswith(b"\n")
    for line in text.decode().splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
            assert family not in types and line.split(" ", 3)[3], line
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family and name not in types and kind in ("gauge", "counter", "histogram"), line
            types[name] = kind
        else:
            m = SAMPLE.fullmatch(line)
            assert m, line
            name, labels, value = m.group(1), m.group(2), m.groups()[-1]
            assert family in types and family == (re.sub("_(bucket|sum|count)$", "", name) if types[family] == "histogram" else name), line
            key = name, tuple(re.findall(LABEL, labels or ""))
            assert key not in found, line
            found[key] = float(value)
    return found, types


def samples(c):
    return read(c)[0]


def when(c, name, condition=lambda v: v > 0, **labels):
    """Waits until the sample is so; all samples of that moment."""
    def look():
        all_of = samples(c)
        return all_of if condition(all_of.get((name, tuple(labels.items())), -1)) else None
    return until(look, 120)


def test_what_issue_4_names_is_there_and_right(served, people):
    with FakeScim() as fake:
        c = served(fake)
        s = when(c, "lockstep_runs_total", sync="mail", exit="0")
        sync, target = ("sync", "mail"), ("target", "hosted")
        # freshness per sync, and its promise
        assert 0 <= s["lockstep_freshness_seconds", (sync,)] < 3600
        assert s["lockstep_freshness_promise_seconds", (sync,)] == 60
        # run durations
        runs = sum(v for (name, _), v in s.items() if name == "lockstep_runs_total")
        assert runs == s["lockstep_run_duration_seconds_count", (sync,)] == s[
            "lockstep_run_duration_seconds_bucket", (sync, ("le", "+Inf"))]
        assert s["lockstep_operations_total", (sync, ("operation", "created"))] == 6
        # queue
        s = when(c, "lockstep_in_lockstep", target="hosted")
        assert s["lockstep_dirty_objects", (target,)] == s["lockstep_waiting_operations", (target,)] == 0
        assert {("lockstep_jobs", (("state", k),)) for k in ("running", "waiting")} <= set(s)
        assert s["lockstep_objects", (target, ("kind", "user"))] == 6
        # target latency: one observation for each answer that the service gave to the run; the check's are its own
        assert s["lockstep_target_operations_total", (target,)] == 6
        count = s["lockstep_target_latency_seconds_count", (target,)]
        assert 2 <= count <= len(fake.requests) and s["lockstep_target_latency_seconds_sum", (target,)] > 0
        buckets = [v for (name, labels), v in s.items() if name == "lockstep_target_latency_seconds_bucket"]
        assert buckets == sorted(buckets) and buckets[-1] == count
        # no rate limit, no wait
        assert not any(v for (name, _), v in s.items() if name.startswith("lockstep_target_wait"))


@pytest.mark.parametrize("seconds", (1, 21))     # waited for by the connector, by the engine
def test_a_429_is_a_wait_that_the_service_asked_for(served, seconds):
    with FakeScim() as fake:
        fake.fault("POST /Users|POST /Bulk", "status", value=(429, [("Retry-After", str(seconds))]))
        c = served(fake, target='bulk = "no"')
        s = when(c, "lockstep_runs_total", sync="mail", exit="0")
        told, paced = ((("target", "hosted"), ("cause", k)) for k in ("told", "paced"))
        assert s["lockstep_target_waits_total", told] >= 1 and s["lockstep_target_wait_seconds_total", told] > 0
        assert s["lockstep_target_waits_total", paced] == 0
        assert s["lockstep_target_operations_total", (("target", "hosted"),)] == 6


def test_our_own_pace_is_told_apart(served, agent):
    with FakeScim() as fake:
        c = served(fake, target='bulk = "no"  rate = "10/1s"')
        s = when(c, "lockstep_runs_total", sync="mail", exit="0")
        told, paced = ((("target", "hosted"), ("cause", k)) for k in ("told", "paced"))
        assert s["lockstep_target_waits_total", paced] >= 1 and s["lockstep_target_wait_seconds_total", paced] > 0
        assert s["lockstep_target_waits_total", told] == 0
        # the same in history, of that run
        cost = agent.json("history")["runs"][0]["counts"]["targets"][0]
        assert cost["target"] == "hosted" and cost["operations"] == 6
        assert cost["waits"]["paced"]["count"] == s["lockstep_target_waits_total", paced]
        assert sum(cost["answers"]["buckets"]) == cost["answers"]["count"] > 0
        assert "answered in" in agent.run("history").stdout and "waited" in agent.run("history").stdout


def test_errors_by_code(served):
    with FakeScim() as fake:
        fake.fault("POST /Users", "status", value=(400, []), times=1000)
        c = served(fake, target='bulk = "no"')
        s = when(c, "lockstep_runs_total", sync="mail", exit="1")
        s = when(c, "lockstep_dirty_objects", target="hosted")
        failing = {dict(labels)["code"]: v for (name, labels), v in s.items() if name == "lockstep_failing_objects"}
        assert sum(failing.values()) == 6 and all(failing)
    # the service is gone: the run itself has an error
    c.sign_in()
    c.command("sync", "--full")
    s = when(c, "lockstep_runs_total", sync="mail", exit="5")
    errors = {dict(labels)["code"]: v for (name, labels), v in s.items() if name == "lockstep_run_errors_total"}
    assert errors == {"unreachable": s["lockstep_runs_total", (("sync", "mail"), ("exit", "5"))]}


def test_counters_never_fall_and_the_dashboard_asks_for_what_is_there(served):
    with FakeScim() as fake:
        c = served(fake)
        when(c, "lockstep_in_lockstep", target="hosted")
        first, types = read(c)
        runs = lambda s: sum(v for (name, _), v in s.items() if name == "lockstep_runs_total")
        c.sign_in().command("sync")
        second = until(lambda: (lambda s: s if runs(s) > runs(first) else None)(samples(c)), 120)
        counted = [k for k in first if types.get(k[0]) == "counter" or re.search("_(bucket|count|sum)$", k[0])]
        assert len(counted) > 20 and all(second[k] >= first[k] for k in counted)
        assert runs(second) == runs(first) + 1
    with open(os.path.join(ROOT, "docs", "grafana.json"), encoding="utf-8") as f:
        asked = set(re.findall(r"\b(?:lockstep|process)_[a-z_]+", json.dumps([p.get("targets", []) for p in json.load(f)["panels"]])))
    assert len(asked) > 10 and asked <= set(types) | {name for name, _ in second}


def test_healthz_in_each_state(served, agent):
    """200 while it works, also with a change of the configuration that is refused; 503 in set-up mode."""
    def health(c):
        status, _, body = c.raw("GET", "/healthz")
        return status, json.loads(body)
    with FakeScim() as fake:
        c = served(fake)
        with open(agent.conf, encoding="utf-8") as f:
            good = f.read()
        status, said = health(c)
        assert status == 200 and said["ok"] and said["config_valid"] and said["state"] == "running"
        with open(agent.conf, "a", encoding="utf-8") as f:
            f.write("what is this\n")
        c.process.send_signal(signal.SIGHUP)
        status, said = until(lambda: (lambda h: h if not h[1]["config_valid"] else None)(health(c)))
        assert status == 200 and said["ok"] and said["state"] == "running"
        assert samples(c)["lockstep_config_valid", ()] == 0
        c.stop()
        c.start()
        status, said = health(c)
        assert status == 503 and not said["ok"] and said["state"] == "setup"
        samples(c)
        with open(agent.conf, "w", encoding="utf-8") as f:
            f.write(good)
        assert until(lambda: health(c)[0] == 200)
