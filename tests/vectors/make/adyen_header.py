"""Adyen's requests that are signed in a header, signed by its Python SDK."""

from collections.abc import Mapping

from Adyen.util import generate_payload_sig, is_valid_hmac_payload

from tests.vectors.make.vectors import of_package, write

KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"  # of Adyen's own examples


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = generate_payload_sig(body, KEY).decode()
    assert is_valid_hmac_payload(signature, KEY, body)
    return {"HmacSignature": signature, "Protocol": "HmacSHA256"}


write("adyen-header", of_package("Adyen"), sign, secret=KEY)
