"""Shaping is the same for every kind of target: what a route makes of an event is what its folder holds."""

import json
from pathlib import Path

from relay.domain import FileTarget, Outcome, Route, Shape
from relay.expressions import compile_expression
from relay.shaper import ShapingSender
from relay.shaping import Shapes
from relay.targets.file import FileSender
from relay.templates import compile_path
from tests.builders import an_event
from tests.conftest import ManualClock
from tests.senders import a_delivery, send_once


async def test_a_folder_gets_the_shaped_body_under_a_name_made_of_it(clock: ManualClock, tmp_path: Path) -> None:
    """The target's own templates see what is delivered, not what came."""
    target = FileTarget("erp", path=compile_path(f"{tmp_path}/{{number}}.json"))
    shape = Shape(compile_expression("{number: join('-', ['INV', to_string(n)]), total: money(amount).amount}"))
    sender = ShapingSender(
        FileSender(target, clock), Shapes(target, [Route("route", "shop", (target,), None, shape)]), clock
    )

    attempt = await send_once(sender, a_delivery(an_event(body=b'{"n": 7, "amount": "$93.50"}')))

    assert Outcome.ACCEPTED == attempt.outcome
    assert {"number": "INV-7", "total": "93.50"} == json.loads((tmp_path / "INV-7.json").read_text())
