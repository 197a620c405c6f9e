"""Names that one part of the file has, and another refers to."""

from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

from relay.config.misfits import Misfit, not_among
from relay.config.models.base import misfit_at, surroundings
from relay.config.models.fields import Text


def _known_source(name: str, info: ValidationInfo) -> str:
    return _known(name, surroundings(info).sources, "a source")


def _known_target(name: str, info: ValidationInfo) -> str:
    return _known(name, surroundings(info).targets, "a target")


def _known(name: str, names: frozenset[str] | None, what: str) -> str:
    if names is None or name in names:
        return name
    raise not_among(sorted(names), name, what)


def all_different(names: tuple[str, ...]) -> tuple[str, ...]:
    """Insist that nothing is named twice. Errors: Misfit, at the second one."""
    for index, name in enumerate(names):
        if name in names[:index]:
            raise misfit_at((index,), name, Misfit("named twice; once is enough"))
    return names


SourceName = Annotated[Text, AfterValidator(_known_source)]
TargetName = Annotated[Text, AfterValidator(_known_target)]
