"""Why a signature does not match: the request, the secret and the settings are tried in other forms, one by one and
then two at a time.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from typing import Any

from multidict import CIMultiDict

from relay.domain import InboundRequest, Refusal, Secret
from relay.errors import ExpressionInvalid, SecretInvalid
from relay.explaining.requests import with_other_bodies, with_other_methods, with_other_urls
from relay.explaining.secrets import meant
from relay.identity import parse
from relay.verification._signature import SignatureVerifier
from relay.verification.hmac import DigestVerifier

ALGORITHMS = ("sha1", "sha256", "sha512")
ENCODINGS = ("hex", "base64", "base64url")
PREFIXES = ("", "sha1=", "sha256=", "sha512=", "v1=", "v0=", "v1,")
PAIRS_BODY_BYTES_MAX = (
    256 * 1024
)  # a larger body is changed in one way at a time: thousands of pairs would take minutes
LENGTHS = {20: "sha1", 32: "sha256", 64: "sha512"}


@dataclass(frozen=True, slots=True)
class Case:
    """A request and what judges it, both perhaps changed; the time is left out of it."""

    request: InboundRequest
    verifier: SignatureVerifier
    words: tuple[str, ...] = ()

    def matches(self, now: datetime) -> bool:
        """Tell whether the signature fits, whatever its age."""
        return self.verifier.verify(self.request, now) in (None, Refusal.STALE)


Axis = Callable[[Case], Iterator[Case]]


def explain_signature(
    request: InboundRequest,
    verifier: SignatureVerifier,
    refusal: Refusal,
    now: datetime,
    others: Mapping[str, Sequence[Secret]],
) -> Iterator[str]:
    """Say what would match, or what is most likely wrong."""
    if refusal is Refusal.STALE:
        yield _of_time(request, verifier, now)
        return
    if refusal is Refusal.MISSING:
        yield from _of_absence(request, verifier, now)
        return
    found = _found(Case(request, verifier), _axes(verifier, others), now)
    if found is None:
        yield from _of_nothing(request, verifier)
        return
    yield f"it would match, but for this: {'; and '.join(found.words)}"
    if found.verifier.verify(found.request, now) is Refusal.STALE:
        yield _of_time(found.request, found.verifier, now)


def _axes(verifier: SignatureVerifier, others: Mapping[str, Sequence[Secret]]) -> list[Axis]:
    axes: list[Axis] = [_spellings, _bodies]
    if any(mark in verifier.signed for mark in ("url}", "{path}")):
        axes.append(_urls)
    if "{method}" in verifier.signed:
        axes.append(_methods)
    if isinstance(verifier, DigestVerifier):
        axes.append(lambda case: _secrets(case, others))
    return axes


def _found(case: Case, axes: Sequence[Axis], now: datetime) -> Case | None:
    """Return the first case that matches: of one change, or else of two on different axes."""
    for axis in axes:
        for changed in axis(case):
            if changed.matches(now):
                return changed
    if len(case.request.body) > PAIRS_BODY_BYTES_MAX:
        return None
    for first, second in combinations(axes, 2):
        for changed in first(case):
            for twice in second(changed):
                if twice.matches(now):
                    return twice
    return None


def _bodies(case: Case) -> Iterator[Case]:
    yield from (_changed(case, words, request=it) for words, it in with_other_bodies(case.request))


def _urls(case: Case) -> Iterator[Case]:
    yield from (_changed(case, words, request=it) for words, it in with_other_urls(case.request))


def _methods(case: Case) -> Iterator[Case]:
    yield from (_changed(case, words, request=it) for words, it in with_other_methods(case.request))


def _secrets(case: Case, others: Mapping[str, Sequence[Secret]]) -> Iterator[Case]:
    verifier = case.verifier
    if isinstance(verifier, DigestVerifier) and verifier.key_from != "text":
        yield from _made(case, f"the key is the secret as it stands, not its {verifier.key_from}", key_from="text")
    for words, secret in meant(verifier.secrets, others):
        yield from _made(case, words, secrets=(secret,))
        if isinstance(verifier, DigestVerifier) and verifier.key_from != "text":
            yield from _made(case, f"{words}; it is taken as text", secrets=(secret,), key_from="text")


def _spellings(case: Case) -> Iterator[Case]:
    """Yield other ways to write the signature: quotes, prefixes, encodings, algorithms, lists."""
    verifier = case.verifier
    if verifier.header is not None:
        yield from _unquoted(case, verifier.header)
    for prefix in PREFIXES:
        yield from _encodings(case, prefix)
    for mark in (",", " ", ";"):
        if verifier.separator is None:
            yield from _made(case, f"several signatures stand in it, parted by {mark!r} (`separator`)", separator=mark)
    if not (verifier.repeats or verifier.body_field):
        yield from _made(case, "the header comes several times (`repeats: true`)", repeats=True)


def _encodings(case: Case, prefix: str) -> Iterator[Case]:
    verifier = case.verifier
    algorithms = ALGORITHMS if isinstance(verifier, DigestVerifier) else (None,)
    for algorithm in algorithms:
        for encoding in ENCODINGS:
            settings = {"prefix": prefix, "encoding": encoding, **({"algorithm": algorithm} if algorithm else {})}
            other = {name: value for name, value in settings.items() if value != getattr(verifier, name)}
            if other:
                said = ", ".join(f"`{name}: {value or repr('')}`" for name, value in other.items())
                yield from _made(case, f"the signature is written otherwise: {said}", **other)


def _unquoted(case: Case, header: str) -> Iterator[Case]:
    value = case.request.headers.get(header, "")
    bare = value.strip().strip("\"'").replace(" ", "+")
    if bare != value:
        headers = CIMultiDict(case.request.headers)
        headers[header] = bare
        words = "quotes or spaces stand in the signature's header that do not belong to it"
        yield _changed(case, words, request=replace(case.request, headers=headers))


def _changed(case: Case, words: str, *, request: InboundRequest) -> Case:
    return replace(case, request=request, words=(*case.words, words))


def _made(case: Case, words: str, **settings: object) -> Iterator[Case]:
    """Yield the case with other settings, where these make a verifier at all."""
    try:
        yield replace(case, verifier=replace(case.verifier, **settings), words=(*case.words, words))  # type: ignore[arg-type]
    except (ExpressionInvalid, SecretInvalid):
        return


def _of_time(request: InboundRequest, verifier: SignatureVerifier, now: datetime) -> str:
    signed_at_s = verifier.signed_at_s(request)
    tolerance = verifier.tolerance
    if signed_at_s is None or tolerance is None:
        return "its time cannot be read"
    off_s = now.timestamp() - signed_at_s
    way = "before" if off_s > 0 else "after"
    return (
        f"the signature matches, but it was made {_lasting(abs(off_s))} {way} the request was received, and "
        f"{_lasting(tolerance.total_seconds())} are allowed: a clock is off, or it was held up on the way; of a "
        "request that was captured earlier say when, with --received"
    )


def _lasting(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} hours"


def _of_absence(request: InboundRequest, verifier: SignatureVerifier, now: datetime) -> Iterator[str]:
    if (place := _elsewhere(request, verifier, now)) is not None:
        yield f"it would match, but for this: the signature stands in the header {place}, not in {verifier.header}"
        return
    if (families := _of_another_family(request, verifier, now)) is not None:
        yield "it would match, but for this: its headers begin with {}, not with {}".format(*families)
        return
    yield from _of_emptiness(request, verifier)
    needed = [verifier.header, verifier.timestamp_header, verifier.id_header]
    for name in needed:
        if name is None or name in request.headers or (name == verifier.header and verifier.numbered):
            continue
        alike = [other for other in request.headers if _plain(other) in _plain(name) or _plain(name) in _plain(other)]
        yield f"the header {name} is not there{f'; did the vendor mean {alike[0]}?' if alike else ''}"
    if verifier.body_field is not None:
        yield f"the body has no field {verifier.body_field}, where the signature stands"
    if verifier.numbered and f"{verifier.header}-1" not in request.headers:
        yield f"the header {verifier.header}-1 is not there"
    if not any(name for name in request.headers if "sign" in name.lower() or "hmac" in name.lower()):
        yield "no header has a name like a signature's: the vendor signs nothing, or a proxy takes it away"


def _elsewhere(request: InboundRequest, verifier: SignatureVerifier, now: datetime) -> str | None:
    """Return the header whose value would match, did it stand where it is looked for."""
    if verifier.header is None or verifier.header in request.headers:
        return None
    cases = {name: Case(request, replace(verifier, header=name)) for name in request.headers}
    return next((name for name, case in cases.items() if case.matches(now)), None)


def _of_another_family(request: InboundRequest, verifier: SignatureVerifier, now: datetime) -> tuple[str, str] | None:
    """Return what the names of signature, time and id begin with, together, and what they should begin with."""
    names = {field: getattr(verifier, field) or "" for field in ("header", "timestamp_header", "id_header")}
    family = names["header"].rpartition("-")[0] + "-"
    ending = names["header"].removeprefix(family).lower()
    if not all(name.startswith(family) for name in names.values()):
        return None
    for name in request.headers:
        other = name[: -len(ending)]
        renamed: dict[str, Any] = {field: other + own.removeprefix(family) for field, own in names.items()}
        if name.lower().endswith(ending) and Case(request, replace(verifier, **renamed)).matches(now):
            return other, family
    return None


def _of_emptiness(request: InboundRequest, verifier: SignatureVerifier) -> Iterator[str]:
    """Tell of a header that is there and holds nothing of what is looked for in it."""
    value = request.headers.get(verifier.header or "")
    if value is None:
        return
    for what, beginning in (("signature", verifier.prefix), ("time", verifier.timestamp_prefix)):
        parts = [part.strip() for part in value.split(verifier.separator or "\0")]
        if beginning and not any(part.startswith(beginning) for part in parts):
            yield f"the header {verifier.header} is there, but holds no {what} that begins with {beginning}"


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").removeprefix("x")


def _of_nothing(request: InboundRequest, verifier: SignatureVerifier) -> Iterator[str]:
    if (loss := _of_loss(request.body)) is not None and "{body}" in verifier.signed:
        yield loss
        return
    if lacks := [*_of_emptiness(request, verifier)]:
        yield from lacks
        return
    length = _length(request, verifier)
    wanted = getattr(verifier, "algorithm", None)
    if length is not None and wanted is not None and LENGTHS.get(length) != wanted:
        named = f"as {LENGTHS[length]}'s are" if length in LENGTHS else "as no digest's are: it was cut, or is none"
        yield f"the signature is {length} bytes long, {named}; `algorithm` is {wanted}"
    if len(request.body) > PAIRS_BODY_BYTES_MAX:
        yield "of so large a body one change was tried at a time, and no two together: capture a smaller one"
    yield (
        "nothing that is known to happen on the way explains it: most likely the secret is another one, or the body "
        "that was captured is not the one that was signed"
    )


def _of_loss(body: bytes) -> str | None:
    """Say what is missing of a body, where that is seen."""
    if not body:
        return "the body is empty, and it is signed: something on the way has read it, or the capture has left it out"
    if body.lstrip()[:1] in (b"{", b"[") and not parse(body).is_json:
        return "the body begins as JSON and is none: it was cut or changed on the way, or by what captured it"
    return None


def _length(request: InboundRequest, verifier: SignatureVerifier) -> int | None:
    """Return how many bytes a lone signature has, however it is written."""
    value = request.headers.get(verifier.header or "", "").strip().encode()
    bare = value.rpartition(b"=")[2] if not value.endswith(b"=") else value
    bare = bare.removeprefix(verifier.prefix.encode())
    for decode in (binascii.unhexlify, lambda text: base64.b64decode(text, validate=True)):
        try:
            return len(decode(bare)) or None
        except (binascii.Error, ValueError):
            continue
    return None
