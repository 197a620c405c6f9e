"""Several replicas on one PostgreSQL, by Docker Compose: everything that is named is there, and fits."""

import re
from pathlib import PurePosixPath
from typing import Any

import pytest

from relay.config.units import parse_duration
from tests.architecture.shipped import CONFIG, PROBES, ROOT, document, image_user, loaded, wrong_with

FILE = CONFIG / "compose.replicas.yaml"
COMPOSE = document(FILE)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
REPLICAS = {name: service for name, service in SERVICES.items() if service.get("image") == "callback-relay"}
CADDYFILE = (CONFIG / "Caddyfile").read_text()
MOUNTED = CONFIG / "relay.replicas.yaml"
OUTSIDE = re.findall(r"^# +([A-Z_]+)=", FILE.read_text(), re.MULTILINE)  # what it says that config/.env must hold


def filled_in(text: str) -> str:
    """Do as Compose does with what stands in config/.env."""
    values = dict.fromkeys(OUTSIDE, "a-value-of-yours")
    return re.sub(r"\$\{([A-Z_]+):\?[^}]*\}", lambda mark: values[mark[1]], text)


def environment(replica: dict[str, Any]) -> dict[str, str]:
    return dict.fromkeys(OUTSIDE, "a-value-of-yours") | {
        name: filled_in(value) for name, value in replica["environment"].items()
    }


CONFIGURATION = loaded(MOUNTED, environment(next(iter(REPLICAS.values()))))


def test_there_are_two_replicas() -> None:
    """One may be restarted while the other goes on."""
    assert 2 <= len(REPLICAS)


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_finds_a_configuration_that_is_good(name: str) -> None:
    """With what config/.env is said to hold, and nothing else, it starts."""
    environ = environment(REPLICAS[name])
    mounts = dict(volume.split(":")[1::-1] for volume in REPLICAS[name]["volumes"])
    path = PurePosixPath(environ["RELAY_CONFIG"])
    on_host = (FILE.parent / mounts[str(path.parent)] / path.name).resolve()

    assert on_host == MOUNTED
    assert [] == wrong_with(on_host, environ)


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_has_time_to_finish(name: str) -> None:
    """Else what is in flight at a restart is cut off and sent twice."""
    assert parse_duration(REPLICAS[name]["stop_grace_period"]) > CONFIGURATION.server.grace


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_shows_its_admin_port_to_this_machine_alone(name: str) -> None:
    """Webhooks come through the proxy; metrics and API come from nowhere else."""
    (published,) = REPLICAS[name]["ports"]
    host, _, inside = published.split(":")

    assert ("127.0.0.1", CONFIGURATION.admin.listen.port) == (host, int(inside))


def test_the_replicas_do_not_want_the_same_port() -> None:
    """Of two published ports alike the second never starts."""
    published = [port for service in REPLICAS.values() for port in service["ports"]]

    assert len(published) == len(set(published))


def test_the_proxy_knows_every_replica_and_asks_whether_it_is_ready() -> None:
    """A replica more is to be named at both places."""
    (upstreams,) = re.findall(r"reverse_proxy (.+) \{", CADDYFILE)
    (health_uri,) = re.findall(r"health_uri (\S+)", CADDYFILE)

    assert sorted(f"{name}:{CONFIGURATION.server.listen.port}" for name in REPLICAS) == sorted(upstreams.split())
    assert health_uri in PROBES


def test_the_proxy_lets_nothing_but_webhooks_in() -> None:
    """Probes and metrics are for those who run it."""
    assert ["/in/*"] == re.findall(r"^\thandle (\S+) \{", CADDYFILE, re.MULTILINE)
    assert "respond 404" in CADDYFILE


def test_the_proxy_gets_the_variables_that_its_file_names() -> None:
    """An empty name would be every name."""
    assert set(re.findall(r"\{\$([A-Z_]+)\}", CADDYFILE)) == SERVICES["caddy"]["environment"].keys()


def test_the_proxy_calls_from_the_network_that_is_trusted() -> None:
    """Else every sender seems to be the proxy."""
    (subnet,) = COMPOSE["networks"]["front"]["ipam"]["config"]

    assert {subnet["subnet"]} == {service["environment"]["PROXY_NETWORK"] for service in REPLICAS.values()}
    assert "front" in SERVICES["caddy"]["networks"]


def test_the_database_is_the_one_that_the_replicas_are_told_of() -> None:
    """Name, user, database and password are the same on both sides."""
    told = SERVICES["postgres"]["environment"]
    user, database, password = (told[f"POSTGRES_{name}"] for name in ("USER", "DB", "PASSWORD"))
    expected = f"postgresql://{user}:{password}@postgres:5432/{database}"

    assert {expected} == {service["environment"]["DATABASE_URL"] for service in REPLICAS.values()}


def test_what_a_service_names_is_there() -> None:
    """A name misspelt is found here, and not at the first start."""
    for service in SERVICES.values():
        assert set(service["networks"]) <= COMPOSE["networks"].keys()
        assert set(service.get("depends_on", ())) <= SERVICES.keys()
        for source in (volume.partition(":")[0] for volume in service.get("volumes", ())):
            assert (FILE.parent / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_no_more_than_it_must(name: str) -> None:
    """Nothing is written beside the volumes, and no right is won back."""
    service = SERVICES[name]

    assert service["read_only"]
    assert ["ALL"] == service["cap_drop"]
    assert {"caddy": ["NET_BIND_SERVICE"]}.get(name) == service.get("cap_add")
    assert ["no-new-privileges:true"] == service["security_opt"]


def test_neither_relay_nor_database_runs_as_root() -> None:
    """The image says so for the relay."""
    assert image_user() > 0
    assert [None] * len(REPLICAS) == [service.get("user") for service in REPLICAS.values()]
    assert "postgres" == SERVICES["postgres"]["user"]


def test_every_service_tells_whether_it_is_well() -> None:
    """The relay's image brings its own check."""
    assert {*REPLICAS} == {name for name, service in SERVICES.items() if "healthcheck" not in service}
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()


def test_the_database_is_reached_by_the_replicas_alone() -> None:
    """It has no port outside, and its network leads nowhere."""
    members = {name for name, service in SERVICES.items() if "back" in service["networks"]}

    assert {*REPLICAS, "postgres"} == members
    assert COMPOSE["networks"]["back"]["internal"]
    assert "ports" not in SERVICES["postgres"]
