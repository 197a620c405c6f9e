"""What all signatures have in common: where they stand, what they cover, and when they were made.

A request is judged first by its form, then by its signature, and only then by its time: that a signature is stale
is told to nobody who could not have made it. The form is public; only what proves is secret.
"""

import base64
import binascii
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar, Literal

import orjson
from multidict import CIMultiDict

from relay.domain import InboundRequest, Proof, Refusal, Secret
from relay.errors import ExpressionInvalid
from relay.verification._template import IN_BODY, Part, Stamp, covered, covers_time, parse_template, value_at
from relay.verification._times import TimeForm, seconds_of, written
from relay.verification._wire import as_sent, header_values, only_header, require_secrets

Encoding = Literal["hex", "base64", "base64url"]

TOLERANCE = timedelta(seconds=300)
BODY_ALONE: tuple[Part, ...] = ((b"", "body"),)
UNSTAMPED = Stamp()


@dataclass(frozen=True, slots=True)
class SignatureVerifier(ABC):
    """Believes who can sign what the template `signed` covers.

    header: where the signature stands; or `body_field`: its path in the JSON body. prefix: what stands before it, as
    `sha256=`. separator: what parts a list of signatures, of which any may match and those with another prefix are
    left aside; None: the header holds one. repeats: the header may come several times, any may match. numbered: up to
    so many headers `NAME-1`, `NAME-2` … take its place. timestamp_prefix: the time is an element of the same list.
    tolerance: how far the signed time may be from ours, either way; None: any.
    Errors: ExpressionInvalid (the template and the places do not fit), SecretInvalid.
    """

    needs_body: ClassVar[bool] = True

    header: str | None = None
    secrets: tuple[Secret, ...] = ()
    encoding: Encoding = "hex"
    prefix: str = ""
    prefix_optional: bool = False
    separator: str | None = None
    body_field: str | None = None
    repeats: bool = False
    numbered: int | None = None
    signed: str = "{body}"
    timestamp_header: str | None = None
    timestamp_prefix: str | None = None
    timestamp_field: str | None = None
    time: TimeForm = "seconds"
    id_header: str | None = None
    tolerance: timedelta | None = TOLERANCE
    _parts: tuple[Part, ...] = field(init=False, repr=False, compare=False)
    _is_body_alone: bool = field(init=False, repr=False, compare=False)
    _reads_json: bool = field(init=False, repr=False, compare=False)
    _prefix: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_secrets(self.secrets)
        if (self.header is None) == (self.body_field is None):
            raise ExpressionInvalid("a signature stands in a header or in a field of the body: one of both")
        parts = parse_template(self.signed)
        names = {name for _, name in parts if name is not None}
        self._check_places(names)
        is_timed_in_body = self.timestamp_field is not None
        object.__setattr__(self, "_parts", parts)
        object.__setattr__(self, "_is_body_alone", parts == BODY_ALONE and not is_timed_in_body)
        reads_json = is_timed_in_body or self.body_field is not None or any(name.startswith(IN_BODY) for name in names)
        object.__setattr__(self, "_reads_json", reads_json)
        object.__setattr__(self, "_prefix", self.prefix.encode())

    def verify(self, request: InboundRequest, now: datetime) -> Refusal | None:
        """Judge form, signature and time, in this order."""
        document = self._document(request) if self._reads_json else None
        elements = self._elements(request, document)
        if isinstance(elements, Refusal):
            return elements
        claims = [claim for element in elements if (claim := self._claim(element)) is not None]
        if not claims:
            return Refusal.MALFORMED
        stamp = UNSTAMPED if self._is_body_alone else self._stamp(request, elements, document)
        if isinstance(stamp, Refusal):
            return stamp
        pieces = self._covered(request, stamp)
        if pieces is None or not self._is_genuine(claims, pieces):
            return Refusal.MISMATCH
        return Refusal.STALE if self._is_stale(stamp, now) else None

    def sign(self, request: InboundRequest, now: datetime) -> Proof:
        """Set the signature, the time and the id. An id that the request has is kept; else one is derived."""
        stamp, body = self._new_stamp(request, now)
        places = {self.timestamp_header: stamp.timestamp, self.id_header: stamp.id}
        headers = {name: value for name, value in places.items() if name is not None}
        pieces = self._covered(_with_headers(request, headers), stamp) or ()
        signature = self.prefix + self._encoded(self._signature(pieces)).decode()
        if self.body_field is not None:
            return Proof(body=_with_value(body, self.body_field, signature))
        return Proof({self._own_header: self._listed(signature, stamp), **headers})

    def signed_at_s(self, request: InboundRequest) -> float | None:
        """Return the signed time, in seconds since 1970, or None where there is none."""
        document = self._document(request) if self._reads_json else None
        elements = self._elements(request, document)
        timestamp = elements if isinstance(elements, Refusal) else self._timestamp(request, elements, document)
        return None if isinstance(timestamp, Refusal) else seconds_of(timestamp, self.time)

    @abstractmethod
    def _is_genuine(self, claims: Sequence[bytes], pieces: Iterable[bytes]) -> bool:
        """Tell whether any of the claims, encoded, is a signature of the pieces by any of the keys."""

    @abstractmethod
    def _signature(self, pieces: Iterable[bytes]) -> bytes:
        """Sign the pieces with the first key. Errors: SigningImpossible, where the key only verifies."""

    @abstractmethod
    def _has_form(self, claim: bytes) -> bool:
        """Tell whether a claim, without its prefix, may be a signature."""

    @property
    def _own_header(self) -> str:
        return f"{self.header}-1" if self.numbered else str(self.header)

    def _check_places(self, names: set[str]) -> None:
        """Insist that what is signed can be read, and what is read is signed. Errors: ExpressionInvalid."""
        if ("id" in names) != (self.id_header is not None):
            raise ExpressionInvalid(f"{self.signed!r}: {{id}} and id_header go together, or not at all")
        places = [self.timestamp_header, self.timestamp_prefix, self.timestamp_field]
        if sum(place is not None for place in places) > 1:
            raise ExpressionInvalid(f"{self.signed!r}: a time stands in one place, not in several")
        if self.timestamp_prefix is not None and not self.separator:
            raise ExpressionInvalid(f"{self.signed!r}: timestamp_prefix needs a separator, which makes a list")
        is_signed = covers_time(names, self.timestamp_header) or (self.timestamp_field is not None and "body" in names)
        if is_signed != any(place is not None for place in places):
            raise ExpressionInvalid(f"{self.signed!r}: {{timestamp}} and timestamp_header go together, or not at all")

    def _document(self, request: InboundRequest) -> object:
        try:
            return orjson.loads(request.body)
        except orjson.JSONDecodeError:
            return None

    def _elements(self, request: InboundRequest, document: object) -> list[bytes] | Refusal:
        """Return what stands where the signature does, taken apart where it is a list."""
        values = self._values(request, document)
        if isinstance(values, Refusal):
            return values
        if not self.separator:
            return [as_sent(value).strip() for value in values]
        separator = self.separator.encode()
        return [element.strip() for value in values for element in as_sent(value).split(separator)]

    def _values(self, request: InboundRequest, document: object) -> list[str] | Refusal:
        if self.body_field is not None:
            value = value_at(document, self.body_field)
            if value is None:
                return Refusal.MISSING
            return [value] if isinstance(value, str) and value else Refusal.MALFORMED
        if self.repeats or self.numbered:
            return header_values(request, str(self.header), self.numbered)
        value = only_header(request, str(self.header))
        return value if isinstance(value, Refusal) else [value]

    def _claim(self, element: bytes) -> bytes | None:
        """Return an element's signature, or None where prefix or form are not this scheme's."""
        if element.startswith(self._prefix):
            element = element[len(self._prefix) :]
        elif not self.prefix_optional:
            return None
        claim = element.lower() if self.encoding == "hex" else element
        return claim if self._has_form(claim) else None

    def _stamp(self, request: InboundRequest, elements: list[bytes], document: object) -> Stamp | Refusal:
        """Read time and id where they are signed."""
        timestamp = self._timestamp(request, elements, document)
        if isinstance(timestamp, Refusal):
            return timestamp
        if timestamp and seconds_of(timestamp, self.time) is None:
            return Refusal.MALFORMED
        message_id = "" if self.id_header is None else only_header(request, self.id_header)
        return message_id if isinstance(message_id, Refusal) else Stamp(timestamp, message_id, document)

    def _timestamp(self, request: InboundRequest, elements: list[bytes], document: object) -> str | Refusal:
        """Return the time as it is written, the only one there; an empty text where the scheme has none."""
        if self.timestamp_header is not None:
            return only_header(request, self.timestamp_header)
        if self.timestamp_prefix is not None:
            prefix = self.timestamp_prefix.encode()
            times = [element[len(prefix) :] for element in elements if element.startswith(prefix)]
            if not times:
                return Refusal.MISSING
            return times[0].decode("ascii", "replace") if len(times) == 1 and times[0] else Refusal.MALFORMED
        if self.timestamp_field is not None:
            value = value_at(document, self.timestamp_field)
            if value is None:
                return Refusal.MISSING
            return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else Refusal.MALFORMED
        return ""

    def _covered(self, request: InboundRequest, stamp: Stamp) -> Sequence[bytes] | None:
        return (request.body,) if self._is_body_alone else covered(self._parts, request, stamp)

    def _new_stamp(self, request: InboundRequest, now: datetime) -> tuple[Stamp, bytes]:
        """Make what `_stamp` will read, and the body that holds its part of it."""
        timestamp, body = written(now, self.time), request.body
        if self.body_field is not None and self.timestamp_field is not None:
            body = _with_value(body, self.timestamp_field, timestamp)
        document = orjson.loads(body) if self._reads_json else None
        if self.id_header is None:
            return Stamp(timestamp, document=document), body
        derived = hashlib.sha256(timestamp.encode() + b"." + request.body).hexdigest()
        return Stamp(timestamp, request.headers.get(self.id_header) or f"msg_{derived[:32]}", document), body

    def _listed(self, signature: str, stamp: Stamp) -> str:
        if self.timestamp_prefix is None:
            return signature
        return f"{self.timestamp_prefix}{stamp.timestamp}{self.separator}{signature}"

    def _encoded(self, signature: bytes) -> bytes:
        match self.encoding:
            case "hex":
                return signature.hex().encode()
            case "base64":
                return base64.b64encode(signature)
            case "base64url":
                return base64.urlsafe_b64encode(signature).rstrip(b"=")

    def _decoded(self, claim: bytes) -> bytes | None:
        """Return the signature that a claim is the writing of, or None."""
        try:
            match self.encoding:
                case "hex":
                    return binascii.unhexlify(claim)
                case "base64":
                    return base64.b64decode(claim, validate=True)
                case "base64url":
                    return base64.b64decode(claim + b"=" * (-len(claim) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None

    def _is_stale(self, stamp: Stamp, now: datetime) -> bool:
        """Tell whether the signed time is too far from now, before or after."""
        if self.tolerance is None or not stamp.timestamp:
            return False
        signed_at_s = seconds_of(stamp.timestamp, self.time)
        return signed_at_s is None or abs(now.timestamp() - signed_at_s) > self.tolerance.total_seconds()


def _with_headers(request: InboundRequest, headers: Mapping[str, str]) -> InboundRequest:
    """Return the request with what its sender adds before it signs: a template may cover it."""
    whole = CIMultiDict(request.headers)
    whole.update(headers)
    return replace(request, headers=whole)


def _with_value(body: bytes, path: str, value: str) -> bytes:
    """Put a value into a JSON body, making the mappings on the way to it."""
    document = orjson.loads(body)
    *way, last = path.split(".")
    here = document
    for step in way:
        here = here[int(step)] if isinstance(here, list) else here.setdefault(step, {})
    here[last] = value
    return orjson.dumps(document)
