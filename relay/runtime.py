"""Everything started and stopped in order, and the signals that ask for it."""

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import structlog
from aiohttp import web

from relay.admin_token import kept_token
from relay.assembly import Parts, assemble
from relay.config import Address, Config, load
from relay.crew import Crew
from relay.descriptors import watch
from relay.domain import Bounds, Secret
from relay.errors import ConfigurationInvalid, ListenFailed, StoreError
from relay.filewatch import ConfigFiles
from relay.maintenance import Maintenance
from relay.reloading import Reload, Reloading
from relay.roles import Post, Role, post
from relay.store.opening import store_on
from relay.system_clock import SystemClock
from relay.targets.preview import preview
from relay.tracing import tracer_of
from relay.trials import Trials
from relay.web.admin.desk import Desk
from relay.web.admin.door import AdminDoor
from relay.web.crowd import Crowd
from relay.web.dashboard.door import Dashboard
from relay.web.inbound import InboundDoor
from relay.web.server import QuietRunner, QuietServer

log = structlog.get_logger("relay.runtime")

CONNECTIONS_WAITING_MAX = 1024  # accepted by the system, not yet by us
ADMIN_CONNECTIONS_MAX = 256  # of its own: whatever happens at the public port, an operator can look
HANG_UP_S = 1.0  # for connections, once their requests are answered
REQUESTS_SHARE = 0.4  # of the whole grace: the rest is for deliveries
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Make uvloop's event loop where it is installed, and asyncio's own elsewhere."""
    module = import_module("uvloop" if find_spec("uvloop") else "asyncio")
    loop: asyncio.AbstractEventLoop = module.new_event_loop()
    return loop


class Relay:
    """The whole program, from its configuration. Used as a context: it runs inside.

    at: what part of the work is its own; all of it, unless given. path: the file that the configuration is from,
    to be read again when it changes; never, unless given.
    Errors: ListenFailed and StoreUnusable, before anything has been started; StoreBroken later.
    """

    def __init__(self, config: Config, at: Post | None = None, path: Path | None = None) -> None:
        self._config = config
        self._path = path
        self._admin_tokens: list[Secret] = []  # the admin door's, too: changed in place by a reload
        self._admin_crowd: Crowd | None = None
        self._reloading: Reloading | None = None
        self._post = at or post(config, Role.ALL)
        self._machine = SystemClock()
        self._fault: asyncio.Future[None] | None = None
        self._stop_by_s = float("inf")
        self.public_url = ""
        self.admin_url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Relay"]:
        """Start in order; on the way out stop in the opposite order: first the door, last the store."""
        machine, at, name = self._machine, self._post, secrets.token_hex(6)
        self._fault = asyncio.get_running_loop().create_future()
        async with AsyncExitStack() as stack:
            public_socket = stack.enter_context(_bound(at.public, "server.listen", is_shared=at.shares_public))
            admin_socket = stack.enter_context(_bound(at.admin, "admin.listen"))
            self.public_url, self.admin_url = _url_of(public_socket), _url_of(admin_socket)
            tracer = tracer_of(os.environ, machine)
            if tracer is not None:
                stack.push_async_callback(asyncio.to_thread, tracer.close)
            store, clock = store_on(self._config.storage.database, name, machine)
            await store.open()
            stack.callback(log.info, "relay_stopped")
            stack.push_async_callback(store.close)
            parts = assemble(self._config, store, clock, name, at.role, tracer)
            await stack.enter_async_context(self._kept_running(parts.store.until_broken(), "store"))
            await parts.maintenance.see_room()
            if admin_socket is not None:
                self._admin_tokens[:] = await self._tokens_of(self._config)
                crowd = self._admin_crowd = Crowd(_admin_bounds(self._config), machine, parts.telemetry.cut_off)
                await stack.enter_async_context(self._kept_running(crowd.watch(), "admin's crowd"))
                await stack.enter_async_context(self._served(self._admin_runner(parts, crowd), admin_socket))
            if parts.scheduler is not None:
                await stack.enter_async_context(self._kept_running(parts.scheduler.run(), "scheduler"))
            if parts.deliverers is not None:
                await stack.enter_async_context(self._kept_running(parts.deliverers.watch(), "deliverers"))
            if parts.door is not None:
                await stack.enter_async_context(self._kept_running(parts.lookout.run(), "lookout"))
            await stack.enter_async_context(self._kept_running(parts.notifier.run(), "notifier"))
            await stack.enter_async_context(self._kept_running(parts.heart.run(), "heart"))
            # Maintenance ends after the workers: what they finish within their grace stays leased meanwhile.
            await stack.enter_async_context(self._kept_running(parts.maintenance.run(), "maintenance"))
            await stack.enter_async_context(self._carried(parts.crew, parts.maintenance))
            if parts.door is not None and public_socket is not None:
                await stack.enter_async_context(self._kept_running(parts.door.crowd.watch(), "crowd"))
                public_runner = self._public_runner(parts.door, parts)
                await stack.enter_async_context(self._served(public_runner, public_socket, parts.door.finish))
            crowds = [parts.door.crowd] if parts.door is not None else []
            crowds += [self._admin_crowd] if self._admin_crowd is not None else []
            watching = watch(crowds, machine, parts.telemetry.cut_off)
            await stack.enter_async_context(self._kept_running(watching, "descriptors"))
            if self._path is not None:
                self._reloading = self._reloading_from(self._path, parts)
                await stack.enter_async_context(self._kept_running(self._reloading.run(), "reloading"))
            self._tell_started()
            try:
                yield self
            finally:
                parts.health.is_stopping = True
                self._stop_by_s = machine.monotonic() + self._grace_s

    async def until_stopped(self, last_words: Callable[[], None]) -> None:
        """Wait for a signal to stop, or for a fault of this program, which is raised.

        A second signal ends the process at once, after `last_words`.
        """
        assert self._fault is not None  # noqa: S101 - only used while running
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()

        def stop(number: signal.Signals) -> None:
            if asked.is_set():
                log.warning("stopped_at_once", next_step="what was in flight is sent again after the next start")
                last_words()
                os._exit(1)
            log.info("stopping", signal=number.name, grace_s=self._config.server.grace.total_seconds())
            asked.set()

        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)
        waiting = asyncio.ensure_future(asked.wait())
        await asyncio.wait((waiting, self._fault), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._fault.done():
            self._fault.result()

    @property
    def _grace_s(self) -> float:
        """Return how long what is under way may take to finish: no time where a part of the program has failed."""
        has_failed = self._fault is not None and self._fault.done()
        return 0.0 if has_failed else self._config.server.grace.total_seconds()

    def _tell_started(self) -> None:
        config = self._config
        log.info(
            "relay_started",
            role=self._post.role.value,
            listening=self.public_url or None,
            admin=self.admin_url or None,
            database=str(config.storage.database),
            sources=sorted(config.sources),
            targets=sorted(config.targets),
        )

    def _reload_soon(self) -> None:
        """Read the file again, as who sends a SIGHUP wants; without one the program outlives it."""
        if self._reloading is not None:
            self._reloading.ask()
        else:
            log.warning("nothing_to_reload", next_step="this relay was started without a file that could be read again")

    def _reloading_from(self, path: Path, parts: Parts) -> Reloading:
        async def adopt(config: Config) -> None:
            tokens = await self._tokens_to_adopt(config)
            parts.adopt(config)
            self._admin_tokens[:] = tokens
            if self._admin_crowd is not None:
                self._admin_crowd.adopt(_admin_bounds(config))
            self._config = config

        def tell(reload: Reload) -> None:
            parts.telemetry.reloaded(reload)
            parts.health.configuration = "loaded" if reload.is_good else "loaded; the file is faulty since, and unused"

        return Reloading(self._config, ConfigFiles(path), lambda: load(path, os.environ), adopt, parts.clock, tell)

    async def _tokens_to_adopt(self, config: Config) -> tuple[Secret, ...]:
        """Return what opens the admin port from here on. Errors: ConfigurationInvalid."""
        try:
            return await self._tokens_of(config) if self._post.admin is not None else ()
        except StoreError as error:
            raise ConfigurationInvalid((config.origin.at_value(("admin", "tokens"), str(error)),)) from error

    async def _tokens_of(self, config: Config) -> tuple[Secret, ...]:
        """Return what opens the admin port. Errors: StoreUnusable."""
        return config.admin.tokens or (await kept_token(config.storage.database),)

    def _public_runner(self, door: InboundDoor, parts: Parts) -> web.ServerRunner:
        """Serve bodies as they were sent: nothing is unpacked before it is verified."""
        told = parts.telemetry.malformed
        server = QuietServer(door.serve, door.crowd, told, access_log=None, auto_decompress=False)
        return web.ServerRunner(server, shutdown_timeout=HANG_UP_S)

    def _admin_runner(self, parts: Parts, crowd: Crowd) -> QuietRunner:
        desk = Desk(
            store=parts.store,
            lanes=parts.lanes,
            ingest=parts.ingest,
            health=parts.health,
            singles=parts.singles,
            clock=parts.clock,
            config=lambda: self._config,
            tokens=self._admin_tokens,
            exposition=parts.exposition,
            reloading=lambda: self._reloading,
        )
        door = AdminDoor(desk)
        application = door.application()
        Dashboard(desk, door.access, Trials(preview, parts.clock)).add_to(application)
        return QuietRunner(application, crowd, parts.telemetry.malformed, shutdown_timeout=HANG_UP_S)

    @asynccontextmanager
    async def _served(
        self,
        runner: web.AppRunner | web.ServerRunner,
        listening: socket.socket,
        finish: Callable[[float], Awaitable[None]] | None = None,
    ) -> AsyncIterator[None]:
        """Serve; at the end take no new connections, then finish what is under way, then hang up."""
        await runner.setup()
        site = web.SockSite(runner, listening, backlog=CONNECTIONS_WAITING_MAX)
        await site.start()
        try:
            yield
        finally:
            await site.stop()
            if finish is not None:
                await finish(self._grace_s * REQUESTS_SHARE)
            await runner.cleanup()

    @asynccontextmanager
    async def _carried(self, crew: Crew, maintenance: Maintenance) -> AsyncIterator[None]:
        crew.start(self._watch, maintenance.see_room)
        try:
            yield
        finally:
            grace_s = max(0.0, self._stop_by_s - self._machine.monotonic())
            cut_off = await crew.stop(grace_s)
            if cut_off:
                log.warning("attempts_cut_off", count=cut_off, next_step="they are sent again after the next start")

    @asynccontextmanager
    async def _kept_running(self, work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
        task = asyncio.create_task(work, name=name)
        self._watch(task)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _watch(self, task: asyncio.Task[None]) -> None:
        """Let the whole program fall when a part of it does: better seen and restarted than half alive."""
        task.add_done_callback(self._take_fault)

    def _take_fault(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (fault := task.exception()) is None:
            return
        log.error("part_failed", part=task.get_name(), exc_info=fault)
        if self._fault is not None and not self._fault.done():
            self._fault.set_exception(fault)


def _admin_bounds(config: Config) -> Bounds:
    return replace(config.server.bounds, connections_max=ADMIN_CONNECTIONS_MAX)


@contextmanager
def _bound(address: Address | None, key: str, *, is_shared: bool = False) -> Iterator[socket.socket | None]:
    """Bind a port, if there is one to bind. is_shared: others may listen there too, and each gets its share."""
    if address is None:
        yield None
        return
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    place = (address.host, address.port)
    try:
        bound = socket.create_server(place, family=family, backlog=CONNECTIONS_WAITING_MAX, reuse_port=is_shared)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ListenFailed(f"{key}: {address} cannot be listened on: {reason}") from error
    with bound:
        bound.setblocking(False)
        yield bound


def _url_of(bound: socket.socket | None) -> str:
    if bound is None:
        return ""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
