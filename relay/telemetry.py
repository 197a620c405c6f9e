"""What is told of all that happens: the one place that knows the names of metrics and of lines in the log."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus

import structlog
from prometheus_client import CollectorRegistry, generate_latest

from relay.clock import Clock
from relay.domain import (
    OWN_SOURCE,
    Attempt,
    Cut,
    Delivery,
    DeliveryStatus,
    Notice,
    NoticeKind,
    Outcome,
    Refusal,
    Source,
    Target,
)
from relay.metrics import BOUNDS, Counter, Gauge, Histogram, Moments
from relay.observer import Observer
from relay.reloading import Reload
from relay.sampling import FAREWELLS, Sampler
from relay.store.ports.minutes import ALL_DURATIONS, Kind
from relay.store.protocol import LaneState

TARGET_STATES = {state: float(number) for number, state in enumerate(("operating", "probing", "broken", "paused"))}


class Telemetry(Observer):
    """Hears what happens and tells it to monitoring and to the log."""

    def __init__(self, clock: Clock, targets: Mapping[str, Target]) -> None:
        self._clock = clock
        self._log = structlog.get_logger().bind()
        self._refusals = Sampler(clock)
        self._shortages = Sampler(clock)
        self._farewells = Sampler(clock, FAREWELLS)
        self._addresses = {name: target.address for name, target in targets.items()}
        self.registry = CollectorRegistry()
        counter, gauge = partial(Counter, self.registry), partial(Gauge, self.registry)
        histogram, moments = partial(Histogram, self.registry), partial(Moments, self.registry, clock)
        self._events = counter("relay_events", "Requests, by source and what became of them.", "source", "result")
        self._deliveries = counter("relay_deliveries", "Attempts, by target and outcome.", "target", "outcome")
        self._malformed = counter(
            "relay_malformed_requests", "Requests that could not be read, by reason, whoever sent them.", "reason"
        )
        self._cuts = counter("relay_cut_off", "Connections and requests that were cut off, by reason.", "reason")
        self._route_failures = counter(
            "relay_route_failures", "Events, by the route whose expression could not be evaluated on them.", "route"
        )
        self._attempt_duration = histogram(
            "relay_attempt_duration_seconds", "How long attempts take, by target.", "target"
        )
        self._accept_duration = histogram(
            "relay_accept_duration_seconds", "From a whole request to its commit, by source.", "source"
        )
        self._backlog = gauge("relay_backlog", "Deliveries not yet final, by target.", "target")
        self._dead = gauge("relay_dead", "Deliveries that were given up and can be replayed, by target.", "target")
        self._oldest = gauge("relay_oldest_pending_seconds", "Age of the oldest pending delivery, by target.", "target")
        self._target_state = gauge(
            "relay_target_state",
            "By target; 0: deliveries flow, 1: one tries, 2: its breaker is open, 3: it is paused.",
            "target",
        )
        self._last_event = moments(
            "relay_source_last_event_timestamp_seconds", "When each source last sent an event.", "source"
        )
        self._key_used = moments(
            "relay_source_key_last_used_timestamp_seconds",
            "When each secret of a source last proved a request, by its position: one that is no longer used can go.",
            "source",
            "key",
        )
        self._proofs = counter(
            "relay_source_key_uses", "Requests that each secret of a source proved, by its position.", "source", "key"
        )
        self._silent = gauge(
            "relay_source_silent", "1 if a source has sent nothing for longer than its expect_every.", "source"
        )
        self._disk_short = gauge("relay_disk_short", "1 if there is too little room on the disk to accept anything.")
        self._disk_short.set(0)
        self._broken: set[str] = set()
        self.ring: Callable[[Notice], None] = _ring_nobody
        self._reload_success = gauge("relay_config_last_reload_success", "1 if the configuration was last loaded well.")
        self._reload_time = gauge(
            "relay_config_last_reload_timestamp_seconds", "When the configuration was last tried, well or not."
        )
        self._reloads = counter("relay_config_reloads", "Tries to load the configuration, by result.", "result")
        self._count_reload(is_good=True)
        for name in targets:
            self._target_state.set(TARGET_STATES["operating"], name)

    def adopt(self, targets: Mapping[str, Target]) -> None:
        """Tell of these targets from here on; what still waits for others is told all the same."""
        for name in self._addresses.keys() - targets.keys():
            self._target_state.forget(name)
            self._broken.discard(name)
        for name in targets.keys() - self._addresses.keys():
            self._target_state.set(TARGET_STATES["operating"], name)
        self._addresses = {name: target.address for name, target in targets.items()}

    def expect(self, sources: Iterable[Source]) -> None:
        """Tell from here on, as zero, of all that alerts ring for: the first time is the one that matters."""
        for source in sources:
            for result in ("accepted", "duplicate", "unavailable", *(refusal.value for refusal in Refusal)):
                self._events.expect(source.name, result)
            for route in source.routes:
                self._route_failures.expect(route.name)

    def reloaded(self, reload: Reload) -> None:
        """Tell what became of a reload: what changes, or each fault."""
        self._count_reload(is_good=reload.is_good)
        if reload.is_good:
            self._log.info("config_reloaded", changes="; ".join(reload.changes) or "nothing")
            return
        for fault in reload.faults:
            self._log.error("config_fault", fault=str(fault))
        next_step = "nothing has changed: correct the file, and it is read again by itself"
        self._log.error("config_not_reloaded", faults=len(reload.faults), next_step=next_step)
        self._ring(NoticeKind.RELOAD, f"a faulty file is not used: {reload.faults[0]}", "configuration", next_step)

    def _count_reload(self, *, is_good: bool) -> None:
        self._reloads.count("success" if is_good else "failure")
        self._reload_success.set(1.0 if is_good else 0.0)
        self._reload_time.set(self._clock.now().timestamp())

    def described(self) -> Iterator[tuple[str, str, str]]:
        """Yield each metric as (name, kind, meaning), for the documentation."""
        for metric in self.registry.collect():
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            yield name, metric.type, metric.documentation

    def counted(self) -> dict[Kind, tuple[int, float]]:
        """Return what charts are drawn from, counted since this process began: (how often, seconds together)."""
        counted = {Kind("event", *values): (count, 0.0) for values, count in self._events.counts()}
        counted |= {Kind("proof", *values): (count, 0.0) for values, count in self._proofs.counts()}
        counted |= {Kind("delivery", *values): (count, 0.0) for values, count in self._deliveries.counts()}
        for (target,), spread in self._attempt_duration.spreads():
            counted[Kind("duration", target, ALL_DURATIONS)] = (sum(spread.counts), spread.sum_s)
            counted |= {
                Kind("duration", target, bound): (count, 0.0)
                for bound, count in zip(BOUNDS, spread.counts, strict=True)
                if count
            }
        return counted

    def accepted(self, source: str, event_id: str, *, is_duplicate: bool, duration_s: float) -> None:
        """Count an event that is on disk."""
        self._events.count(source, "duplicate" if is_duplicate else "accepted")
        self._accept_duration.observe(duration_s, source)
        self._last_event.note(source)
        self._log.debug("event_duplicate" if is_duplicate else "event_accepted", source=source, event_id=event_id)

    def proven(self, source: str, key: int) -> None:
        """Note which secret was used."""
        name = str(key)
        self._proofs.count(source, name)
        self._key_used.note(source, name)

    def greeted(self, source: str) -> None:
        """Count a handshake. Some are asked by anybody who likes, so their lines are sampled, too."""
        self._events.count(source, "handshake")
        unsaid = self._refusals.count((source, "handshake"))
        if unsaid is not None:
            self._log.info("handshake_answered", source=source, unsaid=unsaid, next_step="nothing: the vendor goes on")

    def refused(self, source: str, refusal: Refusal) -> None:
        """Count a request that did not become an event."""
        self._events.count(source, refusal.value)
        unsaid = self._refusals.count((source, refusal.value))
        if unsaid is not None:
            next_step = NEXT_STEPS[refusal]
            self._log.info("request_refused", source=source, reason=refusal.value, unsaid=unsaid, next_step=next_step)

    def malformed(self, reason: str) -> None:
        """Count a request that could not be read, whoever sent it."""
        self._malformed.count(reason)
        unsaid = self._refusals.count(("", reason))
        if unsaid is not None:
            next_step = "nothing, unless a proxy of yours sends it; counted in relay_malformed_requests_total"
            self._log.info("request_malformed", reason=reason, unsaid=unsaid, next_step=next_step)

    def cut_off(self, reason: Cut) -> None:
        """Count a connection or a request that asked too much of us."""
        self._cuts.count(reason.value)
        unsaid = self._refusals.count(("cut off", reason.value))
        if unsaid is not None:
            self._log.warning("cut_off", reason=reason.value, unsaid=unsaid, next_step=CUT_NEXT_STEPS[reason])

    def unavailable(self, source: str, reason: str) -> None:
        """Count an event that could not be stored."""
        self._events.count(source, "unavailable")
        unsaid = self._shortages.count((source, ""))
        if unsaid is not None:
            next_step = "the sender was told to send it again; see /readyz"
            self._log.error("event_not_stored", source=source, reason=reason, unsaid=unsaid, next_step=next_step)

    def route_failed(self, source: str, event_id: str, route: str) -> None:
        """Count a route whose expression does not fit an event."""
        self._route_failures.count(route)
        next_step = "correct the route's `when`, then replay the event"
        self._log.error("route_failed", source=source, event_id=event_id, route=route, next_step=next_step)

    def target_changed(self, target: str, state: str, reason: str, next_step: str) -> None:
        """Tell that a target is held, tried, or let go on."""
        self._target_state.set(TARGET_STATES[state], target)
        tell = self._log.info if state == "operating" else self._log.warning
        tell("target_changed", target=target, state=state, reason=reason or None, next_step=next_step)
        if state == "broken" and target not in self._broken:
            self._broken.add(target)
            self._ring(NoticeKind.BREAKER, f"it is left alone after failures ({reason})", target, next_step)
        elif state == "operating" and target in self._broken:
            self._broken.discard(target)
            self._ring(NoticeKind.BREAKER, "it is well again", target, next_step)

    def _ring(self, kind: NoticeKind, what: str, where: str, next_step: str) -> None:
        self.ring(Notice(kind, what, where, self._clock.now(), next_step))

    def attempted(
        self, delivery: Delivery, attempt: Attempt, status: DeliveryStatus, *, next_in_s: float | None
    ) -> None:
        """Tell of one attempt, in one wide line."""
        self._deliveries.count(delivery.target, attempt.outcome.value)
        if attempt.outcome is not Outcome.LOST:
            self._attempt_duration.observe(attempt.duration_s, delivery.target)
        tell = getattr(self._log, _LEVELS[status])
        tell(
            "delivery_attempted",
            source=delivery.event.source,
            type=delivery.event.type,
            event_id=delivery.event.id,
            target=delivery.target,
            address=self._addresses.get(delivery.target),
            delivery=delivery.id,
            attempt=attempt.number,
            outcome=attempt.outcome.value,
            http_status=attempt.status,
            duration_ms=round(attempt.duration_s * 1000, 1),
            status=status.value,
            detail=attempt.detail or None,
            next_step=_next_step(status, attempt.outcome, next_in_s),
        )
        if attempt.outcome is Outcome.REJECTED and attempt.status == HTTPStatus.GONE:
            self._tell_gone(delivery)
        if status is DeliveryStatus.DEAD and delivery.event.source != OWN_SOURCE:
            what = f"a delivery was given up: {delivery.event.id} of {delivery.event.source} ({attempt.outcome.value})"
            self._ring(
                NoticeKind.DEAD, what, delivery.target, f"mend {_culprit(attempt.outcome)}, then replay what died"
            )

    def _tell_gone(self, delivery: Delivery) -> None:
        """Say loudly that a target wants nothing more: every delivery to it ends at once."""
        unsaid = self._farewells.count((delivery.target, ""))
        if unsaid is None:
            return
        self._log.error(
            "target_gone",
            target=delivery.target,
            address=self._addresses.get(delivery.target),
            event_id=delivery.event.id,
            unsaid=unsaid,
            next_step=(
                "it answers 410, that it is gone for good: take it out of the routes, or hold what comes with `relay "
                f"targets pause {delivery.target}`; once it is back, resume it and replay what died"
            ),
        )

    def heard(self, source: str) -> datetime | None:
        """Tell when a source last sent something to this process."""
        return self._last_event.last(source)

    def key_used(self, source: str, key: int) -> datetime | None:
        """Tell when a secret, by its position from 1, last proved a request to this process."""
        return self._key_used.last(source, str(key))

    def see(self, silent: Mapping[str, datetime | None], *, is_disk_short: bool) -> None:
        """Take note of how things are. silent: since when, of each source that is expected to send."""
        self._disk_short.set(float(is_disk_short))
        for source, since in silent.items():
            self._silent.set(float(since is not None), source)

    def exposition(self, lanes: Mapping[str, LaneState]) -> bytes:
        """Return all metrics in Prometheus's text format. lanes: as the store tells them now."""
        now = self._clock.now()
        for target, lane in {**dict.fromkeys(self._addresses, LaneState()), **lanes}.items():
            self._backlog.set(lane.unfinished, target)
            self._dead.set(lane.dead, target)
            age_s = (now - lane.oldest_at).total_seconds() if lane.oldest_at else 0.0
            self._oldest.set(max(0.0, age_s), target)
        return generate_latest(self.registry)


def _ring_nobody(_: Notice) -> None: ...


NEXT_STEPS: dict[Refusal, str] = {
    Refusal.MISSING: "check that the vendor sends its signature, token or password, and that a proxy keeps it",
    Refusal.MALFORMED: "check the source's `verify` against the vendor's page",
    Refusal.STALE: "check this machine's clock, and for how long the vendor's requests travel",
    Refusal.MISMATCH: "check the secret; where the vendor signs, also that no proxy changes the body",
    Refusal.UNREADABLE: "check what the vendor sends: JSON where the source needs it, whole where it is compressed",
    Refusal.KEYLESS: "check the source's `key` against what the vendor sends",
    Refusal.TOO_LARGE: "raise the source's `max_body` if such bodies are wanted",
    Refusal.LIMITED: "raise the source's `limit` if this rate is wanted",
}

CUT_NEXT_STEPS: dict[Cut, str] = {
    Cut.TOO_SLOW: "nothing, unless it is a sender of yours: then raise server.head_timeout or server.request_timeout",
    Cut.CONNECTIONS: "raise server.connections_max if they are your senders'",
    Cut.ONE_ADDRESS: "where it is a proxy of yours, name it in server.trusted_proxies; else nothing",
    Cut.REQUESTS: "raise server.requests_max if they are your senders'; see relay_accept_duration_seconds",
    Cut.DESCRIPTORS: "let the process have more open files: `ulimit -n`, LimitNOFILE",
}

_LEVELS = {DeliveryStatus.DELIVERED: "info", DeliveryStatus.PENDING: "warning", DeliveryStatus.DEAD: "error"}


def _culprit(outcome: Outcome) -> str:
    return "what `relay why` names" if outcome is Outcome.BLOCKED else "the target"


def _next_step(status: DeliveryStatus, outcome: Outcome, next_in_s: float | None) -> str | None:
    if status is DeliveryStatus.DEAD:
        return f"given up; mend {_culprit(outcome)}, then replay"
    return None if next_in_s is None else f"trying again in {max(0.0, next_in_s):.1f} s"
