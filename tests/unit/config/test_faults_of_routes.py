"""Faults of a route: what leads where, under which condition, and as what."""

from collections.abc import Callable

import pytest

Faulting = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            "from: shp, to: erp",
            '4:12: routes[0].from: expected a source: shop, found "shp"; did you mean `shop`?',
        ),
        (
            "from: shop, to: [erp, erq]",
            '4:28: routes[0].to[1]: expected a target: erp, found "erq"; did you mean `erp`?',
        ),
        ("from: shop", "4:5: routes[0].to: missing; expected a value such as erp"),
        ("to: erp", "4:5: routes[0].from: missing; expected a value such as invoices"),
        ("from: shop, to: []", "4:22: routes[0].to: expected at least one"),
        ("from: shop, to: [erp, erp]", "4:28: routes[0].to[1]: named twice; once is enough"),
        (
            "from: shop, to: erp, when: 'type =='",
            "4:33: routes[0].when: not a valid expression: 'type ==' ends too early",
        ),
        (
            "from: shop, to: erp, when: 'starts_wiht(type)'",
            "4:33: routes[0].when: not a valid expression: 'starts_wiht(type)' calls starts_wiht(), which is no "
            "function; did you mean starts_with()?",
        ),
        ("from: shop, to: erp, bdy: type", "4:27: routes[0].bdy: unknown key; did you mean `body`?"),
        (
            "from: shop, to: erp, body: 'mony(a)'",
            "4:33: routes[0].body: not a valid expression: 'mony(a)' calls mony(), which is no function; did you mean "
            "money()?",
        ),
        (
            "from: shop, to: erp, method: put",
            "4:35: routes[0].method: expected POST, PUT, PATCH, DELETE or GET, or an expression that finds one, found "
            '"put"; did you mean `PUT`?',
        ),
        (
            "from: shop, to: erp, path: /a/../b",
            "4:33: routes[0].path: not a valid expression: '/a/../b' would lead elsewhere: expected a path below the "
            "target's own",
        ),
        (
            "from: shop, to: erp, headers: {Transfer-Encoding: type}",
            "4:37: routes[0].headers.Transfer-Encoding: expected a header that the relay does not set itself",
        ),
        (
            "from: shop, to: erp, headers: {X-A: type, x-a: type}",
            "4:48: routes[0].headers.x-a: a key above, in other letters, sets the same header",
        ),
        (
            "from: shop, to: erp, query: {a: '['}",
            "4:38: routes[0].query.a: not a valid expression: '[' ends too early",
        ),
    ],
)
def test_a_fault_of_a_route_is_told(faults: Faulting, settings: str, fault: str) -> None:
    """A route names what there is."""
    text = (
        f"sources: {{shop: {{verify: none}}}}\ntargets: {{erp: {{url: 'https://e/'}}}}\nroutes:\n  - {{{settings}}}\n"
    )

    assert [f"relay.yaml:{fault}"] == faults(text)


@pytest.mark.parametrize(
    ("target", "setter"),
    [
        ("url: 'https://e/', auth: {scheme: bearer, token: abc}", "authorization"),
        ("url: 'https://u:p@e/'", "Authorization"),
        ("url: 'https://e/', auth: {scheme: header, header: X-Key, value: abc}", "x-key"),
    ],
)
def test_no_route_sets_what_proves_us(faults: Faulting, target: str, setter: str) -> None:
    """Computed of an event, it would let its sender choose who we are."""
    route = f"{{from: shop, to: erp, headers: {{{setter}: type}}}}"
    text = f"sources: {{shop: {{verify: none}}}}\ntargets: {{erp: {{{target}}}}}\nroutes:\n  - {route}\n"

    assert [
        f"relay.yaml:4:37: routes[0].headers.{setter}: `auth` of the target erp sets this header; expected only one of "
        "them"
    ] == faults(text)


def test_a_route_to_nothing_says_so(faults: Faulting) -> None:
    """A file with routes and no target has forgotten something else."""
    assert ['relay.yaml:3:22: routes[0].to: expected a target: none is configured, found "erp"'] == faults(
        "sources: {shop: {verify: none}}\nroutes:\n  - {from: shop, to: erp}"
    )


def test_routes_of_one_name_are_told_both(faults: Faulting) -> None:
    """A route's name tells, later, why an event went where it went."""
    told = "name: another route has this name; expected one of its own"

    assert [f"relay.yaml:4:12: routes[0].{told}", f"relay.yaml:5:12: routes[1].{told}"] == faults(
        "sources: {shop: {verify: none}}\ntargets: {erp: {url: 'https://e/'}}\nroutes:\n"
        "  - {name: a, from: shop, to: erp}\n  - {name: a, from: shop, to: erp}\n"
    )
