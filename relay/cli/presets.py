"""`relay presets`: the vendors we know."""

from collections.abc import Mapping

import click
import orjson

from relay import presets as known
from relay.cli.options import json_option
from relay.cli.tables import table
from relay.presets import Preset

NEEDS = {
    "token": "`token`: a secret in the URL",
    "basic": "`secret`: user:password",
    "header": "`secret`: the value of {header}",
    "standard-webhooks": "`secret`: whsec_…",
    "hmac": "`secret`: signs {place} by HMAC-{algorithm}",
    "digest": "`secret`: signs {place} by {algorithm}",
    "ed25519": "`secret`: the public key (Ed25519) that verifies {place}",
    "ecdsa": "`secret`: the public key (P-256) that verifies {place}",
    "jwt": "`secret`: the key of the token in {place} ({algorithm})",
    "paypal": "`secret`: the webhook's id, as PayPal shows it",
    "ip": "nothing: known by its address",
    "none": "nothing: unproven",
}


@click.command()
@json_option
def presets(as_json: bool) -> None:
    """List the vendors we know, and what each needs from you.

    With a preset, a source in the configuration is one line: its secret is all that is missing.
    """
    found = [known.find(name) for name in known.names()]
    if as_json:
        click.echo(orjson.dumps([_described(preset) for preset in found]))
    else:
        click.echo(table(("name", "vendor", "needs"), [(preset.name, preset.title, needs(preset)) for preset in found]))


def _described(preset: Preset) -> Mapping[str, object]:
    types = [sample.type for sample in preset.samples]
    return {
        "name": preset.name,
        "vendor": preset.title,
        "needs": needs(preset),
        "page": preset.page,
        "samples": types,
    }


def needs(preset: Preset) -> str:
    """Say what a person must write beside the preset's name."""
    found = [_need(scheme) for scheme in preset.verify]
    if any(step.offers for step in preset.handshakes):
        found.append("which the vendor tells once; leave it out until then")
    if any(step.token for step in preset.handshakes):
        found.append("`verify_token`: the word that you enter there")
    if any("url}" in str(scheme.get("signed")) or "url_claim" in scheme for scheme in preset.verify):
        found.append("`server.public_url`, which is signed")
    return "; ".join(found)


def _need(scheme: Mapping[str, object]) -> str:
    place = scheme.get("header", scheme.get("body_field"))
    settings = {**scheme, "place": place, "algorithm": str(scheme.get("algorithm", "sha256")).upper()}
    return NEEDS[str(scheme["scheme"])].format_map(settings)
