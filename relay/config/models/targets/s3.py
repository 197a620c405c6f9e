"""A target that is a bucket of objects, as the file says it."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, field_validator
from yarl import URL

from relay import domain
from relay.config.misfits import Expected, Misfit
from relay.config.models.base import required, written
from relay.config.models.fields import Credential, Line, TargetUrl
from relay.config.models.targets.content import NAMES, ContentTarget, PathText
from relay.config.models.targets.email import MediaType
from relay.config.models.targets.network import NetworkTarget
from relay.config.models.targets.tls import Tls
from relay.domain import PathTemplate


def _region(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9-]{1,50}", value):
        return value
    raise Expected("a region such as eu-west-3")


Region = Annotated[Line, AfterValidator(_region)]


class S3Target(NetworkTarget, ContentTarget):
    """A bucket that receives an object for each event, by any server that speaks S3."""

    driver = "minio"
    means = (
        "Delivered when the server has answered 200 to the object. Busy by 429 and 503; an error, and tried again, by "
        "any other answer, as by 403 where the keys are not allowed, and 404 where there is no such bucket."
    )
    repeat = "The same object is put again: its key holds the event's id, so it is nobody else's."
    example = (
        '{kind: s3, url: "https://s3.eu-west-3.amazonaws.com/invoices", region: eu-west-3, access_key: an-access-key, '
        'secret_key: a-secret-key, key: "{source}/{id}.pdf", content: invoice.data, decode: base64}'
    )

    kind: Literal["s3"] = required("What kind of target it is.", "s3")
    url: TargetUrl = required("The server and the bucket.", "https://s3.eu-west-3.amazonaws.com/invoices")
    tls: Tls | None = written(None, "What TLS takes besides the system's own.")
    region: Region = written("us-east-1", "The region that requests are signed for; many servers know only this one.")
    access_key: Credential = required("The access key's id.", "${S3_ACCESS_KEY}")
    secret_key: Credential = required("The access key's secret.", "${S3_SECRET_KEY}")
    key: PathText = required(
        f"The object's key: a path with JMESPath in braces, with {NAMES} at hand. It holds `{{id}}`, so that no "
        "event's object takes the place of another's.",
        "{source}/{id}.json",
    )
    type: MediaType | None = written(
        None, "Its media type; told by the end of its key, or as the event came, unless set.", examples=["text/csv"]
    )

    @field_validator("url")
    @classmethod
    def _is_a_place(cls, url: URL) -> URL:
        if url.raw_user is not None or url.raw_query_string:
            raise Misfit("expected a URL without a user and a query: `access_key` and `secret_key` are our proof")
        return url

    @field_validator("key")
    @classmethod
    def _holds_the_id(cls, key: PathTemplate) -> PathTemplate:
        if not re.search(r"\{ *(id|event_id) *\}", key.text):
            raise Expected("a key with {id} in it: an object takes the place of another one of the same key")
        return key

    def build(self, name: str) -> domain.S3Target:
        """Build the target that a file without faults describes."""
        return domain.S3Target(
            **self.common(name),
            url=str(self.url),
            tls=self.tls.files() if self.tls else None,
            key=self.key,
            region=self.region,
            access_key=self.access_key,
            secret_key=self.secret_key,
            content=self.chosen_content(),
            media_type=self.type,
        )
