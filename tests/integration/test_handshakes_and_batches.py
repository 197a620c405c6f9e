"""Over real sockets: questions that are answered and forgotten, and requests that carry many events."""

import hmac

from tests.integration.door import SECRET, Door


async def test_a_handshake_is_answered_and_never_stored(door: Door) -> None:
    """By GET or by a signed POST; counted as what it is, and never taken for a page."""
    async with door.http.get(f"{door.url}/in/asked?challenge=abc") as answer:
        got = (answer.status, answer.headers["Content-Type"], await answer.read())
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
    body = b'{"kind": "ask", "plain": "xyz"}'
    signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
    async with door.http.post(f"{door.url}/in/asked", data=body, headers={"X-Signature": signature}) as answer:
        posted = (answer.status, await answer.read())

    assert (200, "text/plain", b"abc") == got
    assert (200, b"xyz") == posted
    assert 0 == await door.stored()
    assert [("asked", "handshake")] * 2 == door.journal.results


async def test_a_handshake_without_its_proof_is_refused(door: Door) -> None:
    """A stranger's question is a forged request like any other."""
    status, _ = await door.post("/in/asked", b'{"kind": "ask", "plain": "xyz"}', {"X-Signature": "0" * 64})
    async with door.http.get(f"{door.url}/in/asked") as answer:
        assert (401, 401) == (status, answer.status)
    async with door.http.get(f"{door.url}/in/shop?challenge=abc") as answer:
        assert 405 == answer.status
    assert [("asked", "mismatch"), ("asked", "missing")] == door.journal.results


async def test_a_batch_is_as_many_events_as_it_carries(door: Door) -> None:
    """All in one commit; the answer tells every id, and one that was there already keeps its own."""
    _, first = await door.send("many", b'{"events": [{"kind": "a", "id": "1"}, {"kind": "b", "id": "2"}]}')
    status, told = await door.send("many", b'{"events": [{"kind": "b", "id": "2"}, {"kind": "c", "id": "3"}]}')
    _, again = await door.send("many", b'{"events": [{"kind": "b", "id": "2"}, {"kind": "c", "id": "3"}]}')

    ids, earlier = told["ids"], first["ids"]
    assert isinstance(ids, list)
    assert isinstance(earlier, list)
    assert (200, "accepted", ids[0]) == (status, told["status"], told["id"])
    assert (earlier[1], 2, 3) == (ids[0], len(ids), await door.stored())
    assert ("duplicate", ids) == (again["status"], again["ids"])
    record = await door.store.event(ids[1])
    assert record is not None
    assert ("c", b'{"kind":"c","id":"3"}') == (record.event.type, record.event.body)


async def test_a_batch_with_one_bad_item_is_refused_whole(door: Door) -> None:
    """Half of it stored would be half of it sent again."""
    status, _ = await door.send("many", b'{"events": [{"kind": "a", "id": "1"}, {"kind": "b"}]}')

    assert (400, 0) == (status, await door.stored())


async def test_a_batch_is_stored_once_where_it_repeats_itself(door: Door) -> None:
    """Two alike in one request are one event."""
    _, told = await door.send("many", b'{"events": [{"id": "1"}, {"id": "1"}]}')

    ids = told["ids"]
    assert isinstance(ids, list)
    assert (1, 1) == (len(set(ids)), await door.stored())


async def test_which_secret_was_used_is_noted(door: Door) -> None:
    """So that the old one can be taken away once nobody uses it, and each event tells; without any, none is noted."""
    _, by_second = await door.send("turning")
    _, by_none = await door.post("/in/open", b"{}", {})
    records = [await door.store.event(str(told["id"])) for told in (by_second, by_none)]

    assert [("turning", 2)] == door.journal.keys
    assert [2, None] == [record and record.event.secret_number for record in records]
