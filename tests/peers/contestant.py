"""aiozmq and pyzmq's asyncio at the works of src/work.rs: the same arguments, the same figures."""

import asyncio
import os
import socket
import sys
import time

import zmq

DURATION = 0.4
LONG_DURATION = 2
REQUEST = [b"0001", b"\x07" * 200]
KINDS = {"dealer": zmq.DEALER, "router": zmq.ROUTER, "push": zmq.PUSH, "pull": zmq.PULL}


def end(sent):
    return b"E" + sent.to_bytes(8, "little")


class Pyzmq:
    def __init__(self):
        import zmq.asyncio

        self.context = zmq.asyncio.Context()

    async def open(self, kind, bind, endpoint):
        opened = self.context.socket(KINDS[kind])
        (opened.bind if bind else opened.connect)(endpoint)
        return opened

    async def send(self, opened, frames):
        await opened.send_multipart(frames)

    async def recv(self, opened):
        return await opened.recv_multipart()


class Aiozmq:
    async def open(self, kind, bind, endpoint):
        import aiozmq

        side = {"bind": endpoint} if bind else {"connect": endpoint}
        return await aiozmq.create_zmq_stream(KINDS[kind], **side)

    async def send(self, opened, frames):
        opened.write(frames)
        await opened.drain()

    async def recv(self, opened):
        return await opened.read()


async def pair(library, kinds, endpoint):
    bound = await library.open(kinds[1], True, endpoint)
    return await library.open(kinds[0], False, endpoint), bound


async def ping_pong_one(library, endpoint):
    dealer, router = await pair(library, ("dealer", "router"), endpoint)
    began, trips = None, 0
    while True:
        await library.send(dealer, REQUEST)
        await library.send(router, await library.recv(router))
        await library.recv(dealer)
        began = began or time.perf_counter()
        if trips % 32 == 0 and time.perf_counter() - began > DURATION:
            return [trips / (time.perf_counter() - began)]
        trips += 1


async def ping_pong_two(library, endpoint):
    dealer, router = await pair(library, ("dealer", "router"), endpoint)

    async def answer():
        while True:
            request = await library.recv(router)
            await library.send(router, request)
            if len(request[-1]) == 9:
                return

    async def ask():
        began, trips = None, 0
        while True:
            await library.send(dealer, REQUEST)
            await library.recv(dealer)
            began = began or time.perf_counter()
            if trips % 32 == 0 and time.perf_counter() - began > DURATION:
                took = time.perf_counter() - began
                await library.send(dealer, [b"0002", end(0)])
                await library.recv(dealer)
                return [trips / took]
            trips += 1

    figures, _ = await asyncio.gather(ask(), answer())
    return figures


async def pull(library, opened, senders, began):
    received, ended, sent, gap, last = 0, 0, 0, 0, began
    while ended < senders:
        payload = (await library.recv(opened))[-1]
        if len(payload) == 9:
            ended += 1
            sent += int.from_bytes(payload[1:], "little")
        else:
            received += 1
            now = time.perf_counter()
            gap, last = max(gap, now - last), now
    took = time.perf_counter() - began
    return [received / took, sent - received, 0, gap * 1e3]


async def one_way(library, endpoint, size):
    sender, receiver = await pair(library, ("push", "pull"), endpoint)

    async def push():
        payload, sent, began = b"\x07" * size, 0, None
        duration = DURATION if size <= 100_000 else LONG_DURATION
        while began is None or time.perf_counter() - began < duration:
            await library.send(sender, [payload])
            sent += 1
            began = began or time.perf_counter()
        await library.send(sender, [end(sent)])

    began = time.perf_counter()
    figures, _ = await asyncio.gather(pull(library, receiver, 1, began), push())
    return figures


async def fan_in(library, endpoint):
    router = await library.open("router", True, endpoint)
    dealers = [await library.open("dealer", False, endpoint) for _ in range(100)]

    async def push():
        began, sent = time.perf_counter(), 0
        while time.perf_counter() - began < DURATION:
            for dealer in dealers:
                await library.send(dealer, [b"\x07" * 200])
            sent += 1
        for dealer in dealers:
            await library.send(dealer, [end(sent)])

    began = time.perf_counter()
    figures, _ = await asyncio.gather(
        pull(library, router, len(dealers), began), push()
    )
    return figures


def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


async def idle(library, endpoint):
    sockets = [await library.open("pull", True, endpoint)]
    memory, descriptors = resident(), len(os.listdir("/proc/self/fd"))
    for _ in range(500):
        sockets.append(await library.open("push", False, endpoint))
    await asyncio.sleep(0.5)
    memory, descriptors = resident() - memory, len(os.listdir("/proc/self/fd")) - descriptors
    before = time.process_time()
    await asyncio.sleep(1)
    cpu = time.process_time() - before
    return [memory / 500, descriptors / 500, len(os.listdir("/proc/self/task")), cpu * 1e3]


async def slow_reader(library, endpoint):
    sender, receiver = await pair(library, ("push", "pull"), endpoint)
    payload = b"\x07" * 16384
    await library.send(sender, [payload])
    await library.recv(receiver)
    memory, sent, received = resident(), 0, 0
    try:
        while sent < 50_000:
            await asyncio.wait_for(library.send(sender, [payload]), 0.4)
            sent += 1
    except asyncio.TimeoutError:
        pass
    memory = (resident() - memory) / 1024
    try:
        while True:
            await asyncio.wait_for(library.recv(receiver), 0.4)
            received += 1
    except asyncio.TimeoutError:
        pass
    return [memory, sent, max(sent - received, 0)]


def main():
    library = {"aiozmq": Aiozmq, "pyzmq": Pyzmq}[sys.argv[1]]()
    with socket.create_server(("127.0.0.1", 0)) as free:
        tcp = "tcp://127.0.0.1:%d" % free.getsockname()[1]
    inproc = "inproc://peers"
    works = {
        "ping-pong-tcp-one": lambda: ping_pong_one(library, tcp),
        "ping-pong-tcp-two": lambda: ping_pong_two(library, tcp),
        "ping-pong-inproc-one": lambda: ping_pong_one(library, inproc),
        "ping-pong-inproc-two": lambda: ping_pong_two(library, inproc),
        "ping-pong-inproc-together": lambda: ping_pong_two(library, inproc),
        "one-way-16": lambda: one_way(library, tcp, 16),
        "one-way-200": lambda: one_way(library, tcp, 200),
        "one-way-1k": lambda: one_way(library, tcp, 1024),
        "one-way-16k": lambda: one_way(library, tcp, 16 * 1024),
        "one-way-1m": lambda: one_way(library, tcp, 1024 * 1024),
        "one-way-together": lambda: one_way(library, tcp, 200),
        "fan-in": lambda: fan_in(library, tcp),
        "idle": lambda: idle(library, tcp),
        "slow-reader": lambda: slow_reader(library, tcp),
    }
    if sys.argv[2] in works:
        print(*asyncio.run(works[sys.argv[2]]()), flush=True)
    os._exit(0)


main()
