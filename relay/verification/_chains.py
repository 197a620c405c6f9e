"""Certificates that are believed: with a chain to a root, and a name that is its owner's."""

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError


def believed_key(content: bytes, owner: str, roots: Iterable[bytes], now: datetime) -> bytes | None:
    """Return the key (SPKI in DER) of the first of some certificates in PEM, or None where it is not to be believed.

    owner: what its name must end with. roots: certificates in DER, to one of which a chain must lead.
    """
    try:
        leaf, *others = x509.load_pem_x509_certificates(content)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        name = next(it for it in names.get_values_for_type(x509.DNSName) if it.endswith(owner))
        policy = PolicyBuilder().store(Store(list(_readable(roots)))).time(now)
        policy.build_server_verifier(x509.DNSName(name)).verify(leaf, others)
    except (ValueError, x509.ExtensionNotFound, StopIteration, VerificationError):
        return None
    return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _readable(encoded: Iterable[bytes]) -> Iterable[x509.Certificate]:
    """Read what can be read: among a machine's roots stand old ones, which are made loosely."""
    for one in encoded:
        try:
            yield x509.load_der_x509_certificate(one)
        except ValueError:
            continue
