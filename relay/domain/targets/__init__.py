"""Who receives: what every target has, and a file for each kind."""

from relay.domain.targets.base import BreakerPolicy, NetworkTarget, RetryPolicy, Target
from relay.domain.targets.content import Content
from relay.domain.targets.file import FileTarget
from relay.domain.targets.http import HttpTarget

__all__ = ["BreakerPolicy", "Content", "FileTarget", "HttpTarget", "NetworkTarget", "RetryPolicy", "Target"]
