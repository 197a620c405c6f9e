"""Entries of a stream, as a consumer of a real Redis reads them."""

from redis.asyncio import Redis

from relay.domain import Outcome
from tests.builders import an_event
from tests.senders import a_delivery, opened
from tests.stages import Props
from tests.stages.redis import PASSWORD, STAGE, USER, looking, sender_to, serving


async def test_an_entry_tells_what_a_consumer_needs(props: Props) -> None:
    """The body byte for byte, and beside it the id by which a repeat is known."""
    event = an_event(body=b"\xff\x00{")
    async with STAGE.accepts(props) as scene, opened(scene.sender) as sender, looking(props) as redis:
        attempt = await sender.send(a_delivery(event))
        ((entry, fields),) = await redis.xrange(f"{props.folder}:shop")

    assert entry == attempt.excerpt
    assert {
        b"id": event.id.encode(),
        b"source": b"shop",
        b"type": b"order.paid",
        b"received_at": b"2026-07-01T12:00:00+00:00",
        b"content_type": b"application/json",
        b"body": b"\xff\x00{",
    } == fields


async def test_it_speaks_tls_by_the_servers_own_name(props: Props) -> None:
    """The name is verified, although an address is dialled."""
    async with serving(tls=True)(props) as scene, opened(scene.sender) as sender:
        attempt = await sender.send(a_delivery())

    assert Outcome.ACCEPTED == attempt.outcome


async def test_a_stream_is_kept_at_about_its_length(props: Props) -> None:
    """Or it would fill the memory, if nobody reads it."""
    async with serving(entries_max=10)(props) as scene, opened(scene.sender) as sender:
        for _ in range(300):
            await sender.send(a_delivery())
        left = await scene.count()

    assert 10 <= left < 300


async def test_a_connection_that_the_server_has_closed_costs_no_attempt(props: Props) -> None:
    """Servers close idle connections, and restart."""
    async with STAGE.accepts(props) as scene, opened(scene.sender) as sender, looking(props) as redis:
        first = await sender.send(a_delivery())
        await redis.execute_command("CLIENT", "KILL", "TYPE", "normal")
        second = await sender.send(a_delivery())

    assert [Outcome.ACCEPTED] * 2 == [first.outcome, second.outcome]


async def test_the_database_is_that_of_the_url(props: Props) -> None:
    """Databases are numbered, and a consumer looks into one."""
    url = f"redis://127.0.0.1:{props.servers.redis}/3"
    async with opened(sender_to(props, url)) as sender, Redis.from_url(url, username=USER, password=PASSWORD) as redis:
        attempt = await sender.send(a_delivery())
        entries = await redis.xlen(f"{props.folder}:shop")

    assert (Outcome.ACCEPTED, 1) == (attempt.outcome, entries)
