"""A way to a registry that is as long as the way to one elsewhere.

    far.py MILLISECONDS HOST:PORT ADDRESS-FILE

It listens on a port of loopback that the kernel chooses, and writes 127.0.0.1:PORT into the file. What comes is handed on, either
way, half a round trip of so many milliseconds later, and what a new connection says first a whole one after that: the handshake.
"""

import asyncio
import sys
from pathlib import Path


class Side(asyncio.Protocol):
    """One of the two sides of a connection. What it hears, the other one says later."""

    def __init__(self, delay):
        self.loop = asyncio.get_running_loop()
        self.delay = delay
        self.other = None
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, piece):
        self.loop.call_later(self.delay, self.other.transport.write, piece)

    def connection_lost(self, _error):
        if self.other:
            self.loop.call_later(self.delay, self.other.transport.close)


class Client(Side):
    """The side of whoever comes, which is heard once its handshake is over."""

    def __init__(self, delay, backend):
        super().__init__(delay)
        self.backend = backend
        self.opening = None

    def connection_made(self, transport):
        super().connection_made(transport)
        transport.pause_reading()
        # Somebody has to hold a task, or it may be swept away.
        self.opening = self.loop.create_task(self.open())

    async def open(self):
        _, self.other = await self.loop.create_connection(lambda: Side(self.delay), *self.backend)
        self.other.other = self
        await asyncio.sleep(2 * self.delay)
        self.transport.resume_reading()


async def main(milliseconds, backend, address_file):
    delay, backend = int(milliseconds) / 2000, backend.split(":")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(delay, backend), "127.0.0.1", 0, backlog=1000)
    written = Path(f"{address_file}.new")
    written.write_text("%s:%s" % server.sockets[0].getsockname())
    written.rename(address_file)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
