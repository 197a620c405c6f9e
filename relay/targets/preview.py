"""What a delivery would look like on the wire, every secret as `***`. Nothing is called, nobody logged in to."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from relay.clock import Clock
from relay.contents import content_of, document_of, message_of, names_of
from relay.domain import (
    AmqpTarget,
    Content,
    Delivery,
    EmailTarget,
    Event,
    FileTarget,
    HttpTarget,
    NatsTarget,
    RedisTarget,
    S3Target,
    Secret,
    Target,
    Template,
)
from relay.errors import ContentMissing, ExpressionFailed
from relay.targets.addresses import endpoint
from relay.targets.auth import MASK, NO_PROOF, Proof, prover
from relay.targets.dialling import Guard
from relay.targets.errands import GuardedCaller
from relay.targets.headers import RequestHead
from relay.targets.protocol import Preview


def preview(target: Target, delivery: Delivery, clock: Clock) -> Preview:
    """Show what a target would be sent, and where; or why nothing of this event can be."""
    try:
        return _shown(target, delivery, clock)
    except (ContentMissing, ExpressionFailed) as error:
        return Preview("", target.address, (), b"", str(error))


def _shown(target: Target, delivery: Delivery, clock: Clock) -> Preview:  # noqa: PLR0911 - one line for each kind
    event = delivery.event
    match target:
        case FileTarget():
            return Preview("", str(Path(*target.path(_names(event)))), (), _content(event, target.content))
        case S3Target():
            key = "/".join(segment for segment in target.key(_names(event)) if segment != "/")
            return Preview("PUT", f"{target.address.rstrip('/')}/{key}", (), _content(event, target.content))
        case EmailTarget():
            return _mail(target, event)
        case RedisTarget():
            return _message(target.address, ("Stream", target.stream), event, target.content)
        case NatsTarget():
            return _message(target.address, ("Subject", target.subject), event, target.content)
        case AmqpTarget():
            shown = _message(target.address, ("Routing key", target.routing_key), event, target.content)
            return replace(shown, headers=(("Exchange", target.exchange), *shown.headers))
        case HttpTarget():
            return _request(target, delivery, clock)
        case _:
            return Preview("", target.address, (), event.body)


def _names(event: Event) -> dict[str, object]:
    return names_of(event, document_of(event))


def _content(event: Event, content: Content) -> bytes:
    return content_of(event, _names(event), content)


def _message(address: str, place: tuple[str, Template], event: Event, content: Content) -> Preview:
    message = message_of(event, content, place[1])
    return Preview("", address, ((place[0], message.place),), message.content)


def _mail(target: EmailTarget, event: Event) -> Preview:
    """Show a mail by what a person sees of it: its documents by their names and sizes."""
    names = _names(event)
    documents = [(each.name(names)[-1], content_of(event, names, each.content)) for each in target.attachments]
    headers = (
        ("From", target.sender),
        ("To", ", ".join(target.recipients)),
        ("Subject", target.subject(names)),
        *(("Attachment", f"{name} ({len(content):,} bytes)") for name, content in documents),
    )
    return Preview("", target.address, headers, target.text(names).encode("utf-8", "replace"))


def _request(target: HttpTarget, delivery: Delivery, clock: Clock) -> Preview:
    masked = replace(target, headers=_masked(target))
    head = RequestHead(masked, endpoint(target.url), _proof_of(target, clock))
    signature = MASK if target.sign_secrets else None
    lines = head.of(delivery, int(clock.machine_now().timestamp()), signature)
    method = delivery.call.method if delivery.call else "POST"
    url = _url(target, delivery)
    if isinstance(lines, str):
        return Preview(method, url, (), delivery.event.body, lines)
    return Preview(method, url, tuple(_headers(lines)), delivery.event.body)


def _masked(target: HttpTarget) -> Mapping[str, Secret]:
    return {name: value if name in target.open_headers else Secret(MASK) for name, value in target.headers.items()}


def _proof_of(target: HttpTarget, clock: Clock) -> Proof:
    if target.auth is None:
        return NO_PROOF
    made = prover(target.auth, GuardedCaller(target, Guard(target), None, clock))
    return made.masked() if isinstance(made, Proof) else made.shown


def _url(target: HttpTarget, delivery: Delivery) -> str:
    """Return the URL without what may be secret: of the target's own query it is only said that there is one."""
    call = delivery.call
    path = target.address.rstrip("/") + call.path if call and call.path else target.address
    hides = "?" in target.url or (target.auth is not None and target.auth.scheme == "query")
    query = "&".join(filter(None, (MASK if hides else "", call.query if call else "")))
    return f"{path}?{query}" if query else path


def _headers(head: bytes) -> Iterator[tuple[str, str]]:
    for line in head.decode().split("\r\n")[1:-2]:
        name, _, value = line.partition(": ")
        yield name, value
