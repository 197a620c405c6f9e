"""Errors of the API, in one form: what is wrong, where, and what would be right."""

from traceback import format_tb

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from relay.errors import KeyUnavailable, StoreError
from relay.web import answers

log = structlog.get_logger("relay.web.admin")

NOTHING = "There is nothing here. See /readyz, /metrics and /api/v1/openapi.json."


class Problem(Exception):
    """A question that cannot be answered as it is asked. where: the parameter or field that is wrong, or nothing."""

    def __init__(self, status: int, detail: str, where: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.where = where


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: PLR0911 - a table
    """Answer errors in one form."""
    try:
        return await handler(request)
    except Problem as problem:
        return answers.problem(problem.status, problem.detail, where=problem.where)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        return answers.problem(405, f"Not this method; expected {allowed}.", {"Allow": allowed})
    except web.HTTPNotFound:
        return answers.problem(404, NOTHING)
    except web.HTTPException as error:
        return answers.problem(error.status, error.reason)
    except (StoreError, KeyUnavailable) as error:
        return answers.problem(503, str(error), {"Retry-After": str(answers.STORE_RETRY_AFTER_S)})
    except (OSError, web.RequestPayloadError):
        raise  # a body that never came whole: the server answers that, alike on every port
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is told here and nowhere else
        trace = format_tb(fault.__traceback__)  # and not its words, which may quote what was sent
        log.error("admin_request_failed", fault=type(fault).__name__, trace=trace)  # noqa: TRY400
        return answers.problem(500, "The relay itself failed; its log has the traceback.")
