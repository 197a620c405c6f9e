"""A configuration file in a folder of its own, and what comes of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from relay.config import Config, load
from relay.errors import ConfigurationInvalid

Loading = Callable[..., Config]
Faulting = Callable[..., list[str]]

SECRETS = {"SECRET": "a-secret-of-the-vendor", "OLD": "an-older-secret-of-it"}


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loading:
    """Write `relay.yaml` and load it, with two secrets in the environment."""
    monkeypatch.chdir(tmp_path)

    def load_text(text: str | bytes, **environ: str) -> Config:
        path = Path("relay.yaml")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(path, SECRETS | environ)

    return load_text


@pytest.fixture
def faults(loaded: Loading) -> Faulting:
    """Load a faulty `relay.yaml`; return its faults as a person sees them."""

    def faults_of(text: str | bytes, **environ: str) -> list[str]:
        with pytest.raises(ConfigurationInvalid) as raised:
            loaded(text, **environ)
        return str(raised.value).splitlines()

    return faults_of
