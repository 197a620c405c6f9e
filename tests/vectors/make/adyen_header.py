"""Adyen's requests that are signed in a header, signed and verified by its Python SDK."""

from collections.abc import Mapping

from Adyen.util import generate_payload_sig, is_valid_hmac_payload

from tests.vectors.make.vectors import of_package, write

SDK = of_package("Adyen")
KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"  # of Adyen's own examples


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"HmacSignature": generate_payload_sig(body, KEY).decode(), "Protocol": "HmacSHA256"}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return is_valid_hmac_payload(headers["HmacSignature"], KEY, body)


write("adyen-header", SDK, sign, secret=KEY, judge=(SDK, accepts))
