"""What every target has that is called over the network: who may be called."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any

from pydantic import PlainValidator, TypeAdapter, ValidationInfo

from relay.config.misfits import Expected
from relay.config.models.base import written
from relay.config.models.fields import Flag, Network, flag
from relay.config.models.targets.base import Target

Networks = tuple[IPv4Network | IPv6Network, ...]


def _private(value: object, info: ValidationInfo) -> bool | Networks:
    if isinstance(value, list):
        return NETWORKS.validate_python(value, context=info.context)
    try:
        return flag(value)
    except Expected:
        raise Expected("true, false, or a list of networks") from None


NETWORKS: TypeAdapter[Networks] = TypeAdapter(tuple[Network, ...])
AllowPrivate = Annotated[
    bool | Networks,
    PlainValidator(_private, json_schema_input_type=Flag | list[Network]),
]


class NetworkTarget(Target):
    """A receiver that is called over the network."""

    allow_private: AllowPrivate = written(
        False, "Whether loopback and private addresses may be called; or a list of networks that may."
    )

    def common(self, name: str) -> Mapping[str, Any]:
        """Return what the program's target of any kind is made of."""
        allowed = self.allow_private
        networks = () if isinstance(allowed, bool) else tuple(map(str, allowed))
        return {**super().common(name), "allow_private": allowed is True, "allow_networks": networks}
