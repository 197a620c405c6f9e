"""What every scheme of `verify` has in common."""

from typing import ClassVar

from relay import verification
from relay.config.models.base import Part
from relay.domain import Secret, Verifier


class Scheme(Part):
    """One way of proving."""

    compares_secrets: ClassVar[bool] = True

    scheme: str

    @property
    def proving_headers(self) -> tuple[str, ...]:
        """Name the headers whose values prove who sends, where they have no names of their own."""
        return ()

    def check_secret(self, secret: Secret) -> None:
        """Insist on a secret that this scheme can use. Errors: Misfit, which never tells it."""

    def verifier(self, secrets: tuple[Secret, ...]) -> Verifier:
        """Build what proves."""
        settings = {name: getattr(self, name) for name in self.model_fields_set - {"scheme"}}
        return verification.find(self.scheme)(**settings, **({"secrets": secrets} if self.compares_secrets else {}))
