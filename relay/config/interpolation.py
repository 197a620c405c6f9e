"""`${NAME}`, `${NAME:-default}`, `${file:/path}`: what a file takes from outside, so that it holds no secret itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from relay.config.origin import Absent, KeyPath, Origin
from relay.errors import Fault

FILE_BYTES_MAX = 64 * 1024

_MARK = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<inside>[^{}]*)(?P<end>\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNDECODED = re.compile("[\ud800-\udfff]")  # bytes of the environment that are no UTF-8
_FILE = "file:"
FILE_MARK = re.compile(r"\$\{file:([^{}]+)\}")


class _Missing(Exception):
    """What a mark stands for cannot be had. Never tells a value."""


@dataclass(slots=True)
class Interpolation:
    """Fills in every mark of a file's data; collects what is missing, and where a value came from outside."""

    origin: Origin
    environ: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)
    filled: set[KeyPath] = field(default_factory=set)  # where the value may be a secret

    def fill(self, value: object, path: KeyPath = ()) -> object:
        """Return `value` with all in it filled in; `Absent.VALUE` where something is missing."""
        match value:
            case str():
                return self._text(value, path)
            case list():
                return [self.fill(item, (*path, index)) for index, item in enumerate(value)]
            case dict():
                return {key: self.fill(item, (*path, key)) for key, item in value.items()}
            case _:
                return value

    def _text(self, text: str, path: KeyPath) -> str | Absent:
        if "${" not in text:
            return text
        self.filled.add(path)
        pieces, end, faults_before = [], 0, len(self.faults)
        for mark in _MARK.finditer(text):
            pieces += [text[end : mark.start()], self._replacement(mark, path)]
            end = mark.end()
        return "".join([*pieces, text[end:]]) if len(self.faults) == faults_before else Absent.VALUE

    def _replacement(self, mark: re.Match[str], path: KeyPath) -> str:
        if mark["escaped"]:
            return "${"
        try:
            return self._looked_up(mark["inside"] if mark["end"] else "")
        except _Missing as missing:
            self.faults.append(self.origin.at_value(path, str(missing)))
            return ""

    def _looked_up(self, name: str) -> str:
        if name.startswith(_FILE):
            return _content(name.removeprefix(_FILE))
        name, separator, default = name.partition(":-")
        if not _NAME.fullmatch(name):
            raise _Missing("`${` stands in it alone; expected ${NAME} or ${file:/path}, or `$${` for the two signs")
        value = self.environ.get(name)
        if not value and separator:
            return default
        if not value:
            state = "not set" if value is None else "empty"
            raise _Missing(f"the environment variable {name} is {state}; expected a value in it")
        if _UNDECODED.search(value):
            raise _Missing(f"the environment variable {name} cannot be read; expected text in UTF-8")
        return value


def _content(path: str) -> str:
    """Return a file's text, without the newline that ends most files. Errors: _Missing."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1).decode()
    except OSError as error:
        raise _Missing(f"the file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or a path that no file can have
        raise _Missing(f"the file {path} cannot be read; expected text in UTF-8") from error
    if len(content) > FILE_BYTES_MAX:
        raise _Missing(f"the file {path} is larger than {FILE_BYTES_MAX} bytes; expected a secret")
    text = content.removesuffix("\n").removesuffix("\r")
    if not text:
        raise _Missing(f"the file {path} is empty; expected a value in it")
    return text
