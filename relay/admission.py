"""A refused request that is let in after all, once what refused it is mended."""

from collections.abc import Mapping
from dataclasses import dataclass

from relay.domain import Answer, Refusal, Source
from relay.ingest import Ingest
from relay.quarantine import as_request
from relay.store.ports.rejections import Rejection
from relay.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a refused request became. events: how many it carried; the first has the id."""

    event_id: str
    is_duplicate: bool
    events: int


async def admit(rejection: Rejection, sources: Mapping[str, Source], ingest: Ingest, store: Store) -> Admitted | str:
    """Prove it again with the present configuration, as of when it came, and accept it; or say why not.

    Errors: StoreError.
    """
    source = sources.get(rejection.source)
    if rejection.event_id is not None:
        return f"It was admitted already, as {rejection.event_id}."
    if source is None:
        return f"Its source, {rejection.source}, is not configured any more."
    if not rejection.is_whole:
        return "It was refused before its body was read; its sender must send it again."
    result = await ingest.receive(as_request(rejection), source, rejection.received_at)
    if isinstance(result, Refusal):
        return f"It is refused again: {result.value}. Mend the source's configuration first."
    if isinstance(result, Answer):
        return "It is a vendor's handshake, which is answered and not kept."
    first = result[0]
    await store.rejections.note_admitted(rejection.number, first.event_id)
    return Admitted(first.event_id, first.is_duplicate, len(result))
