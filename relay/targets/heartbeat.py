"""A call now and then, behind the address guard, that says to a watcher outside: it lives, and is well."""

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from relay.domain import NetworkTarget
from relay.targets.addresses import endpoint
from relay.targets.dialling import Guard
from relay.targets.headers import PROGRAM, USER_AGENT

ANSWER_S_MAX = 10.0

log = structlog.get_logger("relay.heartbeat")


async def beat(target: NetworkTarget) -> bool:
    """Call the URL once. Tells whether it was answered with 2xx; redirects are not followed."""
    guard = Guard(target)
    connector = TCPConnector(resolver=guard, socket_factory=guard.open_socket, force_close=True)
    timeout = ClientTimeout(total=ANSWER_S_MAX)
    try:
        async with (
            ClientSession(connector=connector, timeout=timeout, cookie_jar=DummyCookieJar()) as session,
            session.get(endpoint(target.url), allow_redirects=False, headers={USER_AGENT: PROGRAM}) as answer,
        ):
            is_taken, reason = answer.ok and answer.status < 300, f"it answered {answer.status}"
    except (ClientError, OSError, ValueError) as error:
        is_taken, reason = False, type(error).__name__
    finally:
        await guard.close()
    if not is_taken:
        next_step = "look after heartbeat.url; it is called again in its time"
        log.warning("heartbeat_not_taken", address=target.address, reason=reason, next_step=next_step)
    return is_taken
