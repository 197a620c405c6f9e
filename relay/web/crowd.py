"""Everyone who is connected to one port: how many they may be, and how long each may keep us waiting.

aiohttp's server waits for ever for what a sender does not send, and takes any number of connections. Nothing here runs
for each request: once a second all connections are looked at, and what each waits for can be told from what it is.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from enum import Enum, auto
from ipaddress import ip_address
from operator import attrgetter
from typing import Protocol

from relay.clock import Clock
from relay.domain import Bounds, Cut

LOOK_EVERY_S = 1.0
PATIENCE_S = 1.0  # at least: who has kept us waiting for less is not hung up on for want of room
IPV6_NEIGHBOURS_BITS = 64  # of an address that whoever has one has all of


class Stage(Enum):
    """What a connection waits for."""

    IDLE = auto()  # its next request
    HEAD = auto()  # its first request, or the rest of one's head
    BODY = auto()  # the rest of a body
    ANSWER = auto()  # that its peer takes more of an answer, or of what is left of one
    END = auto()  # nothing more: its peer has said its last word, and all is answered
    NOTHING = auto()  # us


class Caller(Protocol):
    """A connection, as far as it is watched. seen: its stage and the number of its request at the last look."""

    seen: tuple[Stage, int]
    since_s: float
    address: Hashable

    @property
    def stage(self) -> Stage:
        """Tell what it waits for now."""
        ...

    @property
    def requests(self) -> int:
        """Tell how many requests have come, whole or not."""
        ...

    @property
    def has_begun(self) -> bool:
        """Tell whether part of a head has come, and not the rest."""
        ...

    def hang_up(self) -> None:
        """End what it waits for: by a 408 where a request has begun."""
        ...


class Crowd:
    """The connections of one port. tell: hears why one was cut off. trusts: whether an address is our own proxy's."""

    def __init__(
        self,
        bounds: Bounds,
        clock: Clock,
        tell: Callable[[Cut], None],
        trusts: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.bounds = bounds
        self._clock = clock
        self._tell = tell
        self._trusts = trusts
        self.callers: set[Caller] = set()
        self.of_address: Counter[Hashable] = Counter()
        self._patient: dict[object, list[Caller]] = {}  # who may be hung up on, the next one last

    def adopt(self, bounds: Bounds) -> None:
        """Bear this much from here on; a connection that is open keeps the sizes it began with."""
        self.bounds = bounds

    def admit(self, caller: Caller, peer: str) -> bool:
        """Take in a new connection, if need be in the place of one that keeps us waiting. peer: its address."""
        caller.address = None if self._trusts(peer) else neighbourhood(peer)
        bounds = self.bounds
        if caller.address is not None and self.of_address[caller.address] >= bounds.connections_per_address_max:
            self._tell(Cut.ONE_ADDRESS)
            if not self._hang_up_on_one(caller.address):
                return False
        if len(self.callers) >= bounds.connections_max:
            self._tell(Cut.CONNECTIONS)
            if not self._hang_up_on_one():
                return False
        caller.since_s = self._clock.monotonic()
        self.callers.add(caller)
        self.of_address[caller.address] += 1
        return True

    def leave(self, caller: Caller) -> None:
        """Forget a connection that has ended, if it was taken in at all."""
        if caller in self.callers:
            self.callers.discard(caller)
            self.of_address[caller.address] -= 1
            if not self.of_address[caller.address]:
                del self.of_address[caller.address]

    def hurry(self) -> bool:
        """Make room for a request, by a body that keeps us waiting; tell whether there was one."""
        self._tell(Cut.REQUESTS)
        return self._hang_up_on_one(Stage.BODY)

    def relieve(self, count: int) -> None:
        """Hang up on so many of those who keep us waiting, if there are as many."""
        while count and self._hang_up_on_one():
            count -= 1

    async def watch(self) -> None:
        """Look at all connections now and then, for ever."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Hang up on who has kept us waiting too long."""
        now_s = self._clock.monotonic()
        self._patient.clear()
        for caller in list(self.callers):
            stage = caller.stage
            seen = (stage, caller.requests)
            if seen != caller.seen:
                if seen != (Stage.BODY, caller.seen[1] + 1) or caller.seen[0] is not Stage.HEAD:
                    caller.since_s = now_s  # a body's time has begun with its head
                caller.seen = seen
            if stage is not Stage.NOTHING and now_s - caller.since_s >= self._allowed_s(stage):
                if stage not in (Stage.IDLE, Stage.END):
                    self._tell(Cut.TOO_SLOW)
                caller.hang_up()

    def _allowed_s(self, stage: Stage) -> float:
        match stage:
            case Stage.IDLE:
                return self.bounds.idle_s
            case Stage.HEAD:
                return self.bounds.head_s
            case Stage.END:
                return 0.0
            case _:
                return self.bounds.request_s

    def _hang_up_on_one(self, among: Hashable = None) -> bool:
        """Hang up on who has kept us waiting the longest; tell whether there was anybody.

        among: of an address, or at a stage. They are put in order once between two looks: a flood of connections must
        not cost a search each.
        """
        patient = self._patient.get(among)
        if patient is None:
            patient = self._patient[among] = self._by_patience(among)
        while patient:
            caller = patient.pop()
            if caller in self.callers and caller.seen == (caller.stage, caller.requests):
                caller.hang_up()
                return True
        return False

    def _by_patience(self, among: Hashable) -> list[Caller]:
        """List who waits for more, idle ones last, and those the last who have done so the longest."""
        latest_s = self._clock.monotonic() - PATIENCE_S
        waiting = [
            caller
            for caller in self.callers
            if caller.since_s <= latest_s
            and caller.seen[0] in (Stage.IDLE, Stage.HEAD, Stage.BODY)
            and (among is None or among in (caller.address, caller.seen[0]))
        ]
        waiting.sort(key=attrgetter("since_s"), reverse=True)
        waiting.sort(key=lambda caller: caller.seen[0] is Stage.IDLE)
        return waiting


def neighbourhood(peer: str) -> Hashable:
    """Return what all addresses of one caller have in common. Source: RFC 6177 gives a site a /64 at least."""
    try:
        ip = ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if ip.version == 4:
        return ip
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return int(ip) >> IPV6_NEIGHBOURS_BITS
