"""What is shown of a request: nothing that proves who sent it, whatever its header is called."""

import pytest

from relay import verification
from relay.presets import Preset
from relay.web.masking import MASK, shown_headers
from tests.contract.test_presets import every_preset
from tests.contract.vendor import NOW, a_source, rendered

NO_PROOF = ("time", "id", "url", "algo", "version", "user-agent")  # what else a vendor sends beside its signature


@every_preset
def test_no_signature_of_a_vendor_is_shown(preset: Preset) -> None:
    """A refused request is copied into a ticket; also where the source is configured no more."""
    source = a_source(preset)
    proof = verification.sign(rendered(preset.samples[0]), source, NOW)
    others = {name for name in proof.headers if any(part in name.lower() for part in NO_PROOF)}
    proving = [(name, value) for name, value in proof.headers.items() if name not in others]

    for credentials in (source.proving_headers, frozenset[str]()):
        assert {MASK} >= {value for _, value in shown_headers(proving, credentials)}


@pytest.mark.parametrize("name", ["X-Sig", "x-sig-v2", "PAYPAL-TRANSMISSION-SIG", "X_SIG"])
def test_what_is_called_a_sig_is_a_signature(name: str) -> None:
    """Whoever writes a scheme by hand has such names."""
    assert [[name, MASK], ["X-Sigma", "3"]] == shown_headers([(name, "00ff"), ("X-Sigma", "3")])
