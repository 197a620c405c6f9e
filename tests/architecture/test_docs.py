"""The documentation tells what the code does: its reference is made from the code, and everything is named."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from relay import presets
from relay.config.models.targets import KINDS
from relay.targets import presets as target_presets

ROOT = Path(__file__).parents[2]


def the_generator() -> ModuleType:
    spec = spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES: dict[str, str] = the_generator().pages()


@pytest.mark.parametrize("place", PAGES)
def test_a_generated_page_is_what_the_code_says(place: str) -> None:
    """Run docs/generate.py after a change."""
    assert PAGES[place] == (ROOT / "docs" / place).read_text()


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_is_named(name: str) -> None:
    """A vendor that nobody can find does not exist."""
    assert f"`{name}`" in (ROOT / "docs" / "reference" / "presets.md").read_text()


@pytest.mark.parametrize("name", target_presets.names())
def test_every_target_preset_is_named(name: str) -> None:
    """And has its example there."""
    page = (ROOT / "docs" / "targets.md").read_text()

    assert f"## `{name}`" in page
    assert f"  {name}: {target_presets.find(name).example}" in page


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.driver is not None])
def test_a_kind_that_needs_a_driver_says_what_to_install(name: str) -> None:
    """Before `relay check` does."""
    assert f"`pip install 'callback-relay[{name}]'`" in (ROOT / "docs" / "targets.md").read_text()


def test_every_decision_is_numbered_and_says_why() -> None:
    """A successor who would question it finds the reason."""
    for note in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        assert note.name[:4].isdigit()
        assert "**Why.**" in note.read_text(), note.name


def test_what_the_page_on_security_names_as_its_proof_is_there() -> None:
    """A promise whose test was moved or renamed would look as if it were kept."""
    page = (ROOT / "docs" / "security.md").read_text()
    names = set(re.findall(r"`(?:[a-z/]+/)?(test_[a-z_]+\.py)`", page))
    paths = set(re.findall(r"`(tests/[a-z_/]+(?:\.py)?)`", page))

    assert names
    assert [] == sorted(name for name in names if not list((ROOT / "tests").rglob(name)))
    assert [] == sorted(path for path in paths if not (ROOT / path).exists())
