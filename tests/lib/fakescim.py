"""A fake SCIM service for tests: a small store in memory that behaves as RFC 7644 says, with knobs for what
services do differently and for what goes wrong. It is a fake; real third-party servers are tested elsewhere.

    with FakeScim(bulk=500) as s:
        s.fault("POST /Users", "cut_after", times=1)
        ... s.url, s.token, s.users, s.groups, s.count["POST /Bulk"]
"""
import collections
import http.server
import json
import re
import socket
import ssl
import threading
import time
import urllib.parse
import uuid

from fakescim_store import MESSAGE, Refusal, Store


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def handle(self):
        self.server.connections.append(self.connection)
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass

    def answer(self, status, body=None, headers=(), kind="application/scim+json"):
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        if data:
            self.send_header("Content-Type", kind)
        for name, value in self.server.fake.knobs["headers"]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def cut(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def run(self):
        fake = self.server.fake
        url = urllib.parse.urlsplit(self.path)
        path = url.path[len("/scim/v2"):]
        query = {k: v[-1] for k, v in urllib.parse.parse_qs(url.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        line = f"{self.command} {path}"
        fake.seen(line, query, body, self.headers)
        action, value = fake.take_fault(line)
        if action == "delay":
            time.sleep(value)
        if action == "call":                    # value(): something happens just then
            value()
        if action == "cut_before":
            return self.cut()
        if action == "status":
            return self.answer(value[0], Refusal(value[0], None, "as told").body(), value[1])
        if action == "html":
            return self.answer(value, b"<html>sign in</html>", kind="text/html")
        try:
            if fake.throttled():
                raise Refusal(403, None, "rate limit exceeded")
            if self.headers.get("Authorization") not in ["Bearer " + t for t in (fake.token, *fake.accepted)]:
                raise Refusal(401, None, "who are you")
            status, out, headers = self.dispatch(path, query, json.loads(body) if body else None)
        except Refusal as r:
            status, out, headers = r.status, r.body(), [("Retry-After", "1")] if r.status == 403 else []
        if action == "headers":
            headers = [*headers, *value]
        if action == "cut_after":
            return self.cut()
        if action == "die_after":               # done, and gone before it says so
            fake.server.shutdown()
            fake.server.socket.close()
            return self.cut()
        if action == "delay_after":
            time.sleep(value)
        if action == "instead":                 # value(): the answer to something else
            return self.answer(status, value(), headers)
        if action == "nonsense":
            return self.answer(status, b'{"schemas": [', headers)
        if action == "big":
            return self.answer(status, b" " * value, headers)
        if action == "empty":
            return self.answer(status, None, headers if value else [])
        self.answer(status, out, headers)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = run

    def dispatch(self, path, query, body):
        fake = self.server.fake
        if path == "/ServiceProviderConfig":
            if not fake.knobs["config"]:
                raise Refusal(404, None, "none")
            return 200, fake.config(), []
        if path == "/.lockstep/credentials" and "credentials" in (fake.knobs["marker"] or {}):
            return 201, {"name": body["name"], "token": fake.credential}, []
        if path == "/Bulk":
            fake.last_bulk = fake.do_bulk(body)
            return 200, fake.last_bulk, []
        with fake.store.lock:
            return fake.one(self.command, path, query, body, self.headers.get("If-Match"))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *args):
        super().__init__(*args)
        self.connections = []


class FakeScim:
    KNOBS = {"bulk": 0, "bulk_bytes": 1 << 20, "bulk_response": False, "bulk_status": "string", "bulk_ids": True,
             "config": True, "patch": True, "filter": True, "etag": False, "cursor": False, "page": 1000, "terms": 1000,
             "search": True, "strict": True, "capital_ops": False, "patch_ops": 1000, "patch_members": 1000,
             "patch_body": True, "write_body": True, "location": "path", "totals": True, "case_names": False, "lag": 0,
             "no_replace_all": False, "delete_again": 404, "throttle_403": 0, "index": True, "tell_start": True, "no_version": False, "vague": False, "marker": None,
             "headers": ()}

    def __init__(self, tls=None, **knobs):
        unknown = set(knobs) - set(self.KNOBS)
        assert not unknown, unknown
        self.knobs = dict(self.KNOBS, **knobs)
        self.token = "t0ken-" + uuid.uuid4().hex
        self.credential, self.accepted = "lsa_" + uuid.uuid4().hex, set()   # what a key is exchanged for; if it works
        self.store = Store(self.knobs)
        self.users, self.groups = self.store.kinds["Users"], self.store.kinds["Groups"]
        self.count = collections.Counter()
        self.requests = []
        self.faults = []
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.fake = self
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/scim/v2"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
        for c in self.server.connections:  # kept ones too
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def fault(self, pattern, action, value=None, times=1):
        """The next `times` requests whose "METHOD /path" matches get this."""
        self.faults.append([re.compile(pattern), action, value, times])

    def throttled(self):
        """Every so many requests of which one is refused, beginning with the third."""
        with self.lock:
            n = self.knobs["throttle_403"]
            return n and len(self.requests) % n == 3 and len(self.requests) > 3

    def take_fault(self, line):
        with self.lock:
            for f in self.faults:
                if f[3] > 0 and f[0].search(line):
                    f[3] -= 1
                    return f[1], f[2]
        return None, None

    def seen(self, line, query, body, headers):
        with self.lock:
            self.count[re.sub(r"^(\w+ /\w+)/[^.].*", r"\1/", line)] += 1
            self.requests.append((line, query, body, dict(headers)))

    def config(self):
        k = self.knobs
        c = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
             "patch": {"supported": k["patch"]}, "filter": {"supported": k["filter"], "maxResults": k["page"]},
             "bulk": {"supported": k["bulk"] > 0, "maxOperations": k["bulk"], "maxPayloadSize": k["bulk_bytes"]},
             "etag": {"supported": k["etag"]}}
        if k["cursor"]:
            c["pagination"] = {"cursor": True, "index": True}
        if k["marker"]:
            c["urn:lockstep:params:scim:schemas:extension:2.0:ServiceProviderConfig"] = k["marker"]
        return c

    def one(self, method, path, query, body, version):
        s, parts = self.store, path.strip("/").split("/")
        if parts[0] not in s.kinds:
            raise Refusal(404, None, path)
        kind, key = parts[0], urllib.parse.unquote(parts[1]) if len(parts) > 1 else None
        if key == ".search":
            if not self.knobs["search"]:
                raise Refusal(404, None, path)
            q = dict(body, attributes=",".join(body.get("attributes", [])), by_search=True,
                     excludedAttributes=",".join(body.get("excludedAttributes", [])))
            return 200, s.query(kind, q), []
        if method == "GET" and not key:
            return 200, s.query(kind, query), []
        if method == "GET":
            return self.resource(200, kind, s.get(kind, key), query)
        if method == "POST":
            return self.written(201, kind, s.create(kind, body))
        if method == "PUT":
            return self.written(200, kind, s.replace(kind, key, body, version))
        if method == "PATCH":
            r = s.patch(kind, key, body, version)
            return self.written(200, kind, r) if self.knobs["patch_body"] else (204, None, [])
        if key not in s.kinds[kind]:
            raise Refusal(self.knobs["delete_again"], None, "cannot read properties of undefined")
        s.delete(kind, key, version)
        return 204, None, []

    def written(self, status, kind, r):
        status, body, headers = self.resource(status, kind, r)
        return status, body if self.knobs["write_body"] else None, headers

    def resource(self, status, kind, r, query=None):
        form = {"path": "/scim/v2/{}/{}", "relative": "{}/{}", "absolute": self.url + "/{}/{}", None: None}
        form = form[self.knobs["location"]]
        headers = [("Location", form.format(kind, r["id"]))] if form else []
        if not self.knobs["no_version"]:
            headers.append(("ETag", r["meta"]["version"]))
        return status, self.store.out(kind, r, query), headers

    def do_bulk(self, body):
        if not self.knobs["bulk"]:
            raise Refusal(501, None, "no Bulk")
        ops = body["Operations"]
        if len(ops) > self.knobs["bulk"]:
            raise Refusal(413, None, "too many operations")
        out = []
        for o in ops:
            self.count["op " + o["method"]] += 1
            with self.store.lock:
                out.append(self.bulk_one(o))
        return {"schemas": [MESSAGE + "BulkResponse"], "Operations": out}

    def bulk_one(self, o):
        form = {"string": str, "number": int, "object": lambda n: {"code": str(n)}}[self.knobs["bulk_status"]]
        r = {"method": o["method"]}
        if self.knobs["bulk_ids"]:
            r["bulkId"] = o.get("bulkId")
        try:
            status, body, headers = self.one(o["method"], o["path"], {}, o.get("data"), o.get("version"))
            r.update(status=form(status), location=dict(headers).get("Location", o["path"]))
            if body and "meta" in body and "version" in body["meta"]:
                r["version"] = body["meta"]["version"]
            if self.knobs["bulk_response"]:
                r["response"] = body
        except Refusal as e:
            r.update(status=form(e.status), location=o["path"], response=e.body())
        return r
