"""Which part of the work a process does, and at which doors."""

from dataclasses import dataclass
from enum import Enum

from relay.config import Address, Config
from relay.errors import RoleUnfit


class Role(Enum):
    """What one process does of the whole. Any number of each may share one database."""

    ALL = "all"
    RECEIVE = "receive"
    DELIVER = "deliver"

    @property
    def receives(self) -> bool:
        """Tell whether senders come to it."""
        return self is not Role.DELIVER

    @property
    def delivers(self) -> bool:
        """Tell whether it calls targets."""
        return self is not Role.RECEIVE


@dataclass(frozen=True, slots=True)
class Post:
    """One process's role, and where it listens; None where it does not."""

    role: Role
    public: Address | None
    admin: Address | None

    @property
    def shares_public(self) -> bool:
        """Tell whether others may listen at the same public port: those that only receive are many and alike."""
        return self.role is Role.RECEIVE


def post(config: Config, role: Role, listen: Address | None = None, admin: Address | None = None) -> Post:
    """Find a process's place. listen, admin: given by hand, instead of what the file says.

    One that only receives has an admin port only by hand: the file's belongs to one that delivers.
    Errors: RoleUnfit, where what is given by hand does not go together.
    """
    if listen is not None and not role.receives:
        raise RoleUnfit(f"--listen: the role `{role.value}` has no public port; expected --admin alone")
    public = (listen or config.server.listen) if role.receives else None
    if admin is None and role.delivers:
        admin = config.admin.listen
    if public is not None and public == admin and public.port:
        raise RoleUnfit(f"the public port and the admin port are both {admin}; expected two, by --listen or --admin")
    return Post(role, public, admin)
