"""Drives a connector program by its pipes, as lockstep-connector(7) says; for tests."""
import json
import os
import pathlib
import queue
import subprocess
import threading

PATIENCE = 120      # s; only ever waited for in full when something is wrong
ROOT = pathlib.Path(__file__).resolve().parents[2]


def program(name):
    """From build/bin, or from where Meson leaves it."""
    build = pathlib.Path(os.environ.get("LOCKSTEP_BUILD", ROOT / "build"))
    for p in [build / "bin" / name, *build.glob("src/*/" + name)]:
        if p.is_file():
            return str(p)
    raise FileNotFoundError(name)


class Target:
    """A target connector. call() sends operations and returns their results by id."""

    def __init__(self, name, wrap=(), **options):
        self.process = subprocess.Popen([*wrap, program(name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env={})
        self.lines = queue.Queue()
        self.errors = []
        self.last_id = 0
        self.progress = 0
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._drain, daemon=True).start()
        self.send(type="hello", versions=[1, 1], role="target",
                  options={k: v if isinstance(v, list) else [str(v)] for k, v in options.items() if v is not None})
        self.hello = self.next()

    def _read(self):
        for line in self.process.stdout:
            assert len(line) <= 1 << 20
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def _drain(self):
        for line in self.process.stderr:
            self.errors.append(line.decode(errors="replace"))

    def send(self, **message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def next(self, timeout=PATIENCE):
        """The next line that is not progress; None at the end."""
        while True:
            m = self.lines.get(timeout=timeout)
            if m is None or m["type"] != "progress":
                return m
            self.progress += 1

    def post(self, *ops):
        """Sends operations (dicts without type and id); returns their ids."""
        ids, text = [], []
        for op in ops:
            self.last_id += 1
            ids.append(self.last_id)
            text.append(json.dumps(dict(op, type="op", id=self.last_id)))
        self.process.stdin.write(("\n".join(text) + "\n").encode())
        self.process.stdin.flush()
        return ids

    def results(self, ids, timeout=PATIENCE):
        wanted, got = set(ids), {}
        while wanted:
            m = self.next(timeout)
            assert m, ("ended early", self.errors)
            assert m["type"] == "result", m
            wanted.remove(m["id"])
            got[m["id"]] = m.get("ok") if "ok" in m else {"error": m["error"]}
        return [got[i] for i in ids]

    def call(self, *ops, timeout=PATIENCE):
        return self.results(self.post(*ops), timeout)

    def list(self, kind, timeout=PATIENCE):
        """(objects, end)"""
        self.send(type="list", kind=kind)
        objects = []
        while True:
            m = self.next(timeout)
            assert m, self.errors
            if m["type"] == "end":
                return objects, m
            assert m["type"] == "object", m
            objects.append(m)

    def close(self):
        """End of input; the exit status."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        return self.process.wait(timeout=PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            try:
                self.close()
            except Exception:
                self.process.kill()
                raise
