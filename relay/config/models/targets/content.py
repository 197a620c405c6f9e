"""What of an event a target is given, as the file says it."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import PlainValidator

from relay import domain
from relay.config.misfits import Misfit
from relay.config.models.base import written
from relay.config.models.fields import ExpressionText, as_text, text
from relay.config.models.targets.base import Target
from relay.domain import PathTemplate, Template
from relay.errors import ExpressionInvalid
from relay.templates import compile_path, compile_template

DECODE = Literal["base64"] | None
NAMES = "`id` (the event's own), `source`, `type`, `received_at`, `headers` and the whole `body`"


def _compiled(compile_text: Callable[[str], Any]) -> PlainValidator:
    def read(value: object) -> Any:
        try:
            return compile_text(text(value))
        except ExpressionInvalid as error:
            raise Misfit(f"not a template: {error}", concealed="not a template; expected text with {{id}}") from error

    return PlainValidator(read)


TemplateText = Annotated[Template, _compiled(compile_template), as_text()]
PathText = Annotated[PathTemplate, _compiled(compile_path), as_text()]


class ContentTarget(Target):
    """A receiver of a document that an event holds."""

    content: ExpressionText | None = written(
        None,
        f"What is delivered: JMESPath over the body, with {NAMES} at hand; text as it is, all else as JSON. The whole "
        "body as it came, unless set. An event on which it fails or finds nothing is dead at once; it can be replayed.",
        examples=["invoice.data"],
    )
    decode: DECODE = written(None, "How that is encoded, and to be undone.", examples=["base64"])

    def chosen_content(self) -> domain.Content:
        """Build what says what of an event is delivered."""
        return domain.Content(self.content, self.decode == "base64")
