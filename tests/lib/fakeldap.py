"""A scripted LDAP server: says what a test tells it to say, for what Samba does not do.

    server = FakeLdap(root={"currentTime": ["20260101000000.0Z"]}, tls=(cert, key))
    server.on_search(base="DC=example,DC=test", answers=[
        [entry("CN=a,DC=example,DC=test", objectClass=["user"]), dirsync(more=1, cookie=b"1"), done()],
        [entry("CN=b,..."), dirsync(more=0, cookie=b"2"), done()],
    ])
    with server: ... server.url ...; server.requests

A script is rules: a rule has conditions (base, scope, filter, attrs, dirsync) and answers. A search takes the first
rule that matches; the rule's answers are taken in turn, the last one again and again. An answer is a list of steps:
entry, reference, done, and what goes wrong: drop (close), hang, raw (bytes as they are), wait. Controls named before
done() go with it. A rule's answer may also be a function of the request, returning such a list.
Binds: see on_bind; without a rule every bind succeeds. The rootDSE is a search of base "" and scope base.

BER is written by hand: RFC 4511, definite lengths only.
"""
import re
import socket
import ssl
import struct
import threading
import time

DIRSYNC = "1.2.840.113556.1.4.841"
PAGED = "1.2.840.113556.1.4.319"
START_TLS = b"1.3.6.1.4.1.1466.20037"

# result codes (RFC 4511 4.1.9)
OK, OPERATIONS_ERROR, PROTOCOL_ERROR, TIME_LIMIT, SIZE_LIMIT = 0, 1, 2, 3, 4
REFERRAL, ADMIN_LIMIT, UNAVAILABLE_CRITICAL = 10, 11, 12
NO_SUCH_OBJECT, INVALID_CREDENTIALS, INSUFFICIENT, BUSY, UNAVAILABLE, UNWILLING = 32, 49, 50, 51, 52, 53

# what Active Directory says in the message of result 49
AD_49 = "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data {}, v4563"
AD_DATA = dict(no_user="525", wrong_password="52e", hours="530", workstation="531", password_expired="532",
               disabled="533", account_expired="701", must_change="773", locked="775")


# --- BER ----------------------------------------------------------------------------------

def tlv(tag, body):
    if isinstance(body, str):
        body = body.encode()
    n = len(body)
    head = bytes([n]) if n < 128 else bytes([0x80 | len(raw := n.to_bytes((n.bit_length() + 7) // 8, "big"))]) + raw
    return bytes([tag]) + head + body


def integer(n, tag=2):
    return tlv(tag, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def seq(*parts, tag=0x30):
    return tlv(tag, b"".join(parts))


def octets(value):
    return tlv(4, value)


def parse(data, pos=0):
    """(tag, body, end) of the element at pos; IndexError where it is cut."""
    tag, n, pos = data[pos], data[pos + 1], pos + 2
    if n & 0x80:
        count = n & 0x7f
        n, pos = int.from_bytes(data[pos:pos + count], "big"), pos + count
    if pos + n > len(data):
        raise IndexError("cut")
    return tag, data[pos:pos + n], pos + n


def items(body):
    pos, out = 0, []
    while pos < len(body):
        tag, inner, pos = parse(body, pos)
        out.append((tag, inner))
    return out


def number(body):
    return int.from_bytes(body, "big", signed=True)


def filter_text(tag, body):
    """A filter (RFC 4511 4.5.1.7) as text (RFC 4515)."""
    kind = tag & 0x1f
    if kind in (0, 1):
        return f"({'&|'[kind]}{''.join(filter_text(t, b) for t, b in items(body))})"
    if kind == 2:
        return f"(!{filter_text(*items(body)[0])})"
    if kind == 7:
        return f"({body.decode()}=*)"
    if kind == 9:
        part = {t & 0x1f: b for t, b in items(body)}
        rule = ":" + part[1].decode() if 1 in part else ""
        return f"({part.get(2, b'').decode()}{':dn' if part.get(4, b'') not in (b'', bytes(1)) else ''}{rule}:={_text(part[3])})"
    (_, name), (_, value) = items(body)
    if kind == 4:
        bits = items(value)
        text = "*".join([_text(b) if t == 0x80 else "*" + _text(b) for t, b in bits])
        return f"({name.decode()}={text}{'' if bits[-1][0] == 0x82 else '*'})".replace("**", "*")
    return f"({name.decode()}{ {3: '=', 5: '>=', 6: '<=', 8: '~='}[kind]}{_text(value)})"


def _text(raw):
    return "".join(chr(b) if 32 <= b < 127 and b not in b"()*\\" else f"\\{b:02x}" for b in raw)


# --- steps of an answer -------------------------------------------------------------------

def entry(dn, **attrs):
    """A SearchResultEntry. Names with ';' or '-' (member;range=0-1499): as a dict in attributes=."""
    attrs.update(attrs.pop("attributes", {}))
    body = seq(*[seq(octets(a), seq(*[octets(x) for x in _list(v)], tag=0x31)) for a, v in attrs.items()])
    return ("message", seq(octets(dn), body, tag=0x64))


def _list(v):
    return v if isinstance(v, (list, tuple)) else [v]


def reference(*urls):
    """A SearchResultReference."""
    return ("message", seq(*[octets(u) for u in urls], tag=0x73))


def done(code=OK, message="", matched="", referral=()):
    """SearchResultDone. referral: URLs that go with result 10."""
    return ("done", code, matched, message, tuple(referral))


def control(oid, value, critical=False):
    """A control for the done() that follows."""
    return ("control", oid, value, critical)


def dirsync(more=0, cookie=b"", unused=0):
    """DirSync's answer control (MS-ADTS 3.1.1.3.4.1.3). more: any nonzero means that there is more."""
    return control(DIRSYNC, seq(integer(more), integer(unused), octets(cookie)))


def paged(cookie=b"", size=0):
    return control(PAGED, seq(integer(size), octets(cookie)))


def raw(data):
    """These bytes, as they are."""
    return ("raw", data)


def cut(step, keep):
    """The first bytes of a step's message (message id 1 assumed by nobody: it is set when sent), then the end."""
    return ("cut", step, keep)


def drop():
    """Closes the connection, now."""
    return ("drop",)


def reset():
    """Closes the connection with RST."""
    return ("reset",)


def hang():
    """Says nothing more, until the server stops."""
    return ("hang",)


def wait(seconds):
    return ("wait", seconds)


class Request:
    """A search: base, scope (0 base, 1 one, 2 sub), filter (text), attrs, size_limit, time_limit, types_only,
    controls {oid: (critical, value)}, dirsync None or (flags, max bytes, cookie), bind (name of the connection),
    connection (number)."""

    def __init__(self, body, controls, bind, connection):
        f = items(body)
        self.base, self.scope = f[0][1].decode(), number(f[1][1])
        self.size_limit, self.time_limit, self.types_only = number(f[3][1]), number(f[4][1]), f[5][1] != b"\0"
        self.filter = filter_text(*f[6])
        self.attrs = [b.decode() for _, b in items(f[7][1])]
        self.controls, self.bind, self.connection = controls, bind, connection
        self.dirsync = None
        if DIRSYNC in controls:
            (_, flags), (_, size), (_, cookie) = items(items(controls[DIRSYNC][1])[0][1])
            self.dirsync = (number(flags) & 0xffffffff, number(size), cookie)

    def __repr__(self):
        return f"<search {self.base!r} scope {self.scope} {self.filter} {self.attrs} dirsync {self.dirsync}>"


class Rule:
    def __init__(self, conditions, answers):
        self.conditions, self.answers, self.used = conditions, answers, 0

    def matches(self, r):
        for name, want in self.conditions.items():
            have = getattr(r, name)
            if name == "dirsync":
                ok = (have is not None) == bool(want)
            elif name == "base":
                ok = have.lower() == want.lower()
            elif name == "filter":
                ok = re.search(want, have, re.I) is not None
            elif name == "attrs":           # all of these are asked for
                ok = {a.lower() for a in want} <= {a.lower() for a in have}
            else:
                ok = have == want
            if not ok:
                return False
        return True

    def next(self, r):
        answer = self.answers[min(self.used, len(self.answers) - 1)]
        self.used += 1
        return answer(r) if callable(answer) else answer


ROOT = {
    "defaultNamingContext": ["DC=example,DC=test"], "rootDomainNamingContext": ["DC=example,DC=test"],
    "configurationNamingContext": ["CN=Configuration,DC=example,DC=test"],
    "schemaNamingContext": ["CN=Schema,CN=Configuration,DC=example,DC=test"],
    "namingContexts": ["DC=example,DC=test", "CN=Configuration,DC=example,DC=test"],
    "dnsHostName": ["dc1.example.test"], "highestCommittedUSN": ["1000"], "supportedLDAPVersion": ["3"],
    "dsServiceName": ["CN=NTDS Settings,CN=DC1,CN=Servers,CN=Site,CN=Sites,CN=Configuration,DC=example,DC=test"],
    "subschemaSubentry": ["CN=Aggregate,CN=Schema,CN=Configuration,DC=example,DC=test"],
    "supportedControl": [DIRSYNC, PAGED, "1.2.840.113556.1.4.417", "1.2.840.113556.1.4.801", "1.2.840.113556.1.4.529"],
    "supportedCapabilities": ["1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1670"], "supportedSASLMechanisms": ["GSSAPI"],
}


class FakeLdap:
    def __init__(self, root=None, tls=None, address="127.0.0.1", port=0, invocation=None, start=None):
        """root: attributes that replace or (None) remove those of ROOT. tls: (certificate file, key file) for LDAPS.
        start: what StartTLS meets: (certificate file, key file), or a result code, or None: the connection is closed
        after success.
        invocation: 16 bytes, the invocationId of the NTDS settings object, answered by itself."""
        self.root = {**ROOT, **(root or {})}
        self.rules, self.bind_rules, self.requests, self.binds, self.errors = [], [], [], [], []
        self.lock, self.stopping, self.connections = threading.Lock(), threading.Event(), 0
        self.skew = None
        self.invocation = invocation if invocation is not None else bytes(range(16))
        self.context, self.start = None, start
        if tls or isinstance(start, tuple):
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*(tls or start))
        self.listener = socket.create_server((address, port))
        self.address, self.port = self.listener.getsockname()
        self.url = f"{'ldaps' if tls else 'ldap'}://{address}:{self.port}"
        self.open, self.threads = set(), []

    # -- the script
    def on_search(self, answers, **conditions):
        """answers: a list of answers (each a list of steps, or a function of the Request that returns one)."""
        rule = Rule(conditions, answers)
        self.rules.append(rule)
        return rule

    def on_bind(self, code, message="", name=None, times=None):
        """The next binds (all, or so many; of a name, or of all) get this result."""
        self.bind_rules.append([name, code, message, times])

    def refuse_bind(self, why="wrong_password", name=None, times=None):
        self.on_bind(INVALID_CREDENTIALS, AD_49.format(AD_DATA[why]) + "\0", name, times)

    def set_clock(self, skew=0):
        """rootDSE currentTime = this machine's + skew seconds, at each request."""
        self.skew = skew

    # -- life
    def __enter__(self):
        t = threading.Thread(target=self._accept, daemon=True)
        t.start()
        self.threads.append(t)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            conns = list(self.open)
        for c in conns:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for t in self.threads:
            t.join(60)

    def _accept(self):
        while not self.stopping.is_set():
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            t = threading.Thread(target=self._serve, args=(conn, self.connections), daemon=True)
            self.threads.append(t)
            t.start()

    def _serve(self, conn, number_):
        with self.lock:
            self.open.add(conn)
        plain = conn
        try:
            if self.context and not self.start:
                conn = self.context.wrap_socket(conn, server_side=True)
            self._talk(conn, number_)
        except (OSError, _Closed):
            pass                          # the client went, or a step says so
        except Exception as e:            # a mistake in the script: the test must see it (fixture fake_ldap does)
            self.errors.append(e)
        finally:
            with self.lock:
                self.open.discard(plain)
            conn.close()

    def _talk(self, conn, number_):
        data, bind = b"", None
        while True:
            try:
                tag, body, end = parse(data)
            except IndexError:
                more = conn.recv(65536)
                if not more:
                    return
                data += more
                continue
            data = data[end:]
            parts = items(body)
            msgid, op, payload = number(parts[0][1]), parts[1][0], parts[1][1]
            controls = _controls(parts[2][1]) if len(parts) > 2 else {}
            if op == 0x60:
                bind = self._bind(conn, msgid, payload)
            elif op == 0x63:
                self._search(conn, msgid, Request(payload, controls, bind, number_))
            elif op == 0x42:
                return
            elif op == 0x50:
                continue                  # abandon
            elif op == 0x77 and items(payload)[0][1] == START_TLS:
                conn = self._start_tls(conn, msgid)
            else:                         # anything that writes: a source must never say it
                self.errors.append(AssertionError(f"the client sent operation {op:#x}"))
                _send(conn, msgid, seq(integer(UNWILLING, 10), octets(""), octets("read only"), tag=(op & 0x1f | 0x60) + 1))

    def _start_tls(self, conn, msgid):
        code = self.start if isinstance(self.start, int) else OK
        _send(conn, msgid, seq(integer(code, 10), octets(""), octets(""), tag=0x78))
        if code != OK:
            return conn
        if not self.context:
            raise _Closed
        conn = self.context.wrap_socket(conn, server_side=True)
        with self.lock:
            self.open.add(conn)
        return conn

    def _bind(self, conn, msgid, payload):
        parts = items(payload)
        name = parts[1][1].decode()
        with self.lock:
            self.binds.append((name, parts[2][0], parts[2][1]))
            code, message = OK, ""
            for rule in self.bind_rules:
                if rule[0] in (None, name) and rule[3] != 0:
                    code, message = rule[1], rule[2]
                    if rule[3]:
                        rule[3] -= 1
                    break
        _send(conn, msgid, seq(integer(code, 10), octets(""), octets(message), tag=0x61))
        return name if code == OK else None

    def _search(self, conn, msgid, r):
        with self.lock:
            self.requests.append(r)
            rule = next((x for x in self.rules if x.matches(r)), None)
            steps = rule.next(r) if rule else self._default(r)
        controls = []
        for step in steps:
            if step[0] == "control":
                controls.append(step)
            else:
                self._step(conn, msgid, step, controls)

    def _default(self, r):
        if r.base == "" and r.scope == 0:
            root = {k: v for k, v in self.root.items() if v is not None}
            if self.skew is not None:
                root["currentTime"] = [time.strftime("%Y%m%d%H%M%S.0Z", time.gmtime(time.time() + self.skew))]
            elif "currentTime" not in self.root:
                root["currentTime"] = [time.strftime("%Y%m%d%H%M%S.0Z", time.gmtime())]
            want = {a.lower() for a in r.attrs}
            if want and not want & {"*", "+"}:
                root = {k: v for k, v in root.items() if k.lower() in want}
            return [entry("", attributes=root), done()]
        if r.scope == 0 and r.base.lower() == self.root["dsServiceName"][0].lower():
            return [entry(r.base, invocationId=[self.invocation], objectGUID=[self.invocation[::-1]]), done()]
        return [done(NO_SUCH_OBJECT, f"0000208D: no rule for {r!r}")]

    def _step(self, conn, msgid, step, controls):
        kind = step[0]
        if kind == "message":
            _send(conn, msgid, step[1])
        elif kind == "done":
            _send(conn, msgid, _done(step), controls)
            controls.clear()
        elif kind == "cut":
            inner = _done(step[1]) if step[1][0] == "done" else step[1][1]
            conn.sendall(_message(msgid, inner, controls)[:step[2]])
            raise _Closed
        elif kind == "raw":
            conn.sendall(step[1])
        elif kind == "wait":
            self.stopping.wait(step[1])
        elif kind == "hang":
            self.stopping.wait()
            raise _Closed
        elif kind == "reset":
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise _Closed
        elif kind == "drop":
            raise _Closed
        else:
            raise ValueError(f"no such step: {step!r}")


class _Closed(Exception):
    pass


def _controls(body):
    out = {}
    for _, c in items(body):
        oid, critical, value = None, False, b""
        for i, (tag, b) in enumerate(items(c)):
            if i == 0:
                oid = b.decode()
            elif tag == 1:
                critical = b != b"\0"
            else:
                value = b
        out[oid] = (critical, value)
    return out


def _done(step):
    _, code, matched, message, referral = step
    parts = [integer(code, 10), octets(matched), octets(message)]
    if referral:
        parts.append(seq(*[octets(u) for u in referral], tag=0xa3))
    return seq(*parts, tag=0x65)


def _message(msgid, op, controls=()):
    tail = b""
    if controls:
        tail = seq(*[seq(octets(oid), *([tlv(1, b"\xff")] if critical else []), octets(value))
                     for _, oid, value, critical in controls], tag=0xa0)
    return seq(integer(msgid), op, tail)


def _send(conn, msgid, op, controls=()):
    conn.sendall(_message(msgid, op, controls))


def range_answers(dn, attribute, values, step, **others):
    """A function for on_search that gives a multi-valued attribute in forced ranges, as AD does above MaxValRange:
    a plain request for it returns attribute;range=0-(step-1) and an empty plain attribute; the last range ends in *."""
    def answer(r):
        asked = next((a for a in r.attrs if a.lower().startswith(attribute.lower() + ";range=")), None)
        low = int(asked.split("=")[1].split("-")[0]) if asked else 0
        part = values[low:low + step]
        high = "*" if low + step >= len(values) else str(low + step - 1)
        attrs = {**others, f"{attribute};range={low}-{high}": part}
        if not asked:
            attrs[attribute] = []
        return [entry(dn, attributes=attrs), done()]
    return answer
