"""The nouns of the harness: a fault, how often it is to happen, and what a run of it showed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests.acceptance.program import Begin, begun
from tests.faults.site import Site
from tests.forking import Forked

SQLITE, POSTGRES = "sqlite", "postgres"


@dataclass(frozen=True, slots=True)
class Form:
    """How much is made of a fault. pause_s: of each sender between two requests."""

    index: int  # in `Fault.rounds`
    begin: Begin
    pause_s: float
    run_s_max: float  # of one run, however much else the machine has to do


LONG = Form(1, begun, 0.0, 7200.0)
SHORT = Form(0, Forked, 1.0, 600.0)  # it shares two processors with all other tests


class Fault:
    """One thing that goes wrong. It happens under load; afterwards everything is settled and looked through."""

    name: ClassVar[str]
    words: ClassVar[str]  # in the table
    engines: ClassVar[tuple[str, ...]] = (SQLITE, POSTGRES)
    rounds: ClassVar[tuple[int, int]] = (1, 3)  # in the short form, and in the long one
    owns_server: ClassVar[bool] = False  # it does something to the PostgreSQL server itself
    keeps_all: ClassVar[bool] = True  # nothing is purged meanwhile

    async def prepare(self, site: Site) -> None:
        """Configure the relays that there are to be, and start them."""
        await site.start(site.add_relay())

    async def happen(self, site: Site) -> None:
        """Let it happen, so often as the site says, while senders send."""
        raise NotImplementedError

    async def pass_by(self, site: Site) -> None:
        """Do what is left to be done once no more is sent, before it settles."""

    async def also(self, site: Site) -> list[str]:
        """Tell of breaches of what holds for this fault alone."""
        return []

    @contextmanager
    def disk(self, folder: Path) -> Iterator[Path]:
        """Give the folder of the database file. folder: of the site."""
        yield folder


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed, as it is kept.

    ready_s: how long each start, or each recovery, took. ready_cpu_s: of how much processor time, at each start.
    is_over: it settled; of a run that did not, nobody can say what is lost. load: the machine's, over the minute before
    it began; of the first runs it is not known.
    """

    fault: str
    engine: str
    date: str
    commit: str
    seed: int
    rounds: int
    acknowledged: int
    delivered: int
    dead: int
    lost: int
    doubled: int
    ready_s: list[float] = field(default_factory=list)
    ready_cpu_s: list[float] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    is_over: bool = True
    load: float | None = None

    @property
    def is_good(self) -> bool:
        """Tell whether everything held."""
        return not self.lost and not self.breaches

    def kept(self) -> dict[str, Any]:
        """Return it as it is written down."""
        rounded = {name: [round(s, 2) for s in getattr(self, name)] for name in ("ready_s", "ready_cpu_s")}
        return asdict(self) | rounded
