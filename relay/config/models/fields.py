"""The kinds of value in the file: how each is read, and how the schema describes it to an editor."""

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, PlainValidator, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from yarl import URL

from relay.config.misfits import Expected, Misfit, listing
from relay.config.result import Address, Database, PostgresDatabase, SqliteDatabase
from relay.config.units import (
    DURATION_PATTERN,
    RATE_PATTERN,
    SIZE_PATTERN,
    parse_duration,
    parse_rate,
    parse_size,
)
from relay.domain import METHODS, Expression, Rate, Secret, Term
from relay.errors import ExpressionInvalid, SecretInvalid
from relay.expressions import compile_expression, compile_term
from relay.request_path import compile_request_path
from relay.verification.standard_webhooks import key_of

SECRET_CHARACTERS_MIN = 8
KEY_BYTES_MIN, KEY_BYTES_MAX = 16, 64
PORT_MAX = 65535
FOREVER = "forever"
POSTGRES_FORM = "postgresql://USER:PASSWORD@HOST[:PORT][,HOST…]/DATABASE"
POSTGRES_SOCKET = "postgresql:///DATABASE?host=/FOLDER/OF/ITS/SOCKET"
POSTGRES_ESCAPES = "with %40 %2F %3F %23 %25 for @ / ? # % in the password"

_MARK = r"\$\{"  # any value may come from the environment, which an editor cannot know
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
_HEADER = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}"  # RFC 9110, 5.6.2
_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/\[\]]+)):([0-9]{1,5})")
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?"
_OPTION = r"[^&=#\s]+=[^&=#\s]+"
_POSTGRES = re.compile(
    rf"postgres(?:ql)?://(?:[^@/?#\s]+@)?(?P<hosts>{_HOST}(?:,{_HOST})*)?/(?P<name>[^/?#\s]+)"
    rf"(?:\?(?P<options>{_OPTION}(?:&{_OPTION})*))?"
)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # a tab may stand in a header


def as_text(pattern: str | None = None) -> WithJsonSchema:
    """Describe what is written as text."""
    return WithJsonSchema({"type": "string", **({"pattern": f"^({pattern})$|{_MARK}"} if pattern else {})})


def as_value(kind: str, pattern: str = "") -> WithJsonSchema:
    """Describe what is written as a value of YAML's own, as text of a pattern, or taken from the environment."""
    text_pattern = f"^({pattern})$|{_MARK}" if pattern else _MARK
    return WithJsonSchema({"anyOf": [{"type": kind}, {"type": "string", "pattern": text_pattern}]})


@dataclass(frozen=True, slots=True)
class Within:
    """Bounds on a value, told as people write it."""

    least: str
    most: str
    parse: Callable[[str], Any] = float

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = deepcopy(handler(schema))  # the schema of a kind of value is shared by all of its fields
        if self.parse is float:
            described["anyOf"][0] |= {"minimum": int(self.least), "maximum": int(self.most)}
        return described

    def check(self, value: Any) -> Any:
        """Return a value that is within the bounds. Errors: Expected."""
        if self.parse(self.least) <= value <= self.parse(self.most):
            return value
        raise Expected(f"{self.least} to {self.most}")


def text(value: object) -> str:
    """Read text. Errors: Expected, also for what YAML takes for a number or a truth."""
    if isinstance(value, str):
        return value
    raise Expected("text, in quotes" if isinstance(value, int | float) else "text")


def line(value: object) -> str:
    """Read text without control characters. Errors: Misfit."""
    if _UNPRINTABLE.search(content := text(value)):
        raise Misfit("a control character such as a line break stands in it; expected one line of text")
    return content


def lines(value: object) -> str:
    """Read text without control characters other than line breaks. Errors: Misfit."""
    content = text(value)
    if _UNPRINTABLE.search(content.replace("\n", "")):
        raise Misfit("a control character stands in it; expected text, of which only line breaks are kept as they are")
    return content


def whole(value: object) -> int:
    """Read a whole number. Errors: Expected."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):  # from the environment
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Expected("a whole number")


def number(value: object) -> float:
    """Read a number. Errors: Expected."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", value):  # from the environment
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise Expected("a number")


def flag(value: object) -> bool:
    """Read true or false. Errors: Expected."""
    if value in ("true", "false"):  # from the environment
        return value == "true"
    if isinstance(value, bool):
        return value
    raise Expected("true or false")


def name(value: object) -> str:
    """Read the name of a source or target, which stands in URLs, metrics and logs. Errors: Expected."""
    if re.fullmatch(_NAME, found := text(value)):
        return found
    raise Expected("a name of letters, digits, `-` and `_`, at most 63, beginning with a letter or digit")


def header_name(value: object) -> str:
    """Read a header's name. Errors: Expected."""
    if re.fullmatch(_HEADER, found := text(value)):
        return found
    raise Expected("a header's name, such as X-Signature")


def secret(value: object) -> Secret:
    """Read a secret that nobody can guess by trying. Errors: Misfit, which never tells it."""
    content = text(value)
    if not content.strip():
        raise Misfit(f"the secret is blank; expected at least {SECRET_CHARACTERS_MIN} characters")
    if len(content) < SECRET_CHARACTERS_MIN:
        raise Misfit(f"the secret is too short; expected at least {SECRET_CHARACTERS_MIN} characters")
    return Secret(content)


def credential(value: object) -> Secret:
    """Read what a target wants to see of us, as a header can carry it. Errors: Misfit, which never tells it."""
    content = line(value)
    if content != content.strip() or not content:
        raise Misfit("expected a value without spaces at its ends, and not an empty one")
    return Secret(content)


def signing_key(value: object) -> Secret:
    """Read a key of Standard Webhooks, and return its bytes. Errors: Misfit, which never tells it."""
    try:
        key = key_of(Secret(text(value)))
    except SecretInvalid:
        key = Secret(b"")
    if KEY_BYTES_MIN <= len(key.reveal()) <= KEY_BYTES_MAX:
        return key
    raise Misfit(f"expected whsec_ and {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes in base64")


def window(value: object) -> timedelta | None:
    """Read how long a repeat is a duplicate; None is for ever. Errors: Expected."""
    if value == FOREVER:
        return None
    try:
        duration: timedelta = Within("1ms", "36500d", parse_duration).check(parse_duration(value))
    except Expected as misfit:
        raise Expected(f"{str(misfit).removeprefix('expected ')}, or {FOREVER}", misfit.near) from None
    return duration


def network(value: object) -> IPv4Network | IPv6Network:
    """Read an address, or a network whose address ends where its mask does. Errors: Expected."""
    content = text(value)
    try:
        return ip_network(content)
    except ValueError:
        raise Expected("a network such as 10.0.0.0/8, or an address", _masked(content)) from None


def _masked(content: str) -> str | None:
    """Return a network without the bits outside its mask, or None where it is no network at all."""
    try:
        return str(ip_network(content, strict=False))
    except ValueError:
        return None


def address(value: object) -> Address:
    """Read where to listen. Errors: Expected."""
    match = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[3]) > PORT_MAX:
        raise Expected("HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
    return Address(match[1] or match[2], int(match[3]))


def http_url(value: object) -> URL:
    """Read a URL that can be called: path and query stay as they are written. Errors: Expected, Misfit."""
    content = text(value)
    if any(character.isspace() or not character.isprintable() for character in content):
        raise Misfit("expected a URL without spaces and control characters")
    try:
        url = URL(content, encoded=content.isascii())
        is_whole = url.scheme in ("http", "https") and url.raw_host and url.port
    except ValueError:
        is_whole = False
    if not is_whole:
        raise Expected("a URL such as https://erp.example.com/hooks")
    if "#" in content:
        raise Misfit("expected a URL without a fragment: a `#` and what follows it are never sent")
    return url


def public_url(value: object) -> str:
    """Read our own URL, as senders see it. Errors: Expected, Misfit."""
    url = http_url(value)
    if url.raw_user is not None or "?" in str(value):
        raise Expected("only scheme, host and perhaps a path, such as https://hooks.example.com")
    return text(value).rstrip("/")


def database(value: object) -> Database:
    """Read the database's URL. Errors: Expected, Misfit."""
    scheme, separator, rest = text(value).partition("://")
    if scheme in ("postgresql", "postgres") and separator:
        return _postgres(text(value))
    path = rest.removeprefix("/")
    is_file = rest.startswith("/") and not path.endswith(("/", ":memory:")) and path and "?" not in path
    if scheme != "sqlite" or not separator or not is_file:
        raise Expected(f"sqlite:///PATH, such as sqlite:///data/relay.db, or {POSTGRES_FORM}")
    return SqliteDatabase(Path(path))  # as in SQLAlchemy, a path after three slashes is relative


def _postgres(url: str) -> PostgresDatabase:
    """Read a URL of one server, or of several of which one is the primary. What is shown has no user, and no option."""
    match = _POSTGRES.fullmatch(url)
    if match is None:
        raise Expected(f"{POSTGRES_FORM}, {POSTGRES_ESCAPES}")
    options = dict(parse_qsl(match["options"] or ""))
    if not match["hosts"] and not options.get("host", "").startswith("/"):
        raise Expected(f"a host, or {POSTGRES_SOCKET}")
    if any(int(port) > PORT_MAX for port in re.findall(r":([0-9]+)(?:,|$)", match["hosts"] or "")):
        raise Expected(f"ports up to {PORT_MAX}")
    if options.get("sslrootcert") == "system" and options.get("sslmode", "verify-full") != "verify-full":
        raise Expected("sslmode=verify-full beside sslrootcert=system: anybody has a certificate of some authority")
    if find_spec("asyncpg") is None:
        raise Misfit("PostgreSQL needs a driver that is not installed; expected pip install 'callback-relay[postgres]'")
    if not match["hosts"]:
        return PostgresDatabase(Secret(url), f"postgresql:///{match['name']}?host={options['host']}")
    return PostgresDatabase(Secret(url), f"postgresql://{match['hosts']}/{match['name']}")


def method(value: object) -> Expression:
    """Read a method, or an expression that finds one. Errors: Expected, ExpressionInvalid."""
    content = text(value)
    if content.upper() in METHODS:
        if content not in METHODS:
            raise Expected(f"{listing(METHODS)}, or an expression that finds one", content.upper())
        return compile_expression(f"'{content}'")
    return compile_expression(content)


def _compiled(compile_text: Callable[[str], Any]) -> PlainValidator:
    def read(value: object) -> Any:
        try:
            return compile_text(text(value))
        except ExpressionInvalid as error:
            raise Misfit(
                f"not a valid expression: {error}", concealed="not a valid expression; expected JMESPath"
            ) from error

    return PlainValidator(read)


Text = Annotated[str, PlainValidator(text), as_text()]
Line = Annotated[str, PlainValidator(line), as_text()]
Lines = Annotated[str, PlainValidator(lines), as_text()]
Whole = Annotated[int, PlainValidator(whole), as_value("integer")]
Number = Annotated[float, PlainValidator(number), as_value("number")]
Flag = Annotated[bool, PlainValidator(flag), as_value("boolean")]
Name = Annotated[str, PlainValidator(name), WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$"})]
HeaderName = Annotated[str, PlainValidator(header_name), as_text(_HEADER)]
SecretText = Annotated[Secret, PlainValidator(secret), as_text()]
Credential = Annotated[Secret, PlainValidator(credential), as_text()]
SigningKey = Annotated[Secret, PlainValidator(signing_key), as_text(r"(whsec_)?[A-Za-z0-9+/]+=*")]
Duration = Annotated[timedelta, PlainValidator(parse_duration), as_text(DURATION_PATTERN)]
Window = Annotated[timedelta | None, PlainValidator(window), as_text(f"{FOREVER}|{DURATION_PATTERN}")]
Size = Annotated[int, PlainValidator(parse_size), as_value("integer", SIZE_PATTERN)]
RateText = Annotated[Rate, PlainValidator(parse_rate), as_text(RATE_PATTERN)]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(network), as_text()]
Listen = Annotated[Address, PlainValidator(address), as_text(r".+:[0-9]{1,5}")]
TargetUrl = Annotated[URL, PlainValidator(http_url), as_text("https?://.+")]
PublicUrl = Annotated[str, PlainValidator(public_url), as_text("https?://.+")]
DatabaseUrl = Annotated[Database, PlainValidator(database), as_text("(sqlite:///|postgres(ql)?://).+")]
MethodText = Annotated[Expression, _compiled(method), as_text()]
PathText = Annotated[Expression, _compiled(compile_request_path), as_text()]
ExpressionText = Annotated[Expression, _compiled(compile_expression), as_text()]
TermText = Annotated[Term, _compiled(compile_term), as_text()]
