"""Names to things: one module a thing, found by its name, imported only when it is used."""

import pkgutil
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@cache
def names_in(package: str) -> tuple[str, ...]:
    """List what a package offers, in order: `acme-pay` is its module `acme_pay`; `_private` ones are not shown."""
    spec = find_spec(package)
    places = [str(Path(place)) for place in (spec.submodule_search_locations or [])] if spec else []
    found = (module.name for module in pkgutil.iter_modules(places))
    return tuple(sorted(name.replace("_", "-") for name in found if not name.startswith("_")))


def load(package: str, name: str, attribute: str) -> Any:
    """Return the thing called `name`: the `attribute` of its module.

    Errors: KeyError where the package has no such module.
    """
    if name not in names_in(package):
        raise KeyError(name)
    return getattr(import_module(f"{package}.{name.replace('-', '_')}"), attribute)
