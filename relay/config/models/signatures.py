"""Schemes that sign, as the file says them."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from relay import verification
from relay.config.misfits import Misfit, listing
from relay.config.models.base import required, surroundings, written
from relay.config.models.fields import Duration, Flag, HeaderName, Line, Lines, Whole, Within
from relay.config.models.scheme import Scheme
from relay.config.units import parse_duration
from relay.domain import Secret
from relay.errors import ExpressionInvalid, SecretInvalid
from relay.verification._template import IN_BODY, covers_time, parse_template

Tolerance = Annotated[Duration, Within("1s", "1d", parse_duration)]


class Signature(Scheme):
    """A signature of the request, in a header or in the body: where it stands, and what it covers."""

    body_field: Line | None = written(
        None, "Instead of `header`: where in the JSON body it stands, as `signature.value`."
    )
    header: HeaderName | None = written(None, "The header that holds the signature.", examples=["X-Signature"])
    encoding: Literal["hex", "base64", "base64url"] = written("hex", "How the signature is written.")
    prefix: Line = written("", "What stands before the signature, such as `sha256=`.")
    prefix_optional: Flag = written(False, "Whether the prefix may be left out.")
    separator: Line | None = written(
        None, "What parts a list of signatures, any of which may match; not set: the header holds one."
    )
    repeats: Flag = written(False, "Whether the header may come several times; any may match.")
    numbered: Annotated[Whole, Within("1", "100")] | None = written(
        None, "Up to so many headers `NAME-1`, `NAME-2` … take the header's place.", examples=[100]
    )
    timestamp_header: HeaderName | None = written(None, "The header that holds the time, where `signed` covers it.")
    timestamp_prefix: Line | None = written(
        None, "What stands before the time, such as `t=`, where it is an element of the same list."
    )
    timestamp_field: Line | None = written(None, "Where in the JSON body the time stands.")
    time: Literal["seconds", "milliseconds", "iso"] = written("seconds", "How the time is written.")
    id_header: HeaderName | None = written(None, "The header that holds the message's id, where `signed` covers it.")
    signed: Lines = written(
        "{body}",
        "What the signature covers: a template of {body}, {timestamp}, {id}, {url}, {decoded_url}, {method}, {path}, "
        "{form}, {listed_headers} and of fields of the JSON body, as {body.data.id}.",
    )
    tolerance: Tolerance | None = written(
        None, "How far a signed time may be from ours, either way; 5m unless set.", examples=["5m"]
    )

    @property
    def proving_headers(self) -> tuple[str, ...]:
        """Name the one that it reads, or each of those with a number."""
        if self.header is None:
            return ()
        return (self.header, *(f"{self.header}-{number}" for number in range(1, (self.numbered or 0) + 1)))

    @field_validator("header")
    @classmethod
    def _stands_in_one_place(cls, header: str | None, info: ValidationInfo) -> str | None:
        if "body_field" in info.data and (header is None) == (info.data["body_field"] is None):
            raise Misfit(
                "`header` is missing; expected a value such as X-Signature"
                if header is None
                else "`body_field` is given, too"
            )
        return header

    @field_validator("signed")
    @classmethod
    def _suits_the_places(cls, template: str, info: ValidationInfo) -> str:
        covered = _placeholders(template)
        faults = [
            *_faults_of_time(covered, info),
            *_faults_of_pair("id", covered, info),
            *_faults_of_url(covered, info),
            *([] if _covers_body(covered) else ["expected {body} in it: without, one signature would fit every body"]),
        ]
        if faults:
            raise Misfit("; ".join(faults))
        return template

    @field_validator("tolerance")
    @classmethod
    def _has_a_time(cls, tolerance: timedelta | None, info: ValidationInfo) -> timedelta | None:
        names = _placeholders(info.data.get("signed", "{timestamp}"))
        is_timed = info.data.get("timestamp_field") is not None or covers_time(names, info.data.get("timestamp_header"))
        if tolerance is not None and not is_timed:
            raise Misfit("no time is signed; expected {timestamp} in `signed`, or no `tolerance`")
        return tolerance

    def check_secret(self, secret: Secret) -> None:
        """Insist on what the scheme can verify with. Errors: Misfit."""
        settings = {name: getattr(self, name) for name in self.model_fields_set - {"scheme"}}
        try:
            verification.find(self.scheme)(**settings, secrets=(secret,))
        except SecretInvalid as error:
            raise Misfit(str(error)) from error


def _placeholders(template: str) -> set[str | None]:
    try:
        return {name for _, name in parse_template(template)}
    except ExpressionInvalid as error:
        raise Misfit(f"not a template: {error}", concealed="not a template; expected one that holds {body}") from error


def _covers_body(covered: set[str | None]) -> bool:
    return any(name in ("body", "form") or str(name).startswith(IN_BODY) for name in covered)


def _faults_of_time(covered: set[str | None], info: ValidationInfo) -> list[str]:
    """A time is read if the signature covers it, in one place, and only then."""
    places = ("timestamp_header", "timestamp_prefix", "timestamp_field")
    given = [name for name in places if info.data.get(name) is not None]
    if any(name not in info.data for name in places):
        return []
    if len(given) > 1:
        return [f"{listing([f'`{name}`' for name in given], 'and')} are set; expected one of them"]
    faults = [f"`{name}` needs `separator`" for name in given[:1] if name == places[1] and not info.data["separator"]]
    if "timestamp" in covered and not given:
        return [*faults, "{timestamp} needs `timestamp_header`"]
    is_covered = covers_time(covered, info.data["timestamp_header"])
    if given and not is_covered and not (given == [places[2]] and "body" in covered):
        return [*faults, f"`{given[0]}` is set, but {{timestamp}} is not signed"]
    return faults


def _faults_of_pair(name: str, covered: set[str | None], info: ValidationInfo) -> list[str]:
    """A header is read if the signature covers what it holds, and only then."""
    key = f"{name}_header"
    if key not in info.data or (name in covered) == (info.data[key] is not None):
        return []
    return [f"{{{name}}} needs `{key}`" if name in covered else f"`{key}` is set, but {{{name}}} is not signed"]


def _faults_of_url(covered: set[str | None], info: ValidationInfo) -> list[str]:
    """Only the configuration knows the URL as its sender wrote it."""
    if surroundings(info).has_public_url:
        return []
    named = [name for name in ("url", "decoded_url") if name in covered]
    return [f"{{{name}}} needs `server.public_url`, our address as senders see it" for name in named]


class Hmac(Signature):
    """A keyed digest of the request, in nearly every vendor's form."""

    scheme: Literal["hmac"] = Field(description="A keyed digest of the request, in a header or in the body.")
    algorithm: Literal["sha1", "sha256", "sha512"] = written("sha256", "The digest.")
    key_from: Literal["text", "hex", "base64"] = written(
        "text", "How the key is written in the secret; base64 may follow `whsec_`."
    )


class PlainDigest(Signature):
    """A plain digest of the secret and the request: for vendors that offer nothing better."""

    scheme: Literal["digest"] = Field(description="A plain digest that begins with the secret; weaker than hmac.")
    algorithm: Literal["sha1", "sha256", "sha512"] = written("sha256", "The digest.")


class Ed25519(Signature):
    """A signature by Ed25519."""

    scheme: Literal["ed25519"] = Field(
        description="A signature by Ed25519; secrets are public keys: 32 bytes in hex or base64, or PEM."
    )


class Ecdsa(Signature):
    """A signature by ECDSA on P-256 with SHA-256, in DER."""

    scheme: Literal["ecdsa"] = Field(
        description="A signature by ECDSA on P-256 with SHA-256, in DER; secrets are public keys: PEM, or its base64."
    )


class Jwt(Scheme):
    """A signed token in a header."""

    scheme: Literal["jwt"] = Field(description="A signed token in a header; secrets are shared keys, or public ones.")
    header: HeaderName = required("The header that holds the token.", "Authorization")
    prefix: Line = written("", "What stands before the token, such as `Bearer `.")
    algorithm: Literal["HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"] = required(
        "How it is signed; what the token itself says of it is not believed.", "HS256"
    )
    issuer: Line | None = written(None, "What the claim `iss` must be.")
    audience: Line | None = written(None, "What the claim `aud` must be.")
    body_claim: Line | None = written(
        None, "The claim that holds the body's SHA-256 in hex; without one a token fits every body."
    )
    url_claim: Line | None = written(None, "The claim that holds the SHA-256 of the URL in hex.")
    tolerance: Tolerance = written("5m", "How far the token's times may be from ours, either way.")

    @property
    def proving_headers(self) -> tuple[str, ...]:
        """Name the one that it reads."""
        return (self.header,)

    @field_validator("url_claim")
    @classmethod
    def _knows_the_url(cls, url_claim: str | None, info: ValidationInfo) -> str | None:
        if url_claim is not None and not surroundings(info).has_public_url:
            raise Misfit("this needs `server.public_url`, our address as senders see it")
        return url_claim

    def check_secret(self, secret: Secret) -> None:
        """Insist on a key. Errors: Misfit."""
        try:
            verification.find(self.scheme)(secrets=(secret,), algorithm=self.algorithm)
        except SecretInvalid as error:
            raise Misfit(str(error)) from error
