"""What a good file comes to: the nouns of the program."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from relay import presets, verification
from relay.config import Address, Admin, Config, PostgresDatabase, Server, SqliteDatabase, Storage
from relay.config.misfits import Misfit
from relay.config.models.fields import http_url
from relay.config.models.schemes import SCHEMES
from relay.config.models.targets.auth import AUTHS
from relay.domain import Auth, Bounds, BreakerPolicy, HttpTarget, InboundRequest, Rate, RetryPolicy, Secret, Source
from relay.expressions import compile_expression
from relay.targets import auth as ways
from relay.targets.addresses import endpoint
from relay.verification.header import HeaderVerifier
from relay.verification.hmac import HmacVerifier
from relay.verification.ip import IpVerifier
from relay.verification.none import NoVerifier
from relay.verification.standard_webhooks import standard_webhooks
from relay.verification.token import TokenVerifier
from tests.contract.vendor import a_source
from tests.unit.config.arrange import http_target_in

Loading = Callable[..., Config]

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
SECRET = Secret("a-secret-of-the-vendor")
OLD = Secret("an-older-secret-of-it")
KEY = b"a signing key of 24 byte"
WHSEC = "whsec_" + base64.b64encode(KEY).decode()


def source_of(loaded: Loading, settings: str) -> Source:
    return loaded(f"sources:\n  shop: {{{settings}}}\n").sources["shop"]


def target_of(loaded: Loading, settings: str) -> HttpTarget:
    return http_target_in(loaded(f"targets:\n  erp: {{url: 'https://erp.example.com/hooks', {settings}}}\n"))


def test_defaults_are_those_of_the_contract(loaded: Loading) -> None:
    """A file says only what is its own."""
    config = loaded("routes:\n")

    assert Server(Address("0.0.0.0", 8080), None, (), timedelta(seconds=25), Bounds()) == config.server
    assert Admin(Address("127.0.0.1", 8081), ()) == config.admin
    assert (
        Storage(SqliteDatabase(Path("data/relay.db")), timedelta(days=30), 5_000_000, 256 * 1024**2) == config.storage
    )


def test_what_is_said_of_server_admin_and_storage_is_taken(loaded: Loading) -> None:
    """Each setting arrives where the program reads it."""
    config = loaded(
        "server: {listen: '[::]:80', public_url: 'https://h.example.com/x/', trusted_proxies: [10.0.0.0/8, '::1'], "
        "grace: 1m, head_timeout: 1s, request_timeout: 2s, idle_timeout: 3s, url_max: 256B, header_max: 257B, "
        "headers_max: 10, connections_max: 11, connections_per_address_max: 12, requests_max: 13, bodies_max: 1MiB}\n"
        "admin: {listen: 'localhost:0', tokens: ['${SECRET}']}\n"
        "storage: {url: 'sqlite:////var/relay.db', keep: 2w, backlog_max: 9, disk_free_min: 1GiB}\n"
    )

    networks = (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    bounds = Bounds(1.0, 2.0, 3.0, 256, 257, 10, 11, 12, 13, 1024**2)
    assert Server(Address("::", 80), "https://h.example.com/x", networks, timedelta(minutes=1), bounds) == config.server
    assert Admin(Address("localhost", 0), (SECRET,)) == config.admin
    assert Storage(SqliteDatabase(Path("/var/relay.db")), timedelta(days=14), 9, 1024**3) == config.storage


def test_a_shared_database_is_shown_without_its_password(loaded: Loading) -> None:
    """Several servers of which one is the primary; the URL goes to the driver as it is written."""
    url = "postgresql://relay:s3cret%40@db1.example.com:5433,db2/relay?sslmode=verify-full"
    database = loaded(f"storage: {{url: '{url}'}}\n").storage.database

    assert PostgresDatabase(Secret(url), "postgresql://db1.example.com:5433,db2/relay") == database
    assert "s3cret" not in f"{database} {database!r}"


def test_a_database_behind_a_socket_is_shown_by_its_folder(loaded: Loading) -> None:
    """Of the machine itself; who asks is whoever the system says."""
    url = "postgresql://relay:s3cret@/relay?host=/run/postgresql"
    database = loaded(f"storage: {{url: '{url}'}}\n").storage.database

    assert PostgresDatabase(Secret(url), "postgresql:///relay?host=/run/postgresql") == database


@pytest.mark.parametrize(
    ("listen", "reachable"),
    [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("localhost:80", "localhost:80")],
)
def test_an_address_knows_where_it_can_be_called(loaded: Loading, listen: str, reachable: str) -> None:
    """Nothing can be sent to "every interface"."""
    assert reachable == loaded(f"server: {{listen: '{listen}'}}").server.listen.reachable


def test_every_scheme_can_be_configured() -> None:
    """A scheme that no file can name does not exist."""
    assert set(verification.names()) == set(SCHEMES)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("verify: none", (NoVerifier(),)),
        ("verify: {scheme: none}", (NoVerifier(),)),
        ("verify: [token], token: '${SECRET}'", (TokenVerifier((SECRET,)),)),
        ("verify: {scheme: ip, networks: 10.0.0.0/8}", (IpVerifier((ip_network("10.0.0.0/8"),)),)),
        (
            "verify: [{scheme: header, header: X-Key}, {scheme: ip, networks: ['::1']}], secret: '${SECRET}'",
            (HeaderVerifier("X-Key", (SECRET,)), IpVerifier((ip_network("::1"),))),
        ),
        (
            "verify: {scheme: hmac, header: X-S}, secrets: ['${SECRET}', '${OLD}']",
            (HmacVerifier("X-S", (SECRET, OLD)),),
        ),
        (
            "verify: {scheme: hmac, header: X-S, algorithm: sha512, encoding: base64, prefix: 'v1=', separator: ',', "
            "signed: '{timestamp}.{id}.{body}', timestamp_header: X-T, id_header: X-I, tolerance: 1m}, "
            "secret: '${SECRET}'",
            (
                HmacVerifier(
                    "X-S",
                    (SECRET,),
                    algorithm="sha512",
                    encoding="base64",
                    prefix="v1=",
                    separator=",",
                    signed="{timestamp}.{id}.{body}",
                    timestamp_header="X-T",
                    id_header="X-I",
                    tolerance=timedelta(minutes=1),
                ),
            ),
        ),
        (
            f"verify: standard-webhooks, secret: {WHSEC}",
            (standard_webhooks((Secret(WHSEC),), timedelta(minutes=5)),),
        ),
    ],
)
def test_schemes_become_verifiers(loaded: Loading, settings: str, expected: tuple[object, ...]) -> None:
    """Each setting of a scheme arrives in what proves a request."""
    assert expected == source_of(loaded, settings).verifiers


def test_a_signed_url_needs_only_our_public_one(loaded: Loading) -> None:
    """What senders sign is the URL that they know."""
    config = loaded(
        "server: {public_url: 'https://h/'}\n"
        "sources: {shop: {verify: {scheme: hmac, header: X-S, signed: '{url}{body}'}, secret: '${SECRET}'}}\n"
    )

    assert (HmacVerifier("X-S", (SECRET,), signed="{url}{body}"),) == config.sources["shop"].verifiers


def test_a_source_has_defaults(loaded: Loading) -> None:
    """By hand, a source needs no more than its proof."""
    source = source_of(loaded, "verify: none")

    assert (1024**2, None, 200, False, False) == (
        source.body_bytes_max,
        source.limit,
        source.respond_status,
        source.tells_nothing,
        source.takes_token,
    )
    assert (None, {}, {"*": timedelta(days=7)}, False) == (
        source.identification.type,
        source.identification.keys,
        source.identification.windows,
        source.identification.needs_json,
    )
    assert {"authorization", "cookie", "proxy-authorization"} == source.unkept_headers


def test_what_is_said_of_a_source_is_taken(loaded: Loading) -> None:
    """Each setting arrives where the program reads it."""
    source = source_of(
        loaded,
        "verify: {scheme: header, header: X-Api-Key}, secret: '${SECRET}', type: 'header:X-Type', "
        "key: {a: id, '*': '[a, b]'}, window: {a: forever, b: 5m}, max_body: 2KiB, limit: 3/1m, "
        "respond: {status: 202, body: none}, json: true",
    )

    assert (2048, Rate(3, 60), 202) == (source.body_bytes_max, source.limit, source.respond_status)
    assert source.tells_nothing
    assert {"a", "*"} == set(source.identification.keys)
    assert {"a": None, "b": timedelta(minutes=5), "*": timedelta(days=7)} == source.identification.windows
    assert source.identification.needs_json
    assert source.identification.type is not None
    assert not source.identification.type.reads_body
    assert "x-api-key" in source.unkept_headers


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_says_everything_but_the_secret(name: str) -> None:
    """With a preset, a source is one line."""
    preset = presets.find(name)
    source = a_source(preset)

    assert name == source.preset
    assert set(preset.keys) == set(source.identification.keys)
    assert preset.needs_json == source.identification.needs_json
    assert preset.respond_status == source.respond_status
    assert (preset.respond_body == "none") is source.tells_nothing
    assert (preset.batch is None) is (source.batch is None)
    assert bool(preset.handshakes) is (source.greeting is not None)


def test_a_preset_fills_only_what_the_source_leaves_open(loaded: Loading) -> None:
    """What a person writes stands."""
    source = source_of(loaded, "preset: invoice-collector, token: '${SECRET}', max_body: 1KiB, window: 1h")

    assert 1024 == source.body_bytes_max
    assert {"*": timedelta(hours=1)} == source.identification.windows
    assert {"invoice", "notification_disconnected"} == set(source.identification.keys)
    assert source.takes_token


def test_a_source_may_prove_in_another_way_than_its_preset(loaded: Loading) -> None:
    """Invoice-Collector can stand in a private network."""
    source = source_of(loaded, "preset: invoice-collector, verify: {scheme: ip, networks: [10.0.0.0/8]}")

    assert (IpVerifier((ip_network("10.0.0.0/8"),)),) == source.verifiers
    assert not source.takes_token


def test_a_target_has_defaults(loaded: Loading) -> None:
    """A target needs no more than its URL."""
    assert HttpTarget("erp", url="https://erp.example.com/hooks") == target_of(loaded, "")


def test_what_is_said_of_a_target_is_taken(loaded: Loading) -> None:
    """Each setting arrives where the program reads it."""
    target = target_of(
        loaded,
        "headers: {X-Tenant: acme}, pass_headers: [X-A], auth: {scheme: bearer, token: '${SECRET}'}, "
        f"sign: {{secrets: [{WHSEC}]}}, timeout: 2s, concurrency: 3, rate: 100/1m, order_by: remote_id, "
        "retry: {base: 1s, factor: 2, cap: 1h, max_age: 1d, jitter: 0.5, final: [410, 404], wait_header: X-Reset}, "
        "breaker: {failures: 3, probe: 1m, probe_cap: 1h}, allow_private: true",
    )

    assert (
        HttpTarget(
            "erp",
            timeout_s=2.0,
            concurrency=3,
            retry=RetryPolicy(1.0, 2.0, 3600.0, timedelta(days=1), 0.5, frozenset({404, 410}), wait_header="X-Reset"),
            breaker=BreakerPolicy(3, 60.0, 3600.0),
            rate=Rate(100, 60.0),
            order_by=compile_expression("remote_id"),
            url="https://erp.example.com/hooks",
            headers={"X-Tenant": Secret("acme")},
            auth=Auth("bearer", {"token": SECRET}),
            pass_headers=("X-A",),
            sign_secrets=(Secret(KEY),),
            allow_private=True,
        )
        == target
    )


@pytest.mark.parametrize(
    ("settings", "final"), [("", {410}), ("retry: {base: 1s}", {410}), ("retry: {final: []}", set())]
)
def test_a_target_that_is_gone_is_believed_unless_told_otherwise(
    loaded: Loading, settings: str, final: set[int]
) -> None:
    """410 says that it is gone for good; an empty list says that no status ends a delivery."""
    assert final == target_of(loaded, settings).retry.final


@pytest.mark.parametrize(
    ("auth", "settings"),
    [
        ("{scheme: basic, user: u, password: 'p:w'}", {"user": Secret("u"), "password": Secret("p:w")}),
        ("{scheme: header, header: X-Key, value: '${SECRET}'}", {"name": "X-Key", "value": SECRET}),
        ("{scheme: query, parameter: key, value: '${SECRET}'}", {"name": "key", "value": SECRET}),
        ("{scheme: hmac, secret: '${SECRET}', header: X-S}", {"secrets": (SECRET,), "header": "X-S"}),
    ],
)
def test_a_way_to_prove_ourselves_has_its_settings(loaded: Loading, auth: str, settings: dict[str, object]) -> None:
    """They are what the scheme's module takes, by name."""
    found = target_of(loaded, f"auth: {auth}").auth

    assert found is not None
    assert settings == found.settings


def test_every_way_to_prove_ourselves_can_be_chosen() -> None:
    """A module that no file can name would be for nothing, and a name without a module fails at the start."""
    assert set(ways.names()) == set(AUTHS)


@pytest.mark.parametrize(
    ("written", "called", "credentials"),
    [
        ("https://u:p%20w@erp/a%2Fb?x=%7e&y", "https://erp/a%2Fb?x=%7e&y", "u:p w"),
        ("https://u@[::1]:8443", "https://[::1]:8443", "u:"),
        ("https://us%C3%A9r:p@erp/", "https://erp/", "usér:p"),
    ],
)
def test_the_user_in_a_url_proves_us(loaded: Loading, written: str, called: str, credentials: str) -> None:
    """A URL is shown, logged and passed around; its user part must not be."""
    target = http_target_in(loaded(f"targets: {{erp: {{url: '{written}'}}}}"))

    assert called == target.url
    user, _, password = credentials.partition(":")
    assert Auth("basic", {"user": Secret(user), "password": Secret(password)}) == target.auth


def test_networks_may_be_named_one_by_one(loaded: Loading) -> None:
    """A list opens those networks, and no other private ones."""
    target = target_of(loaded, "allow_private: [10.0.0.0/8, '::1']")

    assert (False, ("10.0.0.0/8", "::1/128")) == (target.allow_private, target.allow_networks)


def test_a_route_is_there_for_each_of_its_sources(loaded: Loading) -> None:
    """A source knows its routes, in the order of the file, and each is named."""
    config = loaded(
        "sources: {a: {verify: none}, b: {verify: none}}\n"
        "targets: {x: {url: 'https://x/'}, y: {url: 'https://y/'}}\n"
        "routes:\n"
        "  - {from: [a, b], to: [x, y]}\n"
        "  - {from: a, to: x, when: 'type == `1`'}\n"
        "  - {from: a, to: x}\n"
        "  - {from: a, to: x}\n"
        "  - {name: 'a→x', from: b, to: y}\n"
    )

    assert ["a+b→x+y", "a→x (2)", "a→x (3)", "a→x (4)"] == [route.name for route in config.sources["a"].routes]
    assert ["a+b→x+y", "a→x"] == [route.name for route in config.sources["b"].routes]
    assert [("x", "y"), ("x",), ("x",), ("x",)] == [
        tuple(target.name for target in route.targets) for route in config.sources["a"].routes
    ]
    assert ["type == `1`"] == [route.when.text for route in config.sources["a"].routes if route.when]


def test_what_a_source_signs_its_own_verifier_believes(loaded: Loading) -> None:
    """A configuration that is good works."""
    source = source_of(loaded, "preset: getaround, secrets: ['${SECRET}', '${OLD}']")
    request = InboundRequest("POST", "https://h", "/in/shop", "", CIMultiDict(), b"{}")

    proof = verification.sign(request, source, NOW)
    proven = InboundRequest("POST", "https://h", "/in/shop", "", CIMultiDict(proof.headers), b"{}")

    assert verification.verify(proven, source, NOW) is None


def test_no_secret_is_in_what_a_configuration_prints(loaded: Loading) -> None:
    """A configuration ends in a traceback sooner or later."""
    config = loaded(
        "admin: {tokens: ['${SECRET}']}\n"
        "sources: {a: {verify: basic, secret: 'user:${SECRET}'}}\n"
        "targets: {x: {url: 'https://u:${SECRET}@x/', headers: {X-A: '${SECRET}'}, sign: {secrets: " + WHSEC + "}}}\n"
    )

    assert SECRET.text() not in repr(config)
    assert KEY.decode() not in repr(config)


@given(
    st.from_regex(r"https?://[a-z0-9.:\[\]@%_\-ü]{0,20}(/[!-~]{0,10})?", fullmatch=True)
    | st.text().map("https://{}".format)
)
def test_a_url_that_is_accepted_can_be_called(url: str) -> None:
    """What `relay check` lets pass must not fail when the program starts."""
    try:
        accepted = http_url(url)
    except Misfit:
        return
    endpoint(str(accepted.with_user(None)))


def test_several_secrets_are_told_apart(loaded: Loading) -> None:
    """So that it can be seen when the old one is no longer used; a single one needs no telling."""
    several = source_of(loaded, "preset: getaround, secrets: ['${SECRET}', '${OLD}']")
    single = source_of(loaded, "preset: getaround, secret: '${SECRET}'")

    assert (2, True) == (len(several.keyrings), several.has_secret)
    assert ((), True) == (single.keyrings, single.has_secret)
    assert not source_of(loaded, "verify: none").has_secret
