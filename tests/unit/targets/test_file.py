"""Files: whole or not there, named safely, and never one in another's place."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from relay.domain import Content, Event, FileTarget
from relay.expressions import compile_expression
from relay.targets.file import write
from relay.templates import compile_path
from tests.builders import an_event


def a_target(folder: Path, path: str, **settings: Any) -> FileTarget:
    return FileTarget("archive", path=compile_path(f"{folder}/{path}"), **settings)


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def named(body: bytes) -> Event:
    return an_event(body=body)


def test_a_file_goes_where_the_event_says(tmp_path: Path) -> None:
    """The contract's own example; folders are made on the way, and nothing else is left in them."""
    event = named(b'{"remote_id": "R/121", "id": 3}')

    path = write(a_target(tmp_path, "archive/{source}/{remote_id}/{id}"), event)

    assert tmp_path / "archive" / "shop" / "R_121" / event.id == path
    assert {f"archive/shop/R_121/{event.id}": event.body} == files_in(tmp_path)


def test_the_same_event_is_the_same_file(tmp_path: Path) -> None:
    """Deliveries are at least once: a second one changes nothing."""
    target, event = a_target(tmp_path, "{type}.json"), named(b"1")
    first = write(target, event)
    before = first.stat().st_ino

    assert first == write(target, event)
    assert before == first.stat().st_ino
    assert {"order.paid.json": b"1"} == files_in(tmp_path)


def test_another_event_of_the_same_name_has_a_file_of_its_own(tmp_path: Path) -> None:
    """Nothing is overwritten silently; each repeat finds its own again."""
    target, first, second = a_target(tmp_path, "{type}.json"), named(b"1"), named(b"2")
    for event in (first, second, second, first):
        write(target, event)

    assert {"order.paid.json": b"1", f"order.paid~{second.id[-20:]}.json": b"2"} == files_in(tmp_path)


def test_what_a_person_put_there_stays(tmp_path: Path) -> None:
    """Be it a file, a folder or a link that leads elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    for kind, put in (("a", Path.touch), ("b", Path.mkdir), ("c", lambda path: path.symlink_to(elsewhere))):
        put(tmp_path / kind)
        write(a_target(tmp_path, "{x}"), named(b'{"x": "%s"}' % kind.encode()))

    assert b"precious" == elsewhere.read_bytes()
    assert 3 == sum("~" in path.name for path in tmp_path.iterdir())


def test_a_replay_replaces_its_own_file(tmp_path: Path) -> None:
    """The name holds the event's id, so it is no one else's: a corrected `content` is the reason for a replay."""
    event = named(b'{"x": "aGVsbG8="}')
    write(a_target(tmp_path, "{id}"), event)
    write(a_target(tmp_path, "{id}", content=Content(compile_expression("x"), is_base64=True)), event)

    assert {event.id: b"hello"} == files_in(tmp_path)


def test_a_disk_without_links_is_written_to_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT and some shares know no second name for a file; a taken name is respected there, too."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    first, second = named(b"1"), named(b"2")
    for event in (first, second, first):
        write(a_target(tmp_path, "{type}"), event)

    assert {"order.paid": b"1", f"order~{second.id[-20:]}.paid": b"2"} == files_in(tmp_path)


def test_what_an_attempt_left_that_was_killed_is_removed(tmp_path: Path) -> None:
    """By the next attempt for the same event; another event's may still be written."""
    event = named(b"1")
    (tmp_path / f".{event.id}.0123456789abcdef.part").touch()
    (tmp_path / ".evt_other.0123456789abcdef.part").touch()

    write(a_target(tmp_path, "{type}"), event)

    assert {"order.paid": b"1", ".evt_other.0123456789abcdef.part": b""} == files_in(tmp_path)


def test_nothing_is_left_of_a_file_that_could_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is whole or not there."""

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        write(a_target(tmp_path, "{type}"), named(b"1"))

    assert {} == files_in(tmp_path)


def test_a_file_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a power cut would leave an empty one with a good name, of a delivery that stands as delivered."""
    done: list[str] = []
    fsync, link = os.fsync, os.link
    monkeypatch.setattr(os, "fsync", lambda fd: done.append(os.readlink(f"/proc/self/fd/{fd}")) or fsync(fd))  # type: ignore[func-returns-value]
    monkeypatch.setattr(os, "link", lambda *names: done.append("named") or link(*names))  # type: ignore[func-returns-value]

    write(a_target(tmp_path, "new/{type}"), named(b"1"))

    folder, part, name, last = done
    assert (str(tmp_path), "named", str(tmp_path / "new")) == (folder, name, last)
    assert part.endswith(".part")
