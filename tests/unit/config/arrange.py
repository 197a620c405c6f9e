"""What tests of the configuration look into a loaded one with."""

from relay.config import Config
from relay.domain import HttpTarget


def http_target_in(config: Config, name: str = "erp") -> HttpTarget:
    target = config.targets[name]
    assert isinstance(target, HttpTarget)
    return target
