"""What every target preset must hold to: it loads, it is documented, and the system it names takes what it sends."""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import web

from relay.config import Config, load
from relay.domain import Attempt, Auth, Call, HttpTarget, Outcome, Secret
from relay.errors import ConfigurationInvalid
from relay.shaper import ShapingSender
from relay.shaping import Shapes
from relay.targets import presets
from relay.targets.http import HttpSender
from relay.targets.protocol import Sender
from tests.builders import an_event
from tests.conftest import ManualClock
from tests.senders import a_delivery, opened
from tests.systems import Chat, FactPulse, Pennylane, Siwapp, System, ToSend, Tripletex, running

VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")
SIWAPP_BODY = """{data: {
attributes: {name: name, issue_date: date(received_at), series_id: `1`}, meta: {event: event_id},
relationships: {items: {data: [{attributes: {description: name, quantity: `1`, unitary_cost: money(amount).amount}}]}}}}
""".replace("\n", " ")


@dataclass(frozen=True)
class Case:
    """How a system is called: its emulator, and what a file says."""

    system: Callable[[], System]
    settings: str  # with {origin} for where the emulator is
    route: str = ""


CASES = {
    "tripletex": Case(
        Tripletex,
        "url: '{origin}/v2', with: {consumer_token: consumer&1, employee_token: employee 1}",
        "path: /invoice",
    ),
    "factpulse": Case(
        FactPulse, "url: '{origin}/api/v1', with: {username: us, password: pass'word}", "path: /invoices"
    ),
    "siwapp": Case(Siwapp, "url: '{origin}/api/v1', with: {token: abc-123}", f'path: /invoices, body: "{SIWAPP_BODY}"'),
    "tosend": Case(
        ToSend,
        "url: '{origin}/api/v1', with: {login: us, password: pass'word, customer: acme, token_at: result.token}",
        "path: /invoiceContainersAPI",
    ),
    "pennylane": Case(Pennylane, "url: '{origin}', with: {token: penny-token}", "path: /customer_invoices"),
    "json": Case(System, "url: '{origin}/'"),
    "slack": Case(Chat, "url: '{origin}/services/T0/B0/s3cretpath'"),
    "discord": Case(lambda: Chat(text_of=lambda told: told["content"]), "url: '{origin}/services/T0/B0/s3cretpath'"),
    "teams": Case(
        lambda: Chat(text_of=lambda told: told["attachments"][0]["content"]["body"][0]["text"]),
        "url: '{origin}/services/T0/B0/s3cretpath'",
    ),
    "telegram": Case(
        lambda: Chat(text_of=lambda told: (told["chat_id"] == "-100'1") and told["text"]),
        "url: '{origin}/services/T0/B0/s3cretpath', with: {token: '1:s3cret', chat: \"-100'1\"}",
    ),
}
LOGGING_IN = ("tripletex", "factpulse", "tosend")


def loaded(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "relay.yaml"
    path.write_text(text)
    return load(path, environ)


@dataclass
class Bench:
    """A preset's target before its emulator, as a file configures it."""

    system: System
    sender: Sender
    target: HttpTarget
    clock: ManualClock

    async def send(self, attempt: int = 1) -> Attempt:
        return await self.sender.send(
            a_delivery(an_event(body=b'{"name": "acme", "amount": "$93.50"}'), attempt=attempt)
        )


@pytest.fixture
async def bench(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Bench]:
    case = CASES[request.param]
    async with running(case.system()) as system:
        text = f"""\
sources: {{shop: {{verify: none}}}}
targets: {{it: {{preset: {request.param}, allow_private: true, {case.settings}}}}}
routes: [{{name: route, from: shop, to: it{", " if case.route else ""}{case.route}}}]
"""
        config = loaded(tmp_path, text.replace("{origin}", system.origin))
        target = config.targets["it"]
        assert isinstance(target, HttpTarget)
        sender = HttpSender(target, clock)
        shapes = Shapes(target, config.sources["shop"].routes)
        async with opened(ShapingSender(sender, shapes, clock) if shapes else sender) as chosen:
            yield Bench(system, chosen, target, clock)


def every(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("bench", names or tuple(CASES), indirect=True)


def test_every_preset_has_its_emulator() -> None:
    """A preset that nothing has ever answered is a guess."""
    assert set(CASES) == set(presets.names())


@pytest.mark.parametrize("name", presets.names())
def test_the_example_of_a_preset_is_good(tmp_path: Path, name: str) -> None:
    """It stands in the documentation, and is copied from there."""
    example = presets.find(name).example
    environ = dict.fromkeys(VARIABLE.findall(example), "https://example.com/s3cret")
    target = loaded(tmp_path, f"targets:\n  it: {example}\n", **environ).targets["it"]

    assert "s3cret" not in target.address
    assert "s3cret" not in repr(target.retry)


@pytest.mark.parametrize("name", presets.names())
def test_each_need_is_told_where_it_is_missing(tmp_path: Path, name: str) -> None:
    """All at once, with what each is; and nothing that only follows from that."""
    needs = {key for key, need in presets.find(name).needs.items() if need.is_needed}
    text = f"targets:\n  it: {{preset: {name}, url: 'https://e/'}}\n"
    if not needs:
        loaded(tmp_path, text)
        return
    with pytest.raises(ConfigurationInvalid) as raised:
        loaded(tmp_path, text)

    (fault,) = str(raised.value).splitlines()
    assert ": targets.it.with: missing: " in fault
    assert needs <= set(re.findall(r"`(\w+)`", fault))


@every()
async def test_the_system_takes_what_is_sent(bench: Bench) -> None:
    """Signed in, in its own form, and readable to it."""
    attempt = await bench.send()

    assert (Outcome.ACCEPTED, 201) == (attempt.outcome, attempt.status), (attempt, bench.system.refused)
    assert 1 == len(bench.system.accepted)


@every(*LOGGING_IN)
async def test_a_session_that_ends_after_some_calls_costs_no_attempt(bench: Bench) -> None:
    """Each fourth call finds its session over: it is renewed, and no delivery fails."""
    bench.system.calls_per_token = 3
    attempts = [await bench.send() for _ in range(10)]

    assert {Outcome.ACCEPTED} == {attempt.outcome for attempt in attempts}
    assert (10, 4) == (len(bench.system.accepted), bench.system.logins)


@every("factpulse")
async def test_factpulse_is_never_met_with_a_token_of_thirty_minutes(bench: Bench) -> None:
    """It is renewed a minute ahead."""
    await bench.send()
    bench.clock.advance(29 * 60 + 1)
    await bench.send()

    assert ([], 2) == (bench.system.refused, bench.system.logins)


@every("tripletex")
async def test_tripletex_says_how_long_to_wait(bench: Bench) -> None:
    """In a header of its own, in seconds."""
    limited = web.Response(status=429, headers={"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "17"})
    bench.system.next_answers = [limited]
    attempt = await bench.send()

    assert (Outcome.BUSY, 17.0) == (attempt.outcome, attempt.retry_after_s)


@every("tripletex", "factpulse", "siwapp", "tosend", "pennylane", "json")
@pytest.mark.parametrize("status", [400, 422])
async def test_what_no_later_attempt_can_change_is_dead_at_once(bench: Bench, status: int) -> None:
    """With the beginning of the answer, which says what is wrong."""
    bench.system.next_answers = [web.Response(status=status, text="invoiceNumber is missing")]
    attempt = await bench.send()

    assert (Outcome.REJECTED, b"invoiceNumber is missing") == (attempt.outcome, attempt.excerpt)


@every("tripletex")
async def test_a_conflict_at_tripletex_is_dead_at_once(bench: Bench) -> None:
    """Revision 8000 and duplicate 14000 stay what they are, however often they are sent."""
    bench.system.next_answers = [web.json_response({"status": 409, "code": 14000}, status=409)]

    assert Outcome.REJECTED == (await bench.send()).outcome


@every("tosend")
async def test_tosends_token_is_shown_nowhere(bench: Bench) -> None:
    """It stands in the URL, and the system repeats the URL in its error."""
    bench.system.calls_per_token = 0
    attempt = await bench.send()

    assert (Outcome.ERRORED, 401) == (attempt.outcome, attempt.status)
    assert b"bad token at" in attempt.excerpt
    assert "session-" not in repr(attempt)
    assert "session-" not in bench.target.address


@every("slack", "discord", "teams", "telegram")
async def test_a_chats_path_is_shown_nowhere(bench: Bench) -> None:
    """Who knows the URL writes into the chat."""
    bench.system.next_answers = [web.Response(status=500)]
    attempt = await bench.send()

    assert bench.target.address.endswith("/***")
    assert "s3cret" not in repr(attempt) + bench.target.address


@every("siwapp")
async def test_siwapp_refuses_another_form_of_the_same_token(bench: Bench) -> None:
    """So that the emulator is known to be strict: `Bearer` is no form of its."""
    assert isinstance(bench.system, Siwapp)
    other = replace(bench.target, auth=Auth("bearer", {"token": Secret("abc-123")}))
    async with opened(HttpSender(other, bench.clock)) as sender:
        attempt = await sender.send(replace(a_delivery(), call=Call(path="/invoices")))

    assert (Outcome.ERRORED, 401) == (attempt.outcome, attempt.status)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("preset: siwap, url: 'https://e/'", "targets.it.preset: expected a preset: "),
        (
            "preset: siwapp, url: 'https://e/', with: {tokn: hunter2}",
            "targets.it.with: expected what siwapp needs: token",
        ),
        ("url: 'https://e/', with: {token: hunter2}", "targets.it.with: no preset asks for it"),
        ("preset: slack, url: 'https://e/', with: {token: hunter2}", "targets.it.with: slack needs nothing"),
    ],
)
def test_a_fault_of_a_preset_is_told(tmp_path: Path, settings: str, told: str) -> None:
    """Without what stands in `with`."""
    with pytest.raises(ConfigurationInvalid) as raised:
        loaded(tmp_path, f"targets:\n  it: {{{settings}}}\n")

    assert told in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_what_the_file_says_stands_in_place_of_the_preset(tmp_path: Path) -> None:
    """`retry` is joined key by key: who wants a longer patience keeps what is final."""
    target = loaded(
        tmp_path,
        "targets: {it: {preset: siwapp, url: 'https://e/', retry: {max_age: 7d}, "
        "with: {token: abc}, auth: {scheme: bearer, token: own}}}",
    ).targets["it"]

    assert isinstance(target, HttpTarget)
    assert (7, {400, 404, 410, 422}) == (target.retry.max_age.days, set(target.retry.final))
    assert Auth("bearer", {"token": Secret("own")}) == target.auth
