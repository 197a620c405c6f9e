"""What a story says comes next, where no command can easily bring it about."""

import pytest

from relay.domain import Attempt, DeliveryStatus, HttpTarget, Outcome
from relay.operations import TargetReport
from relay.store.protocol import DeliveryRecord, EventRecord, LaneState
from relay.story import tell
from tests.builders import an_event
from tests.conftest import START


def test_what_waits_for_its_turn_says_how_to_see_what_is_before_it() -> None:
    """Whoever is woken looks at the one that holds up the others."""
    delivery = DeliveryRecord(1, "erp", "shop→erp", DeliveryStatus.PENDING, (), None, None, "", 0)
    report = TargetReport("erp", HttpTarget("erp", "https://erp.example.com"), LaneState())

    story = tell(EventRecord(an_event(), (), (delivery,)), None, {"erp": report}, START)

    assert (
        "next: it waits until an earlier one of the same order is final: "
        "`relay events --target erp --status pending` lists what is on its way"
    ) == story.paragraphs[-1].lines[-1]


def attempts(*outcomes: Outcome) -> tuple[Attempt, ...]:
    return tuple(Attempt(number, START, 0.1, outcome) for number, outcome in enumerate(outcomes, 1))


@pytest.mark.parametrize(
    ("outcomes", "before", "told"),
    [
        ([Outcome.REJECTED, Outcome.ERRORED, Outcome.ACCEPTED, Outcome.ACCEPTED], 3, "1 (ended) 2 3 (anew) 4"),
        ([Outcome.BLOCKED, Outcome.ACCEPTED, Outcome.ERRORED], 2, "1 (ended) 2 (anew) 3"),
        ([Outcome.ERRORED, Outcome.TIMED_OUT], 2, "1 2 (anew)"),
        ([Outcome.ERRORED, Outcome.ACCEPTED], 0, "1 2"),
    ],
)
def test_every_beginning_that_shows_is_told(outcomes: list[Outcome], before: int, told: str) -> None:
    """The last one is stored. An earlier one shows where something final was gone on with; nothing else is guessed."""
    tried = attempts(*outcomes)
    delivery = DeliveryRecord(1, "erp", "shop→erp", DeliveryStatus.DEAD, tried, None, START, "", before)

    _, *lines, _ = tell(EventRecord(an_event(), (), (delivery,)), None, {}, START).paragraphs[-1].lines

    words = {"attempt": "{}", "it had ended": "(ended)", "it last began": "(anew)"}
    shown = [words[next(word for word in words if line.startswith(word))].format(line.split()[1]) for line in lines]
    assert told == " ".join(shown)
