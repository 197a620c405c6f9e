"""Questions to a server: one GET, or the same again and again on one connection."""

import asyncio

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def ask(port: int, path: str) -> tuple[int, bytes]:
    """GET a path; return status and body."""
    streams = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await ask_again(streams, path)
    finally:
        streams[1].close()


async def ask_again(streams: Streams, path: str) -> tuple[int, bytes]:
    """GET a path on a connection that is kept; return status and body."""
    reader, writer = streams
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return await answer(reader)


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read an answer; return its status and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    return int(head[9:12]), await reader.readexactly(length)
