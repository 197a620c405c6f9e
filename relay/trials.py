"""What a route would send of an event, where, and why or why not. Nothing is sent."""

from collections.abc import Iterable
from dataclasses import dataclass

from relay.clock import Clock
from relay.contents import document_of
from relay.domain import Delivery, Event, Expression, Route, Shape, Target, Verdict
from relay.errors import ExpressionFailed
from relay.routing import environment, verdict
from relay.shaper import shape
from relay.shaping import Misshapen, Shapes
from relay.targets.protocol import Preview, Previewer


@dataclass(frozen=True, slots=True)
class Trial:
    """What one target of a route would get, or why it would get nothing."""

    target: Target
    sent: Preview | None
    reason: str = ""
    key: str = ""
    expression: str = ""  # the one that failed


class Trials:
    """Tries events on routes. preview: shows a delivery as it would be on the wire."""

    def __init__(self, preview: Previewer, clock: Clock) -> None:
        self._preview = preview
        self._clock = clock

    def ask(self, route: Route, event: Event) -> tuple[Verdict, str]:
        """Ask a route whether it takes the event; where its expression fails, say how."""
        found = environment(event, document_of(event))
        said = verdict(route, found)
        if said is not Verdict.FAILED or route.when is None:
            return said, ""
        try:
            route.when(found)
        except ExpressionFailed as failed:
            return said, str(failed)
        return said, ""

    def show(self, routes: Iterable[Route], route: Route, target: Target, event: Event) -> Trial:
        """Show what a target would get of an event by a route. routes: all there are."""
        now = self._clock.now()
        delivery = Delivery(0, event, route.name, target.name, 1, 0, now, now)
        shapes = Shapes(target, routes)
        result = delivery if shapes.passes(delivery) else shape(delivery, shapes)
        if isinstance(result, Misshapen):
            failed = _expression(route.shape, target, result.key)
            return Trial(target, None, result.reason, result.key, failed.text if failed else "")
        sent = self._preview(target, result, self._clock)
        return Trial(target, None, f"nothing would be sent: {sent.fault}") if sent.fault else Trial(target, sent)


def _expression(shape: Shape | None, target: Target, key: str) -> Expression | None:
    """Return the expression at a key such as `headers.X-Kind`."""
    part, _, name = key.partition(".")
    if part == "body":
        return (shape and shape.body) or target.body
    found = getattr(shape, part, None)
    return found.get(name) if isinstance(found, dict) else found
