"""The configuration: what is in use, and having the file read again."""

from typing import Any

from aiohttp import web

from relay.errors import Fault
from relay.reloading import Reload
from relay.web import answers
from relay.web.admin.asking import Call, Endpoint
from relay.web.admin.desk import Desk
from relay.web.admin.problems import Problem
from relay.web.masking import shown_config, shown_text
from relay.web.telling import iso

NO_FILE = "This relay was started without a file that could be read again."
FAULTY = "The file is faulty, and nothing has changed."


class Configuration:
    """The resource."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def endpoints(self) -> list[Endpoint]:
        """List what can be asked."""
        return [
            Endpoint(
                "GET",
                "/api/v1/config",
                self.shown,
                "Show the configuration in use, and as `last_reload` what became of the file when it was last read.",
                "Config",
            ),
            Endpoint(
                "POST",
                "/api/v1/config/reload",
                self.reload,
                "Have this process read the file again, as SIGHUP does. A faulty one changes nothing.",
                "Reload",
                problems={409: NO_FILE, 422: f"{FAULTY} Each fault is a line of `detail`."},
            ),
        ]

    async def shown(self, _: Call) -> web.Response:
        """Answer with every setting, each secret as ***."""
        reloading = self._desk.reloading()
        last = reloading.last if reloading else None
        told = None if last is None else told_reload(last)
        return answers.data({**shown_config(self._desk.config()), "last_reload": told})

    async def reload(self, _: Call) -> web.Response:
        """Take up what the file says by now."""
        reloading = self._desk.reloading()
        if reloading is None:
            raise Problem(409, NO_FILE)
        reload = await reloading.reload()
        if not reload.is_good:
            raise Problem(422, "\n".join([FAULTY, *(shown_text(str(fault)) for fault in reload.faults)]))
        return answers.data(told_reload(reload))


def told_reload(reload: Reload) -> dict[str, Any]:
    """Tell what became of a file."""
    return {
        "at": iso(reload.at),
        "good": reload.is_good,
        "changes": [shown_text(words) for words in reload.changes],
        "faults": [_told_fault(fault) for fault in reload.faults],
    }


def _told_fault(fault: Fault) -> dict[str, Any]:
    return {
        "file": shown_text(fault.file),
        "line": fault.line,
        "column": fault.column,
        "key": shown_text(fault.key),
        "message": shown_text(fault.message),
    }
