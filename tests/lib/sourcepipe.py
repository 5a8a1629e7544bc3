"""A source at the other end of two pipes, spoken to as the engine does (lockstep-connector(7))."""
import json
import os
import subprocess
import tempfile

from connector import PATIENCE, program


class Source:
    """A running source. Everything received is in self.log, standard error in self.errors() after close()."""

    def __init__(self, name, options, classes=(), attributes=(), wrap=()):
        self.classes, self.attributes, self.log = list(classes), list(attributes), []
        self.stderr = tempfile.TemporaryFile()
        # an empty environment, as the engine gives; sanitizers need their options
        env = {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
        self.process = subprocess.Popen([*wrap, program(name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.stderr, env=env)
        listed = {k: v if isinstance(v, list) else [v] for k, v in options.items() if v is not None}
        self.say(type="hello", versions=[1, 1], role="source", options=listed, classes=self.classes, attributes=self.attributes)
        self.hello = self.hear()
        while self.hello and self.hello["type"] == "progress":
            self.hello = self.hear()

    def say(self, **message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self):
        """The next message, or None at the end."""
        line = self.process.stdout.readline()
        if not line:
            return None
        assert line.endswith(b"\n") and len(line) <= 1 << 20
        message = json.loads(line)
        self.log.append(message)
        return message

    def answers(self):
        """All messages up to `end` (or an error, or the end)."""
        out = []
        while True:
            m = self.hear()
            if m is None:
                return out
            out.append(m)
            if m["type"] in ("end", "error"):
                return out

    def read(self, cursor=None):
        self.say(type="read", cursor=cursor, classes=self.classes, attributes=self.attributes)
        return Read(self.answers())

    def fetch(self, *ids):
        self.say(type="fetch", ids=list(ids))
        return Read(self.answers())

    def check(self, *bases):
        self.say(type="check", bases=list(bases))
        return [m for m in self.answers() if m["type"] == "finding"]

    def setup(self):
        self.say(type="setup")
        return "".join(m["text"] for m in self.answers() if m["type"] == "text")

    def close(self):
        """Ends its input; its exit status."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.stdout.close()
        return status

    def errors(self):
        self.stderr.seek(0)
        return self.stderr.read().decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Read:
    """What a read brought, put together as a mirror would: entries {id: ...}, links {(id, attribute): set}."""

    def __init__(self, messages):
        self.messages = messages
        self.end = messages[-1] if messages else {}
        self.entries, self.gone, self.bad = {}, [m["id"] for m in messages if m["type"] == "gone"], self.of("bad")
        for m in self.of("entry"):
            self.entries[m["id"]] = m
        counted = {}
        for m in messages:
            if m["type"] in ("entry", "links", "values", "rename", "gone", "bad"):
                counted[m["type"]] = counted.get(m["type"], 0) + 1
        if self.end.get("type") == "end":
            assert counted == self.end.get("counts", {}), (counted, self.end)

    def of(self, kind):
        return [m for m in self.messages if m["type"] == kind]

    @property
    def sealed(self):
        return self.end.get("type") == "end" and self.end["sealed"]

    @property
    def cursor(self):
        return self.end.get("cursor")

    @property
    def error(self):
        return self.end.get("error", {})

    def apply(self, state=None):
        """The state {id: {"dn", "attrs", "links"}} after this read, on top of another."""
        state = {k: {"dn": v["dn"], "attrs": dict(v["attrs"]), "links": {a: set(s) for a, s in v["links"].items()}}
                 for k, v in (state or {}).items()}
        for m in self.messages:
            i = m.get("id")
            if m["type"] == "gone":
                state.pop(i, None)
                for other in state.values():           # what pointed to it does so no longer
                    for ends in other["links"].values():
                        ends.discard(("id", i))
            elif m["type"] == "entry" and "full" in m:
                state[i] = {"dn": m["dn"], "attrs": m["full"], "links": {}}
            elif m["type"] == "entry":
                if i in state:
                    state[i]["dn"] = m["dn"]
                    state[i]["attrs"].update(m["part"])
                    state[i]["attrs"] = {a: v for a, v in state[i]["attrs"].items() if v}
            elif m["type"] == "links" and i in state:
                ends = {next(iter(e.items())) for e in m.get("set", m.get("add", m.get("remove")))}
                have = state[i]["links"].setdefault(m["attribute"], set())
                if "set" in m:
                    if not getattr(self, "_more", False):
                        have.clear()
                    self._more = m.get("more", False)
                    have |= ends
                elif "add" in m:
                    have |= ends
                else:
                    have -= ends
        for v in state.values():
            v["links"] = {a: s for a, s in v["links"].items() if s}
        return state
