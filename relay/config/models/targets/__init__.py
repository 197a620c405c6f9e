"""Targets in the file: a module for each kind, and the choice among them by `kind`."""

from typing import Annotated

from pydantic import WrapValidator

from relay.config.models.base import chosen_by_kind
from relay.config.models.targets.base import Target
from relay.config.models.targets.http import HttpTarget

KINDS: dict[str, type[Target]] = {"http": HttpTarget}

AnyTarget = Annotated[HttpTarget, WrapValidator(chosen_by_kind(KINDS, "http", "{url: https://erp.example.com/hooks}"))]
