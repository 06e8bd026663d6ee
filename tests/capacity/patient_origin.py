"""An origin in its own process that responds after some seconds with a given number of bytes.

Arguments: seconds, bytes. It prints its port.
"""

from __future__ import annotations

import asyncio
import resource
import sys

PIECE = 64 * 1024


async def serve(seconds: float, size: int) -> None:
    begin, end = b"%PDF-1.7\n", b"\n%%EOF\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(seconds)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + begin)
        left = size - len(begin) - len(end)
        while left:
            writer.write(b"0" * min(PIECE, left))
            left -= min(PIECE, left)
            await writer.drain()
        writer.write(end)
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=2000)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(serve(float(sys.argv[1]), int(sys.argv[2])))
