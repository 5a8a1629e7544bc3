"""The console's server (S1.3, S1.15): who may speak with it."""
import http.client
import os
import re
import socket
import sqlite3

import pytest

from console import until


# --- S1.3: this machine only, and nobody in between ---

def test_s1_3_listens_on_loopback_only(c):
    want = f":{c.port:04X}"
    bound = []
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}", encoding="ascii") as f:
            bound += [line.split()[1] for line in f if line.split()[3] == "0A" and line.split()[1].endswith(want)]
    assert bound and set(bound) <= {"0100007F" + want, "00000000000000000000000001000000" + want}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", "localhost.evil.example:{port}",
                                  "127.0.0.1:{port}.evil.example", "[::2]:{port}", ""])
def test_s1_3_other_hosts_are_refused(c, host):
    for path in ("/", "/api/session", "/?link=" + "0" * 64, "/metrics"):
        status, headers, _ = c.raw("GET", path, headers={"Cookie": c.cookie}, host=host.format(port=c.port))
        assert status in (400, 421), (host, path)
        assert "Set-Cookie" not in headers


@pytest.mark.parametrize("host", ["localhost:{port}", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]:{port}"])
def test_s1_3_own_names_are_served(c, host):
    assert c.raw("GET", "/", host=host.format(port=c.port))[0] == 200


def test_s1_3_ipv6_loopback(c):
    if not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("no IPv6 here")
    assert c.raw("GET", "/", host=f"[::1]:{c.port}", address="::1")[0] == 200


READS = ["session", "overview", "live", "alerts", "config", "about", "bundle", "setup", "series?name=x", "read?c=status", "job?id=1",
         "config/version?version=1", "setup/browse?c=status"]
WRITES = ["command", "cancel", "alerts", "config", "config/edit", "config/preview", "setup", "setup/check", "setup/read", "setup/save",
          "sign-out"]


@pytest.mark.parametrize("path", READS)
def test_s1_3_nothing_without_a_session(c, path):
    for cookie in (None, "lockstep=", "lockstep=" + "0" * 64, "lockstep=" + "é" * 32, "other=" + c.cookie.split("=")[1]):
        status, answer = c.api("GET", path, headers={"Cookie": cookie and cookie.encode().decode("latin-1")})
        assert status == 401 and answer["error"]["code"] == "sign-in"
    assert c.api("GET", path, headers={"Sec-Fetch-Site": "cross-site"})[0] == 403


@pytest.mark.parametrize("path", WRITES)
def test_s1_3_changes_need_session_token_and_origin(c, path):
    body = {"command": ["sync"]}
    assert c.api("POST", path, body, {"Cookie": None})[0] == 401
    for token in (None, "", "0" * 64, c.token[:-1], c.token + "0"):
        status, answer = c.api("POST", path, body, {"X-Lockstep-Token": token})
        assert status == 403 and answer["error"]["code"] == "token"
    for foreign in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": f"https://127.0.0.1:{c.port}"},
                    {"Origin": f"http://127.0.0.1:{c.port + 1}"}, {"Origin": f"http://127.0.0.1:{c.port}.evil.example"},
                    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}):
        status, answer = c.api("POST", path, body, foreign)
        assert status == 403 and answer["error"]["code"] == "foreign", foreign
    assert c.api("POST", path, body, {"Content-Type": "text/plain"})[0] == 415


def test_s1_3_own_origin_is_served(c):
    for origin in (f"http://127.0.0.1:{c.port}", f"http://localhost:{c.port}"):
        status, answer = c.api("POST", "command", {"command": ["status"]}, {"Origin": origin, "Sec-Fetch-Site": "same-origin"})
        assert status == 200 and answer["job"]
        c.finished(answer["job"])


def test_s1_3_headers(c):
    status, headers, body = c.raw("GET", "/")
    assert status == 200 and headers["Content-Encoding"] == "gzip" and len(body) > 200
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
    assert "Access-Control-Allow-Origin" not in headers
    assert c.raw("GET", "/", headers={"If-None-Match": headers["ETag"]})[0] == 304
    status, headers, _ = c.raw("GET", "/api/session", headers={"Cookie": c.cookie})
    assert status == 200 and headers["Cache-Control"] == "no-store"
    for path in ("/app.js", "/vendor/preact.js", "/vendor/pico.css", "/vendor/uplot.js", "/style.css", "/icon.svg"):
        assert c.raw("GET", path)[0] == 200, path
    for path in ("/../etc/passwd", "/%2e%2e/etc/passwd", "/embed.py", "/package.json", "/app.js/", "//", "/api", "/api/"):
        assert c.raw("GET", path, headers={"Cookie": c.cookie})[0] in (400, 401, 404), path


def test_s1_15_a_link_signs_in_once(c, desk):
    url = c.link()
    path = url[url.index("/", 8):]
    assert "Set-Cookie" not in c.raw("HEAD", path)[1]  # whoever only looks what is there does not use it up
    status, headers, _ = c.raw("GET", path)
    cookie = headers["Set-Cookie"]
    assert status == 303 and headers["Location"] == "/"
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/"))
    status, headers, _ = c.raw("GET", path)
    assert status == 303 and headers["Location"] == "/?signin=used" and "Set-Cookie" not in headers
    # Only digests are kept.
    secret = re.match(r"lockstep=([0-9a-f]{64})", cookie)[1]
    for name in os.listdir(desk.console.state):
        if name.startswith("agent.db"):
            with open(os.path.join(desk.console.state, name), "rb") as f:
                data = f.read()
            assert secret.encode() not in data and path.split("=")[1].encode() not in data
    # And it can be ended.
    head = {"Cookie": "lockstep=" + secret}
    token = c.api("GET", "session", headers=head)[1]["token"]
    assert c.api("POST", "sign-out", {}, dict(head, **{"X-Lockstep-Token": token}))[0] == 200
    assert c.api("GET", "session", headers=head)[0] == 401


def test_s1_15_links_and_sessions_expire(c, desk):
    url = c.link()
    with sqlite3.connect(os.path.join(desk.console.state, "agent.db"), timeout=10) as db:
        db.execute("UPDATE link SET expires = 1")
    assert c.raw("GET", url[url.index("/", 8):])[1]["Location"] == "/?signin=used"
    url = c.link()
    cookie = c.raw("GET", url[url.index("/", 8):])[1]["Set-Cookie"].split(";")[0]
    assert c.api("GET", "session", headers={"Cookie": cookie})[0] == 200
    import hashlib
    digest = hashlib.sha256(cookie.split("=")[1].encode()).hexdigest()
    with sqlite3.connect(os.path.join(desk.console.state, "agent.db"), timeout=10) as db:
        assert db.execute("UPDATE session SET expires = 1 WHERE hash = ?", (digest,)).rowcount == 1
    assert c.api("GET", "session", headers={"Cookie": cookie})[0] == 401


def test_s1_15_attempts_are_limited(bare):
    c = bare.console
    for _ in range(10):
        assert c.raw("GET", "/?link=" + "1" * 64)[1]["Location"] == "/?signin=used"
    url = c.link()
    status, headers, _ = c.raw("GET", url[url.index("/", 8):])
    assert status == 303 and headers["Location"] == "/?signin=wait" and "Set-Cookie" not in headers


# --- hostile input ---

def test_bad_input_kills_nobody(c):
    for body in (b"", b"{", b"[]", b"\xff\xfe", b'"x"', b"null", b'{"a":1}{', b"[" * 100000, b'{"a":"\\u0000"}', b'{"command":["sync"],"command":1}'):
        assert c.api("POST", "command", body)[0] == 400, body[:40]
    for words in (["rm", "-rf"], ["sync", "--direct"], ["-c", "/etc/passwd", "status"], [], None, "sync", [1], ["sync", "\n"] * 40,
                  ["config", "set"], ["plan", "--out", "/tmp/x"], ["apply", "/tmp/x"], ["history", "--follow"], ["x" * 100000]):
        assert c.api("POST", "command", {"command": words})[0] == 400, words
    assert c.api("GET", "read?c=history&c=--follow")[0] == 400 and c.api("GET", "read?c=register")[0] == 400
    assert c.api("GET", "read?c=sync")[0] == 400 and c.api("GET", "read")[0] == 400
    assert c.api("GET", "read?c=status%00x")[0] == 400
    assert c.api("POST", "command", b"x" * (6 * 1024 * 1024))[0] in (400, 413)
    for path in ("job", "job?id=x", "job?id=99999999999999999999999", "config/version?version=-1", "config/version"):
        assert c.api("GET", path)[0] == 404, path
    assert c.api("GET", "nothing")[0] == 404 and c.api("GET", "command")[0] == 405
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "X" * 5000):
        try:
            assert c.raw(method, "/api/session", headers={"Cookie": c.cookie})[0] >= 400
        except (http.client.HTTPException, OSError):
            pass  # cut off
    for raw in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20000,
                b"POST /api/command HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                b"POST /api/command HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        with socket.create_connection(("127.0.0.1", c.port), 5) as s:
            try:
                s.sendall(raw)
                s.settimeout(0.2)
                s.recv(100)
            except OSError:
                pass
    held = [socket.create_connection(("127.0.0.1", c.port), 5) for _ in range(30)]
    for s in held:
        s.sendall(b"GET / HTTP/1.1\r\nHost: ")
    assert c.get("session")["by"]
    for s in held:
        s.close()
    assert c.process.poll() is None


def test_more_connections_than_fit_are_no_end_of_the_console(c):
    """Who holds all there are keeps others out of the pages, not the service from its work; once gone, the pages are back."""
    held = []
    for _ in range(150):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", c.port))
        held.append(s)
    until(lambda: c.ask({"ask": "status"}))
    for s in held[:40]:
        try:
            s.send(b"GET / HTTP/1.1\r\nHost: ")
        except OSError:
            pass
    until(lambda: c.ask({"ask": "status"}))
    for s in held:
        s.close()
    assert c.get("session")["by"]


def test_s1_3_slow_and_silent_connections_keep_nobody_out(c):
    """200 connections that say nothing, half a head, or half a body stay where they are, and the pages come all the same."""
    heads = (b"", b"GET / HTTP/1.1\r\nHost: ", f"POST /api/command HTTP/1.1\r\nHost: 127.0.0.1:{c.port}\r\nContent-Length: 1000\r\n\r\n{{".encode())
    held = []
    try:
        for i in range(200):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", c.port))
            held.append(s)
        for i, s in enumerate(held):
            try:
                s.send(heads[i % 3])
            except OSError:
                pass  # not taken yet
        for _ in range(3):
            assert c.get("session")["by"] and c.raw("GET", "/")[0] == 200
            for s in held:
                try:
                    s.send(b"x")  # a sign of life, so that they are not idle
                except OSError:
                    pass
        # What is worked on is not ended for others.
        assert c.get("read", c="check")["exit"] == 0
    finally:
        for s in held:
            s.close()


def memory_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def test_s1_3_of_strangers_nothing_is_kept(c):
    """Who is not signed in makes the service keep no bodies, however many are sent."""
    before = memory_of(c.process.pid)
    held = []
    try:
        for _ in range(30):
            s = socket.create_connection(("127.0.0.1", c.port), 30)
            s.sendall(f"POST /api/command HTTP/1.1\r\nHost: 127.0.0.1:{c.port}\r\nContent-Length: 4000001\r\n\r\n".encode())
            s.sendall(b"x" * 4000000)
            held.append(s)
        c.get("session")
        assert memory_of(c.process.pid) - before < 40000  # KiB; 120 MB were sent
        held[0].sendall(b"x")
        assert held[0].recv(100).startswith(b"HTTP/1.1 401 ")
    finally:
        for s in held:
            s.close()


def test_whoever_leaves_before_the_answer_leaves_no_trace(c):
    for _ in range(12):
        s = socket.create_connection(("127.0.0.1", c.port), 5)
        s.sendall(f"GET /api/read?c=check HTTP/1.1\r\nHost: 127.0.0.1:{c.port}\r\nCookie: {c.cookie}\r\n\r\n".encode())
        s.close()
    until(lambda: c.api("GET", "read?c=status")[0] == 200)
