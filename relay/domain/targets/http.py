"""A receiver that is called by HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from relay.domain.targets.base import NetworkTarget
from relay.domain.targets.tls import TlsFiles
from relay.domain.values import Secret


@dataclass(frozen=True, slots=True)
class Auth:
    """How we prove ourselves. settings: what the scheme's module takes."""

    scheme: str
    settings: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpTarget(NetworkTarget):
    """A receiver that is called by HTTP."""

    headers: Mapping[str, Secret] = field(default_factory=dict)  # any value may be a credential
    open_headers: frozenset[str] = frozenset()  # those of them whose values are a preset's own, and no secret
    pass_headers: tuple[str, ...] = ()
    sign_secrets: tuple[Secret, ...] = ()  # keys of Standard Webhooks, raw bytes
    auth: Auth | None = None
    tls: TlsFiles | None = None
    conceals_path: bool = False  # whether the path of the URL is a secret, as chats have it

    @property
    def address(self) -> str:
        """Return the URL as it may be shown: without its user part and query, nor a path that is a secret."""
        shown = super(HttpTarget, self).address
        return "/".join(shown.split("/")[:3]) + "/***" if self.conceals_path else shown
