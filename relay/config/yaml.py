"""YAML 1.2 into plain data, with the position of every key and value, and every fault that is one of form."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from relay.config.origin import START, Absent, KeyPath, Origin, Position, dotted
from relay.errors import ConfigurationInvalid, Fault

VALUES_MAX = 100_000  # aliases of aliases make a small file as large as they like
DEPTH_MAX = 20

_TAG = "tag:yaml.org,2002:"
_TEXT = f"{_TAG}str"
_PLAIN = {f"{_TAG}{kind}" for kind in ("null", "bool", "int", "float", "timestamp", "merge", "value")}
_KNOWN_TAGS = {f"{_TAG}map", f"{_TAG}seq", _TEXT, *_PLAIN}

_NULL = re.compile(r"~?|null|Null|NULL")
_BOOL = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")  # half of a UTF-16 pair, written as an escape

# What stands in the file is never repeated: an unquoted secret may begin with `!` or `*`.
_TAGGED = "a value that begins with `!` is a tag, and means nothing here; expected a plain value, or quotes around it"
_HALVED = "half of a character stands here, as `\\u` escapes make it; expected whole ones"
_HOLDS_TWO = "expected one `key: value` on a line; a value that holds `: ` must be quoted"
_WORDS = (  # of the parser's complaints, and what they mean to a person
    (r"character '\\t'", "a tab stands here; YAML is indented with spaces"),
    (r"mapping values are not allowed", _HOLDS_TWO),
    (r"but got '\{'", "expected `,` or the closing bracket; inside brackets, ${NAME} must be quoted"),
    (r"but got '<stream end>'", "a bracket is never closed"),
    (r"unexpected end of stream|while scanning a quoted", "a quotation mark is never closed"),
    (r"could not find expected ':'", "expected `key: value`"),
    (r"another document", "expected one document; a second one begins here"),
    (r"character '(.)' that cannot start", r"a value that begins with `\1` must be quoted"),
    (r"undefined alias", "a value that begins with `*` stands for one above, and there is none so called; quote it"),
    (r"parsing a tag|scanning a tag|tag handle", _TAGGED),
    (r"unknown escape character '(.)'", r"`\\\1` means nothing in double quotes; use single quotes, or `\\\\`"),
    (r"expected <block end>", "the indentation does not match the lines above"),
)


@dataclass(slots=True)
class Page:
    """A file as data. What has a fault of its own stands as `Absent.VALUE` in it, an empty section as None."""

    data: dict[str, object]
    origin: Origin
    faults: list[Fault]


def parse(content: bytes, file: str) -> Page:
    """Read a file's content. Errors: ConfigurationInvalid, with the one fault beyond which nothing can be read."""
    node = _compose(_decode(content, file), file)
    if node is None:
        raise _unreadable(file, START, "the file is empty; expected `sources`, `targets` and `routes`")
    if not isinstance(node, MappingNode):
        raise _unreadable(file, START, "expected keys such as `sources:`, `targets:` and `routes:` at the top")
    builder = _Builder(file)
    data = builder.node(node, ())
    return Page(data if isinstance(data, dict) else {}, Origin(file, builder.keys, builder.values), builder.faults)


def _unreadable(file: str, position: Position, message: str) -> ConfigurationInvalid:
    return ConfigurationInvalid((Fault(file, *position, "", message),))


def _decode(content: bytes, file: str) -> str:
    unmarked = content.removeprefix(BOM_UTF8)
    try:
        return unmarked.decode()
    except UnicodeDecodeError as error:
        position = _position_after(unmarked[: error.start].decode())
        raise _unreadable(file, position, "a byte that is not UTF-8; expected text in UTF-8") from error


def _position_after(text: str) -> Position:
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _compose(text: str, file: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # YAML 1.2 lets an anchor be set anew
    try:
        root: Node | None = yaml.compose(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = (mark.line + 1, mark.column + 1) if mark else START
        raise _unreadable(file, position, _complaint(error)) from error
    except ReaderError as error:
        raise _unreadable(file, _position_after(text[: error.position]), "a character that YAML forbids") from error
    except (YAMLError, RecursionError, ValueError) as error:
        raise _unreadable(file, START, "this cannot be read as YAML") from error
    return root


def _complaint(error: MarkedYAMLError) -> str:
    """Say in a person's words what the parser stumbled over."""
    problem = f"{error.context or ''} {error.problem or ''}".strip()
    for pattern, words in _WORDS:
        if match := re.search(pattern, problem):
            return match.expand(words)
    return f"not YAML: {problem}"


@dataclass(slots=True)
class _Builder:
    """Turns nodes into data, and notes where each stood."""

    file: str
    keys: dict[KeyPath, Position] = field(default_factory=dict)
    values: dict[KeyPath, Position] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    open_nodes: set[int] = field(default_factory=set)  # those being built: none may be inside of itself

    def node(self, node: Node, path: KeyPath) -> object:
        """Build one node and all inside it."""
        self.values[path] = _position(node)
        if len(self.values) > VALUES_MAX:
            raise _unreadable(self.file, _position(node), f"the file holds more than {VALUES_MAX} values")
        if len(path) > DEPTH_MAX:
            return self.refuse(node, path, f"nested more than {DEPTH_MAX} levels deep")
        if id(node) in self.open_nodes:
            return self.refuse(node, path, "an alias stands inside of what it repeats")
        if node.tag not in _KNOWN_TAGS:
            return self.refuse(node, path, _TAGGED)
        self.open_nodes.add(id(node))
        built = self.built(node, path)
        self.open_nodes.remove(id(node))
        return built

    def built(self, node: Node, path: KeyPath) -> object:
        match node:
            case MappingNode():
                return self.mapping(node, path)
            case SequenceNode():
                return [self.node(item, (*path, index)) for index, item in enumerate(node.value)]
            case _:
                return self.scalar(node, path)

    def mapping(self, node: MappingNode, path: KeyPath) -> dict[str, object]:
        built = {}
        for key, value in self.entries(node, path):
            self.keys[(*path, key.value)] = _position(key)
            built[key.value] = self.node(value, (*path, key.value))
        return built

    def entries(self, node: MappingNode, path: KeyPath) -> Iterator[tuple[ScalarNode, Node]]:
        """Yield the entries, and tell of keys that cannot be, or are there twice: the first of them counts."""
        first: dict[str, Position] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.refuse(key, path, "expected a word as the key")
            elif _HALF_CHARACTER.search(key.value):
                self.refuse(key, path, _HALVED)
            elif key.tag == f"{_TAG}merge":
                self.refuse(key, (*path, "<<"), "merge keys are not part of YAML 1.2; write the keys out")
            elif key.value in first:
                line, _ = first[key.value]
                self.refuse(key, (*path, key.value), f"this key is there twice, first on line {line}; keep one of them")
            else:
                first[key.value] = _position(key)
                yield key, value

    def scalar(self, node: Node, path: KeyPath) -> object:
        value = node.value if node.tag == _TEXT else _core_value(node.value)
        if _HALF_CHARACTER.search(node.value):
            return self.refuse(node, path, _HALVED)
        if value is None and len(path) > 1:  # a section may be empty
            return self.refuse(node, path, "nothing stands here; expected a value", self.keys.get(path))
        return value

    def refuse(self, node: Node, path: KeyPath, message: str, position: Position | None = None) -> Absent:
        self.faults.append(Fault(self.file, *(position or _position(node)), dotted(path), message))
        return Absent.VALUE


def _position(node: Node) -> Position:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _core_value(text: str) -> str | int | float | bool | None:
    """Read an unquoted scalar by YAML 1.2's core schema, without its octal and hexadecimal numbers.

    Source: https://yaml.org/spec/1.2.2/#1032-tag-resolution
    """
    if _NULL.fullmatch(text):
        return None
    if match := _BOOL.fullmatch(text):
        return match[1] is not None
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
