"""`relay demo`: the whole thing on loopback, in a temporary folder: relay, receiver, one sample of every vendor."""

import asyncio
import logging
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import click
import orjson
from aiohttp import web
from ruamel.yaml import YAML

from relay import config, presets
from relay.cli.keys import ENTROPY_BYTES, new_secret, new_signing_key
from relay.cli.send import post
from relay.cli.vendor import signed
from relay.config import Config
from relay.domain import Source
from relay.logbook import configure_logging
from relay.presets import Preset
from relay.runtime import Relay, new_event_loop

ARRIVAL_S_MAX = 10.0
PUBLIC_URL = "https://hooks.example.com"  # for vendors that sign the URL
WIDTH = 38


@click.command()
@click.option("--exit", "exits", is_flag=True, help="End after the samples: exit 0 only if all arrived.")
def demo(exits: bool) -> None:
    """Try everything on this machine: nothing is installed, kept or sent anywhere else.

    Starts a relay and a receiver on loopback, in a temporary folder, and sends one signed sample of every vendor
    we have a preset for.
    """
    last_words = configure_logging(logging.ERROR)
    with (
        tempfile.TemporaryDirectory(prefix="relay-demo-") as folder,
        asyncio.Runner(loop_factory=new_event_loop) as runner,
    ):
        sys.exit(runner.run(_demo(Path(folder), last_words, exits=exits)))


async def _demo(folder: Path, last_words: Callable[[], None], *, exits: bool) -> int:
    async with _receiver() as receiver:
        path = _write_configuration(folder, receiver.url)
        loaded = config.load(path, {})
        relay = Relay(loaded)
        async with relay.running():
            click.echo(f"relay     {relay.public_url}/in/SOURCE   (configuration: {path})")
            click.echo(f"receiver  {receiver.url}\n")
            arrived = [await _try_vendor(name, loaded, relay.public_url, receiver) for name in presets.names()]
            click.echo(f"\n{sum(arrived)} of {len(arrived)} samples arrived, signed, at the receiver.")
            if not exits:
                _tell_how_to_go_on(path, loaded, relay)
                await relay.until_stopped(last_words)
    return 0 if all(arrived) else 1


@dataclass
class Receiver:
    """A target that remembers what it got."""

    url: str = ""
    bodies: set[bytes] = field(default_factory=set)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, http: web.Request) -> web.Response:
        """Remember one delivery."""
        async with self.arrived:
            self.bodies.add(await http.read())
            self.arrived.notify_all()
        return web.Response(text="thank you")

    async def has(self, body: bytes) -> bool:
        """Wait for an event; tell whether it came, byte for byte. No two samples are alike."""
        try:
            async with asyncio.timeout(ARRIVAL_S_MAX), self.arrived:
                return await self.arrived.wait_for(lambda: body in self.bodies)
        except TimeoutError:
            return False


@asynccontextmanager
async def _receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_post("/", receiver.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        receiver.url = f"http://{host}:{port}/"
        yield receiver
    finally:
        await runner.cleanup()


def _write_configuration(folder: Path, receiver_url: str) -> Path:
    """Write what a user would: a source for every preset, one target, one route."""
    path = folder / "relay.yaml"
    document = {
        "server": {"listen": "127.0.0.1:0", "public_url": PUBLIC_URL},
        "admin": {"listen": "127.0.0.1:0", "tokens": [secrets.token_urlsafe(24)]},
        "storage": {"url": f"sqlite:///{folder / 'relay.db'}", "disk_free_min": "1MiB"},
        "sources": {name: _source(presets.find(name)) for name in presets.names()},
        "targets": {
            "receiver": {"url": receiver_url, "allow_private": True, "sign": {"secrets": [new_signing_key(_entropy())]}}
        },
        "routes": [{"name": "everything", "from": list(presets.names()), "to": "receiver"}],
    }
    with path.open("w") as file:
        YAML().dump(document, file)
    return path


def _source(preset: Preset) -> dict[str, object]:
    source: dict[str, object] = {"preset": preset.name}
    if any(scheme["scheme"] not in ("ip", "none") for scheme in preset.verify):
        source["secret"] = new_secret(preset, _entropy())
    if any(step.token for step in preset.handshakes):
        source["verify_token"] = secrets.token_urlsafe(24)
    return source


def _entropy() -> bytes:
    return secrets.token_bytes(ENTROPY_BYTES)


def _expected(source: Source, body: bytes) -> bytes:
    """Return what must arrive: the body, or the first event that it carries."""
    if source.batch is None:
        return body
    items = source.batch(orjson.loads(body))
    return orjson.dumps(items[0]) if isinstance(items, list) and items else body


async def _try_vendor(name: str, loaded: Config, relay_url: str, receiver: Receiver) -> bool:
    preset, source = presets.find(name), loaded.sources[name]
    sample, now = preset.samples[0], datetime.now(UTC)
    uuid = str(uuid4())
    headers = sample.rendered_headers(now, uuid)
    request = signed(source, relay_url, sample.render(now, uuid), headers, now, PUBLIC_URL)
    status, said = await asyncio.to_thread(post, request)
    is_accepted = status == source.respond_status
    has_arrived = is_accepted and await receiver.has(_expected(source, request.body))
    word = "arrived" if has_arrived else f"LOST: the relay answered {status} {said.decode()}"
    size = f"{len(request.body):,} bytes"
    click.echo(f"  {preset.title:<{WIDTH}} {sample.type:<28} {size:>14}   {word}")
    return has_arrived


def _tell_how_to_go_on(path: Path, loaded: Config, relay: Relay) -> None:
    (token,) = loaded.admin.tokens
    click.echo(
        f"\nThe relay stays up until Ctrl-C.\n\n"
        f"dashboard {relay.admin_url}/   (admin token: {token.text()})\n\n"
        f"Try:\n"
        f"  relay send getaround --type rental.booked --url {relay.public_url} -c {path}\n"
        f"  curl {relay.public_url}/readyz\n"
        f"  curl {relay.admin_url}/metrics"
    )
