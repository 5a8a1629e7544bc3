"""An HTTP proxy of ours that does to requests and answers what networks, gateways and tired services do. It stands between
an agent and a service of somebody else, knows nothing of SCIM, and counts what it did.

    with FaultProxy(service.port, ["cut_after", "delay"], seed=3) as p:
        ... p.port, p.url, p.injected["cut_after"]

Which requests are met follows from the seed: of those that match `only` about `share`, and no more than `most`, the
first one among them; the faults that are named take turns. FAULTS is the table of what can befall one: a function more
is a new fault.
"""
import asyncio
import collections
import random
import re
import socket
import struct
import threading

FAULTS = {}
HUGE = 9 << 20
PAGE = b"<html><body>Sign in to the guest network</body></html>"


def fault(function):
    FAULTS[function.__name__] = function
    return function


# --- nothing reaches the service

@fault
async def cut_before(x):
    x.cut()


@fault
async def rate_limit(x):
    """429 that says when to come back."""
    await x.answer(429, [("Retry-After", "1")], b"")


@fault
async def rate_limit_bare(x):
    """429 that does not."""
    await x.answer(429, [], b"")


@fault
async def unavailable(x):
    await x.answer(503, [("Retry-After", "1"), ("Content-Type", "text/html")], b"<html>maintenance</html>")


@fault
async def burst(x):
    """Errors of a gateway, several requests on end."""
    x.proxy.more.extend(["burst_goes_on"] * 3)
    await burst_goes_on(x)


async def burst_goes_on(x):
    await x.answer(x.rng.choice((500, 502, 503, 504)), [("Content-Type", "text/html")], b"<html>bad gateway</html>")


@fault
async def sign_in_page(x):
    await x.answer(200, [("Content-Type", "text/html")], PAGE)


# --- it is done, and the answer suffers

@fault
async def cut_after(x):
    await x.forward()
    x.cut()


@fault
async def cut_midway(x):
    status, headers, body = await x.forward()
    x.writer.write(x.head(status, headers, body) + body[:len(body) // 2])
    await x.writer.drain()
    x.cut()


@fault
async def error_after(x):
    """The gateway lost patience; the service did not."""
    await x.forward()
    await x.answer(x.rng.choice((500, 502, 504)), [("Content-Type", "text/html")], b"<html>timeout</html>")


@fault
async def wrong_type(x):
    status, headers, body = await x.forward()
    await x.answer(status, [h for h in headers if h[0].lower() != "content-type"] + [("Content-Type", "text/html")], body)


@fault
async def truncated(x):
    """The length is right, the JSON is not."""
    status, headers, body = await x.forward()
    await x.answer(status, headers, body[:len(body) * 2 // 3])


@fault
async def empty(x):
    status, headers, _ = await x.forward()
    await x.answer(status, [h for h in headers if h[0].lower() not in ("content-type", "location")], b"")


@fault
async def huge(x):
    status, headers, body = await x.forward()
    await x.answer(status, headers, body + b" " * HUGE)


@fault
async def twice(x):
    """The answer comes twice, in one piece."""
    status, headers, body = await x.forward()
    x.writer.write((x.head(status, headers, body) + body) * 2)
    await x.writer.drain()


@fault
async def twice_late(x):
    """The second one comes when the first has been taken in, and maybe the next request is under way."""
    answer = await x.forward()
    await x.answer(*answer)
    await asyncio.sleep(0.002 + 0.01 * x.rng.random())
    try:
        await x.answer(*answer)
    finally:
        x.proxy.late += 1


# --- time

@fault
async def delay(x):
    await asyncio.sleep(0.05 + 0.2 * x.rng.random())
    await x.answer(*await x.forward())


@fault
async def slow_answer(x):
    status, headers, body = await x.forward()
    await asyncio.sleep(0.1)
    data = x.head(status, headers, body) + body
    for i in range(0, len(data), 1 + len(data) // 8):
        x.writer.write(data[i:i + 1 + len(data) // 8])
        await x.writer.drain()
        await asyncio.sleep(0.02)


HOPS = ("connection", "content-length", "transfer-encoding", "keep-alive")


class Exchange:
    """One request, and what can be done with it."""

    def __init__(self, proxy, writer, line, headers, body, rng):
        self.proxy, self.writer, self.line, self.headers, self.body, self.rng = proxy, writer, line, headers, body, rng

    async def forward(self):
        """(status, headers, body) of the service's own answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy.to)
        try:
            kept = [h for h in self.headers if h[0].lower() not in HOPS]
            head = [self.line, *(f"{n}: {v}" for n, v in kept), "Connection: close"]
            if self.body:
                head.append(f"Content-Length: {len(self.body)}")
            writer.write("\r\n".join(head + ["", ""]).encode("latin-1") + self.body)
            raw = await reader.read(-1)
        finally:
            writer.close()
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = [tuple(x.strip() for x in line.split(":", 1)) for line in lines]
        if any(n.lower() == "transfer-encoding" and v.lower() == "chunked" for n, v in headers):
            body = unchunked(body)
        return int(first.split()[1]), [h for h in headers if h[0].lower() not in HOPS], body

    @staticmethod
    def head(status, headers, body):
        lines = [f"HTTP/1.1 {status} Status", *(f"{n}: {v}" for n, v in headers)]
        if status not in (204, 304):
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines + ["", ""]).encode("latin-1")

    async def answer(self, status, headers, body):
        self.writer.write(self.head(status, headers, body) + body)
        await self.writer.drain()

    def cut(self):
        """A reset, not an orderly end."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def unchunked(data):
    out, at = b"", 0
    while True:
        end = data.index(b"\r\n", at)
        n = int(data[at:end].split(b";")[0], 16)
        if not n:
            return out
        out += data[end + 2:end + 2 + n]
        at = end + 4 + n


class FaultProxy:
    def __init__(self, to, faults=(), seed=1, share=0.5, most=5, only=r""):
        self.to, self.share, self.most, self.only = to, share, most, re.compile(only)
        self.faults, self.turn = list(faults), []
        assert set(self.faults) <= set(FAULTS), self.faults
        self.rng, self.met = random.Random(f"faults/{seed}"), 0
        self.injected, self.requests = collections.Counter(), collections.Counter()
        self.late = 0                         # second answers that have been sent
        self.more = collections.deque()       # what befalls the next ones, whatever they are
        self.loop, self.tasks = asyncio.new_event_loop(), set()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self.serve, "127.0.0.1", 0, limit=1 << 24), self.loop).result(60)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/scim/v2"
        return self

    def __exit__(self, *exc):
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result(60)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(60)
        self.loop.close()

    async def end(self):
        self.server.close()
        for t in self.tasks:
            t.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def again(self):
        """As many faults once more."""
        self.met = 0

    def pick(self, line):
        self.requests[line.split()[0]] += 1
        if self.more:
            name = self.more.popleft()
            self.injected[name] += 1
            return globals()[name]
        if not self.faults or self.met >= self.most or not self.only.search(line):
            return None
        if self.met and self.rng.random() >= self.share:
            return None
        self.met += 1
        self.turn = self.turn or self.rng.sample(self.faults, len(self.faults))
        name = self.turn.pop()
        self.injected[name] += 1
        return FAULTS[name]

    async def serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        try:
            while not writer.transport.is_closing():
                await self.one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.tasks.discard(task)

    async def one(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1")
        line, *lines = head.split("\r\n")
        headers = [tuple(x.strip() for x in h.split(":", 1)) for h in lines]
        length = next((int(v) for n, v in headers if n.lower() == "content-length"), 0)
        body = await reader.readexactly(length) if length else b""
        x = Exchange(self, writer, line, headers, body, random.Random(self.rng.random()))
        action = self.pick(line)
        if action:
            await action(x)
        else:
            await x.answer(*await x.forward())
