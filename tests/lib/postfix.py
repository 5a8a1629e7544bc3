"""A real Postfix of one's own: instance folder, ports on 127.0.0.1, everything delivered to one Maildir. Needs root."""
import email
import email.policy
import os
import pwd
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

from certs import make_ca, make_certificate
from ports import free_port

MASTER = """
127.0.0.1:{start} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
127.0.0.1:{wrap} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
    -o smtpd_client_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{plain} inet n - n - - smtpd -o smtpd_tls_security_level=none
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
"""
MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
alias_maps =
virtual_mailbox_domains = example.test
virtual_mailbox_base = {dir}
virtual_mailbox_maps = regexp:{dir}/conf/boxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_tls_security_level = may
smtpd_tls_cert_file = {dir}/tls/cert.pem
smtpd_tls_key_file = {dir}/tls/key.pem
smtpd_tls_auth_only = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_relay_restrictions = reject_unauth_destination
smtpd_client_restrictions =
smtpd_recipient_restrictions = reject_unlisted_recipient, permit
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
"""


def missing():
    """Why it cannot run here; None: it can."""
    if os.geteuid() != 0:
        return "Postfix's master needs root"
    if not shutil.which("postfix", path="/usr/sbin:" + os.environ.get("PATH", "")):
        return "postfix is not installed (./dev check installs it)"
    return None


class Saslauthd(threading.Thread):
    """What Postfix's SASL asks whether a password is right: one user."""

    def __init__(self, path, user, password):
        super().__init__(daemon=True)
        self.user, self.password = user.encode(), password.encode()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.socket.listen()

    def run(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            with c, c.makefile("rb") as f:
                said = [f.read(struct.unpack(">H", f.read(2))[0]) for _ in range(4)]
                answer = b"OK" if said[:2] == [self.user, self.password] else b"NO"
                c.sendall(struct.pack(">H", len(answer)) + answer)


class Postfix:
    """url: STARTTLS required; tls_url: TLS at once, login required; plain_url: no TLS offered."""
    USER, PASSWORD = "lockstep", "s3cret-päss"

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="lockstep-postfix-")
        os.chmod(self.dir, 0o755)
        path = lambda *p: os.path.join(self.dir, *p)
        me = pwd.getpwnam("postfix")
        for name in "conf/sasl", "queue", "data", "tls", "sasl", "inbox":    # Debian's SASL reads CONF/sasl
            os.makedirs(path(name))
        os.chown(path("data"), me.pw_uid, me.pw_gid)
        os.chown(path("inbox"), me.pw_uid, me.pw_gid)
        make_ca(path("tls"))
        make_certificate(path("tls"), path("tls"), ["DNS:localhost", "IP:127.0.0.1"])
        self.ca = path("tls", "ca.pem")
        start, wrap, plain = (free_port() for _ in range(3))
        self.url, self.tls_url, self.plain_url = f"smtp://127.0.0.1:{start}", f"smtps://127.0.0.1:{wrap}", f"smtp://127.0.0.1:{plain}"
        self.port = start
        files = {"conf/main.cf": MAIN.format(dir=self.dir, uid=me.pw_uid, gid=me.pw_gid),
                 "conf/master.cf": MASTER.format(start=start, wrap=wrap, plain=plain),
                 "conf/boxes": "/^(ops|it)@example\\.test$/ inbox/\n",
                 "conf/sasl/smtpd.conf": f"pwcheck_method: saslauthd\nsaslauthd_path: {path('sasl', 'mux')}\nmech_list: PLAIN LOGIN\n"}
        for name, text in files.items():
            with open(path(name), "w") as f:
                f.write(text.lstrip("\n"))
        self.sasl = Saslauthd(path("sasl", "mux"), self.USER, self.PASSWORD)
        self.sasl.start()
        self.read = set()
        self.process = None

    def start(self):
        with open(os.path.join(self.dir, "out"), "a") as out:
            subprocess.run(["/usr/sbin/postfix", "-c", self.dir + "/conf", "check"], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            self.process = subprocess.Popen(["/usr/sbin/postfix", "-c", self.dir + "/conf", "start-fg"], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out)
        deadline = time.monotonic() + 180
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as s:
                    assert s.recv(100).startswith(b"220")
                    return self
            except (OSError, AssertionError):
                assert time.monotonic() < deadline and self.process.poll() is None, self.said()
                time.sleep(0.05)

    def said(self):
        text = ""
        for name in "out", "log":
            if os.path.exists(os.path.join(self.dir, name)):
                with open(os.path.join(self.dir, name)) as f:
                    text += f.read()[-4000:]
        return text

    def stop(self):
        if self.process:
            subprocess.run(["/usr/sbin/postfix", "-c", self.dir + "/conf", "abort"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def remove(self):
        self.stop()
        self.sasl.socket.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def arrived(self):
        """Messages that were not given out before, oldest first."""
        folder = os.path.join(self.dir, "inbox", "new")
        names = sorted(set(os.listdir(folder)) - self.read, key=lambda n: os.stat(os.path.join(folder, n)).st_mtime_ns) if os.path.isdir(folder) else []
        found = []
        for name in names:
            self.read.add(name)
            with open(os.path.join(folder, name), "rb") as f:
                found.append(email.message_from_binary_file(f, policy=email.policy.default))
        return found

    def wait(self, seconds=180, want=lambda m: True):
        """The next message that fits; the others on the way are kept in .others."""
        deadline = time.monotonic() + seconds
        self.others = []
        while time.monotonic() < deadline:
            for m in self.arrived():
                if want(m):
                    return m
                self.others.append(m)
            time.sleep(0.05)
        raise AssertionError("no such mail; others: %s\n%s" % ([m["Subject"] for m in self.others], self.said()))
