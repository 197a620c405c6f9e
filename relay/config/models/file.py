"""The whole file, and its parts that are no source and no target."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, field_validator

from relay.config.misfits import Misfit, not_among
from relay.config.models.base import Part, as_full_list, as_list, misfit_at, required, surroundings, written
from relay.config.models.fields import (
    DatabaseUrl,
    Duration,
    ExpressionText,
    Line,
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
from relay.config.models.sources import Source
from relay.config.models.targets import AnyTarget
from relay.config.units import parse_duration, parse_size


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


def _known_source(name: str, info: ValidationInfo) -> str:
    return _known(name, surroundings(info).sources, "a source")


def _known_target(name: str, info: ValidationInfo) -> str:
    return _known(name, surroundings(info).targets, "a target")


def _known(name: str, names: frozenset[str] | None, what: str) -> str:
    if names is None or name in names:
        return name
    raise not_among(sorted(names), name, what)


def _all_different(names: tuple[str, ...]) -> tuple[str, ...]:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise misfit_at((index,), name, Misfit("named twice; once is enough"))
    return names


SourceName = Annotated[Text, AfterValidator(_known_source)]
TargetName = Annotated[Text, AfterValidator(_known_target)]


class Route(Part):
    """Which events of a source go to which targets."""

    name: Line | None = written(None, "What the route is called in logs and answers; FROM→TO unless set.")
    sources: Annotated[
        tuple[SourceName, ...],
        BeforeValidator(as_full_list, json_schema_input_type=Text | list[Text]),
        AfterValidator(_all_different),
    ] = required("A source, or a list of sources.", "invoices", alias="from")
    when: ExpressionText | None = written(
        None,
        "Which of their events: JMESPath over the body, where also `type`, `source`, `headers`, `received_at` and the "
        "whole `body` are at hand. All, unless set.",
        examples=["type == 'invoice'"],
    )
    targets: Annotated[
        tuple[TargetName, ...],
        BeforeValidator(as_full_list, json_schema_input_type=Text | list[Text]),
        AfterValidator(_all_different),
    ] = required("A target, or a list of targets.", "erp", alias="to")

    @field_validator("name")
    @classmethod
    def _is_its_own(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name in surroundings(info).routes_alike:
            raise Misfit("another route has this name; expected one of its own")
        return name


class File(Part):
    """The configuration of callback-relay."""

    server: Server = written({}, "The public port.")
    admin: Admin = written({}, "The admin port.")
    storage: Storage = written({}, "The database.")
    sources: dict[Name, Source] = written({}, "Who sends to us, by name: each is /in/NAME.")
    targets: dict[Name, AnyTarget] = written({}, "Who receives, by name.")
    routes: tuple[Route, ...] = written([], "Which events go where.")

    @field_validator("admin")
    @classmethod
    def _is_a_port_of_its_own(cls, admin: Admin, info: ValidationInfo) -> Admin:
        server = info.data.get("server")
        if server is not None and admin.listen.port and admin.listen == server.listen:
            raise misfit_at(("listen",), str(admin.listen), Misfit("this is `server.listen`; expected another port"))
        return admin
