"""A source, as the file says it: who sends to us, and how that is proven."""

from typing import Annotated

from pydantic import BeforeValidator, PlainValidator, TypeAdapter, ValidationInfo, WithJsonSchema, field_validator

from relay import presets
from relay.config.misfits import Misfit, listing, not_among
from relay.config.models.base import Part, Surroundings, as_full_list, by_type, misfit_at, surroundings, written
from relay.config.models.fields import Flag, RateText, SecretText, Size, Text, TermText, Whole, Window, Within, text
from relay.config.models.schemes import Scheme, Verify
from relay.config.units import parse_size
from relay.domain import Secret
from relay.presets import Preset

SCHEMES_OF_PRESET: TypeAdapter[tuple[Scheme, ...]] = TypeAdapter(Verify)


def _preset(value: object) -> Preset:
    try:
        return presets.find(text(value))
    except KeyError:
        raise not_among(presets.names(), value) from None


PresetName = Annotated[Preset, PlainValidator(_preset), WithJsonSchema({"enum": list(presets.names())})]
BodySize = Annotated[Size, Within("1B", "900MiB", parse_size)]  # SQLite holds at most 10**9 bytes in a value
Keys = Annotated[dict[Text, TermText], BeforeValidator(by_type, json_schema_input_type=TermText | dict[str, TermText])]
Windows = Annotated[dict[Text, Window], BeforeValidator(by_type, json_schema_input_type=Window | dict[str, Window])]
Secrets = Annotated[tuple[SecretText, ...], BeforeValidator(as_full_list, json_schema_input_type=list[SecretText])]


class Respond(Part):
    """What an accepted event is answered with."""

    status: Annotated[Whole, Within("200", "299")] = written(200, "The status; some vendors insist on 200.")


class Source(Part):
    """A sender that we listen to, at /in/NAME."""

    preset: PresetName | None = written(None, "The vendor, if we know it: it says everything else, but for the secret.")
    verify: Verify = written((), "How a request is proven: a scheme, or a list of which all must agree.")
    token: SecretText | None = written(None, "One secret, which stands in the URL. Same as `secrets` with one.")
    secret: SecretText | None = written(None, "One secret. Same as `secrets` with one.")
    secrets: Secrets = written((), "What is compared with; several while one replaces another: any may match.")
    type: TermText | None = written(None, "Where an event's type stands: JMESPath over the body, or header:NAME.")
    key: Keys | None = written(
        None,
        "What makes two requests the same event: JMESPath, header:NAME, or one of these for each type, with `*` for "
        "the rest. Not set: the whole body.",
    )
    window: Windows | None = written(
        None,
        "For how long a repeated key is a duplicate; or that for each type, with `*` for the rest. 7d unless set.",
        examples=["7d", "forever"],
    )
    max_body: BodySize | None = written(None, "The largest body; 1MiB unless set.", examples=["1MiB"])
    limit: RateText | None = written(None, "How many requests are taken; more are answered 429.", examples=["200/1s"])
    respond: Respond = written({}, "What an accepted event is answered with.")
    needs_json: Flag | None = written(None, "Whether a body that is no JSON is refused with 400.", alias="json")

    @field_validator("preset")
    @classmethod
    def _can_be_verified(cls, preset: Preset | None, info: ValidationInfo) -> Preset | None:
        _schemes_of(preset, surroundings(info))
        return preset

    @field_validator("verify")
    @classmethod
    def _is_spelled_out(cls, verify: tuple[Scheme, ...], info: ValidationInfo) -> tuple[Scheme, ...]:
        if not verify and info.data.get("preset", ...) is None:
            raise Misfit("missing; expected `preset` or `verify`, which is `none` where everybody is to be believed")
        if len(verify) > 1 and any(scheme.scheme == "none" for scheme in verify):
            raise Misfit("`none` stands beside other schemes; expected it alone, or not at all")
        return verify

    @field_validator("token", "secret")
    @classmethod
    def _suits(cls, secret: Secret | None, info: ValidationInfo) -> Secret | None:
        if secret is not None:
            _check_only_one(info)
            _check_used(info)
            if (misfit := _misfit(secret, info)) is not None:
                raise misfit
        return secret

    @field_validator("secrets")
    @classmethod
    def _suit(cls, secrets: tuple[Secret, ...], info: ValidationInfo) -> tuple[Secret, ...]:
        if not secrets:
            _check_needless(info)
            return secrets
        _check_only_one(info)
        _check_used(info)
        for index, secret in enumerate(secrets):
            if (misfit := _misfit(secret, info)) is not None:
                raise misfit_at((index,), None, misfit)
        return secrets

    def schemes(self, context: Surroundings) -> tuple[Scheme, ...]:
        """Return what proves a request: the source's own word, or its preset's."""
        return self.verify or _schemes_of(self.preset, context)

    def known_secrets(self) -> tuple[Secret, ...]:
        """Return the secrets, however they are spelled."""
        return self.secrets or tuple(filter(None, (self.secret, self.token)))


def _schemes_of(preset: Preset | None, context: Surroundings) -> tuple[Scheme, ...]:
    return SCHEMES_OF_PRESET.validate_python(list(preset.verify), context=context) if preset else ()


def _schemes(info: ValidationInfo) -> tuple[Scheme, ...] | None:
    """Return the schemes of the source that is being read; None where a fault hides them."""
    if not {"preset", "verify"} <= info.data.keys():
        return None
    return info.data["verify"] or _schemes_of(info.data["preset"], surroundings(info))


def _check_only_one(info: ValidationInfo) -> None:
    for name in ("token", "secret"):
        if name != info.field_name and info.data.get(name) is not None:
            raise Misfit(f"`{name}` is given, too; expected one of `secrets`, `secret` and `token`")


def _check_used(info: ValidationInfo) -> None:
    schemes = _schemes(info)
    if schemes and not any(scheme.compares_secrets for scheme in schemes):
        named = listing([scheme.scheme for scheme in schemes], "and")
        raise Misfit(f"scheme {named} compares with no secret; expected none, or another scheme")


def _check_needless(info: ValidationInfo) -> None:
    if not {"token", "secret"} <= info.data.keys() or info.data["token"] or info.data["secret"]:
        return
    for scheme in _schemes(info) or ():
        if scheme.compares_secrets:
            raise Misfit(f"missing; scheme {scheme.scheme} needs `secrets`, or `secret` for a single one")


def _misfit(secret: Secret, info: ValidationInfo) -> Misfit | None:
    found = (scheme.misfit(secret) for scheme in _schemes(info) or () if scheme.compares_secrets)
    return next(filter(None, found), None)
