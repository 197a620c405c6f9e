"""Writes the pages of docs/ that are made from the code: they cannot tell anything else. `python docs/generate.py`."""

import inspect
import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

from relay import config, presets
from relay.cli.presets import needs
from relay.clock import Clock
from relay.config.models.targets import KINDS
from relay.config.models.targets.base import Target
from relay.domain import ANY_TYPE
from relay.expressions.functions import FUNCTIONS, Function
from relay.runtime import SystemClock
from relay.targets import presets as target_presets
from relay.targets.headers import OURS
from relay.targets.presets import Need, TargetPreset
from relay.telemetry import Telemetry
from relay.tracing import TRACE_HEADERS

DOCS = Path(__file__).parent
VECTORS = DOCS.parent / "tests" / "vectors"
NOTE = "<!-- Made by docs/generate.py: change the code, then run it. -->"


def pages() -> dict[str, str]:
    """Return every generated page by its place in docs/."""
    return {
        "vendors.md": _page("Vendors", _vendors()),
        "targets.md": _page("Targets", chain(_targets(), ["# Systems that we send to", ""], _systems())),
        "reference/configuration.md": _page("Configuration", _configuration()),
        "reference/metrics.md": _page("Metrics", _metrics(SystemClock())),
        "reference/presets.md": _page("Presets", _presets()),
        "reference/headers.md": _page("Headers of a delivery", _headers()),
        "reference/expressions.md": _page("Expressions", _expressions()),
    }


def _vendors() -> Iterator[str]:
    yield "What we know of each vendor. With its preset a source is one line; what it `needs` is all that you write"
    yield "beside it. [The reference](reference/presets.md) says the rest; `relay send SOURCE` sends a sample, signed"
    yield "as the vendor would. Where a request is refused, `relay explain SOURCE --request FILE` says why."
    yield ""
    for name in presets.names():
        preset = presets.find(name)
        yield f"## {preset.title}: `{name}`"
        yield ""
        yield from _about(name)
        yield ""
        yield from (f"- {fact}" for fact in _facts(preset))
        yield ""


def _about(name: str) -> Iterator[str]:
    module = import_module(f"relay.presets.{name.replace('-', '_')}")
    yield inspect.getdoc(module) or ""


def _facts(preset: presets.Preset) -> Iterator[str]:
    yield f"needs: {needs(preset)}"
    questions = sorted({f"{step.method}{' (signs nothing)' if step.is_unproven else ''}" for step in preset.handshakes})
    yield f"handshake: {', '.join(questions) or 'none'}"
    yield f"key: {_by_type(preset.keys) or 'the raw body'}; window: {_by_type(preset.windows)}"
    if preset.batch is not None:
        whole = "the list" if preset.batch == "@" else f"`{preset.batch}`"
        yield f"a request with several events: each item of {whole} is stored and sent on its own"
    yield f"tested with requests that {_made(preset.name)}"
    yield f"page: <{preset.page}>"


def _made(name: str) -> str:
    told = json.loads((VECTORS / f"{name}.json").read_text())
    signer, judge = told["signed_by"], told.get("accepted_by")
    if signer.startswith("nobody"):
        return signer.replace(":", " signs:", 1)
    if judge is None:
        return f"were signed by {signer}"
    return (
        f"were signed and accepted by {judge}" if signer.endswith(judge) else f"{signer} signed, and {judge} accepted"
    )


def _by_type(said: Mapping[str, str]) -> str:
    """Write what is said by type; what holds for all, alone."""
    alone = {ANY_TYPE} == said.keys()
    return ", ".join(f"`{value}`" if alone else f"`{value}` for `{kind}`" for kind, value in said.items())


def _page(title: str, lines: Iterator[str]) -> str:
    return "\n".join([f"# {title}", "", NOTE, "", *lines]).rstrip() + "\n"


def _configuration() -> Iterator[str]:
    schema = config.schema()
    yield "One YAML file. `relay check` tells every fault in it; `relay schema` prints the JSON Schema for editors."
    yield "Durations are written `250ms 5s 10m 6h 3d`, sizes `512KiB 25MiB`, rates `100/1m`; `${NAME}` reads the"
    yield "environment (`${NAME:-default}` with a default), `${file:/run/secrets/x}` a file."
    yield ""
    for name, definition in [("The file", schema), *schema["$defs"].items()]:
        yield f"## {name}"
        yield ""
        yield definition.get("description", "")
        yield ""
        if "properties" in definition:
            yield from _table(definition)
            yield ""


def _table(definition: dict[str, Any]) -> Iterator[str]:
    required = definition.get("required", [])
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for key, value in definition["properties"].items():
        default = "*required*" if key in required else _shown(value.get("default"))
        yield f"| `{key}` | {default} | {value.get('description', '')}{_reference(value)} |"


def _shown(default: object) -> str:
    return "" if default in (None, [], {}) else f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _reference(value: dict[str, Any]) -> str:
    names = [part["$ref"].rpartition("/")[2] for part in [value, *value.get("anyOf", [])] if "$ref" in part]
    return f" See {', '.join(f'[{name}](#{name.lower()})' for name in names)}." if names else ""


def _metrics(clock: Clock) -> Iterator[str]:
    yield "`GET /metrics` on the admin port, in Prometheus's text format."
    yield ""
    yield "| metric | kind | meaning |"
    yield "|---|---|---|"
    yield from (f"| `{name}` | {kind} | {text} |" for name, kind, text in sorted(Telemetry(clock, {}).described()))


def _presets() -> Iterator[str]:
    for name in presets.names():
        preset = presets.find(name)
        schemes = ", ".join(str(scheme["scheme"]) for scheme in preset.verify)
        yield f"## `{name}`"
        yield ""
        yield f"{preset.title}: [the vendor's page]({preset.page})."
        yield ""
        yield f"- verified by: {schemes}"
        yield f"- type: `{preset.type}`"
        yield from (f"- key of `{event_type}`: `{key}`" for event_type, key in preset.keys.items())
        yield from (f"- window of `{event_type}`: {window}" for event_type, window in preset.windows.items())
        yield f"- bodies: up to {preset.max_body}{', JSON only' if preset.needs_json else ''}"
        if preset.batch is not None:
            yield f"- one request carries many events: `{preset.batch}`"
        if preset.respond_body == "none":
            yield f"- answered by {preset.respond_status}, without a body"
        if preset.handshakes:
            yield f"- handshake: by {', '.join(sorted({step.method for step in preset.handshakes}))}"
        yield f"- samples for `relay send`: {', '.join(f'`{sample.type}`' for sample in preset.samples)}"
        yield ""


def _targets() -> Iterator[str]:
    yield "What a target is, its `kind` says; without one it is called by HTTP. Every attempt ends as accepted, busy,"
    yield "errored, timed out, unreachable, rejected or blocked, whatever the kind; `timeout`, `concurrency`, `rate`,"
    yield "`order_by`, `retry` and `breaker` are the same for all, and so is `allow_private` for those that are called"
    yield "over the network. Deliveries are at least once, so each kind says what a second one of the same event does."
    yield ""
    for name, kind in KINDS.items():
        own = [key for key in kind.written_keys() if key not in Target.model_fields and key != "kind"]
        yield f"## `{name}`"
        yield ""
        yield inspect.getdoc(kind) or ""
        yield ""
        yield from ("```yaml", "targets:", f"  it: {kind.example}", "```", "")
        if kind.driver is not None:
            yield f"- its driver comes with `pip install 'callback-relay[{name}]'`"
        link = f"reference/configuration.md#{kind.__name__.lower()}"
        yield f"- its keys: {', '.join(f'`{key}`' for key in own)}; [what they mean]({link})"
        yield f"- outcomes: {kind.means}"
        yield f"- a second delivery of the same event: {kind.repeat}"
        yield ""


def _systems() -> Iterator[str]:
    yield "With `preset:` a target needs no more than its own secrets, in `with`; what the file says besides stands in"
    yield "place of what the preset says. What is sent is the route's to say: [expressions](reference/expressions.md)."
    yield "Whole files stand in [config/examples](../config/examples)."
    yield ""
    for name in target_presets.names():
        yield from _system(target_presets.find(name))


def _system(preset: TargetPreset) -> Iterator[str]:
    auth = preset.settings.get("auth")
    retry = preset.settings.get("retry")
    yield f"## `{preset.name}`"
    yield ""
    yield f"{preset.title}: [the system's page]({preset.page})."
    yield ""
    yield "```yaml"
    yield "targets:"
    yield f"  {preset.name}: {preset.example}"
    yield "```"
    yield ""
    yield from (f"- `with.{name}`: {need.what}{_else(need)}" for name, need in preset.needs.items())
    if isinstance(auth, dict):
        yield f"- `auth`: {auth['scheme']}"
    yield from (f"- `{key}`: `{preset.settings[key]}`" for key in ("url", "rate", "body") if key in preset.settings)
    if isinstance(retry, dict):
        yield f"- dead at once: {', '.join(map(str, retry['final']))}"
    yield from (f"- {note}" for note in preset.notes)
    yield ""


def _else(need: Need) -> str:
    if need.is_needed:
        return ""
    return f" (`{need.default}` unless given)" if need.default is not None else " (may be left out)"


def _headers() -> Iterator[str]:
    yield "What the relay adds to each delivery, beside the body and content type (as they came, or as the route shapes"
    yield "them), the route's and the target's `headers`, its `auth`, and those that `pass_headers` names."
    yield ""
    yield "| header | value |"
    yield "|---|---|"
    yield from (f"| `{name}` | {text} |" for name, text in OURS.items())
    yield ""
    yield "Where traces are collected (`pip install 'callback-relay[otel]'`, `OTEL_EXPORTER_OTLP_ENDPOINT`), deliveries"
    yield "by HTTP also carry these, in place of those that came with the event:"
    yield ""
    yield "| header | value |"
    yield "|---|---|"
    yield from (f"| `{name}` | {text} |" for name, text in TRACE_HEADERS.items())


def _expressions() -> Iterator[str]:
    yield "`when`, `type`, `key`, `order_by` and all that shapes a delivery are [JMESPath](https://jmespath.org/), with"
    yield "all functions of [its specification](https://jmespath.org/specification.html#built-in-functions) and these."
    yield "None reads the environment, a clock or chance: every attempt of a delivery is made the same."
    yield ""
    yield "Text in an expression stands in single quotes, `'like this'`; other values of JSON in backticks, as"
    yield "`` `5` ``. A call that fails never loses an event."
    yield ""
    for name, function in FUNCTIONS.items():
        yield from _function(name, function)


def _function(name: str, function: Function) -> Iterator[str]:
    yield f"## `{name}`"
    yield ""
    yield f"`{function.written}`: {function.does[0].lower()}{function.does[1:]}"
    yield ""
    yield "| expression | what it finds |"
    yield "|---|---|"
    for example in function.examples:
        fence = "``" if "`" in example.text else "`"
        yield f"| {fence}{example.text}{fence} | `{json.dumps(example.result, ensure_ascii=False)}` |"
    yield ""


def main() -> None:
    """Write every page."""
    for place, text in pages().items():
        (DOCS / place).write_text(text)


if __name__ == "__main__":
    main()
