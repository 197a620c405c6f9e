"""What every part of the file has in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails

from relay.config.misfits import Expected, Misfit, listing, not_among
from relay.domain import ANY_TYPE

Chooser = Callable[[object, object, ValidationInfo], "Part"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a part of the file must know of the rest of it: names as they are written, faulty or not.

    sources, targets: None where nothing can be said of their names. routes_alike: names that several routes have.
    parts: as which part each mapping of the data was read, by its `id`, so that an unknown key can be compared with
    the known ones.
    """

    sources: frozenset[str] | None
    targets: frozenset[str] | None
    routes_alike: frozenset[str]
    has_public_url: bool
    parts: dict[int, "type[Part]"] = field(default_factory=dict)


class Part(BaseModel):
    """A mapping in the file. Its fields stand in an order in which each needs to know only those before it.

    A check across fields belongs to the last of them: it runs whatever else is wrong, and finds a field that has a
    fault of its own missing in `info.data`, so that every fault is told, and none that only follows from another.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _note_part(cls, data: object, info: ValidationInfo) -> object:
        completed = cls.completed(data) if isinstance(data, dict) else data
        parts = surroundings(info).parts
        parts[id(data)] = parts[id(completed)] = cls  # what is missing is told of the one, what is unknown of the other
        return completed

    @classmethod
    def completed(cls, data: dict[str, object]) -> dict[str, object]:
        """Return what the file says, with what goes without saying."""
        return data

    @classmethod
    def written_keys(cls) -> list[str]:
        """List the keys that a person may write."""
        return [field.alias or name for name, field in cls.model_fields.items()]


def surroundings(info: ValidationInfo) -> Surroundings:
    """Return what `info` carries."""
    return cast("Surroundings", info.context)


def written(default: object, description: str, **more: Any) -> Any:
    """Declare a field whose default stands as a person would write it; the schema shows it so."""
    return Field(default, description=description, **more)


def required(description: str, example: object, **more: Any) -> Any:
    """Declare a field that must be given; the example is shown where it is missing."""
    return Field(description=description, examples=[example], **more)


def chosen_by_scheme(kinds: Mapping[str, type[Part]], example: str) -> Chooser:
    """Return a validator that reads a mapping as the kind which its `scheme` names; a word alone is its scheme."""

    def choose(value: object, _: object, info: ValidationInfo) -> Part:
        settings = {"scheme": value} if isinstance(value, str) else value
        return _read_as(kinds, "scheme", settings, example, info)

    return choose


def chosen_by_kind(kinds: Mapping[str, type[Part]], default: str, example: str) -> Chooser:
    """Return a validator that reads a mapping as the kind which its `kind` names; as `default` where it names none."""

    def choose(value: object, _: object, info: ValidationInfo) -> Part:
        if isinstance(value, dict) and "kind" not in value:
            return kinds[default].model_validate(value, context=info.context)
        return _read_as(kinds, "kind", value, example, info)

    return choose


def _read_as(kinds: Mapping[str, type[Part]], key: str, settings: object, example: str, info: ValidationInfo) -> Part:
    """Read a mapping as what its `key` names. Errors: Misfit."""
    if not isinstance(settings, dict):
        raise Expected(f"a mapping such as {example}")
    if key not in settings:
        raise misfit_at((key,), None, Misfit(f"missing; expected {listing(kinds)}"))
    name = settings[key]
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise misfit_at((key,), name, not_among(kinds, name, f"a {key}"))
    return kind.model_validate(settings, context=info.context)


def misfit_at(place: tuple[str | int, ...], found: object, misfit: Misfit) -> ValidationError:
    """Make an error that stands at a place inside of the value being validated."""
    return ValidationError.from_exception_data("configuration", [error_at(place, found, misfit)])


def error_at(place: tuple[str | int, ...], found: object, misfit: Misfit) -> InitErrorDetails:
    """Make one of several such errors."""
    return InitErrorDetails(type="value_error", loc=place, input=found, ctx={"error": misfit})


def as_list(value: object) -> object:
    """Let one thing stand for a list of one."""
    return value if isinstance(value, list | tuple) else [value]


def as_full_list(value: object) -> object:
    """Let one thing stand for a list of one. Errors: Misfit, for a list of none."""
    if value == []:
        raise Misfit("expected at least one")
    return as_list(value)


def by_type(value: object) -> object:
    """Let one thing stand for a mapping that says it of every type. Errors: Misfit, for a mapping of none."""
    if value == {}:
        raise Misfit("expected at least one type, or `*` for all of them")
    return value if isinstance(value, dict) else {ANY_TYPE: value}
