"""What happens to the relay itself, told to targets: collected for a while, then stored as an event like any other.

So it is durable, tried again, and shown with its attempts. A target is never told of itself, and nothing is told of an
event that tells: whoever cannot be reached would otherwise be told so, for ever.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
import structlog

from relay.clock import Clock
from relay.domain import (
    OWN_SOURCE,
    Event,
    Notice,
    NoticeKind,
    Notify,
    Plan,
    PlannedDelivery,
    Target,
    Verdict,
    new_event_id,
)
from relay.errors import StoreError
from relay.lanes import Lanes
from relay.store.protocol import Store

log = structlog.get_logger("relay.notifying")

NOTICES_MAX = 50  # different ones in an event; of more only the number is told
ROUTE = "notify"
TYPE = "relay.notice"


@dataclass(slots=True)
class Collected:
    """A notice, and how often the same was to be told."""

    notice: Notice
    count: int = 1


class Notifier:
    """Tells targets what an operator should know. entropy: so many random bytes."""

    def __init__(
        self,
        policy: Notify | None,
        targets: Mapping[str, Target],
        store: Store,
        lanes: Lanes,
        clock: Clock,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._policy = policy
        self._targets = targets
        self._store = store
        self._lanes = lanes
        self._clock = clock
        self._entropy = entropy
        self._collected: dict[tuple[NoticeKind, str], Collected] = {}
        self._unsaid = 0
        self._has_some = asyncio.Event()

    def adopt(self, policy: Notify | None, targets: Mapping[str, Target]) -> None:
        """Tell these targets from here on."""
        self._policy, self._targets = policy, targets

    def tell(self, notice: Notice) -> None:
        """Have something told, with the next ones. The same again is counted, and its last words are told."""
        if self._policy is None or notice.kind not in self._policy.kinds:
            return
        known = self._collected.get((notice.kind, notice.where))
        if known is not None:
            known.notice = notice
            known.count += 1
        elif len(self._collected) >= NOTICES_MAX:
            self._unsaid += 1
        else:
            self._collected[notice.kind, notice.where] = Collected(notice)
        self._has_some.set()

    async def run(self) -> None:
        """Tell what there is to tell, once in each period, for ever."""
        while True:
            await self._has_some.wait()
            await self._clock.sleep(self._policy.every.total_seconds() if self._policy else 0.0)
            await self.flush()

    async def flush(self) -> None:
        """Store an event for each group of targets that is told the same. What cannot be stored is told next time."""
        self._has_some.clear()
        collected, unsaid = self._collected, self._unsaid
        self._collected, self._unsaid = {}, 0
        for recipients, told in self._grouped(collected).items():
            try:
                await self._store_event(recipients, told, unsaid)
            except StoreError as error:
                log.warning("notice_not_stored", error=str(error), next_step="it is told with the next ones")
                for each in told:
                    self._collected.setdefault((each.notice.kind, each.notice.where), each)
                self._has_some.set()

    def _grouped(self, collected: Mapping[tuple[NoticeKind, str], Collected]) -> dict[tuple[str, ...], list[Collected]]:
        """Sort notices by whom they are for: everybody but whom they are about."""
        groups: dict[tuple[str, ...], list[Collected]] = {}
        named = self._policy.targets if self._policy else ()
        for each in collected.values():
            recipients = tuple(name for name in named if name != each.notice.where and name in self._targets)
            if recipients:
                groups.setdefault(recipients, []).append(each)
        return groups

    async def _store_event(self, recipients: tuple[str, ...], told: list[Collected], unsaid: int) -> None:
        now = self._clock.now()
        event_id = new_event_id(now, self._entropy(10))
        headers = (("Content-Type", "application/json"),)
        body = orjson.dumps(_body(told, unsaid))
        event = Event(event_id, OWN_SOURCE, TYPE, event_id.encode(), now, now, headers, body)
        planned = [PlannedDelivery(ROUTE, name, now, now + self._targets[name].retry.max_age) for name in recipients]
        await self._store.accept(event, Plan(tuple(planned), ((ROUTE, Verdict.MATCHED),)), {})
        self._lanes.wake(recipients)


def _body(told: list[Collected], unsaid: int) -> dict[str, object]:
    """Return what is sent: the first notice, as one that is alone; all of them; and a text for chats."""
    notices = [_told(each) for each in told]
    lines = [f"{each['where']}: {each['what']}. {each['next_step']}" for each in notices]
    lines += [f"and {unsaid} more"] if unsaid else []
    return {**notices[0], "notices": notices, "unsaid": unsaid, "text": "\n".join(lines)}


def _told(each: Collected) -> dict[str, object]:
    notice = each.notice
    return {
        "kind": notice.kind.value,
        "what": notice.what,
        "where": notice.where,
        "since": notice.since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "count": each.count,
        "next_step": notice.next_step,
    }
