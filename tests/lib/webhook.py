"""A web server that takes what is posted to it, with TLS of its own authority."""
import http.server
import json
import os
import ssl
import threading
import time

from certs import make_ca, make_certificate


class Webhook:
    def __init__(self, folder):
        folder = str(folder)
        os.makedirs(folder, exist_ok=True)
        make_ca(folder)
        make_certificate(folder, folder, ["IP:127.0.0.1"])
        self.ca, self.posts, self.status, hook = os.path.join(folder, "ca.pem"), [], 200, self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.posts.append((dict(self.headers), json.loads(body)))
                self.send_response(hook.status)
                if hook.status in (301, 302, 307):
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *a):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, seconds=180, want=lambda j: True):
        """The first post that fits, and was not waited for before."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for i, (head, body) in enumerate(self.posts):
                if want(body):
                    del self.posts[i]
                    return head, body
            time.sleep(0.05)
        raise AssertionError("no such post; others: %s" % [b.get("subject") for _, b in self.posts])

    def close(self):
        self.server.shutdown()
        self.server.server_close()
