"""A keyed digest of the request in a header: RFC 2104, in nearly every vendor's form.

A request is judged first by its form, then by its signature, and only then by its time: that a signature is stale
is told to nobody who could not have made it. The form is public; the digest is compared in constant time.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from relay.domain import InboundRequest, Proof, Refusal, Secret
from relay.errors import ExpressionInvalid
from relay.verification._template import Part, Stamp, covered, parse_template
from relay.verification._wire import as_sent, only_header, require_secrets

Algorithm = Literal["sha1", "sha256", "sha512"]
Encoding = Literal["hex", "base64"]

TOLERANCE = timedelta(seconds=300)
BODY_ALONE: tuple[Part, ...] = ((b"", "body"),)
UNSTAMPED = Stamp()
MILLISECONDS_DIGITS = 13
_TIMESTAMP = re.compile(r"[0-9]{1,13}")


@dataclass(frozen=True, slots=True)
class HmacVerifier:
    """Believes who can sign what the template `signed` covers with one of the secrets.

    prefix: what stands before the digest, such as `sha256=`. separator: what parts a list of signatures, of which
    any may match and those with another prefix are left aside; None: the header holds one. tolerance: how far the
    signed time may be from ours, either way; None: any.
    Errors: ExpressionInvalid (the template and the headers do not fit), SecretInvalid.
    """

    needs_body: ClassVar[bool] = True

    header: str
    secrets: tuple[Secret, ...]
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp_header: str | None = None
    id_header: str | None = None
    tolerance: timedelta | None = TOLERANCE
    separator: str | None = None
    _parts: tuple[Part, ...] = field(init=False, repr=False, compare=False)
    _is_body_alone: bool = field(init=False, repr=False, compare=False)
    _claim_bytes: int = field(init=False, repr=False, compare=False)  # how long a digest is, encoded
    _prefix: bytes = field(init=False, repr=False, compare=False)
    _keyed: tuple[hmac.HMAC, ...] = field(init=False, repr=False, compare=False)  # one a secret, to be copied

    def __post_init__(self) -> None:
        require_secrets(self.secrets)
        parts = parse_template(self.signed)
        fields = {name for _, name in parts}
        for name, header in (("timestamp", self.timestamp_header), ("id", self.id_header)):
            if (name in fields) != (header is not None):
                raise ExpressionInvalid(f"{self.signed!r}: {{{name}}} and {name}_header go together, or not at all")
        object.__setattr__(self, "_parts", parts)
        object.__setattr__(self, "_is_body_alone", parts == BODY_ALONE)
        object.__setattr__(self, "_prefix", self.prefix.encode())
        keyed = tuple(hmac.new(secret.reveal(), digestmod=self.algorithm) for secret in self.secrets)
        object.__setattr__(self, "_keyed", keyed)
        object.__setattr__(self, "_claim_bytes", len(self._encoded(hashlib.new(self.algorithm).digest())))

    def verify(self, request: InboundRequest, now: datetime) -> Refusal | None:
        """Judge form, signature and time, in this order."""
        claims = self._claims(request)
        if isinstance(claims, Refusal):
            return claims
        stamp = self._stamp(request)
        if isinstance(stamp, Refusal):
            return stamp
        if not self._is_genuine(claims, request, stamp):
            return Refusal.MISMATCH
        return Refusal.STALE if self._is_stale(stamp, now) else None

    def sign(self, request: InboundRequest, now: datetime) -> Proof:
        """Set the signature, the time and the id. An id that the request has is kept; else one is derived."""
        stamp = self._new_stamp(request, now)
        digest = self._encoded(self._digest(self._keyed[0], request, stamp)).decode()
        headers = {self.header: self.prefix + digest}
        if self.timestamp_header is not None:
            headers[self.timestamp_header] = stamp.timestamp
        if self.id_header is not None:
            headers[self.id_header] = stamp.id
        return Proof(headers)

    def _claims(self, request: InboundRequest) -> list[bytes] | Refusal:
        """Return the digests that the header claims, encoded, each of the right form."""
        value = only_header(request, self.header)
        if isinstance(value, Refusal):
            return value
        listed = as_sent(value)
        if not self.separator:
            claim = self._claim(listed.strip())
            return Refusal.MALFORMED if claim is None else [claim]
        claims = [self._claim(element.strip()) for element in listed.split(self.separator.encode())]
        return [claim for claim in claims if claim is not None] or Refusal.MALFORMED

    def _claim(self, element: bytes) -> bytes | None:
        """Return an element's digest, or None where prefix or length are not this scheme's."""
        if len(element) != len(self._prefix) + self._claim_bytes or not element.startswith(self._prefix):
            return None
        claim = element[len(self._prefix) :]
        return claim.lower() if self.encoding == "hex" else claim

    def _stamp(self, request: InboundRequest) -> Stamp | Refusal:
        """Read time and id where they are signed."""
        if self._is_body_alone:
            return UNSTAMPED
        timestamp = _named(request, self.timestamp_header)
        if isinstance(timestamp, Refusal):
            return timestamp
        if timestamp and not _TIMESTAMP.fullmatch(timestamp):
            return Refusal.MALFORMED
        message_id = _named(request, self.id_header)
        return message_id if isinstance(message_id, Refusal) else Stamp(timestamp, message_id)

    def _new_stamp(self, request: InboundRequest, now: datetime) -> Stamp:
        """Make what `_stamp` will read."""
        timestamp = str(int(now.timestamp()))
        if self.id_header is None:
            return Stamp(timestamp)
        derived = hashlib.sha256(timestamp.encode() + b"." + request.body).hexdigest()
        return Stamp(timestamp, request.headers.get(self.id_header) or f"msg_{derived[:32]}")

    def _is_genuine(self, claims: list[bytes], request: InboundRequest, stamp: Stamp) -> bool:
        """Compare every claim with every secret's digest, whichever of them matches."""
        digests = [self._encoded(self._digest(keyed, request, stamp)) for keyed in self._keyed]
        matches = [hmac.compare_digest(digest, claim) for digest in digests for claim in claims]
        return any(matches)

    def _digest(self, keyed: hmac.HMAC, request: InboundRequest, stamp: Stamp) -> bytes:
        """Digest what is signed. A copy of what has its key costs less than to begin with the key."""
        mac = keyed.copy()
        for piece in (request.body,) if self._is_body_alone else covered(self._parts, request, stamp):
            mac.update(piece)
        return mac.digest()

    def _encoded(self, digest: bytes) -> bytes:
        return digest.hex().encode() if self.encoding == "hex" else base64.b64encode(digest)

    def _is_stale(self, stamp: Stamp, now: datetime) -> bool:
        """Tell whether the signed time, in seconds or milliseconds, is too far from now, before or after."""
        if self.tolerance is None or not stamp.timestamp:
            return False
        unit_s = 0.001 if len(stamp.timestamp) == MILLISECONDS_DIGITS else 1
        return abs(now.timestamp() - int(stamp.timestamp) * unit_s) > self.tolerance.total_seconds()


def _named(request: InboundRequest, header: str | None) -> str | Refusal:
    """Return the one header of that name; an empty text where the scheme has none."""
    return "" if header is None else only_header(request, header)


SCHEME = HmacVerifier
