"""What a request may have been before a proxy changed it: its body, its URL, its method."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote

from relay.domain import InboundRequest
from relay.explaining.bodies import bodies

Change = tuple[str, InboundRequest]


def with_other_bodies(request: InboundRequest) -> Iterator[Change]:
    """Yield the request with what its body may have been."""
    for words, body in bodies(request.body):
        yield words, replace(request, body=body)


def with_other_urls(request: InboundRequest) -> Iterator[Change]:
    """Yield the request as if it had been sent to another URL. Shown without the query, which may hold a secret."""
    seen = {(request.origin, request.path, request.query_string)}
    for origin in _origins(request):
        for path in _paths(request.path):
            for query in dict.fromkeys((request.query_string, "", unquote(request.query_string))):
                if (origin, path, query) in seen:
                    continue
                seen.add((origin, path, query))
                yield (
                    f"another URL was signed: {origin}{_shown(path, request.token)} "
                    f"{'with' if query else 'without'} a query; see `server.public_url`",
                    replace(request, origin=origin, path=path, query_string=query),
                )


def with_other_methods(request: InboundRequest) -> Iterator[Change]:
    """Yield the request as if it had been sent by another method."""
    for method in ("POST", "PUT", "GET", "post"):
        if method != request.method:
            yield f"another method was signed: {method}", replace(request, method=method)


def _origins(request: InboundRequest) -> list[str]:
    scheme, _, place = request.origin.partition("://")
    hosts = [place, *(request.headers.get(name, "") for name in ("Host", "X-Forwarded-Host", "X-Original-Host"))]
    bare = [host.rpartition(":")[0] or host for host in hosts]
    places = [host for host in dict.fromkeys([*hosts, *bare, f"{bare[0]}:443", f"{bare[0]}:80"]) if host]
    return [f"{either}://{host}" for host in places for either in (scheme, "http" if scheme == "https" else "https")]


def _paths(path: str) -> list[str]:
    return list(dict.fromkeys((path, path.rstrip("/"), path + "/", "/", "", unquote(path))))


def _shown(path: str, token: str | None) -> str:
    return path.replace(token, "***") if token else path
