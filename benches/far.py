"""A way to a registry that is as long as the way to one elsewhere.

    far.py MILLISECONDS HOST:PORT ADDRESS-FILE

It listens on a port of loopback that the kernel chooses, and writes 127.0.0.1:PORT into the file. What comes is handed on, either
way, half a round trip of so many milliseconds later; a new connection takes a whole one before its first bytes, as a handshake does.
"""

import asyncio
import sys
from pathlib import Path


async def hand_on(reader, writer, ready_at, delay):
    """Every piece leaves `delay` after it came, however many are under way, and none before `ready_at`."""
    clock = asyncio.get_running_loop().time
    pieces = asyncio.Queue()

    async def take():
        while piece := await reader.read(1 << 16):
            pieces.put_nowait((max(clock(), ready_at) + delay, piece))
        pieces.put_nowait((clock() + delay, b""))

    taking = asyncio.create_task(take())
    while True:
        due, piece = await pieces.get()
        await asyncio.sleep(due - clock())
        if not piece:
            break
        writer.write(piece)
        await writer.drain()
    writer.write_eof()
    await taking


async def main(milliseconds, backend, address_file):
    round_trip = int(milliseconds) / 1000
    host, port = backend.split(":")

    async def serve(reader, writer):
        ready_at = asyncio.get_running_loop().time() + round_trip
        from_backend, to_backend = await asyncio.open_connection(host, port)
        try:
            await asyncio.gather(
                hand_on(reader, to_backend, ready_at, round_trip / 2),
                hand_on(from_backend, writer, ready_at, round_trip / 2),
            )
        except OSError:
            pass  # Either side may go away at any time.
        finally:
            to_backend.close()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    written = Path(f"{address_file}.new")
    written.write_text("%s:%s" % server.sockets[0].getsockname())
    written.rename(address_file)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
