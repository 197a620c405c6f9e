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
from relay.domain import OWN_SOURCE, Bounds


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
    head_timeout: Annotated[Duration, Within("1s", "1h", parse_duration)] = written(
        "30s", "How long the headers of a request may take to come; then it is answered 408."
    )
    request_timeout: Annotated[Duration, Within("1s", "1h", parse_duration)] = written(
        "60s",
        "How long a whole request may take to come; then it is answered 408, and nothing is stored. Who takes nothing "
        "of its answer for so long is hung up on.",
    )
    idle_timeout: Annotated[Duration, Within("1s", "1d", parse_duration)] = written(
        "75s",
        "How long a connection is kept open between two requests. A proxy in front of it should let go of its own "
        "sooner.",
    )
    url_max: Annotated[Size, Within("256B", "64KiB", parse_size)] = written("8KiB", "How long a URL may be; else 414.")
    header_max: Annotated[Size, Within("256B", "64KiB", parse_size)] = written(
        "8KiB", "How long one header may be; else 431."
    )
    headers_max: Annotated[Whole, Within("10", "1000")] = written(100, "How many headers a request may have; else 431.")
    connections_max: Annotated[Whole, Within("10", "1000000")] = written(
        4096,
        "How many connections may be open. For one more, the one that keeps us waiting the longest is hung up on; "
        "where all are at work, the new one. Fewer where the system allows fewer open files.",
    )
    connections_per_address_max: Annotated[Whole, Within("1", "1000000")] = written(
        512,
        "How many of one address, or of one /64 of IPv6, in the same way; of a trusted proxy as many as there can be.",
    )
    requests_max: Annotated[Whole, Within("1", "1000000")] = written(
        2048,
        "How many requests may be under way. For one more, the one whose body keeps us waiting the longest is "
        "answered 408; where none does, the new one 503.",
    )
    bodies_max: Annotated[Size, Within("1MiB", "1000GiB", parse_size)] = written(
        "256MiB",
        "How much of bodies may be in memory together. A body that comes in pieces and does not fit any more is "
        "answered 503, unless it is the only one.",
    )

    def bounds(self) -> Bounds:
        """Return what the port bears."""
        return Bounds(
            head_s=self.head_timeout.total_seconds(),
            request_s=self.request_timeout.total_seconds(),
            idle_s=self.idle_timeout.total_seconds(),
            url_bytes_max=self.url_max,
            header_bytes_max=self.header_max,
            headers_max=self.headers_max,
            connections_max=self.connections_max,
            connections_per_address_max=self.connections_per_address_max,
            requests_max=self.requests_max,
            bodies_bytes_max=self.bodies_max,
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
