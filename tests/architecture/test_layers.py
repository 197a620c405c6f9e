"""The layers of the house: nothing imports upward, and the core stays pure."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "relay"

LAYERS: dict[int, tuple[str, ...]] = {
    0: ("domain", "errors", "clock", "registry", "garbage"),
    1: (
        "verification",
        "presets",
        "targets.presets",
        "identity",
        "expressions",
        "templates",
        "request_path",
        "contents",
        "routing",
        "shaping",
        "retry",
        "handshakes",
        "batches",
        "explaining",
        "pacing",
        "breaker",
    ),
    2: (
        "store.protocol",
        "store.ports",
        "store.records",
        "store.transfer",
        "targets.protocol",
        "observer",
        "config",
        "roles",
    ),
    3: ("store", "targets", "certificates"),
    4: (
        "ingest",
        "gate",
        "lanes",
        "tenure",
        "memory",
        "shaper",
        "scheduler",
        "worker",
        "crew",
        "reloading",
        "history",
        "silence",
        "disuse",
        "singles",
        "lookout",
        "notifying",
        "heart",
        "maintenance",
        "entropy",
        "headroom",
        "health",
        "deliverers",
        "operations",
        "trials",
        "moving",
        "replays",
        "quarantine",
        "minutes",
        "sessions",
        "tracing",
        "finding",
        "following",
        "admission",
        "story",
    ),
    5: ("web",),
    6: (
        "system_clock",
        "runtime",
        "assembly",
        "admin_token",
        "descriptors",
        "filewatch",
        "offers",
        "telemetry",
        "sampling",
        "logbook",
        "metrics",
        "otel",
    ),
    7: ("cli", "__main__"),
}
IMPURE = {"aiohttp", "asyncio", "sqlite3", "aiosqlite", "asyncpg", "os", "random", "secrets", "time"}

# A use case speaks to ports, never to the adapters behind them; a door speaks to use cases and ports.
MAY_IMPORT: dict[int, set[int]] = {
    0: {0},
    1: {0, 1},
    2: {0, 1, 2},
    3: {0, 1, 2, 3},
    4: {0, 1, 2, 4},
    5: {0, 2, 4, 5},
    6: {0, 1, 2, 3, 4, 5, 6},
    7: {0, 1, 2, 3, 4, 5, 6, 7},
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def layer_of(module: str) -> int | None:
    """Return the layer of the longest listed name that the module is, or is in."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        for layer, names in LAYERS.items():
            if name in names:
                return layer
    return None


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py")) if module_name(path) != "__init__"}


def imports_of(path: Path) -> Iterator[str]:
    """Yield what a file imports, each by its most exact name: a name in a package that is a module is that module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                exact = f"{node.module}.{alias.name}"
                yield exact if exact.removeprefix("relay.") in MODULES else node.module


def own_imports_of(path: Path) -> set[str]:
    return {name.removeprefix("relay.") for name in imports_of(path) if name.startswith("relay.")} & MODULES.keys()


def test_every_module_has_its_layer() -> None:
    """A new file belongs somewhere: the table says where."""
    assert [] == [module for module in MODULES if layer_of(module) is None]


@pytest.mark.parametrize("module", MODULES)
def test_nothing_imports_upward(module: str) -> None:
    """Data goes one way, and so does knowledge."""
    layer = layer_of(module)
    assert layer is not None
    assert set() == {name for name in own_imports_of(MODULES[module]) if layer_of(name) not in MAY_IMPORT[layer]}


@pytest.mark.parametrize("module", [name for name in MODULES if layer_of(name) in (0, 1)])
def test_the_core_is_pure(module: str) -> None:
    """Layers 0 and 1 wait for nothing, ask no clock and draw no chance: `now` and `jitter` are arguments."""
    assert set() == {name.partition(".")[0] for name in imports_of(MODULES[module])} & IMPURE


def test_there_is_no_cycle() -> None:
    """Each module can be understood after those it imports."""
    remaining = {module: own_imports_of(path) - {module} for module, path in MODULES.items()}
    while free := {module for module, needed in remaining.items() if not needed & remaining.keys()}:
        remaining = {module: needed for module, needed in remaining.items() if module not in free}
    assert {} == remaining


def test_no_function_asks_the_wall_clock_but_the_system_clock() -> None:
    """Time is a dependency: a test moves it."""
    askers = {
        module
        for module, path in MODULES.items()
        if any(call in path.read_text() for call in ("datetime.now(", "time.time(", "utcnow("))
    }
    assert askers <= {"system_clock", "cli.send", "cli.demo", "cli.vendor", "cli.explain"}
