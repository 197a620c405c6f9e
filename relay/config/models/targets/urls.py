"""The URL of a target that is no web server: `smtp://user:password@mail.example.com:587`."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import PlainValidator
from yarl import URL

from relay.config.misfits import Expected, Misfit
from relay.config.models.fields import text
from relay.domain import Secret


@dataclass(frozen=True, slots=True)
class ServiceUrl:
    """A URL taken apart. shown: with its port, and without user, password and query."""

    scheme: str
    shown: str
    path: str
    user: Secret | None
    password: Secret | None


def service_url(ports: Mapping[str, int], example: str) -> PlainValidator:
    """Return what reads a URL of one of these schemes; each has the port that it means where none is written."""

    def read(value: object) -> ServiceUrl:
        """Errors: Expected, Misfit, neither of which repeats the URL."""
        content = text(value)
        if any(character.isspace() or not character.isprintable() for character in content):
            raise Misfit("expected a URL without spaces and control characters")
        try:
            url = URL(content)
            is_whole = url.scheme in ports and url.raw_host and url.explicit_port != 0
        except ValueError:
            is_whole = False
        if not is_whole:
            raise Expected(f"a URL such as {example}")
        if url.raw_query_string or url.raw_fragment:
            raise Misfit("expected a URL without a query and a fragment")
        placed = url if url.explicit_port else url.with_port(ports[url.scheme])
        return ServiceUrl(
            url.scheme,
            str(placed.with_user(None)).rstrip("/"),
            url.path.strip("/"),
            Secret(url.user) if url.user else None,
            Secret(url.password) if url.password else None,
        )

    return PlainValidator(read)
