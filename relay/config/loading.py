"""From a file and the environment to a configuration, or to everything that is wrong with it."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from relay.config.building import build
from relay.config.interpolation import FILE_MARK, Interpolation
from relay.config.models.base import Surroundings
from relay.config.models.file import File
from relay.config.origin import START
from relay.config.result import Config
from relay.config.wording import Wording
from relay.config.written import Page
from relay.config.yaml import parse
from relay.errors import ConfigurationInvalid, Fault


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Read a configuration.

    Errors: ConfigurationInvalid, with every fault at once, in the order of the file; what is no YAML has but one.
    """
    page = parse(_content(path), str(path))
    interpolation = Interpolation(page.origin, environ)
    data = _sections(interpolation.fill(page.data))
    known = _surroundings(data)
    faults = [*page.faults, *interpolation.faults]
    try:
        file = File.model_validate(data, context=known)
    except ValidationError as error:
        faults += Wording(data, page.origin, known.parts, interpolation.filled).faults(error)
    if faults:
        raise ConfigurationInvalid(tuple(sorted(set(faults))))
    return build(file, page.origin, Page(data, interpolation.filled))


def files_named(path: Path) -> frozenset[Path]:
    """Tell which files a configuration takes values from, however faulty it is; none where it cannot be read."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return frozenset()
    return frozenset(Path(name) for name in FILE_MARK.findall(text) if "\0" not in name)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _unreadable(
            path, "there is no such file; expected a configuration, as config/relay.yaml is one"
        ) from error
    except OSError as error:
        raise _unreadable(path, f"this cannot be read: {error.strerror}; expected a file") from error


def _unreadable(path: Path, message: str) -> ConfigurationInvalid:
    return ConfigurationInvalid((Fault(str(path), *START, "", message),))


def _sections(data: object) -> dict[str, object]:
    """Return the file's sections without those that have nothing in them."""
    sections = data if isinstance(data, dict) else {}
    return {key: section for key, section in sections.items() if section is not None or key not in File.written_keys()}


def _surroundings(data: dict[str, object]) -> Surroundings:
    """Collect what the parts of the file must know of each other."""
    server = data.get("server")
    return Surroundings(
        sources=_names(data.get("sources", {})),
        targets=_names(data.get("targets", {})),
        routes_alike=_routes_alike(data.get("routes")),
        has_public_url=isinstance(server, dict) and "public_url" in server,
    )


def _names(section: object) -> frozenset[str] | None:
    return frozenset(section) if isinstance(section, dict) else None


def _routes_alike(section: object) -> frozenset[str]:
    routes = section if isinstance(section, list) else []
    names = Counter(str(route["name"]) for route in routes if isinstance(route, dict) and "name" in route)
    return frozenset(name for name, count in names.items() if count > 1)
