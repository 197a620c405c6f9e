"""The commands as a person calls them, in a folder of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relay.cli import main
from relay.store.protocol import Store
from relay.store.walking import walk
from tests.integration.cli.office import Office
from tests.storage import Storage

GOOD = """\
server: {public_url: 'https://hooks.example.com'}
sources:
  invoices: {preset: invoice-collector, token: '${TOKEN}'}
  erp-events: {verify: basic, secret: 'user:${TOKEN}'}
  shop: {verify: none}
targets:
  erp: {url: 'http://127.0.0.1:9/hooks'}
routes:
  - {from: [invoices, erp-events], to: erp}
"""
FAULTY = "sources:\n  shop: {}\nserver: {graze: 5s}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with `config/relay.yaml` and a faulty file, and with one variable set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", "s3cret/of ours")
    monkeypatch.delenv("RELAY_CONFIG", raising=False)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "relay.yaml").write_text(GOOD)
    (tmp_path / "faulty.yaml").write_text(FAULTY)
    return tmp_path


@pytest.fixture
def call(folder: Path) -> Callable[..., Result]:
    """Call `relay` with arguments."""

    def call_relay(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return call_relay


@pytest.fixture
def kept(folder: Path, storage: Storage) -> Storage:
    """Have `config/relay.yaml` name a database of each engine in turn."""
    (folder / "config" / "relay.yaml").write_text(f"storage: {{url: '{storage.url}'}}\n{GOOD}")
    return storage


@pytest.fixture
def office(folder: Path, storage: Storage) -> Office:
    """Stand where `config/relay.yaml` names a database of each engine in turn."""
    office = Office(folder, storage)
    office.do(_nothing)
    return office


async def _nothing(_: Store) -> None: ...


@pytest.fixture
def one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each page of a search be one step, as it is where a history is large."""
    defaults = walk.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "seconds_max", 0.0)
