"""A target that is a folder, as the file says it."""

from typing import Literal

from relay import domain
from relay.config.models.base import required
from relay.config.models.targets.content import NAMES, ContentTarget, PathText


class FileTarget(ContentTarget):
    """A folder that receives a file for each event."""

    means = (
        "Delivered when the file, whole and under its name, is on disk, and so is its folder. Tried again where it "
        "cannot be written: no room, no right, no such disk. Dead at once where the event does not hold what `content` "
        "asks for."
    )
    repeat = (
        "Nothing: the file is there already, and is not written again. A file that another event has put there is "
        "never overwritten: this one's name then ends in `~` and its event's id. A file whose name holds the event's "
        "id is its own, and is replaced by a replay whose content differs."
    )
    example = '{kind: file, path: "archive/{source}/{invoice.id}-{id}.pdf", content: invoice.data, decode: base64}'

    kind: Literal["file"] = required("What kind of target it is.", "file")
    path: PathText = required(
        "Where each file goes: a path with JMESPath in braces, over the body, with "
        f"{NAMES} at hand. From the working directory, unless it begins with `/`. What braces find never leaves its "
        "own part of the path.",
        "archive/{source}/{id}.json",
    )

    def build(self, name: str) -> domain.FileTarget:
        """Build the target that a file without faults describes."""
        return domain.FileTarget(**self.common(name), path=self.path, content=self.chosen_content())
