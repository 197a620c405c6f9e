"""What may be shown of a request or a configuration: nothing that opens, proves or identifies."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from relay.config import Address, Config
from relay.config.units import told_duration
from relay.domain import NetworkTarget, Route, Secret

MASK = "***"

# Names of headers whose values prove who sends. Rather one too many: whoever needs it has it at the vendor's.
_PROOF = re.compile(
    r"auth|cookie|secret|token|sign|(^|[-_])sig([-_]|$)|hmac|digest|hash|key|pass|credential|session|jwt|proof",
    re.IGNORECASE,
)
_LONE = re.compile("[\ud800-\udfff]")  # what stands for bytes that are no text, or for half a character


def shown_headers(headers: Iterable[tuple[str, str]], credentials: frozenset[str] = frozenset()) -> list[list[str]]:
    """Return headers with the values of those masked that may be a credential or a signature."""
    return [
        [shown_text(name), MASK if name.lower() in credentials or _PROOF.search(name) else shown_text(value)]
        for name, value in headers
    ]


def shown_path(path: str) -> str:
    """Return the path of a request to a source without a token that may follow its name."""
    return "/".join(path.split("/")[:3])


def shown_config(config: Config) -> dict[str, Any]:
    """Return a configuration as it is in use, each secret as ***."""
    return {
        "server": _shown(config.server),
        "admin": _shown(config.admin),
        "storage": {**_shown_fields(config.storage), "database": str(config.storage.database)},
        "quarantine": _shown(config.quarantine),
        "sources": {name: _shown(source) for name, source in config.sources.items()},
        "targets": {name: _shown(target) for name, target in config.targets.items()},
        "notify": _shown(config.notify),
        "heartbeat": _shown(config.heartbeat),
    }


def _shown(value: object) -> Any:  # noqa: PLR0911 - one line for each kind of value
    match value:
        case None | bool() | int() | float():
            return value
        case Secret() | bytes():
            return MASK
        case str():
            return shown_text(value)
        case timedelta():
            return told_duration(value)
        case Address() | IPv4Network() | IPv6Network() | Path():
            return str(value)
        case Mapping():
            return {str(name): _shown(each) for name, each in value.items()}
        case tuple() | list() | frozenset():
            return [_shown(each) for each in (sorted(value) if isinstance(value, frozenset) else value)]
    return _shown_thing(value)


def _shown_thing(value: object) -> Any:
    """Show an expression by its text, a noun by its fields, and anything else by its kind."""
    if isinstance(text := getattr(value, "text", None), str):
        return shown_text(text)
    if not is_dataclass(value):
        return type(value).__name__
    shown = _shown_fields(value)
    if isinstance(value, Route):
        return {**shown, "targets": [target.name for target in value.targets]}
    return {**shown, "url": value.address} if isinstance(value, NetworkTarget) else shown


def _shown_fields(value: object) -> dict[str, Any]:
    told = [each.name for each in fields(value) if not each.name.startswith("_")]  # type: ignore[arg-type]
    return {name: _shown(getattr(value, name)) for name in told}


def shown_text(text: str) -> str:
    """Return a text that JSON can hold, whatever bytes it came from."""
    return _LONE.sub("\N{REPLACEMENT CHARACTER}", text)
