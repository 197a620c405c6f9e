"""`relay try`: an expression is seen at work before an event meets it, and no secret with it."""

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.builders import a_plan, an_event
from tests.storage import Storage

Call = Callable[..., Result]

CONFIG = """\
server: {public_url: 'https://hooks.example.com'}
storage: {url: 'sqlite:///relay.db'}
sources:
  shop: {verify: none, type: kind}
  code: {preset: github, secret: s3cret-of-github}
  books: {preset: intuit, secret: s3cret-of-intuit}
  texts: {preset: twilio, secret: s3cret-of-twilio}
targets:
  erp:
    url: 'https://us:s3cret-password@erp.example.com/v2?key=s3cret-key'
    headers: {X-Tenant: s3cret-tenant}
    sign: {secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}
  login:
    url: https://erp.example.com/
    auth:
      scheme: login
      url: 'https://erp.example.com/login?s3cret-query'
      body: {password: s3cret-password}
      token: access
  chat: {url: 'https://hooks.example.com/services/s3cret-path', hide_path: true}
  accounts: {preset: tripletex, with: {consumer_token: s3cret-consumer, employee_token: s3cret-employee}}
  archive: {kind: file, path: 'archive/{number}.pdf', content: document, decode: base64}
  bucket:
    {kind: s3, url: 'https://s3.example.com/invoices', region: eu, access_key: s3cret-access, secret_key: s3cret-key,
     key: '{number}/{id}.pdf', content: document, decode: base64}
  mail:
    {kind: email, url: 'smtp://us:s3cret-password@mail.example.com', from: us@example.com, to: books@example.com,
     subject: 'Invoice {number}', text: 'It is {amount}.',
     attach: {content: document, decode: base64, name: '{number}.pdf'}}
  log: {kind: redis, url: 'redis://:s3cret-password@redis.example.com', stream: 'events:{kind}', content: number}
  bus: {kind: nats, url: 'nats://s3cret-token@nats.example.com', subject: 'events.{kind}'}
  queue: {kind: amqp, url: 'amqp://us:s3cret-password@rabbit.example.com', exchange: events, routing_key: 'a.{kind}'}
  folder: {kind: file, path: 'archive/{event_id}.json'}
routes:
  - name: invoices
    from: shop
    when: "kind == 'invoice'"
    method: PUT
    path: /invoices/{number}
    query: {from: source}
    headers: {X-Kind: kind}
    body: "{total: money(amount)}"
    to: [erp, login, chat]
  - {name: all, from: shop, to: [erp, folder]}
  - {name: pushes, from: code, when: "type == 'push'", to: folder}
  - {name: changes, from: books, to: folder}
  - {name: messages, from: texts, when: "type == 'delivered'", to: folder}
  - {name: kept, from: shop, to: [archive, bucket, mail, log, bus, queue]}
  - {name: booked, from: shop, to: accounts}
  - {name: failing, from: shop, when: 'starts_with(number, kind)', to: erp}
"""


@pytest.fixture
def body(folder: Path) -> Path:
    (folder / "config" / "relay.yaml").write_text(CONFIG)
    path = folder / "body.json"
    path.write_text(json.dumps({"kind": "invoice", "number": "INV/1", "amount": "$93.50"}))
    return path


def test_what_would_be_sent_is_shown_with_every_secret_masked(call: Call, body: Path) -> None:
    """It is copied into a chat to ask a colleague."""
    result = call("try", "invoices", "--body", str(body))

    assert 0 == result.exit_code, result.output
    assert "s3cret" not in result.output
    assert "whsec" not in result.output
    lines = result.stdout.splitlines()
    assert "route invoices matched: kind == 'invoice'" == lines[1]
    assert "PUT https://erp.example.com/v2/invoices/INV%2F1?***&from=shop" in lines
    assert "PUT https://hooks.example.com/***/invoices/INV%2F1?from=shop" in lines
    assert 2 == lines.count("Authorization: ***")
    assert {"X-Tenant: ***", "webhook-signature: ***", "X-Kind: invoice"} <= set(lines)
    assert 3 == lines.count('{"total":{"amount":"93.50","currency":"USD"}}')


def test_what_a_preset_says_to_everybody_is_no_secret(call: Call, body: Path) -> None:
    """Who asks what is sent to Tripletex must see the form that it asks for."""
    result = call("try", "booked", "--body", str(body))

    assert 0 == result.exit_code, result.output
    assert "s3cret" not in result.output
    assert {"Accept: application/json", "Authorization: ***"} <= set(result.stdout.splitlines())


def test_what_takes_no_request_is_shown_by_its_place_and_its_content(call: Call, body: Path) -> None:
    """Where the file would be, who would have the mail, what stands in the document: filled in, and decoded."""
    document = base64.b64encode(b"%PDF-1.7 \0").decode()
    body.write_text(json.dumps({"kind": "invoice", "number": "INV-1\x1b[31m", "amount": "$9", "document": document}))
    result = call("try", "kept", "--body", str(body))

    assert 0 == result.exit_code, result.output
    assert "s3cret" not in result.output
    assert "\x1b" not in result.output
    lines = result.stdout.splitlines()
    event_id = lines[0].split()[0]
    assert 2 == lines.count("(10 bytes, a document)")
    assert any(line.startswith("archive/INV-1") and line.endswith(".pdf") for line in lines)
    assert any(line.startswith("PUT https://s3.example.com/invoices/INV-1") for line in lines)
    assert any(line.endswith(f"/{event_id}.pdf") for line in lines)
    assert {"From: us@example.com", "To: books@example.com", "It is $9."} <= set(lines)
    assert any(line.startswith("Subject: Invoice INV-1") for line in lines)
    assert any(line.startswith("Attachment: INV-1") and line.endswith(".pdf (10 bytes)") for line in lines)
    assert {"Stream: events:invoice", "Subject: events.invoice"} <= set(lines)
    assert {"Exchange: events", "Routing key: a.invoice"} <= set(lines)


def test_what_an_event_lacks_for_its_file_is_told(call: Call, body: Path) -> None:
    """As its delivery would be told: dead, with this reason."""
    result = call("try", "kept", "--body", str(body))

    assert 1 == result.exit_code
    assert result.stdout.count("nothing would be sent: `document` finds nothing in the body") == 3


def test_a_fault_is_shown_where_it_is(call: Call, body: Path) -> None:
    """With the expression, and a mark below the call that failed."""
    body.write_text('{"kind": "invoice", "number": 1, "amount": "1,234"}')
    result = call("try", "invoices", "--body", str(body))

    assert 1 == result.exit_code
    lines = result.stdout.splitlines()
    at = lines.index("    {total: money(amount)}")
    assert "            ^" == lines[at + 1]
    assert "`body` of the route invoices failed" in lines[at - 1]


def test_what_stands_in_headers_can_be_said(call: Call, body: Path) -> None:
    """Half of the vendors say the type there, and the id: without them no event of theirs could be tried."""
    body.write_text('{"ref": "refs/heads/main"}')
    without = call("try", "pushes", "--body", str(body))
    pushed = call("try", "pushes", "--body", str(body), "--header", "X-GitHub-Event: push")

    assert (1, 0) == (without.exit_code, pushed.exit_code)
    assert "its type stands in a header: say --header 'X-GitHub-Event: …' as well" in without.stderr
    assert "(push) from code" in pushed.stdout
    assert not pushed.stderr


def test_a_form_is_read_as_one(call: Call, body: Path) -> None:
    """Where its header says so, as when it comes in."""
    body.write_text("MessageSid=SM1&MessageStatus=delivered")
    form = ("--header", "Content-Type: application/x-www-form-urlencoded")

    assert "(delivered) from texts" in call("try", "messages", "--body", str(body), *form).stdout


def test_of_several_events_in_one_file_the_first_is_tried(call: Call, body: Path) -> None:
    """Alone, as it would be stored and sent."""
    body.write_text('[{"id": "1", "type": "qbo.bill.created.v1"}, {"id": "2", "type": "qbo.bill.deleted.v1"}]')
    told = json.loads(call("try", "changes", "--body", str(body), "--json").stdout)

    assert "qbo.bill.created.v1" == told["type"]
    assert {"id": "1", "type": "qbo.bill.created.v1"} == json.loads(told["targets"][0]["body"])


def test_a_condition_is_told_with_its_reason(call: Call, body: Path) -> None:
    """Not matched, or failed: the commonest question is why nothing came."""
    body.write_text('{"kind": "note", "number": 1}')
    unmatched, failed = (call("try", route, "--body", str(body)) for route in ("invoices", "failing"))

    assert (1, 1) == (unmatched.exit_code, failed.exit_code)
    assert "route invoices unmatched: kind == 'invoice'" in unmatched.stdout
    assert "nothing is sent of this event" in unmatched.stdout
    assert "starts_with() takes string, and was given number" in failed.stdout
    assert "    starts_with(number, kind)\n    ^" in failed.stdout


def test_a_stored_event_is_tried_as_it_came(call: Call, folder: Path, storage: Storage) -> None:
    """Of a target that takes no request, its place and the body are shown."""
    (folder / "config" / "relay.yaml").write_text(CONFIG.replace("sqlite:///relay.db", storage.url))
    event = an_event(body=b'{"kind": "stored \\u001b[31m"}\x1b[31m')

    async def stored() -> None:
        store = storage.store("worker-a")
        await store.open()
        await store.accept(event, a_plan("erp"), {})
        await store.close()

    asyncio.run(stored())
    result = call("try", "all", "--event", event.id, "--json")
    shown = call("try", "all", "--event", event.id)

    told = json.loads(result.stdout)
    assert (event.id, "matched") == (told["event"], told["verdict"])
    assert ["erp", "folder"] == [target["target"] for target in told["targets"]]
    assert "stored" in told["targets"][1]["body"]
    assert "\x1b" not in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("invoces", "--body", "body.json"), "did you mean `invoices`?"),
        (("invoices",), "expected one of --event ID and --body FILE"),
        (("invoices", "--event", "evt_1", "--body", "body.json"), "expected one of --event ID and --body FILE"),
        (("invoices", "--event", "evt_1"), "there is no database"),
        (("invoices", "--event", "evt_1", "--header", "X-Kind: a"), "with --header only beside --body"),
        (("invoices", "--body", "body.json", "--header", "X-Kind"), "expected 'NAME: VALUE', found 'X-Kind'"),
    ],
)
def test_wrong_usage_is_told(call: Call, body: Path, arguments: tuple[str, ...], told: str) -> None:
    """In one line, with what is expected."""
    result = call("try", *arguments)

    assert result.exit_code in (1, 2)
    assert told in result.output
