"""How a program and its writer speak: messages over a pair of sockets that nobody else can reach.

A frame is a count of parts (4 bytes), the size of each (8 bytes), and the parts: first a pickle of the message, then
the large bodies that it mentions, raw, so that none is copied into the pickle and out of it again.
"""

import pickle
import socket
import struct
from collections.abc import Sequence
from pickle import PickleBuffer
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

if TYPE_CHECKING:
    import asyncio  # half of the writer's start, which has no use for it

APART_BYTES = 64 * 1024  # a body larger than that travels as a part of its own

_COUNT = struct.Struct("<I")
_SIZE_BYTES = 8


class Failure(NamedTuple):
    """A change that was not made, in place of its result. is_passing: trying again later makes sense."""

    words: str
    is_passing: bool


def apart(body: bytes) -> bytes | PickleBuffer:
    """Mark a body to travel as a part of its own, if it is large."""
    return PickleBuffer(body) if len(body) > APART_BYTES else body


def pack(message: object) -> list[bytes | memoryview]:
    """Return a frame, in pieces to be sent one after the other."""
    bodies: list[PickleBuffer] = []
    told = pickle.dumps(message, protocol=5, buffer_callback=bodies.append)
    parts = [body.raw() for body in bodies]
    sizes = [len(told), *map(len, parts)]
    return [_COUNT.pack(len(sizes)) + struct.pack(f"<{len(sizes)}Q", *sizes) + told, *parts]


def send(message: object, channel: "socket.socket") -> None:
    """Send a frame. Errors: OSError."""
    for piece in pack(message):
        channel.sendall(piece)


def receive(stream: BinaryIO) -> Any:
    """Read a frame; return its message. Errors: EOFError, where there is none any more."""
    sizes = _sizes(_exactly(stream, _sizes_bytes(_exactly(stream, _COUNT.size))))
    return _unpack([_exactly(stream, size) for size in sizes])


async def receive_soon(stream: "asyncio.StreamReader") -> Any:
    """Do as `receive`, beside others. Errors: EOFError, OSError."""
    sizes = _sizes(await stream.readexactly(_sizes_bytes(await stream.readexactly(_COUNT.size))))
    return _unpack([await stream.readexactly(size) for size in sizes])


def _exactly(stream: BinaryIO, size: int) -> bytes:
    read = stream.read(size)
    if len(read) < size:
        raise EOFError
    return read


def _sizes_bytes(count: bytes) -> int:
    return int(_COUNT.unpack(count)[0]) * _SIZE_BYTES


def _sizes(packed: bytes) -> Sequence[int]:
    return struct.unpack(f"<{len(packed) // _SIZE_BYTES}Q", packed)


def _unpack(parts: Sequence[bytes]) -> Any:
    return pickle.loads(parts[0], buffers=parts[1:])  # noqa: S301 - see above
