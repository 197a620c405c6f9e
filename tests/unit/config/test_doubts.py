"""What a file may say, and hardly means: `relay check` warns of it."""

from collections.abc import Callable

from relay.config import Config, doubts
from relay.domain import Target

Loading = Callable[..., Config]

GOOD = "targets: {erp: {url: 'https://erp/'}}\nroutes: [{from: shop, to: erp}]\n"


def told(config: Config, why_blocked: str | None = None) -> list[str]:
    def judge(target: Target) -> str | None:
        return why_blocked

    return [str(doubt) for doubt in doubts(config, judge)]


def test_an_ordinary_file_raises_no_doubt(loaded: Loading) -> None:
    """A warning that is always there is never read."""
    assert [] == told(loaded(f"sources: {{shop: {{verify: token, token: '${{SECRET}}'}}}}\n{GOOD}"))


def test_a_file_without_a_source_is_doubtful(loaded: Loading) -> None:
    """Nothing can come in."""
    assert ["relay.yaml:1:1: sources: there is none: every request is answered 404"] == told(loaded("routes:\n"))


def test_verify_none_is_doubtful(loaded: Loading) -> None:
    """It was spelled out, and is told again each time."""
    assert ["relay.yaml:1:18: sources.shop.verify: everybody who reaches the port is believed"] == told(
        loaded(f"sources: {{shop: {{verify: none}}}}\n{GOOD}")
    )


def test_a_source_without_a_route_is_doubtful(loaded: Loading) -> None:
    """Its events are kept, and no one gets them."""
    assert ["relay.yaml:2:3: sources.shop: no route begins here: events are kept, and go nowhere"] == told(
        loaded("sources:\n  shop: {verify: token, token: '${SECRET}'}\n")
    )


def test_a_target_without_a_route_is_doubtful(loaded: Loading) -> None:
    """Somebody waits for deliveries there."""
    assert ["relay.yaml:1:11: targets.old: no route ends here: nothing is ever delivered to it"] == told(
        loaded(
            "targets: {old: {url: 'https://old/'}, erp: {url: 'https://erp/'}}\n"
            "sources: {shop: {verify: token, token: '${SECRET}'}}\n"
            "routes: [{from: shop, to: erp}]\n"
        )
    )


def test_a_target_that_is_the_relay_itself_is_doubtful(loaded: Loading) -> None:
    """What it sends comes back to it, until the hops that each event counts end it."""
    text = (
        "server: {public_url: 'https://hooks.example.com'}\n"
        "sources: {shop: {verify: token, token: '${SECRET}'}}\n"
        "targets: {erp: {url: 'https://hooks.example.com/in/shop'}}\nroutes: [{from: shop, to: erp}]\n"
    )

    assert ["relay.yaml:3:22: targets.erp.url: it begins with server.public_url: the relay sends to itself"] == told(
        loaded(text)
    )
    assert [] == told(loaded(text.replace("example.com/in", "example.com.au/in")))


def test_a_target_that_would_be_blocked_is_doubtful(loaded: Loading) -> None:
    """Every delivery would fail, one after the other, without a human near."""
    config = loaded(f"sources: {{shop: {{verify: token, token: '${{SECRET}}'}}}}\n{GOOD}")

    assert ["relay.yaml:2:22: targets.erp.url: every delivery would be blocked: it is private"] == told(
        config, "it is private"
    )


def test_http_to_a_host_that_is_not_private_is_doubtful(loaded: Loading) -> None:
    """Bodies, credentials and signatures can be read on the way."""
    clear, private = (
        GOOD.replace("https", "http"),
        GOOD.replace("https", "http").replace("'}", "', allow_private: true}"),
    )
    source = "sources: {shop: {verify: token, token: '${SECRET}'}}\n"

    assert ["relay.yaml:2:22: targets.erp.url: http:// is sent in clear over the network; expected https://"] == told(
        loaded(source + clear)
    )
    assert [] == told(loaded(source + private))


def test_passing_a_header_that_is_never_kept_is_doubtful(loaded: Loading) -> None:
    """A source's credential is not stored, so it cannot be passed on."""
    config = loaded(
        "sources: {shop: {verify: {scheme: header, header: X-Key}, secret: '${SECRET}'}}\n"
        "targets: {erp: {url: 'https://erp/', pass_headers: [X-Other, x-key]}}\n"
        "routes: [{from: shop, to: erp}]\n"
    )

    assert [
        "relay.yaml:2:62: targets.erp.pass_headers[1]: x-key is a credential of the source shop, and never kept: it is "
        "not passed on"
    ] == told(config)


def test_credentials_in_clear_are_doubtful(loaded: Loading) -> None:
    """A login is another address, and what it carries is worth more than one delivery."""
    auth = "{scheme: login, url: 'http://erp/login', token: access}"
    text = f"targets: {{erp: {{url: 'https://erp/', auth: {auth}}}}}\nroutes: [{{from: shop, to: erp}}]\n"

    assert ["credentials are sent in clear over the network; expected https://"] == [
        doubt.partition("targets.erp.auth.url: ")[2]
        for doubt in told(loaded(f"sources: {{shop: {{verify: token, token: '${{SECRET}}'}}}}\n{text}"))
    ]
