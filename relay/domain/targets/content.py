"""What of an event a target is given that takes no request."""

from dataclasses import dataclass

from relay.domain.values import Expression


@dataclass(frozen=True, slots=True)
class Content:
    """What of an event a target is given. expression: None for the whole body, as it came."""

    expression: Expression | None = None
    is_base64: bool = False
