"""What a stranger sends is compared with what only we know in constant time: an `==` would tell how much was right."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.test_layers import MODULES

JUDGES = [
    name
    for name in sorted(MODULES)
    if name.startswith("verification") or name in {"handshakes", "sessions", "web.admin.access", "domain.values"}
]
TELLING = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
# What the judges call a secret, what is made with one, and what is sent in the place of either.
SECRETIVE = {"secret", "_value", "reveal", "digest", "seal", "_seal", "claim", "claimed", "signature", "given", "token"}


def told(operand: ast.expr) -> set[str]:
    """Return the names that an operand speaks of; how long something is, is no secret."""
    if isinstance(operand, ast.Call) and isinstance(operand.func, ast.Name) and operand.func.id == "len":
        return set()
    nodes = list(ast.walk(operand))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


def comparisons(source: str) -> Iterator[str]:
    """Yield the comparisons in which a secret, or what is to be one, is looked at byte by byte."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare) or not any(isinstance(operator, TELLING) for operator in node.ops):
            continue
        operands = (node.left, *node.comparators)
        is_with_a_literal = any(isinstance(operand, ast.Constant) for operand in operands)
        if not is_with_a_literal and SECRETIVE & set().union(*map(told, operands)):
            yield ast.unparse(node)


@pytest.mark.parametrize("module", JUDGES)
def test_secrets_are_compared_in_constant_time(module: str) -> None:
    """`hmac.compare_digest`, on bytes, and nothing else."""
    assert [] == list(comparisons(MODULES[module].read_text()))


def test_a_comparison_that_tells_is_found() -> None:
    """Or else the test above would prove nothing."""
    assert ["digest == claim"] == list(comparisons("matches = [digest == claim for claim in claims]"))
    assert ["claimed in secrets"] == list(comparisons("claimed in secrets"))
    assert [] == list(comparisons("len(claim) == size and claim is None and b':' in secret.reveal()"))
