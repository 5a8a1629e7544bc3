"""Parts of ./dev bench in which a service of somebody else takes part, or a wire that is long.

cloud_vs_scimmy_writes  a first sync of 20,000 users into lockstep-cloud and into scimmy (Express 4) in one run of this
                        program, objects per second of the one against the other's. Both say that they take Bulk, and both
                        get the same Bulks; scimmy keeps its objects in memory, found by index, and syncs nothing to a disk.
                        On a machine that others use, writes_server_cpu_s says more: CPU time of the services alone.
latency_ratio           the same first sync of 20,000 into lockstep-cloud through a forwarder that holds each direction's
                        bytes for half of 50 ms, against the same forwarder that holds nothing. The agent has requests in
                        flight; one request at a time would pay 50 ms for each.
undo_ops_per_s          `undo` of a run of 10,000 changes of one attribute, the guard's limits released.
"""
import asyncio
import threading

import inputs
from rig import Done, World, cpu_of, program, say
from scimmy import Scimmy

LATENCY = 0.05


class Wire:
    """Forwards TCP to a port of this machine; bytes of each direction arrive `delay` later, in order, and any number may
    be under way."""

    def __init__(self, to, delay):
        self.to, self.delay, self.loop = to, delay, asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self.serve, "127.0.0.1", 0), self.loop).result(10)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *exc):
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    async def end(self):
        self.server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for t in tasks:
            t.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def serve(self, reader, writer):
        there = await asyncio.open_connection("127.0.0.1", self.to)
        await asyncio.gather(self.carry(reader, there[1]), self.carry(there[0], writer))

    async def carry(self, reader, writer):
        queue = asyncio.Queue()
        passing = asyncio.create_task(self.deliver(queue, writer))
        data = b"-"
        try:
            while data:
                data = await reader.read(1 << 18)
                queue.put_nowait((self.loop.time() + self.delay, data))
        except ConnectionError:
            queue.put_nowait((0, b""))
        await passing

    async def deliver(self, queue, writer):
        try:
            while True:
                at, data = await queue.get()
                wait = at - self.loop.time()
                if self.delay and wait > 0:
                    await asyncio.sleep(wait)
                if not data:
                    break
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()


def bench_scimmy(scale, out):
    count = int(20000 * scale)
    directory = inputs.people(count)
    say(f"others: first sync of {count} people into scimmy and into lockstep-cloud")
    speed, cpu = {}, {}
    with World("cloud", directory, inputs.BASE) as w:
        speed["cloud"] = count / w.sync(created=count).seconds
        cpu["cloud"] = w.server_cpu()
    with Scimmy(4) as service, World("scimmy", directory, inputs.BASE, service) as w:
        speed["scimmy"] = count / w.sync(created=count).seconds
        cpu["scimmy"] = cpu_of(service.process.pid)
        if len(service.dump()["users"]) != count:
            raise RuntimeError("scimmy does not have all")
    say("others: objects/s: " + ", ".join(f"{k} {v:.0f}" for k, v in speed.items()))
    out["cloud_vs_scimmy_writes"] = speed["cloud"] / speed["scimmy"]
    out["writes_per_s"], out["writes_server_cpu_s"] = speed, cpu


def bench_latency(scale, out):
    count = int(20000 * scale)
    directory = inputs.people(count)
    seconds = {}
    for name, delay in (("near", 0), ("far", LATENCY / 2), ("near again", 0), ("far again", LATENCY / 2)):
        with World("wire", directory, inputs.BASE) as w, Wire(w.port, delay) as wire:
            w.configure(wire.port)
            seconds[name] = w.sync(created=count).seconds
        say(f"latency: {count} people, {name}: {seconds[name]:.2f} s")
    near, far = (min(seconds[n], seconds[n + " again"]) for n in ("near", "far"))
    out["latency_ratio"], out["latency"] = far / near, dict(near_s=near, far_s=far, added_ms=1000 * LATENCY)


def bench_undo(scale, out):
    count = int(10000 * scale)
    directory = inputs.people(count)
    say(f"undo: of {count} changes")
    with World("undo", directory, inputs.BASE) as w:
        w.sync(created=count)
        w.take("001-titles.ldif", inputs.titles(count))
        run = w.sync(updated=count).result["run"]
        done = Done([program("lockstep"), "-c", w.path("lockstep.conf"), "undo", str(run), "--release", "--json"],
                    also=(w.server.pid,))
        result = w.result(done, updated=count)
        out["undo_ops_per_s"] = count / done.seconds
        out["undo"] = dict(operations=count, seconds=done.seconds, agent_cpu_s=done.cpu, peak_mb=done.peaks.get("lockstep", 0))
        again = w.sync(updated=0).result
        if result["failed"] or again["created"]:
            raise RuntimeError(again)
