"""A source, as the file says it: who sends to us, and how that is proven."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, PlainValidator, ValidationInfo, WithJsonSchema, field_validator

from relay import presets
from relay.config.misfits import Misfit, listing, not_among
from relay.config.models.base import Part, as_full_list, by_type, written
from relay.config.models.fields import (
    Duration,
    ExpressionText,
    Flag,
    RateText,
    SecretText,
    Size,
    TermText,
    Text,
    Whole,
    Window,
    Within,
    text,
)
from relay.config.models.scheme import Scheme
from relay.config.models.schemes import Verify
from relay.config.units import parse_duration, parse_size
from relay.domain import ANY_TYPE, Expression, Secret
from relay.handshakes import Handshakes
from relay.presets import Preset

WINDOW = "7d"


def _preset_name(value: object) -> str:
    if (name := text(value)) in presets.names():
        return name
    raise not_among(presets.names(), name, "a preset")


def _schemes(info: ValidationInfo) -> tuple[Scheme, ...]:
    """Return the schemes of the source that is being read; none where a fault hides them."""
    schemes: tuple[Scheme, ...] = info.data.get("verify", ())
    return schemes


def _fits(secret: Secret, info: ValidationInfo) -> Secret:
    """Insist that every scheme can use the secret. Errors: Misfit, which never tells it."""
    for scheme in _schemes(info):
        if scheme.compares_secrets:
            scheme.check_secret(secret)
    return secret


PresetName = Annotated[
    str, PlainValidator(_preset_name), WithJsonSchema({"type": "string", "enum": list(presets.names())})
]
BodySize = Annotated[Size, Within("1B", "900MiB", parse_size)]  # SQLite holds at most 10**9 bytes in a value
Keys = Annotated[dict[Text, TermText], BeforeValidator(by_type, json_schema_input_type=TermText | dict[str, TermText])]
Windows = Annotated[dict[Text, Window], BeforeValidator(by_type, json_schema_input_type=Window | dict[str, Window])]
OneSecret = Annotated[SecretText, AfterValidator(_fits)]
Secrets = Annotated[tuple[OneSecret, ...], BeforeValidator(as_full_list, json_schema_input_type=list[SecretText])]


class Respond(Part):
    """What an accepted event is answered with."""

    status: Annotated[Whole, Within("200", "299")] = written(200, "The status; some vendors insist on 200.")
    body: Literal["json", "none"] = written(
        "json", "What is told beside the status: `none` for vendors that bear no body, be it of a 200 or of a 401."
    )


class Source(Part):
    """A sender that we listen to, at /in/NAME."""

    preset: PresetName | None = written(None, "The vendor, if we know it: says all the rest, except for the secret.")
    verify: Verify = written((), "How a request is proven: a scheme, or a list of which all must agree.")
    token: OneSecret | None = written(None, "One secret, where it stands in the URL; the same as `secrets` with one.")
    secret: OneSecret | None = written(None, "One secret; the same as `secrets` with one.")
    secrets: Secrets = written((), "What is compared with; several while one replaces another: any may match.")
    type: TermText | None = written(None, "Where an event's type stands: JMESPath over the body, or header:NAME.")
    key: Keys | None = written(
        None,
        "What makes two requests the same event: JMESPath, header:NAME or header:NAME || body (the whole body, where "
        "there is no such header), for all types or by type, with `*` for the rest. Without one it is the whole body.",
    )
    window: Windows = written(
        WINDOW,
        "For how long a repeated key is a duplicate: a duration or `forever`, for all types or by type, with `*` for "
        "the rest.",
    )
    max_body: BodySize = written("1MiB", "The largest body; a larger one is answered 413.")
    batch: ExpressionText | None = written(
        None,
        "Where one request carries many events: JMESPath that finds their list in the body. Each is stored, named and "
        "delivered on its own. Not set: a request is one event, as it came.",
        examples=["events"],
    )
    verify_token: SecretText | None = written(
        None, "The word by which a vendor such as Meta proves itself when it asks whether the URL is yours."
    )
    limit: RateText | None = written(None, "How many requests are taken; more are answered 429.", examples=["200/1s"])
    respond: Respond = written({}, "What an accepted event is answered with.")
    expect_every: Annotated[Duration, Within("1s", "3650d", parse_duration)] | None = written(
        None,
        "How often something comes at least: after a longer silence the source is unwell in `/readyz?source=NAME`, in "
        "`relay_source_silent`, and to whom `notify` tells.",
        examples=["1d"],
    )
    needs_json: Flag = written(False, "Whether a body that is no JSON is refused with 400.", alias="json")

    @classmethod
    def completed(cls, data: dict[str, object]) -> dict[str, object]:
        """Add what the preset says, where the file says nothing."""
        name = data.get("preset")
        known = isinstance(name, str) and name in presets.names()
        return {**_as_written(presets.find(str(name))), **data} if known else data

    @field_validator("verify")
    @classmethod
    def _is_spelled_out(cls, verify: tuple[Scheme, ...], info: ValidationInfo) -> tuple[Scheme, ...]:
        if not verify and "preset" in info.data:
            raise Misfit("missing; expected `preset` or `verify`, which is `none` where everybody is to be believed")
        if len(verify) > 1 and any(scheme.scheme == "none" for scheme in verify):
            raise Misfit("`none` stands beside other schemes; expected it alone, or not at all")
        return verify

    @field_validator("token", "secret")
    @classmethod
    def _suits(cls, secret: Secret | None, info: ValidationInfo) -> Secret | None:
        if secret is not None:
            _check_use(info)
        return secret

    @field_validator("secrets")
    @classmethod
    def _suit(cls, secrets: tuple[Secret, ...], info: ValidationInfo) -> tuple[Secret, ...]:
        if secrets:
            _check_use(info)
        elif not _is_offered(info):
            _check_needless(info)
        return secrets

    @field_validator("window")
    @classmethod
    def _covers_every_type(cls, windows: dict[str, timedelta | None]) -> dict[str, timedelta | None]:
        return {ANY_TYPE: parse_duration(WINDOW), **windows}

    @field_validator("batch")
    @classmethod
    def _is_named_item_by_item(cls, batch: Expression | None, info: ValidationInfo) -> Expression | None:
        keys = info.data.get("key") or {}
        if batch is not None and not all(term.reads_body for term in keys.values()):
            raise Misfit("`key` is a header, which is the same for all of a batch; expected a `key` in the body")
        return batch

    @field_validator("verify_token")
    @classmethod
    def _is_asked_for(cls, verify_token: Secret | None, info: ValidationInfo) -> Secret | None:
        if "preset" not in info.data:
            return verify_token
        preset = info.data["preset"]
        asks = preset is not None and any(step.token for step in presets.find(preset).handshakes)
        if asks and verify_token is None:
            raise Misfit(f"missing; {preset} sends it to ask for the URL: expected the word that you enter there")
        if verify_token is not None and not asks:
            raise Misfit("nobody asks for it; expected none, or a preset whose vendor sends one")
        return verify_token

    def greeting(self) -> Handshakes | None:
        """Return how the vendor's handshakes are answered, if it has any."""
        steps = presets.find(self.preset).handshakes if self.preset is not None else ()
        return Handshakes(steps, self.all_secrets(), self.verify_token) if steps else None

    def all_secrets(self) -> tuple[Secret, ...]:
        """Return the secrets, however they are spelled."""
        return self.secrets or tuple(filter(None, (self.secret, self.token)))


def _as_written(preset: Preset) -> dict[str, object]:
    """Return a preset as a person would have written it."""
    said = {
        "verify": list(preset.verify),
        "type": preset.type,
        "key": dict(preset.keys) or None,
        "window": dict(preset.windows),
        "max_body": preset.max_body,
        "respond": {"status": preset.respond_status, "body": preset.respond_body},
        "json": preset.needs_json,
        "batch": preset.batch,
    }
    return {key: value for key, value in said.items() if value is not None}


def _check_use(info: ValidationInfo) -> None:
    """Insist that something compares with the secret, and that it is the only spelling of it. Errors: Misfit."""
    for name in ("token", "secret"):
        if name != info.field_name and info.data.get(name) is not None:
            raise Misfit(f"`{name}` is given, too; expected one of `secrets`, `secret` and `token`")
    schemes = _schemes(info)
    if schemes and not any(scheme.compares_secrets for scheme in schemes):
        named = listing([scheme.scheme for scheme in schemes], "and")
        raise Misfit(f"scheme {named} compares with no secret; expected none here, or another scheme")


def _is_offered(info: ValidationInfo) -> bool:
    """Tell whether the vendor is yet to tell the secret: until it has, every request is refused."""
    preset = info.data.get("preset")
    return preset is not None and any(step.offers for step in presets.find(preset).handshakes)


def _check_needless(info: ValidationInfo) -> None:
    """Insist that no scheme wants what is not there. Errors: Misfit."""
    if any(info.data.get(name, ...) is not None for name in ("token", "secret")):
        return
    for scheme in _schemes(info):
        if scheme.compares_secrets:
            raise Misfit(f"missing; scheme {scheme.scheme} needs `secrets`, or `secret` for a single one")
