"""What every target has in the file, whatever its kind."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, ValidationInfo, field_validator

from relay import domain
from relay.config.misfits import Expected, Misfit, listing
from relay.config.models.base import Part, as_list, written
from relay.config.models.fields import Duration, ExpressionText, Number, RateText, Whole, Within
from relay.config.units import RATE, parse_duration
from relay.domain import Rate

GRANTS_MAX = 100_000  # each is kept for as long as the period lasts


def _countable(rate: Rate) -> Rate:
    if rate.count > GRANTS_MAX:
        raise Expected(f"{RATE}, of at most {GRANTS_MAX} in a period")
    return rate


TargetRate = Annotated[RateText, AfterValidator(_countable)]


class Retry(Part):
    """When a failed delivery is tried again, and when it is given up."""

    schedule: Annotated[
        tuple[Annotated[Duration, Within("1ms", "30d", parse_duration)], ...],
        BeforeValidator(as_list, json_schema_input_type=list[Duration]),
    ] = written(
        [],
        "Every wait, one by one, in place of `base`, `factor` and `cap`; after the last failure it is given up.",
        examples=[["5s", "5m", "30m", "2h"]],
    )
    base: Annotated[Duration, Within("1ms", "30d", parse_duration)] = written("5s", "The wait after the first failure.")
    factor: Annotated[Number, Within("1", "100")] = written(3, "By how much each wait is longer than the last.")
    cap: Annotated[Duration, Within("1ms", "30d", parse_duration)] = written("6h", "The longest wait.")
    max_age: Annotated[Duration, Within("1s", "3650d", parse_duration)] = written(
        "3d", "How long after its arrival an event is given up; while its target is paused or left alone, time stands."
    )
    jitter: Annotated[Number, Within("0", "1")] = written(0.2, "The share of a wait that is drawn at random.")

    @classmethod
    def completed(cls, data: dict[str, object]) -> dict[str, object]:
        """Refuse a schedule beside what it stands in place of. Errors: Misfit."""
        beside = [key for key in ("base", "factor", "cap") if key in data]
        if "schedule" in data and beside:
            raise Misfit(f"`schedule` stands beside {listing(beside)}; expected one or the other")
        return data

    @field_validator("cap")
    @classmethod
    def _is_not_below_base(cls, cap: timedelta, info: ValidationInfo) -> timedelta:
        if cap < info.data.get("base", cap):
            raise Expected("at least `base`")
        return cap

    def policy(self) -> domain.RetryPolicy:
        """Build the policy. A schedule is kept to the second, unless a jitter is asked for."""
        is_exact = bool(self.schedule) and "jitter" not in self.model_fields_set
        return domain.RetryPolicy(
            base_s=self.base.total_seconds(),
            factor=self.factor,
            cap_s=self.cap.total_seconds(),
            max_age=self.max_age,
            jitter=0.0 if is_exact else self.jitter,
            final=frozenset(),
            schedule_s=tuple(wait.total_seconds() for wait in self.schedule),
        )


class Breaker(Part):
    """When a target that fails again and again is left alone, and how often it is tried meanwhile."""

    failures: Annotated[Whole, Within("1", "1000000")] = written(
        10,
        "After so many failures in a row deliveries wait, without using up attempts or `retry.max_age`. A failure is "
        "a status of 500 and above or 429, a time-out, or no connection; no other status is.",
    )
    probe: Annotated[Duration, Within("1s", "1d", parse_duration)] = written(
        "30s", "The wait before one delivery tries; twice as long after each try that fails."
    )
    probe_cap: Annotated[Duration, Within("1s", "1d", parse_duration)] = written("10m", "The longest such wait.")

    @field_validator("probe_cap")
    @classmethod
    def _is_not_below_probe(cls, probe_cap: timedelta, info: ValidationInfo) -> timedelta:
        if probe_cap < info.data.get("probe", probe_cap):
            raise Expected("at least `probe`")
        return probe_cap

    def policy(self) -> domain.BreakerPolicy:
        """Build the policy."""
        return domain.BreakerPolicy(self.failures, self.probe.total_seconds(), self.probe_cap.total_seconds())


def _own_first(schema: dict[str, Any], part: type["Target"]) -> None:
    schema["properties"] = {key: schema["properties"][key] for key in part.written_keys()}


class Target(Part):
    """A receiver; each kind adds its own keys."""

    model_config = ConfigDict(json_schema_extra=_own_first)

    driver: ClassVar[str | None] = None  # the package that its sender needs, in the extra of the kind's name
    means: ClassVar[str]  # what its outcomes mean there, for the documentation
    repeat: ClassVar[str]  # what a second delivery of the same event does there
    example: ClassVar[str]

    timeout: Annotated[Duration, Within("1ms", "1h", parse_duration)] = written(
        "15s", "One deadline for connecting, sending, and the whole answer."
    )
    concurrency: Annotated[Whole, Within("1", "1000")] = written(8, "How many deliveries are under way at a time.")
    rate: TargetRate | None = written(
        None,
        "How many deliveries are sent in any period of that length, those tried again included, whichever process "
        "sends them. As many as can be, unless set.",
        examples=["100/1m"],
    )
    order_by: ExpressionText | None = written(
        None,
        "JMESPath over the body: deliveries with the same value go one at a time, in order of arrival; each once the "
        "one before is delivered, dead or cancelled. An event on which it fails or finds nothing (null) is delivered "
        "without an order.",
        examples=["remote_id"],
    )
    body: ExpressionText | None = written(
        None,
        "What is sent in place of the event, where its route has no `body`: an expression that finds any JSON. The "
        "body as it came, unless set.",
        examples=["{text: join(' ', ['New:', type])}"],
    )
    retry: Retry = written({}, "When a failed delivery is tried again, and when it is given up.")
    breaker: Breaker = written({}, "When a target that fails again and again is left alone.")

    @field_validator("kind", check_fields=False)
    @classmethod
    def _can_be_sent_to(cls, kind: str) -> str:
        if cls.driver is not None and find_spec(cls.driver) is None:
            raise Misfit(f"its driver is not installed; expected `pip install 'callback-relay[{kind}]'` before this")
        return kind

    @classmethod
    def written_keys(cls) -> list[str]:
        """List the keys that a person may write, those of the kind first: a reader looks for them."""
        fields = [name for name in cls.__annotations__ if name in cls.model_fields] + list(cls.model_fields)
        own = dict.fromkeys(cls.model_fields[name].alias or name for name in fields if name not in Target.model_fields)
        return list(own | dict.fromkeys(super().written_keys()))

    def shaped_keys(self) -> frozenset[str]:
        """Return what of a route's shape this kind of target can take."""
        return frozenset({"body"})

    def proving_headers(self) -> frozenset[str]:
        """Return the headers that prove us, in lower case: no route sets them."""
        return frozenset()

    @abstractmethod
    def build(self, name: str) -> domain.Target:
        """Build the target that a file without faults describes."""

    def common(self, name: str) -> Mapping[str, Any]:
        """Return what the program's target of any kind is made of."""
        return {
            "name": name,
            "timeout_s": self.timeout.total_seconds(),
            "concurrency": self.concurrency,
            "retry": self.retry.policy(),
            "breaker": self.breaker.policy(),
            "rate": self.rate,
            "order_by": self.order_by,
            "body": self.body,
        }
