"""What is shipped beside the program, read as those read it who run it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from relay.config import Config, doubts, load
from relay.errors import ConfigurationInvalid

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
KUBERNETES = CONFIG / "kubernetes"
PROBES = {"/healthz", "/readyz"}  # on either port: test_inbound.py and test_admin.py ask for them


def documents(path: Path) -> list[dict[str, Any]]:
    """Return what stands in a YAML file."""
    return list(YAML(typ="safe").load_all(path.read_text()))


def document(path: Path) -> dict[str, Any]:
    """Return the only thing that stands in a YAML file."""
    (only,) = documents(path)
    return only


def wrong_with(path: Path, environ: Mapping[str, str]) -> list[str]:
    """Return what `relay check` finds wrong or doubtful in a file, as keys."""
    try:
        return [doubt.key for doubt in doubts(load(path, environ), lambda target: None)]
    except ConfigurationInvalid as invalid:
        return [fault.key for fault in invalid.faults]


def loaded(path: Path, environ: Mapping[str, str]) -> Config:
    """Return a file's configuration, on whatever store: nothing else of it depends on that."""
    return load(path, {**environ, "DATABASE_URL": "sqlite:///relay.db"})


def image_user() -> int:
    """Return as which user the image runs."""
    (user,) = re.findall(r"^USER (\d+):\d+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return int(user)
