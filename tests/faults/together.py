"""Many runs, some side by side."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.faults import record, report
from tests.faults.fault import Fault, Form, Run
from tests.faults.running import Task, run
from tests.ports import free_port
from tests.postgres import Server, running


def tasks(chosen: Sequence[Fault], engines: Sequence[str], form: Form, rounds: int | None, seed: int) -> list[Task]:
    """List what is to be run. rounds: how often each happens; as its form says, unless given."""
    commit = record.commit()
    return [
        Task(fault, engine, rounds or fault.rounds[form.index], seed, form, commit)
        for fault in chosen
        for engine in fault.engines
        if engine in engines
    ]


async def run_all(wanted: Sequence[Task], jobs: int, kept_in: Path | None = None) -> list[Run]:
    """Run them, so many side by side. kept_in: where they are written down, as each ends."""
    room = asyncio.Semaphore(jobs)
    with ExitStack() as stack:
        shared: Server | None = None
        if any(task.needs_server for task in wanted):
            shared = await asyncio.to_thread(stack.enter_context, running(free_port()))

        async def one(task: Task) -> Run:
            async with room:
                _say(f"{task.fault.name} on {task.engine}, {task.rounds} times, seed {task.seed}")
                done = await run(task, shared)
            if kept_in is not None:
                record.add(done, kept_in)
            _say(report.breaches([done]) or f"{task.fault.name} on {task.engine}: all held")
            return done

        return await asyncio.gather(*map(one, wanted))


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
