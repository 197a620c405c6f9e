"""What a file says, value by value: to tell what is in use, and what another one would change."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, Union

import orjson

HIDDEN = "***"
SHOWN_CHARACTERS_MAX = 60
NAMED = {"sources": "source", "targets": "target", "routes": "route"}  # sections of things that have names

Written: TypeAlias = Mapping[str, Union["Leaf", "Written"]]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value. shown: as a person may see it, as plain data; None where it is secret or came from outside."""

    value: object = field(repr=False)
    shown: object


def redacted(written: Written) -> dict[str, object]:
    """Return everything as plain data, with `***` for what is not shown."""
    return {key: _plain(item) for key, item in written.items()}


def _plain(item: "Leaf | Written") -> object:
    if isinstance(item, Leaf):
        return HIDDEN if item.shown is None and item.value is not None else item.shown
    return redacted(item)


def changes(before: Written, after: Written) -> tuple[str, ...]:
    """Say in words what is different after a change; never a secret."""
    told: list[str] = []
    for section in dict.fromkeys([*before, *after]):
        was, becomes = _mapping(before.get(section)), _mapping(after.get(section))
        if section in NAMED:
            told += _of_named(NAMED[section], was, becomes)
        elif words := list(_of_leaves(was, becomes)):
            told.append(f"{section}: {', '.join(words)}")
    return tuple(told)


def _of_named(noun: str, before: Written, after: Written) -> Iterator[str]:
    """Tell of things by their names: which came, which went, and what became of the others."""
    yield from (f"{noun} {name} removed" for name in before if name not in after)
    for name, thing in after.items():
        if name not in before:
            yield f"{noun} {name} added"
        elif words := list(_of_leaves(_mapping(before[name]), _mapping(thing))):
            yield f"{noun} {name}: {', '.join(words)}"
    kept = [name for name in before if name in after]
    if noun == "route" and kept != [name for name in after if name in before]:
        yield "routes: their order changed"


def _of_leaves(before: Written, after: Written) -> Iterator[str]:
    was, becomes = dict(_leaves(before)), dict(_leaves(after))
    for key in dict.fromkeys([*was, *becomes]):
        if key not in becomes:
            yield f"{key} removed"
        elif key not in was:
            yield f"{key} added" if (shown := _in_words(becomes[key])) is None else f"{key} {shown} added"
        elif was[key].value != becomes[key].value:
            yield _of_leaf(key, was[key], becomes[key])


def _of_leaf(key: str, before: Leaf, after: Leaf) -> str:
    old, new = _in_words(before), _in_words(after)
    return f"{key} changed" if old is None or new is None or old == new else f"{key} {old} → {new}"


def _in_words(leaf: Leaf) -> str | None:
    """Write a value on a line, or return None where it is secret, long or unprintable."""
    if leaf.shown is None:
        return None
    text = leaf.shown if isinstance(leaf.shown, str) else orjson.dumps(leaf.shown).decode().replace('"', "")
    return text if len(text) <= SHOWN_CHARACTERS_MAX and text.isprintable() else None


def _leaves(written: Written, above: str = "") -> Iterator[tuple[str, Leaf]]:
    for key, item in written.items():
        if isinstance(item, Leaf):
            yield f"{above}{key}", item
        else:
            yield from _leaves(item, f"{above}{key}.")


def _mapping(item: "Leaf | Written | None") -> Written:
    return item if isinstance(item, Mapping) else {}
