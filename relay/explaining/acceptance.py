"""Whether a request that is proven becomes an event, and otherwise why it does not: its proof is not all it needs."""

from datetime import datetime

from relay.batches import split
from relay.domain import InboundRequest, Refusal, Source
from relay.identity import identify, read

ID = "evt_"  # of an event that is stored by nobody

WORDS = {
    Refusal.TOO_LARGE: "it is proven, but larger than the source's `max_body`",
    Refusal.UNREADABLE: "it is proven, but its body is a broken archive, or not the JSON that the source needs",
    Refusal.KEYLESS: "it is proven, but has nothing at the place that the source's `key` names",
}


def explain_proven(request: InboundRequest, source: Source, now: datetime) -> tuple[Refusal | None, str]:
    """Say what becomes of a request that is proven."""
    refusal = _refusal(request, source, now)
    return refusal, "it is proven: this source accepts it" if refusal is None else WORDS[refusal]


def _refusal(request: InboundRequest, source: Source, now: datetime) -> Refusal | None:
    """Read, take apart and name it, as it is done when it is received."""
    if len(request.body) > source.body_bytes_max:
        return Refusal.TOO_LARGE
    headers = request.headers
    document = read(request.body, headers.get("Content-Encoding"), source.body_bytes_max, headers.get("Content-Type"))
    if isinstance(document, Refusal):
        return document
    if source.greeting is not None and source.greeting.answer_proven(document, 1) is not None:
        return None
    parts = [(request, document)]
    if source.batch is not None:
        found = split(request, document, source.batch, source.body_bytes_max)
        if isinstance(found, Refusal):
            return found
        parts = found
    events = (identify(part, source, item, now, ID) for part, item in parts)
    return next((event for event in events if isinstance(event, Refusal)), None)
