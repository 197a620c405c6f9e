"""A vendor that chooses the secret itself, over a real socket: it is kept for the operator, and shown to nobody."""

import stat
from pathlib import Path

from aiohttp import ClientSession
from structlog.testing import capture_logs

from relay import config
from relay.config import SqliteDatabase
from relay.config.doubts import doubts
from relay.domain import Secret
from relay.offers import Offers, place_of_offer
from relay.runtime import Relay
from tests.conftest import ManualClock

TOKEN = "secret_that_the_vendor_chose"


def configured(folder: Path, more: str = "") -> config.Config:
    path = folder / "relay.yaml"
    path.write_text(
        "server: {listen: 127.0.0.1:0}\nadmin: {listen: 127.0.0.1:0}\n"
        f"storage: {{url: 'sqlite:///{folder}/relay.db', disk_free_min: 1MiB}}\n"
        f"sources: {{pages: {{preset: notion{more}}}}}\n"
    )
    return config.load(path, {})


async def posted(url: str, body: str) -> int:
    async with ClientSession() as session, session.post(f"{url}/in/pages", data=body) as answer:
        return answer.status


async def test_an_offered_secret_is_kept_for_the_operator_alone(tmp_path: Path) -> None:
    """Before it is configured nothing is accepted; the file is the owner's, and no log line holds what is in it."""
    with capture_logs() as lines:
        async with Relay(configured(tmp_path)).running() as relay:
            offered = await posted(relay.public_url, f'{{"verification_token": "{TOKEN}"}}')
            event = await posted(relay.public_url, '{"id": "1", "type": "page.created"}')

    path = tmp_path / "pages.offered"
    assert (200, 401) == (offered, event)
    assert TOKEN == path.read_text().strip()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [str(path)] == [line["path"] for line in lines if line["event"] == "secret_offered"]
    assert TOKEN not in str(lines)


async def test_once_there_is_a_secret_none_is_taken_any_more(tmp_path: Path) -> None:
    """A stranger cannot put another one in its place; the vendor's own question is still answered."""
    async with Relay(configured(tmp_path, f", secret: {TOKEN}")).running() as relay:
        asked = await posted(relay.public_url, f'{{"verification_token": "{TOKEN}"}}')
        forged = await posted(relay.public_url, '{"verification_token": "secret_of_a_stranger"}')

    assert (200, 401) == (asked, forged)
    assert not (tmp_path / "pages.offered").exists()


def test_a_flood_of_offers_is_no_flood_of_files(tmp_path: Path, clock: ManualClock) -> None:
    """After ten in a minute the last one stays."""
    database = SqliteDatabase(tmp_path / "relay.db")
    offers = Offers(database, clock)
    for number in range(20):
        offers.keep("pages", Secret(f"secret_{number}"))

    assert "secret_9" == place_of_offer(database, "pages").read_text().strip()
    assert ["pages.offered"] == [path.name for path in tmp_path.iterdir()]


def test_a_source_without_a_secret_is_doubtful(tmp_path: Path) -> None:
    """It is meant to be so for minutes, not for ever."""
    told = [fault.message for fault in doubts(configured(tmp_path), lambda target: None)]

    assert "it has no secret yet: all is refused but the request that brings one" in told
