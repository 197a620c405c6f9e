"""A target that is another relay, as the file says it."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, field_validator
from yarl import URL

from relay import domain
from relay.config.misfits import Misfit
from relay.config.models.base import as_full_list, required, written
from relay.config.models.fields import SigningKey, TargetUrl
from relay.config.models.targets.http import HttpRetry
from relay.config.models.targets.network import NetworkTarget
from relay.config.models.targets.tls import Tls


class RelayTarget(NetworkTarget):
    """Another relay, that receives events as this one did: their bytes, their headers, and the id they have here."""

    means = (
        "As of `http`: delivered when the other relay has it on disk, or had it already; busy while that cannot commit "
        "or takes no more. An event that has been through eight relays is dead: their routes make a circle."
    )
    repeat = (
        "Nothing: a source there with `preset: relay` and the same secret tells events by the id that they have here, "
        "and answers `duplicate`."
    )
    example = (
        "{kind: relay, url: https://relay.example.com/in/upstream, secrets: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}"
    )

    kind: Literal["relay"] = required("What kind of target it is.", "relay")
    url: TargetUrl = required("A source of the other relay.", "https://relay.example.com/in/upstream")
    secrets: Annotated[
        tuple[SigningKey, ...], BeforeValidator(as_full_list, json_schema_input_type=SigningKey | list[SigningKey])
    ] = required(
        "What the other relay knows us by, the newest first: keys of Standard Webhooks, `whsec_` and base64, which its "
        "source has, too.",
        "${UPSTREAM_SECRET}",
    )
    tls: Tls | None = written(None, "What TLS takes besides the system's own.")
    retry: HttpRetry = written({}, "When a failed delivery is tried again, and when it is given up.")

    @field_validator("url")
    @classmethod
    def _names_no_user(cls, url: URL) -> URL:
        if url.raw_user is not None:
            raise Misfit("expected a URL without a user: `secrets` are what the other relay knows us by")
        return url

    def build(self, name: str) -> domain.RelayTarget:
        """Build the target that a file without faults describes."""
        return domain.RelayTarget(
            **self.common(name),
            url=str(self.url),
            sign_secrets=self.secrets,
            tls=self.tls.files() if self.tls else None,
        )
