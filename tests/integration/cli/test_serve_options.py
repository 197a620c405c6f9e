"""`relay serve`: what is asked of it by hand, and cannot be."""

from collections.abc import Callable

import pytest
from click.testing import Result


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--role", "recieve"], "'--role': 'recieve' is not one of 'all', 'receive', 'deliver'."),
        (["--listen", "8080"], "'--listen': '8080': expected HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080"),
        (["--admin", "127.0.0.1:70000"], "'--admin': '127.0.0.1:70000': expected HOST:PORT, such as"),
        (["--role", "deliver", "--listen", "127.0.0.1:0"], "--listen: the role `deliver` has no public port"),
        (["--listen", "127.0.0.1:9", "--admin", "127.0.0.1:9"], "both 127.0.0.1:9; expected two"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_started(
    call: Callable[..., Result], arguments: list[str], told: str
) -> None:
    """Exit 2, and one line that says what was expected."""
    result = call("serve", *arguments)

    assert 2 == result.exit_code
    assert told in result.stderr.splitlines()[-1]
