"""Several replicas in Kubernetes: the manifests are what the API takes, and every name in them refers to something."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from relay.clock import Clock
from relay.telemetry import Telemetry
from tests.architecture.shipped import (
    CONFIG,
    KUBERNETES,
    PROBES,
    ROOT,
    document,
    documents,
    image_user,
    loaded,
    wrong_with,
)
from tests.conftest import ManualClock

Manifest = dict[str, Any]
VALUES = KUBERNETES / "prometheus" / "adapter-values.yaml"  # a Helm chart's, and no manifest
FILES = sorted(path for path in KUBERNETES.rglob("*.yaml") if path != VALUES)
MANIFESTS: list[Manifest] = [manifest for path in FILES for manifest in documents(path)]
OF_OTHERS = {"ServiceMonitor"}  # kinds that the Prometheus Operator brings
VERSIONS = ["1.31", kubernetes_validate.latest_version()]


def all_of(kind: str) -> list[Manifest]:
    return [manifest for manifest in MANIFESTS if manifest["kind"] == kind]


def the(kind: str) -> Manifest:
    (only,) = all_of(kind)
    return only


POD = the("Deployment")["spec"]["template"]
(RELAY,) = POD["spec"]["containers"]
PORTS = {port["name"]: port["containerPort"] for port in RELAY["ports"]}
SECRET = the("Secret")
ENVIRONMENT = {variable["name"]: variable["value"] for variable in RELAY["env"]} | dict.fromkeys(
    SECRET["stringData"], "a-value-of-yours"
)
ENVIRONMENT["DATABASE_URL"] = "postgresql://relay:a-password@postgres/relay"


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """The configuration, where the pod finds it."""
    (volume,) = [volume for volume in POD["spec"]["volumes"] if "configMap" in volume]
    (mount,) = [mount for mount in RELAY["volumeMounts"] if mount["name"] == volume["name"]]
    (config_map,) = [each for each in all_of("ConfigMap") if each["metadata"]["name"] == volume["configMap"]["name"]]
    for item in volume["configMap"]["items"]:
        (tmp_path / item["path"]).write_text(config_map["data"][item["key"]])
    wanted = PurePosixPath(ENVIRONMENT["RELAY_CONFIG"])
    assert mount["mountPath"] == str(wanted.parent)
    return tmp_path / wanted.name


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "manifest", MANIFESTS, ids=lambda manifest: f"{manifest['kind']} {manifest['metadata']['name']}"
)
def test_the_api_takes_it(manifest: Manifest, version: str) -> None:
    """No key is misspelt, and none has the wrong form, in the oldest version that we name and in the newest."""
    if manifest["kind"] in OF_OTHERS:
        with pytest.raises(kubernetes_validate.SchemaNotFoundError):
            kubernetes_validate.validate(manifest, version, strict=True)
    else:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_configuration_is_good(mounted: Path) -> None:
    """With what the Deployment sets and the Secret is said to hold, and nothing else, a replica starts."""
    assert [] == wrong_with(mounted, ENVIRONMENT)


def test_the_configuration_is_the_one_of_the_other_ways(mounted: Path) -> None:
    """Who goes from Compose to Kubernetes takes his file along."""
    assert document(CONFIG / "relay.replicas.yaml") == document(mounted)


def test_the_ports_are_those_that_the_relay_listens_at(mounted: Path) -> None:
    """A port of another number is one that nobody answers at."""
    config = loaded(mounted, ENVIRONMENT)

    assert {"http": config.server.listen.port, "admin": config.admin.listen.port} == PORTS


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_a_probe_asks_what_there_is(probe: str) -> None:
    """One that asks elsewhere restarts a healthy relay for ever."""
    asked = RELAY[probe]["httpGet"]

    assert asked["path"] in PROBES
    assert asked["port"] in PORTS


def test_a_database_that_is_away_restarts_nothing() -> None:
    """Only readiness looks at the store."""
    asked = {probe: RELAY[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")}

    assert {"livenessProbe": "/healthz", "readinessProbe": "/readyz"} == asked


def test_a_pod_has_time_to_finish(mounted: Path) -> None:
    """It accepts until the proxies know, and then finishes what is in flight."""
    program, seconds = RELAY["lifecycle"]["preStop"]["exec"]["command"]
    needed = timedelta(seconds=int(seconds)) + loaded(mounted, ENVIRONMENT).server.grace

    assert "sleep" == program
    assert POD["spec"]["terminationGracePeriodSeconds"] > needed.total_seconds()


def test_a_pod_may_do_no_more_than_it_must() -> None:
    """What the restricted Pod Security Standard asks for, and a root file system that cannot be written."""
    of_pod, of_container = POD["spec"]["securityContext"], RELAY["securityContext"]

    assert (True, image_user(), "RuntimeDefault") == (
        of_pod["runAsNonRoot"],
        of_pod["runAsUser"],
        of_pod["seccompProfile"]["type"],
    )
    assert {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    } == of_container
    assert not POD["spec"]["automountServiceAccountToken"]


def test_a_pod_is_told_no_variables_that_it_does_not_know() -> None:
    """A Service called `relay` would make RELAY_PORT and others, which look like settings of ours."""
    assert not POD["spec"]["enableServiceLinks"]


def test_the_image_is_of_this_version() -> None:
    """Its tag is the program's version."""
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert f"callback-relay:{version}" == RELAY["image"]


def test_every_volume_is_there() -> None:
    """A mount without a volume, or the reverse."""
    assert {mount["name"] for mount in RELAY["volumeMounts"]} == {volume["name"] for volume in POD["spec"]["volumes"]}


def test_the_secret_is_there_and_holds_nothing() -> None:
    """A placeholder that is a value would be used by somebody."""
    names = [source["secretRef"]["name"] for source in RELAY["envFrom"]]

    assert [SECRET["metadata"]["name"]] == names
    assert {""} == set(SECRET["stringData"].values())


def selectors() -> Iterator[tuple[str, dict[str, str]]]:
    yield "Deployment", the("Deployment")["spec"]["selector"]["matchLabels"]
    yield "PodDisruptionBudget", the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]
    yield "NetworkPolicy", the("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    yield from (("Service", service["spec"]["selector"]) for service in all_of("Service"))
    for spread in POD["spec"]["topologySpreadConstraints"]:
        yield spread["topologyKey"], spread["labelSelector"]["matchLabels"]


@pytest.mark.parametrize(("by", "labels"), list(selectors()))
def test_a_selector_finds_the_pods(by: str, labels: dict[str, str]) -> None:
    """A selector that finds nothing is no fault to Kubernetes."""
    assert labels, by
    assert labels.items() <= POD["metadata"]["labels"].items()


@pytest.mark.parametrize("service", all_of("Service"), ids=lambda service: service["metadata"]["name"])
def test_a_service_leads_to_a_port_of_the_pods(service: Manifest) -> None:
    """By its name."""
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= PORTS.keys()


def test_what_is_public_does_not_lead_to_the_admin_port() -> None:
    """Metrics and API are for the cluster."""
    backends = [
        path["backend"]["service"] for rule in the("Ingress")["spec"]["rules"] for path in rule["http"]["paths"]
    ]
    services = {service["metadata"]["name"]: service["spec"]["ports"] for service in all_of("Service")}

    for backend in backends:
        (port,) = [port for port in services[backend["name"]] if port["name"] == backend["port"]["name"]]
        assert "http" == port["targetPort"]


def test_the_ingress_lets_nothing_but_webhooks_in() -> None:
    """Under the name that the relay believes to be its own."""
    (rule,) = the("Ingress")["spec"]["rules"]

    assert ["/in/"] == [path["path"] for path in rule["http"]["paths"]]
    assert ENVIRONMENT["PUBLIC_HOST"] == rule["host"]
    assert [[rule["host"]]] == [tls["hosts"] for tls in the("Ingress")["spec"]["tls"]]


def test_prometheus_finds_the_admin_port() -> None:
    """It reads what `/metrics` tells, of every replica."""
    (endpoint,) = the("ServiceMonitor")["spec"]["endpoints"]
    labels = the("ServiceMonitor")["spec"]["selector"]["matchLabels"]
    (found,) = [service for service in all_of("Service") if labels.items() <= service["metadata"]["labels"].items()]

    assert ["admin"] == [port["targetPort"] for port in found["spec"]["ports"] if port["name"] == endpoint["port"]]
    assert "/metrics" == endpoint["path"]


def test_the_autoscaler_reads_a_metric_that_there_is(clock: ManualClock) -> None:
    """The adapter's rule makes it, out of metrics of ours."""
    (rule,) = document(VALUES)["rules"]["external"]
    wanted = [metric["external"]["metric"]["name"] for metric in the("HorizontalPodAutoscaler")["spec"]["metrics"][:1]]
    used = set(re.findall(r"relay_\w+", f"{rule['seriesQuery']} {rule['metricsQuery']}"))

    assert [rule["name"]["as"]] == wanted
    assert {"relay_backlog", "relay_target_state"} == used
    assert used <= metrics(clock)


def test_the_autoscaler_moves_what_there_is() -> None:
    """And never below two, of which one may be restarted."""
    scaler, deployment = the("HorizontalPodAutoscaler")["spec"], the("Deployment")
    moved = scaler["scaleTargetRef"]

    assert (deployment["apiVersion"], "Deployment", deployment["metadata"]["name"]) == (
        moved["apiVersion"],
        moved["kind"],
        moved["name"],
    )
    assert deployment["spec"]["replicas"] == scaler["minReplicas"] == 2


def metrics(clock: Clock) -> set[str]:
    return {name for name, _, _ in Telemetry(clock, {}).described()}


def test_the_relay_may_be_reached_and_may_reach_what_it_needs() -> None:
    """Names, the database, targets by TLS; and no other network of the cluster."""
    policy = the("NetworkPolicy")["spec"]
    inward = [port["port"] for rule in policy["ingress"] for port in rule["ports"]]
    outward = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    (block,) = [to["ipBlock"] for rule in policy["egress"] for to in rule["to"] if "ipBlock" in to]

    assert sorted(PORTS) == sorted(inward)
    assert {53, 5432, 443} == outward
    assert "169.254.0.0/16" in block["except"]  # where clouds keep their credentials


def test_every_file_is_named_where_it_is_explained() -> None:
    """What nobody tells of is not found."""
    told = (ROOT / "docs" / "deploy" / "replicas.md").read_text()

    assert [] == [path.name for path in [*FILES, VALUES] if path.name not in told]
