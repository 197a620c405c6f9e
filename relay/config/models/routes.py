"""A route, as the file says it: which events go where, and as what."""

from collections.abc import Collection, Iterator
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails

from relay.config.misfits import Misfit
from relay.config.models.base import Part, as_full_list, error_at, misfit_at, required, surroundings, written
from relay.config.models.fields import ExpressionText, Line, MethodText, PathText, Text
from relay.config.models.names import SourceName, TargetName, all_different
from relay.config.models.targets.headers import SetHeader
from relay.domain import Expression, Shape


class Route(Part):
    """Which events of a source go to which targets, and what is sent of them."""

    name: Line | None = written(None, "What the route is called in logs and answers; FROM→TO unless set.")
    sources: Annotated[
        tuple[SourceName, ...],
        BeforeValidator(as_full_list, json_schema_input_type=Text | list[Text]),
        AfterValidator(all_different),
    ] = required("A source, or a list of sources.", "invoices", alias="from")
    when: ExpressionText | None = written(
        None,
        "Which of their events: JMESPath over the body, where also `type`, `source`, `headers`, `received_at`, "
        "`event_id` and the whole `body` are at hand. All, unless set.",
        examples=["type == 'invoice'"],
    )
    body: ExpressionText | None = written(
        None,
        "What is sent in place of the event: an expression that finds any JSON, over what `when` sees. The body as it "
        "came, unless set.",
        examples=["{number: invoice.id, amount: money(invoice.amount)}"],
    )
    method: MethodText | None = written(
        None,
        "POST, PUT, PATCH, DELETE or GET, or an expression that finds one. POST, unless set. DELETE and GET carry no "
        "body unless `body` is set.",
        examples=["PUT"],
    )
    path: PathText | None = written(
        None,
        "What follows the path of the target's URL, with expressions in braces: each is percent-encoded, and stays "
        "within its segment.",
        examples=["/invoices/{invoice.id}"],
    )
    query: dict[Line, ExpressionText] = written(
        {}, "Parameters of the URL, by name, each an expression. What finds nothing (null) is left out."
    )
    headers: dict[SetHeader, ExpressionText] = written(
        {},
        "Headers, by name, each an expression. What finds nothing (null) is left out. They stand in place of the "
        "target's `headers`, never of its `auth`.",
    )
    targets: Annotated[
        tuple[TargetName, ...],
        BeforeValidator(as_full_list, json_schema_input_type=Text | list[Text]),
        AfterValidator(all_different),
    ] = required("A target, or a list of targets.", "erp", alias="to")

    @field_validator("name")
    @classmethod
    def _is_its_own(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name in surroundings(info).routes_alike:
            raise Misfit("another route has this name; expected one of its own")
        return name

    @field_validator("headers")
    @classmethod
    def _are_there_once(cls, headers: dict[str, Expression]) -> dict[str, Expression]:
        known: set[str] = set()
        for name in headers:
            if name.lower() in known:
                raise misfit_at((name, "[key]"), name, Misfit("a key above, in other letters, sets the same header"))
            known.add(name.lower())
        return headers

    def shape(self) -> Shape | None:
        """Return what is sent in place of the event; None where it goes as it came."""
        shape = Shape(self.body, self.method, self.path, self.query, self.headers)
        return shape if shape.body or shape.needs_call else None

    def unsuited(
        self, index: int, target: str, taken: Collection[str], proving: Collection[str]
    ) -> Iterator[InitErrorDetails]:
        """Yield what of this route a target cannot take.

        taken: which keys of a shape its kind knows. proving: headers, in lower case, that prove us to it.
        """
        for key in ("method", "path", "query", "headers"):
            if getattr(self, key) and key not in taken:
                yield error_at((index, key), None, Misfit(f"the target {target} is not called by HTTP; leave it out"))
        for name in self.headers:
            if name.lower() in proving:
                misfit = Misfit(f"`auth` of the target {target} sets this header; expected only one of them")
                yield error_at((index, "headers", name, "[key]"), None, misfit)
