"""The files in `config/` are what a newcomer starts with: they load, and show every key there is."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relay import domain, presets
from relay.config import doubts, load, schema
from relay.config.models.file import Admin, Quarantine, Server
from relay.config.models.ringing import Heartbeat, Notify
from relay.config.models.routes import Route
from relay.config.models.sources import Source
from relay.config.models.targets import KINDS
from relay.config.models.targets.base import Breaker
from relay.config.models.targets.email import Attachment
from relay.config.models.targets.http import HttpRetry
from relay.config.models.targets.tls import Tls
from relay.contents import document_of
from relay.domain import Delivery, Event, Verdict
from relay.routing import environment, verdict
from relay.shaper import shape
from relay.shaping import Shapes
from tests.builders import an_event
from tests.conftest import START
from tests.mail import SELF_SIGNED
from tests.senders import a_delivery

FOLDER = Path(__file__).parents[3] / "config"
STARTER = FOLDER / "relay.yaml"
EXAMPLES = sorted((FOLDER / "examples").glob("*.yaml"))
ENVIRONMENT = {
    "INVOICES_TOKEN": "a-token-of-ours",
    "GETAROUND_SECRET": "a-secret-of-theirs",
    "ERP_TOKEN": "a-token-of-the-erp",
    "FACTPULSE_SECRET": "a-secret-of-theirs",
    "FACTPULSE_USER": "us",
    "FACTPULSE_PASSWORD": "a-password-of-ours",
    "SIWAPP_HOOK_TOKEN": "another-token-of-ours",
    "SIWAPP_TOKEN": "a-token-of-theirs",
    "SLACK_URL": "https://hooks.slack.com/services/T0/B0/secret",
    "TOSEND_CUSTOMER": "acme",
    "TOSEND_LOGIN": "us",
    "TOSEND_PASSWORD": "a-password-of-ours",
    "TRIPLETEX_CONSUMER": "a-token-of-ours",
    "TRIPLETEX_EMPLOYEE": "a-token-of-a-user",
    "TRIPLETEX_KEY": "a-value-of-ours",
}
EVERYTHING = {
    "AMQP_URL": "amqp://user:password@rabbitmq.example.com/vhost",
    "S3_ACCESS_KEY": "an-access-key",
    "S3_SECRET_KEY": "a-secret-key",
    "UPSTREAM_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "NATS_URL": "nats://token@nats.example.com",
    "REDIS_URL": "redis://user:password@redis.example.com",
    "SMTP_URL": "smtp://user:password@mail.example.com",
    **ENVIRONMENT,
    "RELAY_ADMIN_TOKEN": "a-token-of-the-admin",
    "SHOP_SECRET": "a-secret-of-the-shop",
    "ERP_SIGNING_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "FLEET_SIGNING_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "META_SECRET": "a-secret-of-meta",
    "META_VERIFY_TOKEN": "a-word-that-we-chose",
    "GETAROUND_SECRET_OLD": "an-older-secret-of-theirs",
}


def uncommented(text: str) -> str:
    """Return a file with every setting that it only shows switched on."""
    head, _, rest = text.partition("\n\n")
    return head + "\n\n" + re.sub(r"^( *)# ( *)(?=[a-z_]+:( |$)|- )", r"\1\2", rest, flags=re.MULTILINE)


@pytest.mark.parametrize("path", [STARTER, *EXAMPLES], ids=lambda path: path.name)
def test_a_shipped_file_loads_without_a_doubt(path: Path) -> None:
    """With one variable set, a newcomer has something that works."""
    assert () == doubts(load(path, ENVIRONMENT), lambda target: None)


@pytest.mark.parametrize("path", [STARTER, *EXAMPLES], ids=lambda path: path.name)
def test_a_shipped_file_can_be_used_in_a_container(path: Path) -> None:
    """`compose.yaml` publishes the admin port, which is on loopback everywhere else."""
    in_container = load(path, {**ENVIRONMENT, "RELAY_ADMIN_LISTEN": "0.0.0.0:8081"})

    assert "127.0.0.1:8081" == str(load(path, ENVIRONMENT).admin.listen)
    assert "0.0.0.0:8081" == str(in_container.admin.listen)
    assert "RELAY_ADMIN_LISTEN: 0.0.0.0:8081" in (FOLDER / "compose.yaml").read_text()


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put those files there that the comments name."""
    for name in ("ca.pem", "relay.pem", "relay.key"):
        (tmp_path / name).write_bytes(SELF_SIGNED.read_bytes())
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("certificates")
@pytest.mark.parametrize("path", [STARTER, *EXAMPLES], ids=lambda path: path.name)
def test_what_a_shipped_file_shows_in_comments_is_good(path: Path, tmp_path: Path) -> None:
    """Whoever takes away a `#` must not meet a fault."""
    whole = tmp_path / "relay.yaml"
    whole.write_text(uncommented(path.read_text()))

    load(whole, EVERYTHING)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_a_shipped_file_shapes_what_its_vendors_send(path: Path) -> None:
    """Every sample of a vendor that we know goes through every route that takes it, without a fault."""
    config = load(path, ENVIRONMENT)
    for source in config.sources.values():
        for sample in presets.find(source.preset).samples if source.preset else ():
            event = replace(an_event(body=sample.render(START, "uuid")), source=source.name, type=sample.type)
            for route in source.routes:
                if verdict(route, environment(event, document_of(event))) is Verdict.MATCHED:
                    _assert_shaped(event, route)


def _assert_shaped(event: Event, route: domain.Route) -> None:
    for target in route.targets:
        delivery = replace(a_delivery(event), route=route.name, target=target.name)
        result = shape(delivery, Shapes(target, [route]))
        assert isinstance(result, Delivery), result.reason


@pytest.mark.usefixtures("certificates")
def test_the_starter_shows_every_way_to_name_a_source(tmp_path: Path) -> None:
    """Vendors that we know, and one by hand."""
    whole = tmp_path / "relay.yaml"
    whole.write_text(uncommented(STARTER.read_text()))

    assert {"invoices", "getaround", "page", "shop"} == set(load(whole, EVERYTHING).sources)


@pytest.mark.parametrize("path", [STARTER, *EXAMPLES], ids=lambda path: path.name)
def test_a_shipped_file_names_its_schema_to_editors(path: Path) -> None:
    """An editor completes and explains from the first minute."""
    first = path.read_text().splitlines()[0]

    assert (FOLDER / "relay.schema.json") == (path.parent / first.partition("$schema=")[2]).resolve()


@pytest.mark.parametrize(
    "part",
    [Server, Admin, Quarantine, Source, *KINDS.values(), HttpRetry, Breaker, Tls, Attachment, Route, Notify, Heartbeat],
)
def test_the_starter_shows_every_key(part: type[Server]) -> None:
    """What is not shown is not found."""
    text = STARTER.read_text()
    unshown = {"token", "secrets", "name", "json"}  # one spelling of a secret is enough to begin with

    assert [] == [key for key in part.written_keys() if key not in unshown and not re.search(rf"\b{key}:", text)]


def test_the_schema_in_the_repository_is_current() -> None:
    """Editors read the file, not the program. `relay schema > config/relay.schema.json` renews it."""
    assert schema() == json.loads((FOLDER / "relay.schema.json").read_text())


def test_the_schema_describes_every_key() -> None:
    """A person who hovers over a key learns what it means."""
    whole = schema()
    assert [] == [f"{name}.{key}" for name, key, described in _keys(whole) if not _description(described, whole)]


def test_the_schema_shows_what_a_person_writes() -> None:
    """Not what it becomes: no nulls, and durations and sizes as text."""
    whole = schema()

    assert '"null"' not in json.dumps(whole)
    assert "https://json-schema.org/draft/2020-12/schema" == whole["$schema"]
    assert "15s" == whole["$defs"]["HttpTarget"]["properties"]["timeout"]["default"]
    assert re.search(whole["$defs"]["HttpTarget"]["properties"]["timeout"]["pattern"], "1h30m")
    assert re.search(whole["$defs"]["HttpTarget"]["properties"]["timeout"]["pattern"], "${TIMEOUT}")
    assert not re.search(whole["$defs"]["HttpTarget"]["properties"]["timeout"]["pattern"], "15")


def _keys(whole: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    parts = {"": whole, **whole["$defs"]}
    return [(name, key, described) for name, part in parts.items() for key, described in part["properties"].items()]


def _description(described: dict[str, Any], whole: dict[str, Any]) -> str:
    named = whole["$defs"][described["$ref"].rpartition("/")[2]] if "$ref" in described else {}
    return str(described.get("description") or named.get("description", ""))
