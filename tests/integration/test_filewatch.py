"""Each way of replacing a file is seen: two looks, half a second apart, are enough."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.filewatch import ConfigFiles
from relay.reloading import LOOK_EVERY_S

SEEN_S_MAX = 2.0
OLD, NEW = "sources: {}\n", "targets: {}\n"  # of one length


def written_in_place(path: Path) -> None:
    """As `>` does, and what a Docker bind mount of a single file passes on."""
    path.write_text(NEW)


def renamed_over(path: Path) -> None:
    """As editors and `sed -i` do."""
    draft = path.with_name(".relay.yaml.swp")
    draft.write_text(NEW)
    draft.replace(path)


def moved_away_first(path: Path) -> None:
    """As editors that keep a backup do."""
    path.rename(path.with_name("relay.yaml~"))
    path.write_text(NEW)


def moved_in_with_its_old_time(path: Path) -> None:
    """As `cp -p` and `mv` of a file prepared long ago do."""
    prepared = path.with_name("prepared.yaml")
    prepared.write_text(NEW)
    found = path.stat()
    os.utime(prepared, ns=(found.st_atime_ns, found.st_mtime_ns))
    prepared.replace(path)


WAYS = [written_in_place, renamed_over, moved_away_first, moved_in_with_its_old_time]


def changes_by(files: ConfigFiles) -> list[bool]:
    return [files.look(), files.look()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "relay.yaml"
    path.write_text(OLD)
    return path


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_is_replaced_is_seen_at_the_second_look(path: Path, way: Callable[[Path], None]) -> None:
    """The first look may see half of it."""
    files = ConfigFiles(path)
    assert [False, False] == changes_by(files)

    way(path)

    assert [False, True] == changes_by(files)


def test_three_looks_fit_into_the_time_that_is_promised() -> None:
    """One just before the change, and two after it."""
    assert 3 * LOOK_EVERY_S <= SEEN_S_MAX


def test_a_configmap_is_seen_when_its_link_is_swapped(tmp_path: Path) -> None:
    """Kubernetes mounts links to `..data`, itself a link to a folder that is never changed, and swaps that one."""
    for stamp, text in (("..2026_07_01", OLD), ("..2026_07_02", NEW)):
        (tmp_path / stamp).mkdir()
        (tmp_path / stamp / "relay.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("..2026_07_01")
    (tmp_path / "relay.yaml").symlink_to("..data/relay.yaml")
    files = ConfigFiles(tmp_path / "relay.yaml")

    (tmp_path / "..data_tmp").symlink_to("..2026_07_02")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")

    assert [False, True] == changes_by(files)


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_that_the_file_takes_from_another_is_seen(tmp_path: Path, way: Callable[[Path], None]) -> None:
    """Secrets are rotated without a change of the configuration itself."""
    secret, path = tmp_path / "secret", tmp_path / "relay.yaml"
    secret.write_text("an-older-one")
    path.write_text(f'admin: {{tokens: ["${{file:{secret}}}"]}}\n')
    files = ConfigFiles(path)

    way(secret)

    assert [False, True] == changes_by(files)


def test_a_file_that_is_being_written_is_left_until_it_rests(path: Path) -> None:
    """Half a file is a faulty one, and its faults would be told for nothing."""
    files = ConfigFiles(path)
    seen = []
    for pieces in range(1, 4):
        path.write_text(NEW * pieces)
        seen.append(files.look())

    assert [False, False, False] == seen
    assert files.look()


def test_what_was_taken_note_of_is_no_news(path: Path) -> None:
    """Whoever asked for a reload by a signal does not get it twice."""
    files = ConfigFiles(path)
    renamed_over(path)
    files.take_note()

    assert [False, False] == changes_by(files)


def test_a_file_that_is_gone_is_news_and_so_is_its_return(path: Path) -> None:
    """That it cannot be read is told, and nothing changes; once it is back, it is read."""
    files = ConfigFiles(path)
    path.unlink()
    assert [False, True] == changes_by(files)
    files.take_note()

    path.write_text(OLD)

    assert [False, True] == changes_by(files)
