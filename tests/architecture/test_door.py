"""The public port knows nothing of the admin, and no request names a file."""

import ast

import pytest

from tests.architecture.test_layers import MODULES, own_imports_of

PUBLIC = "web.inbound"
ADMINS = ("web.admin", "web.dashboard", "sessions", "admin_token", "operations", "trials")
OPENING = {"open", "read_bytes", "read_text", "FileResponse", "add_static", "iterdir", "glob"}
AT_START = {"web.dashboard.rendering"}  # reads its templates and pictures once, before anybody asks


def test_nothing_on_the_public_port_knows_the_admin() -> None:
    """What it does not know, nobody can trick it into telling."""
    known, asked = set[str](), {PUBLIC}
    while asked:
        module = asked.pop()
        known.add(module)
        asked |= own_imports_of(MODULES[module]) - known

    assert [] == sorted(module for module in known if module.startswith(ADMINS))


@pytest.mark.parametrize("module", sorted(name for name in MODULES if name.startswith("web.")))
def test_no_file_is_opened_by_a_path_of_a_request(module: str) -> None:
    """No door opens files at all; what the dashboard shows is in memory, by name."""
    calls = {
        getattr(node.func, "id", getattr(node.func, "attr", ""))
        for node in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(node, ast.Call)
    }
    assert module in AT_START or not calls & OPENING
