"""What a configuration may say, and hardly means."""

from collections.abc import Callable, Iterator

from relay.config.origin import START
from relay.config.result import Config
from relay.domain import HttpTarget, Target
from relay.errors import Fault
from relay.verification.none import NoVerifier

WhyBlocked = Callable[[Target], str | None]


def doubts(config: Config, why_blocked: WhyBlocked) -> tuple[Fault, ...]:
    """Tell what is doubtful, in the order of the file.

    why_blocked: says why the address guard would refuse to call a target, or None. It may look names up.
    """
    return tuple(sorted([*_of_sources(config), *_of_targets(config, why_blocked)]))


def _of_sources(config: Config) -> Iterator[Fault]:
    if not config.sources:
        yield Fault(config.origin.file, *START, "sources", "there is none: every request is answered 404")
    for name, source in config.sources.items():
        path = ("sources", name)
        if any(isinstance(verifier, NoVerifier) for verifier in source.verifiers):
            yield config.origin.at_key((*path, "verify"), "everybody who reaches the port is believed")
        if not source.verifiers:
            yield config.origin.at_key(path, "it has no secret yet: all is refused but the request that brings one")
        if not source.routes:
            yield config.origin.at_key(path, "no route begins here: events are kept, and go nowhere")


def _of_targets(config: Config, why_blocked: WhyBlocked) -> Iterator[Fault]:
    reached = {target.name for source in config.sources.values() for route in source.routes for target in route.targets}
    reached |= set(config.notify.targets if config.notify else ())
    for name, target in config.targets.items():
        path = ("targets", name)
        if name not in reached:
            yield config.origin.at_key(path, "no route ends here: nothing is ever delivered to it")
        if isinstance(target, HttpTarget):
            yield from _of_passed_headers(config, target)
            yield from _of_login(config, target)
        if (reason := why_blocked(target)) is not None:
            yield config.origin.at_value((*path, "url"), f"every delivery would be blocked: {reason}")
        elif _is_ourselves(config, target):
            yield config.origin.at_value((*path, "url"), "it begins with server.public_url: the relay sends to itself")
        elif _is_sent_in_clear(target):
            yield config.origin.at_value((*path, "url"), "http:// is sent in clear over the network; expected https://")


def _of_passed_headers(config: Config, target: HttpTarget) -> Iterator[Fault]:
    senders = [source for source in config.sources.values() if any(target in route.targets for route in source.routes)]
    for index, header in enumerate(target.pass_headers):
        for source in senders:
            if header.lower() in source.unkept_headers:
                message = f"{header} is a credential of the source {source.name}, and never kept: it is not passed on"
                yield config.origin.at_value(("targets", target.name, "pass_headers", index), message)


def _is_ourselves(config: Config, target: Target) -> bool:
    public_url = config.server.public_url
    return bool(public_url) and isinstance(target, HttpTarget) and f"{target.url}/".startswith(f"{public_url}/")


def _is_sent_in_clear(target: Target) -> bool:
    return isinstance(target, HttpTarget) and _is_clear(target, target.url)


def _of_login(config: Config, target: HttpTarget) -> Iterator[Fault]:
    for key in ("url", "token_url"):
        url = target.auth.settings.get(key) if target.auth else None
        if isinstance(url, str) and _is_clear(target, url):
            path = ("targets", target.name, "auth", key)
            yield config.origin.at_value(path, "credentials are sent in clear over the network; expected https://")


def _is_clear(target: HttpTarget, url: str) -> bool:
    return url.startswith("http://") and not target.allow_private and not target.allow_networks
