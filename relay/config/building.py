"""From the parts of the file to the nouns of the program."""

import itertools
from collections.abc import Mapping

from relay.config.models.file import Admin as AdminPart
from relay.config.models.file import File
from relay.config.models.file import Route as RoutePart
from relay.config.models.file import Server as ServerPart
from relay.config.models.file import Storage as StoragePart
from relay.config.models.schemes import Header, Token
from relay.config.models.sources import Source as SourcePart
from relay.config.models.targets import Breaker as BreakerPart
from relay.config.models.targets import Retry as RetryPart
from relay.config.models.targets import Target as TargetPart
from relay.config.origin import Origin
from relay.config.result import Admin, Config, Server, Storage
from relay.domain import BreakerPolicy, HttpTarget, Identification, RetryPolicy, Route, Source

CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})


def build(file: File, origin: Origin) -> Config:
    """Build everything that a file without faults says."""
    targets = {name: _target(name, part) for name, part in file.targets.items()}
    routes = _routes(file.routes, targets)
    return Config(
        server=_server(file.server),
        admin=_admin(file.admin),
        storage=_storage(file.storage),
        sources={name: _source(name, part, routes) for name, part in file.sources.items()},
        targets=targets,
        origin=origin,
    )


def _server(part: ServerPart) -> Server:
    return Server(part.listen, part.public_url, part.trusted_proxies, part.grace)


def _admin(part: AdminPart) -> Admin:
    return Admin(part.listen, part.tokens)


def _storage(part: StoragePart) -> Storage:
    return Storage(part.url, part.keep, part.backlog_max, part.disk_free_min)


def _source(name: str, part: SourcePart, routes: list[Route]) -> Source:
    schemes = part.verify
    secrets = part.all_secrets()
    return Source(
        name=name,
        verifiers=tuple(scheme.verifier(secrets) for scheme in schemes),
        identification=Identification(part.type, part.key or {}, part.window, part.needs_json),
        routes=tuple(route for route in routes if route.source == name),
        preset=part.preset,
        body_bytes_max=part.max_body,
        limit=part.limit,
        respond_status=part.respond.status,
        takes_token=any(isinstance(scheme, Token) for scheme in schemes),
        unkept_headers=CREDENTIALS | {scheme.header.lower() for scheme in schemes if isinstance(scheme, Header)},
    )


def _target(name: str, part: TargetPart) -> HttpTarget:
    allowed = part.allow_private
    return HttpTarget(
        name=name,
        timeout_s=part.timeout.total_seconds(),
        concurrency=part.concurrency,
        retry=_retry(part.retry),
        breaker=_breaker(part.breaker),
        rate=part.rate,
        order_by=part.order_by,
        url=str(part.url.with_user(None)),
        headers=part.all_headers(),
        pass_headers=part.pass_headers,
        sign_secrets=part.sign.secrets if part.sign else (),
        allow_private=allowed is True,
        allow_networks=() if isinstance(allowed, bool) else tuple(map(str, allowed)),
    )


def _retry(part: RetryPart) -> RetryPolicy:
    """A schedule is kept to the second, unless a jitter is asked for."""
    is_exact = bool(part.schedule) and "jitter" not in part.model_fields_set
    return RetryPolicy(
        base_s=part.base.total_seconds(),
        factor=part.factor,
        cap_s=part.cap.total_seconds(),
        max_age=part.max_age,
        jitter=0.0 if is_exact else part.jitter,
        final=frozenset(part.final),
        schedule_s=tuple(wait.total_seconds() for wait in part.schedule),
        wait_header=part.wait_header,
    )


def _breaker(part: BreakerPart) -> BreakerPolicy:
    return BreakerPolicy(part.failures, part.probe.total_seconds(), part.probe_cap.total_seconds())


def _routes(parts: tuple[RoutePart, ...], targets: Mapping[str, HttpTarget]) -> list[Route]:
    """Build a route for each source that a written one names; all of those have its name."""
    routes: list[Route] = []
    taken = {part.name for part in parts if part.name}
    for part in parts:
        name = part.name or _free_name(part, taken)
        taken.add(name)
        receivers = tuple(targets[target] for target in part.targets)
        routes += [Route(name, source, receivers, part.when) for source in part.sources]
    return routes


def _free_name(part: RoutePart, taken: set[str]) -> str:
    """Name a route by what it joins, numbered where another is named so already."""
    name = f"{'+'.join(part.sources)}→{'+'.join(part.targets)}"
    candidates = itertools.chain([name], (f"{name} ({number})" for number in itertools.count(2)))
    return next(candidate for candidate in candidates if candidate not in taken)
