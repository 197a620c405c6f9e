"""Targets that are no web server: what a file says of them, and what is wrong with it."""

import base64
from collections.abc import Callable

import pytest

from relay.config import Config
from relay.config.misfits import listing
from relay.config.models.targets import KINDS
from relay.config.models.targets.email import EmailTarget as EmailPart
from relay.domain import (
    AmqpTarget,
    Attachment,
    Content,
    EmailTarget,
    FileTarget,
    NatsTarget,
    RedisTarget,
    RelayTarget,
    RetryPolicy,
    S3Target,
    Secret,
    TlsFiles,
)
from relay.expressions import compile_expression
from relay.templates import compile_path, compile_template
from tests.mail import SELF_SIGNED

Loading = Callable[..., Config]
Faulting = Callable[..., list[str]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_is_good(loaded: Loading, kind: str) -> None:
    """It stands in the documentation, and is copied from there."""
    target = loaded(f"targets:\n  it: {KINDS[kind].example}\n").targets["it"]

    assert ("it", kind) == (target.name, target.kind)
    assert target.address


def test_what_is_said_of_a_folder_is_taken(loaded: Loading) -> None:
    """The contract's own example; and no status of HTTP's ends its deliveries."""
    path = "archive/{source}/{remote_id}/{id}"
    config = loaded(
        f"targets:\n  a: {{kind: file, path: '{path}', content: invoice.data, decode: base64, timeout: 1m}}\n"
    )

    assert (
        FileTarget(
            "a",
            timeout_s=60.0,
            retry=RetryPolicy(final=frozenset()),
            path=compile_path(path),
            content=Content(compile_expression("invoice.data"), is_base64=True),
        )
        == config.targets["a"]
    )


def test_what_is_said_of_a_mail_is_taken(loaded: Loading) -> None:
    """The user and password leave the URL; one recipient, and one document, are a list of one."""
    target = loaded(
        "targets:\n  a: {kind: email, url: 'smtps://u%40e:${SECRET}@mail/', from: a@b, to: c@d, subject: '{id}', "
        f"text: x, tls: {{ca: '{SELF_SIGNED}'}}, starttls: false, retry: {{final: 552}}, "
        "attach: {content: data, decode: base64, name: '{id}.pdf', type: application/pdf}}\n"
    ).targets["a"]

    assert (
        EmailTarget(
            "a",
            retry=RetryPolicy(final=frozenset({552})),
            url="smtps://mail:465",
            sender="a@b",
            recipients=("c@d",),
            subject=compile_template("{id}"),
            text=compile_template("x"),
            attachments=(
                Attachment(
                    compile_path("{id}.pdf"), Content(compile_expression("data"), is_base64=True), "application/pdf"
                ),
            ),
            user=Secret("u@e"),
            password=Secret("a-secret-of-the-vendor"),
            starts_tls=False,
            tls=TlsFiles(ca=SELF_SIGNED),
        )
        == target
    )


def test_what_is_said_of_a_stream_is_taken(loaded: Loading) -> None:
    """With TLS's own default port, which is the same."""
    target = loaded(
        "targets:\n  a: {kind: redis, url: 'rediss://u:${SECRET}@r/7', stream: 'e:{source}', max_length: 9, "
        "content: x}\n"
    ).targets["a"]

    assert (
        RedisTarget(
            "a",
            retry=RetryPolicy(final=frozenset()),
            url="rediss://r:6379/7",
            stream=compile_template("e:{source}"),
            entries_max=9,
            content=Content(compile_expression("x")),
            user=Secret("u"),
            password=Secret("a-secret-of-the-vendor"),
        )
        == target
    )


@pytest.mark.parametrize(
    ("user_part", "user", "password"),
    [("", None, None), ("t@", Secret("t"), None), ("u:p%40@", Secret("u"), Secret("p@"))],
)
def test_what_is_said_of_a_subject_is_taken(
    loaded: Loading, user_part: str, user: Secret | None, password: Secret | None
) -> None:
    """A user alone is a token."""
    target = loaded(f"targets:\n  a: {{kind: nats, url: 'tls://{user_part}n', subject: 'e.{{type}}'}}\n").targets["a"]

    assert (
        NatsTarget(
            "a",
            retry=RetryPolicy(final=frozenset()),
            url="tls://n:4222",
            subject=compile_template("e.{type}"),
            user=user,
            password=password,
        )
        == target
    )


@pytest.mark.parametrize(
    ("url", "placed"),
    [("amqps://u:p%40@r", "amqps://r:5671"), ("amqp://u:p%40@r:1/%2Fprod", "amqp://r:1/%2Fprod")],
)
def test_what_is_said_of_an_exchange_is_taken(loaded: Loading, url: str, placed: str) -> None:
    """The virtual host stays in the URL as it was written: a name may begin with a slash."""
    target = loaded(f"targets:\n  a: {{kind: amqp, url: '{url}', exchange: e, routing_key: '{{type}}'}}\n").targets["a"]

    assert (
        AmqpTarget(
            "a",
            retry=RetryPolicy(final=frozenset()),
            url=placed,
            exchange="e",
            routing_key=compile_template("{type}"),
            user=Secret("u"),
            password=Secret("p@"),
        )
        == target
    )


def test_what_is_said_of_a_bucket_is_taken(loaded: Loading) -> None:
    """A server of one's own has a certificate of one's own."""
    target = loaded(
        f"targets:\n  a: {{kind: s3, url: 'https://s:9000/b', region: r, tls: {{ca: '{SELF_SIGNED}'}}, access_key: k, "
        "secret_key: '${SECRET}', key: '{id}.csv', type: text/csv, decode: base64}\n"
    ).targets["a"]

    assert (
        S3Target(
            "a",
            retry=RetryPolicy(final=frozenset()),
            url="https://s:9000/b",
            region="r",
            tls=TlsFiles(ca=SELF_SIGNED),
            access_key=Secret("k"),
            secret_key=Secret("a-secret-of-the-vendor"),
            key=compile_path("{id}.csv"),
            content=Content(is_base64=True),
            media_type="text/csv",
        )
        == target
    )


def test_what_is_said_of_another_relay_is_taken(loaded: Loading) -> None:
    """Its secret is the key by which it knows us."""
    target = loaded(
        f"targets:\n  a: {{kind: relay, url: 'https://r/in/x', secrets: {WHSEC}, tls: {{ca: '{SELF_SIGNED}'}}}}\n"
    ).targets["a"]

    assert (
        RelayTarget(
            "a",
            url="https://r/in/x",
            sign_secrets=(Secret(base64.b64decode(WHSEC.removeprefix("whsec_"))),),
            tls=TlsFiles(ca=SELF_SIGNED),
        )
        == target
    )


def test_a_kind_whose_driver_is_not_there_says_how_to_get_it(faults: Faulting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Together with what else is wrong with it; nobody needs a driver who has no such target."""
    monkeypatch.setattr(EmailPart, "driver", "a_driver_that_nobody_has")

    assert [
        "relay.yaml:2:13: targets.a.kind: its driver is not installed; expected `pip install 'callback-relay[email]'` "
        "before this",
        'relay.yaml:2:43: targets.a.from: expected an address such as accounts@example.com, found "a"',
    ] == faults("targets:\n  a: {kind: email, url: 'smtp://e', from: a, to: c@d}\n")


WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MAIL = "kind: email, from: a@b, to: c@d, "


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            f"{MAIL}url: 'https://e'",
            "2:45: targets.a.url: expected a URL such as smtp://user:password@mail.example.com:587",
        ),
        (f"{MAIL}url: 'smtp://e/?a=b'", "2:45: targets.a.url: expected a URL without a query and a fragment"),
        (
            f"{MAIL}url: 'smtp://u:p@e', starttls: false",
            "2:71: targets.a.starttls: the user and password in `url` would be sent in clear; expected true, or a "
            "`url` without",
        ),
        (
            f"{MAIL}url: 'smtp://e', tls: {{ca: /nowhere.pem}}",
            "2:67: targets.a.tls.ca: there is no such file; expected certificates in PEM",
        ),
        (
            f"{MAIL}url: 'smtp://e', tls: {{key: x}}",
            "2:68: targets.a.tls.key: expected `cert`, which this is the key of",
        ),
        (
            "kind: email, url: 'smtp://e', from: a@b, to: [c@d, 'e\\nf@g']",
            '2:58: targets.a.to[1]: expected an address such as accounts@example.com, found "e\\\\nf@g"',
        ),
        (
            f"{MAIL}url: 'smtp://e', attach: {{type: pdf}}",
            '2:72: targets.a.attach.type: expected a media type such as application/pdf, found "pdf"',
        ),
        (
            f"kind: relay, secrets: '{WHSEC}', url: 'https://u:p@r/in/x'",
            "2:76: targets.a.url: expected a URL without a user: `secrets` are what the other relay knows us by",
        ),
        (
            "kind: s3, url: 'https://s/b', access_key: a, secret_key: b, key: '{invoice.id}'",
            "2:72: targets.a.key: expected a key with {id} in it: an object takes the place of another one of the same "
            'key, found "{invoice.id}"',
        ),
        (
            "kind: redis, url: 'redis://h/x', stream: y",
            "2:25: targets.a.url: expected a database's number, or nothing, after the host, such as redis://redis:6379/0",
        ),
        (
            "kind: amqp, url: 'amqp://h/a/b', exchange: e, routing_key: k",
            "2:24: targets.a.url: expected one virtual host after the host; a slash in its name is written %2F",
        ),
        (
            "kind: amqp, url: 'amqp://h', exchange: '', routing_key: k",
            '2:46: targets.a.exchange: expected the name of an exchange, of at most 255 bytes, found ""',
        ),
        ("kind: file", "2:3: targets.a.path: missing; expected a value such as archive/{source}/{id}.json"),
        ("kind: file, path: 5", "2:25: targets.a.path: expected text, in quotes, found 5"),
        (
            "kind: file, path: '../{id}'",
            "2:25: targets.a.path: not a template: '../{id}' climbs with `..`: expected a path that only descends",
        ),
        (
            "kind: file, path: '{id'",
            "2:25: targets.a.path: not a template: '{id': the `{` at column 1 is never closed",
        ),
        (
            "kind: file, path: x, decode: base46",
            '2:36: targets.a.decode: expected base64, found "base46"; did you mean `base64`?',
        ),
        (
            "kind: file, path: x, url: 'https://e/'",
            "2:28: targets.a.url: unknown key; expected kind, path, content, decode, timeout, concurrency, rate, "
            "order_by, body, retry or breaker",
        ),
        (
            "kind: file, path: x, retry: {final: [410]}",
            "2:36: targets.a.retry.final: unknown key; expected schedule, base, factor, cap, max_age or jitter",
        ),
        (
            "kind: fle, path: x",
            f'2:13: targets.a.kind: expected a kind: {listing(KINDS)}, found "fle"; did you mean `file`?',
        ),
    ],
)
def test_a_fault_of_a_kind_is_told(faults: Faulting, settings: str, fault: str) -> None:
    """As of every target: where, what is wrong, what is expected, and nothing that does not belong to the kind."""
    assert [f"relay.yaml:{fault}"] == faults(f"targets:\n  a: {{{settings}}}\n")


@pytest.mark.parametrize("key", ["method: PUT", "path: /a", "query: {a: type}", "headers: {X-A: type}"])
def test_only_what_is_called_by_http_takes_a_request(faults: Faulting, key: str) -> None:
    """A folder has no method; what a route says and nobody does would be a promise broken in silence."""
    name = key.partition(":")[0]
    text = (
        "sources: {shop: {verify: none}}\ntargets: {a: {kind: file, path: 'x/{id}'}}\n"
        f"routes: [{{from: shop, to: a, body: type, {key}}}]\n"
    )
    (told,) = faults(text)

    assert told.endswith(f"routes[0].{name}: the target a is not called by HTTP; leave it out")
