"""The far end of every socket pattern: python3 peer.py aiozmq|pyzmq-asyncio|pyzmq|sockets

Each line of its input is a scene: ROLE bind|connect ENDPOINT. It prints the endpoint if it binds one, plays its role, and prints how
many messages it has received; a role may print other lines, and wait for lines, in between. It ends with its input, or with status 1
at the first message that is not the expected one.
"""

import asyncio
import contextlib
import faulthandler
import itertools
import os
import queue
import sys
import threading
import traceback

ROLES = {}


def role(kind, options=()):
    """A function that plays the far end of a scene, over a socket of this kind with these options."""

    def keep(play):
        ROLES[play.__name__] = (kind, options, play)
        return play

    return keep


# What is sent, by both sides alike: tests/src/corpus.rs.

CHUNK = bytes(i % 251 for i in range(100_000))
LARGE = CHUNK * 10
SPECIAL = [
    [b"several", b"frames", b"of text"],
    [b"", b"between empty frames", b""],
    [b""],
    [b"", b"", b""],
    [bytes(range(256)), b"\xff\xfe\x00\x80"],
    [LARGE, b"large"],
    [b"%d" % i for i in range(100)],
]


def messages(numbered):
    # The last one is not empty: where all that aiozmq has received is empty messages, its read() waits for another one.
    return SPECIAL + [[b"%d" % k, b"", bytes([k % 256]) * (k % 40)] for k in range(numbered)]


def answer(message):
    return [frame[::-1] for frame in reversed(message)]


def short(message):
    return [frame if len(frame) < 50 else frame[:40] + b"... of %d" % len(frame) for frame in message]


def check(got, expected):
    if got != expected:
        raise ValueError(f"{short(got)} came for {short(expected)}")


# The libraries, each behind the same few calls.


class Pyzmq:
    """pyzmq, every call of which blocks; the base of the others."""

    def __init__(self, kind):
        import zmq

        self.library = zmq
        self.received = 0
        self.open(getattr(zmq, kind))

    def open(self, kind):
        self.context = self.library.Context()
        self.socket = self.context.socket(kind)

    async def set(self, option, value):
        self.socket.setsockopt(getattr(self.library, option), value)

    async def bind(self, endpoint):
        self.socket.bind(endpoint)
        return self.socket.last_endpoint.decode()

    async def connect(self, endpoint):
        self.socket.connect(endpoint)

    async def send(self, message):
        self.socket.send_multipart(message)

    async def recv(self):
        self.received += 1
        return self.socket.recv_multipart()

    async def fill(self, numbers):
        """Sends numbered chunks until no more is taken; returns how many were."""
        for sent in numbers:
            try:
                self.socket.send_multipart([b"%d" % sent, CHUNK], self.library.NOBLOCK)
            except self.library.Again:
                return sent

    async def close(self):
        self.socket.close()

    def term(self):
        # Waits until everything was sent.
        self.context.term()

    @staticmethod
    def run(coroutine):
        try:
            while True:
                coroutine.send(None)
        except StopIteration as end:
            return end.value


class PyzmqAsyncio(Pyzmq):
    """pyzmq for asyncio."""

    def open(self, kind):
        import zmq.asyncio

        self.context = zmq.asyncio.Context()
        self.socket = self.context.socket(kind)

    async def send(self, message):
        await self.socket.send_multipart(message)

    async def recv(self):
        self.received += 1
        return await self.socket.recv_multipart()

    async def fill(self, numbers):
        for sent in numbers:
            try:
                await self.socket.send_multipart([b"%d" % sent, CHUNK], self.library.NOBLOCK)
            except self.library.Again:
                return sent

    run = staticmethod(asyncio.run)


class Aiozmq(Pyzmq):
    """aiozmq's streams."""

    def open(self, kind):
        self.kind = kind
        self.stream = None

    async def transport(self):
        import aiozmq

        if self.stream is None:
            self.closed = aiozmq.ZmqStreamClosed
            self.stream = await aiozmq.create_zmq_stream(self.kind)
        return self.stream.transport

    async def set(self, option, value):
        transport = await self.transport()
        transport.setsockopt(getattr(self.library, option), value)
        # A call like this can take in the news of a message, of which aiozmq then does not learn. It looks again when it resumes;
        # it refuses where it has paused itself, and then it will resume.
        with contextlib.suppress(RuntimeError):
            transport.pause_reading()
            transport.resume_reading()

    async def bind(self, endpoint):
        return await (await self.transport()).bind(endpoint)

    async def connect(self, endpoint):
        await (await self.transport()).connect(endpoint)

    async def send(self, message):
        self.stream.write(message)
        await self.stream.drain()

    async def recv(self):
        self.received += 1
        return await self.stream.read()

    async def fill(self, numbers):
        for sent in numbers:
            # It takes every message, and queues what libzmq does not take.
            if self.stream.transport.get_write_buffer_size() > 0:
                return sent
            self.stream.write([b"%d" % sent, CHUNK])

    async def close(self):
        self.stream.close()
        with contextlib.suppress(self.closed):
            while True:
                await self.stream.read()

    def term(self):
        self.library.Context.instance().term()

    run = staticmethod(asyncio.run)


class Sockets:
    """TCP without any ZeroMQ, told of as a STREAM tells of it: an empty frame is a connection that comes or goes."""

    def __init__(self, _kind):
        import socket

        self.library = socket
        self.received = 0
        self.listener = None
        self.connection = None
        self.is_told = False

    @staticmethod
    def address(endpoint):
        host, port = endpoint.removeprefix("tcp://").split(":")
        return host, 0 if port == "*" else int(port)

    async def bind(self, endpoint):
        self.listener = self.library.create_server(self.address(endpoint))
        return "tcp://%s:%d" % self.listener.getsockname()

    async def connect(self, endpoint):
        self.connection = self.library.create_connection(self.address(endpoint))

    async def send(self, message):
        if message[1]:
            self.connection.sendall(message[1])
        else:
            self.connection.close()

    async def recv(self):
        self.received += 1
        if self.connection is None:
            self.connection, _ = self.listener.accept()
        if not self.is_told:
            self.is_told = True
            return [b"the peer", b""]
        return [b"the peer", self.connection.recv(100_000)]

    async def close(self):
        self.connection.close()
        if self.listener is not None:
            self.listener.close()

    def term(self):
        pass

    run = Pyzmq.run


LIBRARIES = {"aiozmq": Aiozmq, "pyzmq-asyncio": PyzmqAsyncio, "pyzmq": Pyzmq, "sockets": Sockets}


# What comes by standard input.

LINES = queue.SimpleQueue()


def listen():
    for line in sys.stdin:
        LINES.put(line.split())
    LINES.put([])


def wait_until_told():
    check(LINES.get(), ["go"])


async def publish_until_told(far, *published):
    # A PUB is not told of its subscribers: one of them says when it has heard it.
    while LINES.empty():
        for message in published:
            await far.send(message)
        await asyncio.sleep(0)
    wait_until_told()


# The roles.


async def answer_all(far, *head):
    for message in messages(300):
        check(await far.recv(), [*head, *message])
        await far.send([*head, *answer(message)])


async def ask_one_by_one(far):
    for message in messages(300):
        await far.send(message)
        check(await far.recv(), answer(message))


async def ask_all_at_once(far, *head):
    for message in messages(300):
        await far.send([*head, *message])
    for message in messages(300):
        check(await far.recv(), [*head, *answer(message)])


@role("REP")
async def rep(far, _how):
    await answer_all(far)


@role("REP")
async def rep_of_a_requester(far, _how):
    await answer_all(far)
    # A requester loses the reply that it has not read when its peer hangs up. So it says that it has the last one.
    await far.recv()


@role("REQ", [("ROUTING_ID", b"far \xff end")])
async def req(far, _how):
    await ask_one_by_one(far)


@role("ROUTER")
async def router(far, _how):
    await answer_all(far, b"tidegate")


@role("DEALER", [("ROUTING_ID", b"far \xff end")])
async def dealer(far, _how):
    await ask_all_at_once(far)


@role("ROUTER")
async def router_of_a_req(far, _how):
    await answer_all(far, b"tidegate", b"")


@role("DEALER")
async def dealer_of_a_rep(far, _how):
    await ask_all_at_once(far, b"")


@role("PAIR")
async def pair(far, _how):
    await answer_all(far)


@role("PUSH")
async def push(far, _how):
    for message in messages(3_000):
        await far.send(message)


@role("PULL")
async def pull(far, _how):
    for message in messages(3_000):
        check(await far.recv(), message)


@role("PUSH", [("SNDHWM", 1)])
async def push_until_full(far, _how):
    # The first one waits for a peer: without one every socket is full.
    await far.send([b"0", CHUNK])
    sent = await far.fill(itertools.count(1))
    print("full", sent, flush=True)
    await far.send([b"the last"])


@role("PULL", [("RCVHWM", 1)])
async def pull_when_told(far, _how):
    wait_until_told()
    for number in itertools.count():
        message = await far.recv()
        if message == [b"%d" % number, b"the last"]:
            break
        check(message, [b"%d" % number, CHUNK])


# Without a mark of its own, so that what follows many a "ready" is not dropped.
@role("PUB", [("SNDHWM", 0)])
async def pub(far, _how):
    await publish_until_told(far, [b"ready"])
    for message in messages(300):
        await far.send([b"weather", *message])
        await far.send([b"news", *message])
    await publish_until_told(far, [b"news", b"again"], [b"end", b"again"])
    await far.send([b"end", b"over"])


@role("SUB", [("SUBSCRIBE", b"ready"), ("SUBSCRIBE", b"news")])
async def sub(far, _how):
    check(await far.recv(), [b"ready"])
    print("ready", flush=True)
    while (message := await far.recv()) == [b"ready"]:
        pass
    check(message, [b"news", *messages(300)[0]])
    for expected in messages(300)[1:]:
        check(await far.recv(), [b"news", *expected])
    await far.set("UNSUBSCRIBE", b"news")
    await far.set("SUBSCRIBE", b"end")
    while (message := await far.recv()) == [b"news", b"again"]:
        pass
    check(message, [b"end", b"again"])
    print("end", flush=True)
    while (message := await far.recv()) == [b"end", b"again"]:
        pass
    check(message, [b"end", b"over"])
    far.received = "all"


@role("XPUB")
async def xpub(far, _how):
    check(await far.recv(), [b"\x01news"])
    for message in messages(300):
        await far.send([b"weather", *message])
        await far.send([b"news", *message])
    check(await far.recv(), [b"to the publisher", b"", b"\xff"])
    check(await far.recv(), [b"\x01"])
    for message in messages(300):
        await far.send(message)
    check(await far.recv(), [b"\x00news"])
    check(await far.recv(), [b"\x00"])


@role("XSUB")
async def xsub(far, _how):
    await far.send([b"\x01news"])
    for message in messages(300):
        check(await far.recv(), [b"news", *message])
    await far.send([b"to the publisher", b"", b"\xff"])
    await far.send([b"\x01"])
    for message in messages(300):
        check(await far.recv(), message)
    await far.send([b"\x00news"])
    await far.send([b"\x00"])


@role("STREAM")
async def stream(far, how):
    peer, notice = await far.recv()
    check([notice], [b""])
    got = b""
    while len(got) < len(LARGE):
        sender, some = await far.recv()
        check([sender, some[:1]], [peer, LARGE[len(got) : len(got) + 1]])
        got += some
    check([got], [LARGE])
    for start in range(0, len(LARGE), 50_000):
        await far.send([peer, LARGE[::-1][start : start + 50_000]])
    if how == "connect":
        # Only now has the last byte arrived there.
        check(await far.recv(), [peer, b"hang up"])
        await far.send([peer, b""])
    else:
        check(await far.recv(), [peer, b""])
    far.received = "all"


async def play(library, scene, how, endpoint):
    kind, options, part = ROLES[scene]
    far = library(kind)
    for option, value in options:
        await far.set(option, value)
    bound = await getattr(far, how)(endpoint)
    if bound:
        print(bound, flush=True)
    await part(far, how)
    await far.close()
    return far


def main():
    library = LIBRARIES[sys.argv[1]]
    threading.Thread(target=listen, daemon=True).start()
    while line := LINES.get():
        # Where this scene, or the next one, does not come about, it ends with a word on where it stands.
        faulthandler.dump_traceback_later(60, exit=True)
        far = library.run(play(library, *line))
        far.term()
        print("received", far.received, flush=True)


try:
    main()
except BaseException:
    traceback.print_exc()
    # At once: the libraries would wait for what they have not sent.
    os._exit(1)
