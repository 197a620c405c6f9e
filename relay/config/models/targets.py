"""A target, as the file says it: who receives, and how it is called."""

from base64 import b64encode
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationInfo,
    WrapValidator,
    field_validator,
)

from relay.config.misfits import Expected, Misfit, listing
from relay.config.models.base import Part, as_full_list, as_list, chosen_by_scheme, misfit_at, required, written
from relay.config.models.fields import (
    Credential,
    Duration,
    ExpressionText,
    Flag,
    HeaderName,
    Network,
    Number,
    RateText,
    SigningKey,
    TargetUrl,
    Whole,
    Within,
    flag,
)
from relay.config.origin import Absent
from relay.config.unbuilt import AUTH_SCHEMES
from relay.config.units import RATE, parse_duration
from relay.domain import Rate, Secret

Networks = tuple[IPv4Network | IPv6Network, ...]

AUTHORIZATION = "authorization"
# Of one connection, of a message's framing, or set by the relay itself. Sources: RFC 9110, 7.6.1; RFC 9112, 6.
OURS = {
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
}
OUR_PREFIXES = ("proxy-", "webhook-", "x-relay-")
NEVER_STORED = {AUTHORIZATION, "cookie"}
GRANTS_MAX = 100_000  # each is kept for as long as the period lasts


def _own(name: str) -> str:
    if name.lower() in OURS or name.lower().startswith(OUR_PREFIXES):
        raise Expected("a header that the relay does not set itself")
    return name


def _kept(name: str) -> str:
    if name.lower() in NEVER_STORED:
        raise Expected("a header that is kept: credentials never are; `auth` gives a target its own")
    return name


SetHeader = Annotated[HeaderName, AfterValidator(_own)]
PassedHeader = Annotated[SetHeader, AfterValidator(_kept)]


def _countable(rate: Rate) -> Rate:
    if rate.count > GRANTS_MAX:
        raise Expected(f"{RATE}, of at most {GRANTS_MAX} in a period")
    return rate


TargetRate = Annotated[RateText, AfterValidator(_countable)]


class BearerAuth(Part):
    """A token."""

    scheme: Literal["bearer"] = Field(description="Authorization: Bearer TOKEN.")
    token: Credential = required("The token.", "${ERP_TOKEN}")

    def header(self) -> tuple[str, Secret]:
        """Return the header that proves us."""
        return "Authorization", Secret(b"Bearer " + self.token.reveal())


class BasicAuth(Part):
    """User and password."""

    scheme: Literal["basic"] = Field(description="Authorization: Basic, of user and password.")
    user: Credential = required("The user.", "relay")
    password: Credential = required("The password.", "${ERP_PASSWORD}")

    @field_validator("user")
    @classmethod
    def _has_no_colon(cls, user: Secret) -> Secret:
        if b":" in user.reveal():
            raise Misfit("expected a user without a colon: what follows one is the password")
        return user

    def header(self) -> tuple[str, Secret]:
        """Return the header that proves us."""
        return basic_header(self.user.text(), self.password.text())


class HeaderAuth(Part):
    """A fixed value in a header."""

    scheme: Literal["header"] = Field(description="A fixed value in a header.")
    name: SetHeader = required("The header.", "X-Api-Key", alias="header")
    value: Credential = required("Its value.", "${ERP_KEY}")

    def header(self) -> tuple[str, Secret]:
        """Return the header that proves us."""
        return self.name, self.value


def basic_header(user: str, password: str) -> tuple[str, Secret]:
    """Return the header of HTTP's basic authentication. Source: RFC 7617."""
    return "Authorization", Secret(b"Basic " + b64encode(f"{user}:{password}".encode()))


AUTHS: dict[str, type[Part]] = {"bearer": BearerAuth, "basic": BasicAuth, "header": HeaderAuth}
Auth = Annotated[
    BearerAuth | BasicAuth | HeaderAuth,
    WrapValidator(chosen_by_scheme(AUTHS, AUTH_SCHEMES, "{scheme: bearer, token: ${ERP_TOKEN}}")),
]


class Sign(Part):
    """Our own signature, by which a target knows us."""

    secrets: Annotated[
        tuple[SigningKey, ...], BeforeValidator(as_full_list, json_schema_input_type=list[SigningKey])
    ] = required("Keys of Standard Webhooks, the newest first: `whsec_` and base64.", "${ERP_SIGNING_SECRET}")


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
    final: Annotated[
        tuple[Annotated[Whole, Within("300", "599")], ...],
        BeforeValidator(as_list, json_schema_input_type=list[Whole]),
    ] = written([410], "Statuses that end a delivery at once: it is dead, and can be replayed. `[]`: none does.")
    wait_header: HeaderName | None = written(
        None,
        "Where the target says on 429 and 503 how long to wait, if not in Retry-After: in seconds, or a time.",
        examples=["X-Rate-Limit-Reset"],
    )

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


def _private(value: object, info: ValidationInfo) -> bool | Networks:
    if isinstance(value, list):
        return NETWORKS.validate_python(value, context=info.context)
    try:
        return flag(value)
    except Expected:
        raise Expected("true, false, or a list of networks") from None


NETWORKS: TypeAdapter[Networks] = TypeAdapter(tuple[Network, ...])
AllowPrivate = Annotated[
    bool | Networks,
    PlainValidator(_private, json_schema_input_type=Flag | list[Network]),
]


class Target(Part):
    """A receiver, called by HTTP."""

    url: TargetUrl = required("Where deliveries are posted to.", "https://erp.example.com/hooks")
    headers: dict[SetHeader, Credential] = written({}, "Headers that every delivery carries.")
    pass_headers: Annotated[
        tuple[PassedHeader, ...], BeforeValidator(as_list, json_schema_input_type=list[PassedHeader])
    ] = written([], "Headers of the original request that are passed on.", examples=[["X-Drivy-Signature"]])
    auth: Auth | None = written(None, "How we prove ourselves.")
    sign: Sign | None = written(None, "Sign deliveries as Standard Webhooks does.")
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
    retry: Retry = written({}, "When a failed delivery is tried again, and when it is given up.")
    breaker: Breaker = written({}, "When a target that fails again and again is left alone.")
    allow_private: AllowPrivate = written(
        False, "Whether loopback and private addresses may be called; or a list of networks that may."
    )

    @classmethod
    def completed(cls, data: dict[str, object]) -> dict[str, object]:
        """Miss no URL where another kind of target is meant: that kind is the fault."""
        return {"url": Absent.VALUE, **data} if "kind" in data else data

    @field_validator("headers")
    @classmethod
    def _are_there_once(cls, headers: dict[str, Secret], info: ValidationInfo) -> dict[str, Secret]:
        set_by = _set_before(info)
        for name in headers:
            if (setter := set_by.get(name.lower())) is not None:
                misfit = Misfit(f"{setter} sets the same header; expected only one of them")
                raise misfit_at((name, "[key]"), name, misfit)
            set_by[name.lower()] = "a key above, in other letters,"
        return headers

    @field_validator("auth")
    @classmethod
    def _says_it_alone(cls, auth: Auth | None, info: ValidationInfo) -> Auth | None:
        if auth is not None and (setter := _set_before(info).get(auth.header()[0].lower())) is not None:
            raise Misfit(f"{setter} sets the same header; expected only one of them")
        return auth

    def all_headers(self) -> dict[str, Secret]:
        """Return what every delivery carries, our credentials included."""
        named = [(self.url.user, self.url.password or "")] if self.url.raw_user is not None else []
        proofs = [basic_header(user or "", password) for user, password in named]
        return {**self.headers, **dict(proofs), **dict([self.auth.header()] if self.auth else [])}


def _set_before(info: ValidationInfo) -> dict[str, str]:
    """Return what sets a header, as far as the target is read: the header's lower-case name, and the key."""
    url, headers = info.data.get("url"), info.data.get("headers", {})
    by_url = {AUTHORIZATION: "the user in `url`"} if url is not None and url.raw_user is not None else {}
    return by_url | {name.lower(): "`headers`" for name in headers}
