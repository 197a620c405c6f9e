"""Secrets made for a trial: what a vendor, or we, would have chosen. Each suits its scheme, and can sign."""

import base64
from collections.abc import Mapping
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from relay.presets import Preset

ENTROPY_BYTES = 64


def new_secret(preset: Preset, entropy: bytes) -> str:
    """Make a secret that every scheme of a preset can sign with. entropy: `ENTROPY_BYTES` random bytes."""
    made = {_secret_of(scheme, entropy) for scheme in preset.verify}
    return max(made, key=len)


def new_signing_key(entropy: bytes) -> str:
    """Make a key of Standard Webhooks."""
    return "whsec_" + base64.b64encode(entropy[:24]).decode()


def new_private_key(algorithm: str, entropy: bytes) -> str:
    """Make a key in PEM for an algorithm of `jwt`, or for another scheme with private keys, by its name."""
    return _pem(_private_key_of(algorithm, entropy))


def _secret_of(scheme: Mapping[str, object], entropy: bytes) -> str:
    match scheme:
        case {"scheme": "ed25519" | "ecdsa" | "paypal"} | {"scheme": "jwt", "algorithm": "EdDSA" | "ES256" | "RS256"}:
            return new_private_key(str(scheme.get("algorithm", scheme["scheme"])), entropy)
        case {"scheme": "standard-webhooks"} | {"key_from": "base64"}:
            return new_signing_key(entropy)
        case {"scheme": "basic"}:
            return f"vendor:{entropy[:24].hex()}"
        case {"scheme": "jwt"} | {"key_from": "hex"}:
            return entropy.hex()
        case _:
            return base64.urlsafe_b64encode(entropy[:24]).decode()


def _private_key_of(kind: str, entropy: bytes) -> Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey:
    match kind:
        case "ed25519" | "EdDSA":
            return Ed25519PrivateKey.from_private_bytes(entropy[:32])
        case "ecdsa" | "ES256":
            return derive_private_key(int.from_bytes(entropy[:31]) + 1, SECP256R1())
        case _:
            return _rsa_of(entropy)


@cache
def _rsa_of(entropy: bytes) -> RSAPrivateKey:
    """Make a key, the same one each time for the same entropy: it is drawn, as such keys cannot be derived."""
    return generate_private_key(65537, 2048)


def _pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
