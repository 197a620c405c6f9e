"""A target that is called by HTTP, as the file says it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BeforeValidator, PlainValidator, ValidationInfo, WithJsonSchema, field_validator

from relay import domain
from relay.config.misfits import Misfit, listing, not_among
from relay.config.models.base import Part, as_full_list, as_list, misfit_at, required, written
from relay.config.models.fields import Credential, Flag, HeaderName, SigningKey, TargetUrl, Text, Whole, Within, text
from relay.config.models.targets.auth import Auth
from relay.config.models.targets.base import Retry
from relay.config.models.targets.headers import AUTHORIZATION, PassedHeader, SetHeader
from relay.config.models.targets.network import NetworkTarget
from relay.config.models.targets.tls import Tls
from relay.config.origin import Absent
from relay.domain import Secret
from relay.targets import presets


def _preset_name(value: object) -> str:
    if (name := text(value)) in presets.names():
        return name
    raise not_among(presets.names(), name, "a preset")


PresetName = Annotated[
    str, PlainValidator(_preset_name), WithJsonSchema({"type": "string", "enum": list(presets.names())})
]


class Sign(Part):
    """Our own signature, by which a target knows us."""

    secrets: Annotated[
        tuple[SigningKey, ...], BeforeValidator(as_full_list, json_schema_input_type=list[SigningKey])
    ] = required("Keys of Standard Webhooks, the newest first: `whsec_` and base64.", "${ERP_SIGNING_SECRET}")


class HttpRetry(Retry):
    """When a failed delivery is tried again, and when it is given up."""

    final: Annotated[
        tuple[Annotated[Whole, Within("300", "599")], ...],
        BeforeValidator(as_list, json_schema_input_type=list[Whole]),
    ] = written([410], "Statuses that end a delivery at once: it is dead, and can be replayed. `[]`: none does.")
    wait_header: HeaderName | None = written(
        None,
        "Where the target says on 429 and 503 how long to wait, if not in Retry-After: in seconds, or a time.",
        examples=["X-Rate-Limit-Reset"],
    )

    def policy(self) -> domain.RetryPolicy:
        """Build the policy, with what HTTP's answers say to it."""
        return replace(super().policy(), final=frozenset(self.final), wait_header=self.wait_header)


class HttpTarget(NetworkTarget):
    """A receiver that is called by HTTP: the kind of a target that names none."""

    means = (
        "Delivered by 2xx; dead at once by a status in `retry.final`; tried again after any other answer, a time-out "
        "or a broken connection. Redirects are never followed."
    )
    repeat = "It arrives again, with the same `webhook-id`: the receiver tells repeats by that."
    example = "{url: https://erp.example.com/hooks}"

    kind: Literal["http"] = written("http", "What kind of target it is.")
    preset: PresetName | None = written(None, "The system, if we know it: says all the rest, but for `with`.")
    given: dict[Text, Credential] = written({}, "What the preset needs from you, by name.", alias="with")
    url: TargetUrl = required("Where deliveries are posted to.", "https://erp.example.com/hooks")
    headers: dict[SetHeader, Credential] = written({}, "Headers that every delivery carries.")
    pass_headers: Annotated[
        tuple[PassedHeader, ...], BeforeValidator(as_list, json_schema_input_type=list[PassedHeader])
    ] = written([], "Headers of the original request that are passed on.", examples=[["X-Drivy-Signature"]])
    auth: Auth | None = written(None, "How we prove ourselves.")
    sign: Sign | None = written(None, "Sign deliveries as Standard Webhooks does.")
    tls: Tls | None = written(None, "What TLS takes besides the system's own.")
    hide_path: Flag = written(
        False, "Whether the path of the URL is a secret, as in a chat's webhook; it is shown as ***."
    )
    retry: HttpRetry = written({}, "When a failed delivery is tried again, and when it is given up.")

    @classmethod
    def completed(cls, data: dict[str, object]) -> dict[str, object]:
        """Add what the preset says, where the file says nothing."""
        name = data.get("preset")
        known = isinstance(name, str) and name in presets.names()
        return presets.find(str(name)).completed({"with": {}, **data}, Absent.VALUE) if known else data

    @field_validator("given")
    @classmethod
    def _is_what_the_preset_needs(cls, given: dict[str, Secret], info: ValidationInfo) -> dict[str, Secret]:
        if (name := info.data.get("preset")) is None:
            if given and "preset" in info.data:
                raise Misfit("no preset asks for it; expected `preset`, or no `with`")
            return given
        needs = presets.find(name).needs
        unknown = [key for key in given if key not in needs]
        if unknown:
            raise not_among(needs, unknown[0], f"what {name} needs") if needs else Misfit(f"{name} needs nothing")
        lacking = [f"`{key}` ({need.what})" for key, need in needs.items() if need.is_needed and key not in given]
        if lacking:
            raise Misfit(f"missing: {listing(lacking, 'and')}")
        return given

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
        set_by = _set_before(info)
        for name in auth.sets() if auth is not None else ():
            if name in set_by:
                raise Misfit(f"{set_by[name]} sets the same header; expected only one of them")
        return auth

    def shaped_keys(self) -> frozenset[str]:
        """Return what of a route's shape this kind of target can take."""
        return frozenset({"body", "method", "path", "query", "headers"})

    def proving_headers(self) -> frozenset[str]:
        """Return the headers that prove us, in lower case: no route sets them."""
        by_url = {AUTHORIZATION} if self.url.raw_user is not None else set()
        return frozenset(by_url | (self.auth.sets() if self.auth else frozenset()))

    def build(self, name: str) -> domain.HttpTarget:
        """Build the target that a file without faults describes."""
        return domain.HttpTarget(
            **self.common(name),
            url=str(self.url.with_user(None)),
            headers=self.headers,
            open_headers=self._open_headers(),
            pass_headers=self.pass_headers,
            sign_secrets=self.sign.secrets if self.sign else (),
            auth=self._auth(),
            tls=self.tls.files() if self.tls else None,
            conceals_path=self.hide_path,
        )

    def _open_headers(self) -> frozenset[str]:
        """Return the headers that say what the preset says to everybody."""
        known = presets.find(self.preset).settings.get("headers") if self.preset else None
        if not isinstance(known, Mapping):
            return frozenset()
        return frozenset(name for name, value in known.items() if self.headers.get(name) == Secret(value))

    def _auth(self) -> domain.Auth | None:
        """Return how we prove ourselves; the user in the URL is another way to say it."""
        if self.auth is not None:
            return domain.Auth(self.auth.scheme, self.auth.settings())
        if self.url.raw_user is None:
            return None
        return domain.Auth("basic", {"user": Secret(self.url.user or ""), "password": Secret(self.url.password or "")})


def _set_before(info: ValidationInfo) -> dict[str, str]:
    """Return what sets a header, as far as the target is read: the header's lower-case name, and the key."""
    url, headers = info.data.get("url"), info.data.get("headers", {})
    by_url = {AUTHORIZATION: "the user in `url`"} if url is not None and url.raw_user is not None else {}
    return by_url | {name.lower(): "`headers`" for name in headers}
