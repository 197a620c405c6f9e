"""The whole file, and its parts that are no source, no target and no route."""

from typing import Annotated

from pydantic import BeforeValidator, ValidationError, ValidationInfo, field_validator

from relay.config.misfits import Misfit
from relay.config.models.base import Part, as_list, misfit_at, written
from relay.config.models.fields import (
    DatabaseUrl,
    Duration,
    Listen,
    Name,
    Network,
    PublicUrl,
    SecretText,
    Size,
    Text,
    Whole,
    Within,
)
from relay.config.models.ringing import Heartbeat, Notify
from relay.config.models.routes import Route
from relay.config.models.sources import Source
from relay.config.models.targets import AnyTarget
from relay.config.units import parse_duration, parse_size
from relay.domain import OWN_SOURCE


class Server(Part):
    """The public port: webhooks and probes, nothing else."""

    listen: Listen = written("0.0.0.0:8080", "Where webhooks come in.")
    public_url: PublicUrl | None = written(
        None,
        "Our address as senders see it; needed where a signature covers the URL.",
        examples=["https://hooks.example.com"],
    )
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(as_list, json_schema_input_type=list[Network])] = (
        written([], "Networks whose X-Forwarded-For is believed.")
    )
    grace: Annotated[Duration, Within("0s", "1h", parse_duration)] = written(
        "25s", "How long a stop waits for what is in flight."
    )


class Admin(Part):
    """The admin port: metrics and whatever shows or changes something. Never public."""

    listen: Listen = written("127.0.0.1:8081", "Where the admin port is.")
    tokens: Annotated[tuple[SecretText, ...], BeforeValidator(as_list, json_schema_input_type=list[SecretText])] = (
        written([], "Bearer tokens that open it. None: one is made, and kept beside the database.")
    )
    hosts: Annotated[tuple[Text, ...], BeforeValidator(as_list, json_schema_input_type=list[Text])] = written(
        [],
        "Names with a dot by which browsers, or Prometheus, reach it; addresses, `localhost` and names without one are "
        "good anyway. Under any other name it answers nothing, so that no page elsewhere can borrow one.",
        examples=[["relay.example.com"]],
    )


class Storage(Part):
    """The database, and how full it may become."""

    url: DatabaseUrl = written(
        "sqlite:///data/relay.db",
        "sqlite:///PATH: from the working directory; sqlite:////PATH: from the root. Or a PostgreSQL database that "
        "several replicas share: postgresql://USER:PASSWORD@HOST/DATABASE; with several hosts, whichever is the "
        "primary is used.",
    )
    keep: Annotated[Duration, Within("1s", "36500d", parse_duration)] = written(
        "30d", "For how long finished events are kept."
    )
    backlog_max: Annotated[Whole, Within("1", "1000000000")] = written(
        5_000_000, "How many deliveries may wait; from then on senders are answered 503 and try again."
    )
    disk_free_min: Annotated[Size, Within("0B", "1000000GiB", parse_size)] = written(
        "256MiB", "With less room on the disk nothing is accepted: 503."
    )


class Quarantine(Part):
    """Requests that were refused, kept to be looked at, and to be admitted once the configuration is mended."""

    keep: Annotated[Duration, Within("1s", "36500d", parse_duration)] = written("7d", "For how long they are kept.")
    count: Annotated[Whole, Within("0", "100000")] = written(1000, "How many, the newest; 0: none.")
    bytes: Annotated[Size, Within("0B", "100GiB", parse_size)] = written("50MiB", "How much of their bodies together.")


class File(Part):
    """The configuration of callback-relay."""

    server: Server = written({}, "The public port.")
    admin: Admin = written({}, "The admin port.")
    storage: Storage = written({}, "The database.")
    quarantine: Quarantine = written({}, "Requests that were refused.")
    sources: dict[Name, Source] = written({}, "Who sends to us, by name: each is /in/NAME.")
    targets: dict[Name, AnyTarget] = written({}, "Who receives, by name.")
    routes: tuple[Route, ...] = written([], "Which events go where.")
    notify: Notify | None = written(None, "Who is told what happens to the relay itself.")
    heartbeat: Heartbeat | None = written(None, "A URL that is called while the relay is ready.")

    @field_validator("admin")
    @classmethod
    def _is_a_port_of_its_own(cls, admin: Admin, info: ValidationInfo) -> Admin:
        server = info.data.get("server")
        if server is not None and admin.listen.port and admin.listen == server.listen:
            raise misfit_at(("listen",), str(admin.listen), Misfit("this is `server.listen`; expected another port"))
        return admin

    @field_validator("routes")
    @classmethod
    def _suit_their_targets(cls, routes: tuple[Route, ...], info: ValidationInfo) -> tuple[Route, ...]:
        targets: dict[str, AnyTarget] = info.data.get("targets", {})
        faults = [
            fault
            for index, route in enumerate(routes)
            for name in route.targets
            if name in targets
            for fault in route.unsuited(index, name, targets[name].shaped_keys(), targets[name].proving_headers())
        ]
        if faults:
            raise ValidationError.from_exception_data("configuration", faults)
        return routes

    @field_validator("notify")
    @classmethod
    def _has_a_source_of_its_own(cls, notify: Notify | None, info: ValidationInfo) -> Notify | None:
        if notify is not None and OWN_SOURCE in info.data.get("sources", {}):
            raise Misfit(
                f"its events are of a source `{OWN_SOURCE}`; expected the one in `sources` to have another name"
            )
        return notify
