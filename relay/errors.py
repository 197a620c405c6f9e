"""What can be broken, as one tree. Expected outcomes are values; these are promises that could not be kept.

    RelayError
    ├── ConfigurationInvalid   the file cannot be used; carries every fault          exit 2
    ├── RoleUnfit              what the command line asks of a process does not fit   exit 2
    ├── ExpressionInvalid      an expression cannot be compiled
    ├── ExpressionFailed       a compiled expression cannot be evaluated on this data
    ├── ContentMissing         an event holds nothing that a target could be given
    ├── SecretInvalid          a secret cannot be used with its scheme; never says its value
    ├── SigningImpossible      what we hold verifies, and cannot sign                 exit 1
    ├── StoreError
    │   ├── StoreUnavailable   it cannot commit now; trying again later makes sense   503
    │   ├── StoreRefused       this one change is impossible, however often it is tried
    │   ├── StoreBroken        it can commit no more: only a restart helps            503, exit 1
    │   └── StoreUnusable      it cannot be opened at all                             exit 2
    ├── KeyUnavailable         a certificate could not be fetched; trying again later makes sense    503
    ├── AddressBlocked         the address guard refused to dial
    └── ListenFailed           a port could not be bound                              exit 2

Each has a stable `code`, is raised once at the adapter that saw the cause, and keeps that cause.
"""

from dataclasses import dataclass
from typing import ClassVar


class RelayError(Exception):
    """The root of everything this program raises on purpose."""

    code: ClassVar[str] = "relay_error"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong, or doubtful, in a configuration file, and where. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    key: str  # "targets.erp.url"
    message: str  # what is wrong, and what is expected

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        return f"{where}: {self.key}: {self.message}" if self.key else f"{where}: {self.message}"


class ConfigurationInvalid(RelayError):
    """The configuration cannot be used."""

    code = "configuration_invalid"

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class RoleUnfit(RelayError):
    """A process's role and its addresses do not go together."""

    code = "role_unfit"


class ExpressionInvalid(RelayError):
    """An expression does not compile."""

    code = "expression_invalid"


class ExpressionFailed(RelayError):
    """An expression does not apply to the data it was given."""

    code = "expression_failed"


class ContentMissing(RelayError):
    """An event does not hold what a target is to be given of it. Never repeats what it holds instead."""

    code = "content_missing"


class SecretInvalid(RelayError):
    """A secret is none: empty, blank, or not in its scheme's form."""

    code = "secret_invalid"


class SigningImpossible(RelayError):
    """What the source is configured with only verifies: nobody but the vendor can sign.

    algorithm: of the key that would; the scheme's own name where it has only one.
    """

    code = "signing_impossible"

    def __init__(self, scheme: str, algorithm: str = "") -> None:
        self.algorithm = algorithm or scheme
        super().__init__(
            f"scheme {scheme} verifies with a public key; to sign as the vendor would, let the source's first secret "
            "be a private key in PEM (a test key of yours, never where the vendor really sends)"
        )


class StoreError(RelayError):
    """The store could not do what it was asked."""

    code = "store_error"


class StoreUnavailable(StoreError):
    """The store cannot commit now: full, locked, too far behind, or closing."""

    code = "store_unavailable"


class StoreRefused(StoreError):
    """The store cannot take this one change, now or later; others are not concerned."""

    code = "store_refused"


class StoreBroken(StoreError):
    """The store can commit nothing more in this process: what writes for it is gone."""

    code = "store_broken"


class StoreUnusable(StoreError):
    """The store cannot be opened: not writable, not a database, or newer than this program."""

    code = "store_unusable"


class KeyUnavailable(RelayError):
    """A vendor's certificate could not be fetched now."""

    code = "key_unavailable"


class AddressBlocked(RelayError, OSError):
    """A target's address is one that must not be called. An OSError, as connecting raises."""

    code = "address_blocked"


class ListenFailed(RelayError):
    """An address to listen on is taken or not ours."""

    code = "listen_failed"
