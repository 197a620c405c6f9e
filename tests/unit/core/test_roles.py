"""What each role listens at: the file's addresses, unless others are given by hand."""

import pytest

from relay.config import Address, Config, load
from relay.errors import RoleUnfit
from relay.roles import Post, Role, post

PUBLIC, ADMIN, OTHER = Address("127.0.0.1", 8080), Address("127.0.0.1", 8081), Address("127.0.0.1", 9090)


@pytest.fixture
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    path = tmp_path_factory.mktemp("roles") / "relay.yaml"
    path.write_text("server: {listen: '127.0.0.1:8080'}\nadmin: {listen: '127.0.0.1:8081'}\n")
    return load(path, {})


def test_one_process_alone_has_both_doors(config: Config) -> None:
    """As it was before there were roles."""
    assert Post(Role.ALL, PUBLIC, ADMIN) == post(config, Role.ALL)
    assert not post(config, Role.ALL).shares_public


def test_a_receiver_has_an_admin_port_only_by_hand(config: Config) -> None:
    """Several of them share one public port; the file's admin port could be had by one alone."""
    assert Post(Role.RECEIVE, PUBLIC, None) == post(config, Role.RECEIVE)
    assert Post(Role.RECEIVE, PUBLIC, OTHER) == post(config, Role.RECEIVE, admin=OTHER)
    assert post(config, Role.RECEIVE).shares_public


def test_a_deliverer_has_no_public_port(config: Config) -> None:
    """Nobody sends to it; its health is asked at its admin port."""
    assert Post(Role.DELIVER, None, ADMIN) == post(config, Role.DELIVER)
    assert Post(Role.DELIVER, None, OTHER) == post(config, Role.DELIVER, admin=OTHER)
    assert Post(Role.DELIVER, None, PUBLIC) == post(config, Role.DELIVER, admin=PUBLIC)


def test_what_does_not_go_together_is_refused(config: Config) -> None:
    """A setting that is accepted and never used would deceive."""
    with pytest.raises(RoleUnfit, match="has no public port"):
        post(config, Role.DELIVER, listen=OTHER)
    with pytest.raises(RoleUnfit, match=r"both 127\.0\.0\.1:8081"):
        post(config, Role.ALL, listen=ADMIN)
    with pytest.raises(RoleUnfit, match=r"both 127\.0\.0\.1:8080"):
        post(config, Role.RECEIVE, admin=PUBLIC)
