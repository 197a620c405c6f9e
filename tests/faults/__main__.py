"""What the relay loses when things go wrong: `python -m tests.faults [--only NAME …] [--write docs/reliability.md]`.

Each fault happens to the real program under load; afterwards every event that was acknowledged is looked for. The runs
are written down, and the table is made of all that were; a run that did not end is none.
"""

import argparse
import asyncio
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvloop

from tests.benchmarks.report import machine, replaced, require_page
from tests.faults import record, report
from tests.faults.catalogue import faults
from tests.faults.fault import LONG, POSTGRES, SHORT, SQLITE, Fault, Run
from tests.faults.running import Task
from tests.faults.together import run_all, tasks


def main() -> None:
    """Run, print, and write where it is wished."""
    known = faults()
    options = _options(known)
    if options.list:
        print("\n".join(f"{fault.name:<20} {', '.join(fault.engines):<18} {fault.words}" for fault in known.values()))
        return
    chosen = [fault for fault in known.values() if not options.only or fault.name in options.only]
    wanted = [
        task
        for number in range(options.again)
        for task in tasks(chosen, options.engine, options.form, options.rounds, options.seed + number)
    ]
    print(f"seed {options.seed}", file=sys.stderr)
    try:
        done = [] if options.no_runs else uvloop.run(_until_terminated(wanted, options))
    except (asyncio.CancelledError, KeyboardInterrupt):
        sys.exit("stopped; nothing is left running")
    if done:
        print(f"{report.table(done, known)}\n{report.breaches(done)}")
    if options.write:
        options.write.write_text(replaced(options.write.read_text(), _page_of(record.runs(options.record), known)))
    sys.exit(0 if all(one.is_good for one in done) else 1)


def _page_of(runs: Sequence[Run], known: Mapping[str, Fault]) -> str:
    """Return what a page says of all runs that were written down."""
    parts = (report.summary(runs), f"Machine: {machine()}.", report.table(runs, known), report.unfinished(runs))
    return "\n\n".join(part for part in parts if part)


async def _until_terminated(wanted: Sequence[Task], options: argparse.Namespace) -> list[Run]:
    """Take a SIGTERM as the end of this task, so that what was started is ended and what was made is removed."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run_all(wanted, options.jobs, options.record)


def _options(known: Mapping[str, Fault]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="What is lost when things go wrong.")
    engines = [SQLITE, POSTGRES]
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=list(known), help="let only these happen")
    parser.add_argument("--engine", nargs="+", choices=engines, default=engines, help="on these databases only")
    parser.add_argument("--rounds", type=int, help="how often each is to happen in a run")
    parser.add_argument("--again", type=int, default=1, help="how many runs of each, each with another seed (1)")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side (2)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="of all that is chance")
    parser.add_argument("--short", dest="form", action="store_const", const=SHORT, default=LONG, help="as in CI")
    parser.add_argument(
        "--record", type=Path, default=record.RECORD, metavar="FILE", help="where runs are written down"
    )
    parser.add_argument("--list", action="store_true", help="show what can happen, and stop")
    parser.add_argument("--no-runs", action="store_true", help="run nothing: only put the table into the page")
    parser.add_argument("--write", type=_page, metavar="PAGE", help="put the table of all runs into this page, too")
    return parser.parse_args()


def _page(text: str) -> Path:
    """Take a page that has room for the table: said now, not after hours."""
    try:
        require_page(Path(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return Path(text)


if __name__ == "__main__":
    main()
