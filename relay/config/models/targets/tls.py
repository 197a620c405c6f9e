"""TLS of a target, as the file says it."""

import ssl
from pathlib import Path
from typing import Annotated

from pydantic import PlainValidator, ValidationInfo, field_validator

from relay import domain
from relay.config.misfits import Misfit
from relay.config.models.base import Part, written
from relay.config.models.fields import as_text, text


def _certificates(value: object) -> Path:
    path = Path(text(value))
    try:
        ssl.create_default_context().load_verify_locations(path)
    except FileNotFoundError:
        raise Misfit("there is no such file; expected certificates in PEM") from None
    except OSError:
        raise Misfit("this cannot be read as certificates; expected PEM") from None
    return path


Certificates = Annotated[Path, PlainValidator(_certificates), as_text()]
KeyFile = Annotated[Path, PlainValidator(lambda value: Path(text(value))), as_text()]


class Tls(Part):
    """Whom we believe over TLS, and who we are."""

    ca: Certificates | None = written(
        None, "A file of the certificates (PEM) that are believed, in place of the system's.", examples=["ca.pem"]
    )
    cert: Certificates | None = written(None, "Our own certificate (PEM), for a target that asks for one.")
    key: KeyFile | None = written(None, "The key of `cert`, where it is not in the same file.")

    @field_validator("key")
    @classmethod
    def _opens_the_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        cert = info.data.get("cert")
        if key is not None and "cert" in info.data and cert is None:
            raise Misfit("expected `cert`, which this is the key of")
        if cert is None:
            return key
        try:
            ssl.create_default_context().load_cert_chain(cert, key, password=str)  # empty: nobody is asked for one
        except OSError:
            raise Misfit("expected a key that is there, without a password, and fits `cert`") from None
        return key

    def files(self) -> domain.TlsFiles:
        """Build what names the files."""
        return domain.TlsFiles(self.ca, self.cert, self.key)
