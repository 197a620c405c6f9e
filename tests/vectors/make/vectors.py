"""What the scripts beside this one share: requests shaped as a preset's samples, signed by the vendor's own SDK.

Each script is run by hand, where that SDK is installed beside this project, and writes `tests/vectors/NAME.json`; the
tests need no SDK. `pip install -e . SDK…`, or `npm install SDK…` in the working directory; then
`python -m tests.vectors.make.NAME`.
"""

import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from relay import presets

FOLDER = Path(__file__).parent.parent
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
SECOND = timedelta(seconds=1)
SECRET = "5d41402abc4b2a76b9719d911017c592"
PUBLIC_URL = "https://hooks.example.com"
URL = f"{PUBLIC_URL}/in/it"

# Returns what the vendor adds: headers; or the whole body, where the signature stands in it.
Signer = Callable[[bytes, Mapping[str, str]], Mapping[str, str] | bytes]
# Has the vendor's own SDK judge a request; what it raises is a refusal, too.
Judge = Callable[[bytes, Mapping[str, str]], object]


def write(
    name: str,
    signed_by: str,
    sign: Signer,
    *,
    secret: str = SECRET,
    is_repeat_news: bool = False,
    more: Sequence[Mapping[str, Any]] = (),
    handshakes: Sequence[Mapping[str, Any]] = (),
    pairs: Sequence[tuple[str, str, str, int, bool]] | None = None,
    fetched: str | None = None,
    judge: tuple[str, Judge] | None = None,
    spoil: Callable[[bytes], bytes] | None = None,
    answered: int | None = None,
) -> None:
    """Write the vectors of a preset: each sample, the first one a second later again, and which are the same event.

    signed_by: what made the signatures, and its version. is_repeat_news: the same a minute later is another event, as
    this vendor numbers none and tells no time. more: further requests, signed already. judge: the vendor's own SDK,
    which must accept every request and refuse each that is spoilt: in a digit of its body, where `spoil` is not given.
    pairs: what is the same event and what is not, where that is not seen by the first sample sent twice: story, first,
    second, seconds between them, and whether they are the same. fetched: the vendor's public key, in base64 (SPKI).
    answered: the status, without a body, by which this vendor wants to be answered; of others any 2xx will do.
    """
    samples = presets.find(name).samples
    requests = [_request(sample, sample.type, "0a1b2c3d", NOW, sign) for sample in samples]
    requests.append(_request(samples[0], f"another {samples[0].type}", "4e5f6071", NOW + SECOND, sign))
    if judge is not None:
        _let_judge(judge[1], [*requests, *more], spoil or _with_another_digit)
    if fetched is not None:
        requests = [{**request, "fetched": fetched} for request in requests]
    first, another = requests[0]["name"], requests[-1]["name"]
    if pairs is None:
        pairs = [
            ("the same, again", first, first, 0 if is_repeat_news else 60, True),
            ("another one", first, another, 60, False),
            *([("the same, later", first, first, 60, False)] if is_repeat_news else []),
        ]
    told = {
        "about": "Bodies as the vendor documents them; no signature by this program.",
        "signed_by": signed_by,
        **({"accepted_by": judge[0]} if judge else {}),
        "made_by": f"python -m tests.vectors.make.{name.replace('-', '_')}",
        "secret": secret,
        **({"answered": answered} if answered else {}),
        "requests": [*requests, *more],
        "pairs": [_pair(*pair) for pair in pairs],
        "handshakes": list(handshakes),
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def of_package(name: str) -> str:
    """Name a package of PyPI and its version."""
    return f"PyPI {name} {version(name)}"


def of_node_module(name: str) -> str:
    """Name a package of npm and its version."""
    return f"npm {name} {json.loads(Path(f'node_modules/{name}/package.json').read_text())['version']}"


def by_node(script: str, **values: str) -> str:
    """Run a script in which `it` holds the values; return what it prints."""
    whole = f"const it = {json.dumps(values)};\n{script}"
    done = subprocess.run(["node", "--input-type=module", "-e", whole], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _let_judge(judge: Judge, requests: Sequence[Mapping[str, Any]], spoil: Callable[[bytes], bytes]) -> None:
    for request in requests:
        body, headers = request["body"].encode(), request["headers"]
        if not _is_accepted(judge, body, headers):
            raise AssertionError(f"refused: {request['name']}")
        if _is_accepted(judge, spoil(body), headers):
            raise AssertionError(f"accepted, spoilt: {request['name']}")


def _is_accepted(judge: Judge, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        return bool(judge(body, headers))
    except Exception:  # noqa: BLE001 - each SDK has exceptions of its own
        return False


def _with_another_digit(body: bytes) -> bytes:
    spoilt = re.sub(rb"[0-9]", lambda it: b"2" if it[0] == b"1" else b"1", body, count=1)
    return spoilt if spoilt != body else body + b"!"


def _pair(story: str, first: str, second: str, after_s: int, is_same: bool) -> dict[str, Any]:
    expected = "same event" if is_same else "another event"
    return {"story": story, "first": first, "second": second, "after_s": after_s, "expect": expected}


def _request(sample: presets.Sample, name: str, uuid: str, now: datetime, sign: Signer) -> dict[str, Any]:
    body, headers = sample.render(now, uuid), sample.rendered_headers(now, uuid)
    added = sign(body, headers)
    if isinstance(added, bytes):
        body, added = added, {}
    return {"name": name, "type": sample.type, "headers": {**headers, **added}, "body": body.decode()}
