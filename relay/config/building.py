"""From the parts of the file to the nouns of the program."""

import itertools
from collections.abc import Mapping

from relay.config.models.file import Admin as AdminPart
from relay.config.models.file import File
from relay.config.models.file import Quarantine as QuarantinePart
from relay.config.models.file import Server as ServerPart
from relay.config.models.file import Storage as StoragePart
from relay.config.models.routes import Route as RoutePart
from relay.config.models.schemes import Header, Token
from relay.config.models.sources import Source as SourcePart
from relay.config.origin import Origin
from relay.config.result import Admin, Config, QuarantineBounds, Server, Storage
from relay.config.written import Page
from relay.domain import Identification, Route, Source, Target

CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})


def build(file: File, origin: Origin, page: Page) -> Config:
    """Build everything that a file without faults says."""
    targets = {name: part.build(name) for name, part in file.targets.items()}
    names = _names(file.routes)
    routes = _routes(file.routes, names, targets)
    return Config(
        server=_server(file.server),
        admin=_admin(file.admin),
        storage=_storage(file.storage),
        quarantine=_quarantine(file.quarantine),
        sources={name: _source(name, part, routes) for name, part in file.sources.items()},
        targets=targets,
        notify=file.notify.build() if file.notify else None,
        heartbeat=file.heartbeat.build() if file.heartbeat else None,
        origin=origin,
        written=page.written(file, names),
    )


def _server(part: ServerPart) -> Server:
    return Server(part.listen, part.public_url, part.trusted_proxies, part.grace, part.bounds())


def _admin(part: AdminPart) -> Admin:
    return Admin(part.listen, part.tokens, tuple(host.lower() for host in part.hosts))


def _storage(part: StoragePart) -> Storage:
    return Storage(part.url, part.keep, part.backlog_max, part.disk_free_min)


def _quarantine(part: QuarantinePart) -> QuarantineBounds:
    return QuarantineBounds(part.keep, part.count, part.bytes)


def _source(name: str, part: SourcePart, routes: list[Route]) -> Source:
    schemes = part.verify
    secrets = part.all_secrets()
    proving = next((scheme for scheme in schemes if scheme.compares_secrets), None)
    return Source(
        name=name,
        verifiers=tuple(scheme.verifier(secrets) for scheme in schemes if secrets or not scheme.compares_secrets),
        identification=Identification(part.type, part.key or {}, part.window, part.needs_json),
        routes=tuple(route for route in routes if route.source == name),
        preset=part.preset,
        body_bytes_max=part.max_body,
        limit=part.limit,
        respond_status=part.respond.status,
        tells_nothing=part.respond.body == "none",
        expect_every=part.expect_every,
        takes_token=any(isinstance(scheme, Token) for scheme in schemes),
        unkept_headers=CREDENTIALS | {scheme.header.lower() for scheme in schemes if isinstance(scheme, Header)},
        proving_headers=CREDENTIALS | {name.lower() for scheme in schemes for name in scheme.proving_headers},
        greeting=part.greeting(),
        batch=part.batch,
        keyrings=tuple((proving.verifier((secret,)),) for secret in secrets) if proving and len(secrets) > 1 else (),
        has_secret=bool(secrets),
    )


def _names(parts: tuple[RoutePart, ...]) -> list[str]:
    """Name each route that the file writes."""
    names: list[str] = []
    taken = {part.name for part in parts if part.name}
    for part in parts:
        names.append(part.name or _free_name(part, taken))
        taken.add(names[-1])
    return names


def _routes(parts: tuple[RoutePart, ...], names: list[str], targets: Mapping[str, Target]) -> list[Route]:
    """Build a route for each source that a written one names; all of those have its name."""
    routes: list[Route] = []
    for name, part in zip(names, parts, strict=True):
        receivers = tuple(targets[target] for target in part.targets)
        routes += [Route(name, source, receivers, part.when, part.shape()) for source in part.sources]
    return routes


def _free_name(part: RoutePart, taken: set[str]) -> str:
    """Name a route by what it joins, numbered where another is named so already."""
    name = f"{'+'.join(part.sources)}→{'+'.join(part.targets)}"
    candidates = itertools.chain([name], (f"{name} ({number})" for number in itertools.count(2)))
    return next(candidate for candidate in candidates if candidate not in taken)
