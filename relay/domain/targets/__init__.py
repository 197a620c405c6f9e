"""Who receives: what every target has, and a file for each kind."""

from relay.domain.targets.base import BreakerPolicy, NetworkTarget, RetryPolicy, Target
from relay.domain.targets.http import HttpTarget

__all__ = ["BreakerPolicy", "HttpTarget", "NetworkTarget", "RetryPolicy", "Target"]
