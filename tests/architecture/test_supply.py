"""What the image is made of: pinned by version and hash, listed for those who must know, and what we ask for."""

import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.audit import judge

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "config" / "image"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
SHIPPED = [extra for extra in EXTRAS if extra != "test"]
ASKED = [
    Requirement(text)
    for texts in (PROJECT["project"]["dependencies"], *(EXTRAS[extra] for extra in SHIPPED))
    for text in texts
]
PINNED = re.compile(r"^([a-zA-Z0-9._-]+)(?:\[[^]]*\])?==([^ ;]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Return the version of each package that a file of pins holds."""
    return {canonicalize_name(package): pinned for package, pinned in PINNED.findall((IMAGE / name).read_text())}


@pytest.mark.parametrize("name", ["requirements.txt", "build.txt"])
def test_every_package_is_pinned_by_its_hashes(name: str) -> None:
    """A package that is replaced in the registry, under the same version, does not get in."""
    entries = re.split(r"\n(?=\S)", (IMAGE / name).read_text().strip())

    assert len(entries) == len(pins(name))
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_pins_are_of_what_is_asked_for() -> None:
    """Whoever changes a dependency pins anew: config/image/lock."""
    pinned = pins("requirements.txt")
    unfit = [str(asked) for asked in ASKED if Version(pinned[canonicalize_name(asked.name)]) not in asked.specifier]

    assert [] == unfit
    for text in PROJECT["build-system"]["requires"]:
        asked = Requirement(text)
        assert Version(pins("build.txt")[canonicalize_name(asked.name)]) in asked.specifier


def test_the_bill_of_materials_lists_what_is_pinned() -> None:
    """Who asks what is inside is told what is inside; only what this platform does not need is left out."""
    bill = json.loads((IMAGE / "sbom.cdx.json").read_text())
    listed = {canonicalize_name(part["name"]): part["version"] for part in bill["components"]}
    elsewhere = re.findall(r"^([a-z0-9-]+)==\S+ ; python_full_version < '3\.11\.\d+'", _lock(), re.MULTILINE)

    assert "CycloneDX" == bill["bomFormat"]
    assert (PROJECT["project"]["name"], PROJECT["project"]["version"]) == _named(bill["metadata"]["component"])
    assert {name: pin for name, pin in pins("requirements.txt").items() if name not in elsewhere} == listed
    assert all(part["purl"].startswith("pkg:pypi/") for part in bill["components"])


def test_every_dependency_has_a_bound() -> None:
    """A version that nobody here has seen is not installed; data about time zones must be the newest there is."""
    unbound = {asked.name for asked in ASKED if not any(each.operator == "<" for each in asked.specifier)}

    assert {"tzdata"} == unbound


def test_the_image_is_built_of_the_pins_alone() -> None:
    """Whatever pip would fetch by itself is not pinned."""
    installs = re.findall(r"pip install ([^\n&]*)", (ROOT / "Dockerfile").read_text())

    assert 3 == len(installs)
    assert all("--no-deps" in install for install in installs)
    assert all("--require-hashes" in install or install.split()[-2].endswith(".whl") for install in installs)


def test_the_program_says_which_version_it_is() -> None:
    """What is installed is what is described."""
    assert PROJECT["project"]["version"] == version("callback-relay")


def test_a_known_fault_of_a_package_ends_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    """It names the package and what mends it; where nothing could be asked, that is said and nothing is claimed."""
    sound: dict[str, Any] = {"name": "orjson", "version": "3.1", "vulns": []}
    faulty = {"name": "aiohttp", "version": "3.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.2"]}]}
    unknown = {"name": "yarl", "skip_reason": "it is not known"}

    assert [0, 1, 1, 0] == [judge(found) for found in ([sound], [sound, faulty], [sound, unknown], [unknown])]
    said = capsys.readouterr()
    assert "aiohttp 3.1: PYSEC-1, mended in 3.2" in said.err
    assert "NOT DONE" in said.err


def _lock() -> str:
    return (IMAGE / "requirements.txt").read_text()


def _named(component: dict[str, str]) -> tuple[str, str]:
    return component["name"], component["version"]
