"""How much a port lets its callers ask of it, so that all others are still served."""

from dataclasses import dataclass
from enum import StrEnum

KIB, MIB = 1024, 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one port bears.

    head_s: from a connection, or from the first byte of a request, to the end of its headers. request_s: to the end
    of its body; also for how long nothing of an answer may be taken. idle_s: between two requests.
    bodies_bytes_max: of all bodies that are in memory at a time.
    """

    head_s: float = 30.0
    request_s: float = 60.0
    idle_s: float = 75.0
    url_bytes_max: int = 8 * KIB
    header_bytes_max: int = 8 * KIB
    headers_max: int = 100
    connections_max: int = 4096
    connections_per_address_max: int = 512
    requests_max: int = 2048
    bodies_bytes_max: int = 256 * MIB


class Cut(StrEnum):
    """Why a connection or a request was cut off."""

    TOO_SLOW = "too slow"
    CONNECTIONS = "too many connections"
    ONE_ADDRESS = "too many of one address"
    REQUESTS = "too many requests"
    DESCRIPTORS = "no descriptors"
