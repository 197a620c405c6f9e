"""Who made the requests that the presets are tested with: the vendors' own code, wherever it is published."""

import re

from relay import presets
from tests.contract.vendor import vectors_of

SDK = re.compile(r"(?:PyPI|npm) \S+ [0-9]\S*")
OF_ANYBODY = {"PyPI standardwebhooks", "PyPI PyNaCl", "PyPI pynacl", "PyPI PyJWT", "PyPI cryptography"}


def vendors(field: str) -> set[str]:
    """Return the vendors in whose vectors a field names a package that is the vendor's own."""
    return {
        name.split("-")[0]
        for name in presets.names()
        for package in SDK.findall(vectors_of(presets.find(name)).get(field, ""))
        if name == "standard-webhooks" or package.rpartition(" ")[0] not in OF_ANYBODY
    }


def test_the_code_of_25_vendors_and_more_has_signed() -> None:
    """A digest that we have computed ourselves would prove that we agree with ourselves.

    PayPal's own code made what is signed there, not the signature.
    """
    assert len(vendors("signed_by") - {"paypal"}) >= 25


def test_the_code_of_28_vendors_has_accepted_each_request_and_refused_each_spoilt_one() -> None:
    """Among them those that nobody but the vendor can sign for: Discord, SendGrid, PayPal."""
    assert len(vendors("accepted_by")) >= 28
    assert {"discord", "sendgrid", "paypal"} <= vendors("accepted_by")


def test_whoever_has_an_sdk_that_verifies_was_asked() -> None:
    """An SDK that signs can verify, too, and was asked to; only the one of Meta fails at every body."""
    assert {"meta"} == vendors("signed_by") - vendors("accepted_by")
