"""What a story says comes next, where no command can easily bring it about."""

from relay.domain import DeliveryStatus, HttpTarget
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
