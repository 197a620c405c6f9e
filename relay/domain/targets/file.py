"""A folder that receives files."""

from dataclasses import dataclass, field

from relay.domain.targets.base import Target
from relay.domain.targets.content import Content
from relay.domain.values import PathTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTarget(Target):
    """A folder that receives a file for each event."""

    kind: str = "file"
    path: PathTemplate
    content: Content = field(default_factory=Content)

    @property
    def address(self) -> str:
        """Return the path as the file says it."""
        return self.path.text
