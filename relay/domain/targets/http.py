"""A receiver that is called by HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from relay.domain.targets.base import NetworkTarget
from relay.domain.values import Secret


@dataclass(frozen=True, slots=True)
class HttpTarget(NetworkTarget):
    """A receiver that is called by HTTP."""

    headers: Mapping[str, Secret] = field(default_factory=dict)  # any value may be a credential
    pass_headers: tuple[str, ...] = ()
    sign_secrets: tuple[Secret, ...] = ()  # keys of Standard Webhooks, raw bytes
