"""The guard between a name and its sockets."""

import socket
from collections.abc import AsyncIterator

import pytest

from relay.domain import HttpTarget
from relay.errors import AddressBlocked
from relay.targets.dialling import Guard


@pytest.fixture
async def guard() -> AsyncIterator[Guard]:
    guard = Guard(HttpTarget(name="erp", url="http://erp.example/"))
    yield guard
    await guard.close()


def answer_with(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    monkeypatch.setattr("relay.targets.dialling.look_up", lambda _host, _port: list(addresses))


async def test_a_name_with_one_private_record_is_called_at_the_others(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS answers that mix both are a mistake, or an attack that must not get what it wants."""
    answer_with(monkeypatch, "10.0.0.1", "8.8.8.8", "2606:4700::1111")

    assert ["8.8.8.8", "2606:4700::1111"] == [found["host"] for found in await guard.resolve("erp.example", 443)]


async def test_a_name_that_leads_only_inside_is_blocked(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several refusals must not melt into an error that no longer says so."""
    answer_with(monkeypatch, "10.0.0.1", "::1", "127.0.0.1")

    with pytest.raises(AddressBlocked, match="private; RFC 1918"):
        await guard.resolve("erp.example", 443)


async def test_the_very_address_that_is_dialled_is_judged(guard: Guard) -> None:
    """Whatever a resolver said before: between its answer and the socket nothing may slip in."""
    with pytest.raises(AddressBlocked, match="loopback"):
        guard.open_socket((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 80)))


async def test_a_name_that_changes_its_mind_is_judged_each_time(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: what was public when the name was looked at first need not be when it is called."""
    answer_with(monkeypatch, "8.8.8.8")
    await guard.resolve("erp.example", 443)
    answer_with(monkeypatch, "127.0.0.1")

    with pytest.raises(AddressBlocked, match="loopback"):
        await guard.resolve("erp.example", 443)
