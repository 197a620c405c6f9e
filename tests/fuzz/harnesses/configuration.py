"""The configuration file: any bytes are a configuration, or faults with a place and without a secret."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from relay import config
from relay.config.interpolation import FILE_MARK
from relay.errors import ConfigurationInvalid
from tests.fuzz.harness import Harness

SHIPPED = Path(__file__).parents[3] / "config"
CANARY = "canary-7f3a9b"
SMALL = (
    "sources:\n  a: {scheme: none}\n",
    "targets:\n  a: {preset: tosend}\n",
    'sources:\n  a: {verify: {scheme: hmac, header: X, signed: "{a\\nb}"}}\n',
    "sources: &a\n  b: *a\n",
    "targets: {t: {url: https://example.com, retry: {delays: [1s, 1m]}}}\nroutes: [{from: a, to: t}]\n",
    'server: {listen: "[::1]:80", trusted_proxies: [10.0.0.0/8]}\n',
    "sources:\n  a:\n    verify: {scheme: hmac, header: X, secret: '${S}', signed: '{timestamp}.{body}'}\n",
)


class AnyVariable(Mapping[str, str]):
    """An environment in which every variable holds the canary."""

    def __getitem__(self, name: str) -> str:
        return CANARY

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def check(data: bytes) -> None:
    if FILE_MARK.search(data.decode(errors="replace")):  # would read any file of this machine, an endless one too
        return
    with NamedTemporaryFile(prefix="relay-fuzz-", suffix=".yaml") as file:
        Path(file.name).write_bytes(data)
        try:
            loaded = config.load(Path(file.name), AnyVariable())
        except ConfigurationInvalid as error:
            check_faults(error)
            return
    config.doubts(loaded, lambda _: None)
    assert CANARY not in str(config.redacted(loaded.written))


def check_faults(error: ConfigurationInvalid) -> None:
    """Every fault has a place, one line, and nothing of a secret."""
    assert error.faults
    for fault in error.faults:
        assert fault.line >= 1
        assert fault.column >= 1
        assert fault.message
        assert CANARY not in str(fault)
        assert len(str(fault).splitlines()) == 1


def seeds() -> Iterator[bytes]:
    for path in sorted((*SHIPPED.glob("relay*.yaml"), *(SHIPPED / "examples").glob("*.yaml"))):
        yield from sections(path.read_text())
    for text in SMALL:
        yield text.encode()


def sections(text: str) -> Iterator[bytes]:
    """Yield a file without its comments, whole where it is short, and each of its sections."""
    plain = "\n".join(line for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))
    if len(plain) < 1500:
        yield plain.encode() + b"\n"
    for section in plain.split("\n\n"):
        yield section.encode()[:1500] + b"\n"


HARNESS = Harness(check, seeds, runs=300)
