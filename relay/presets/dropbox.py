"""Dropbox: in whose accounts something changed, and no more. The secret is the app's; a GET asks for the URL.

Two changes of one account say the same, byte for byte, so a repeat is news, not a duplicate: the window is as short as
it can be.
"""

from relay.domain import ANY_TYPE
from relay.handshakes import Handshake
from relay.presets import Preset, Sample

PRESET = Preset(
    name="dropbox",
    title="Dropbox",
    page="https://www.dropbox.com/developers/reference/webhooks",
    verify=({"scheme": "hmac", "header": "X-Dropbox-Signature"},),
    type="list_folder && 'list_folder'",
    windows={ANY_TYPE: "1ms"},
    handshakes=(Handshake("GET", challenge="challenge"),),
    samples=(Sample("list_folder", {"list_folder": {"accounts": ["dbid:{uuid}"]}, "delta": {"users": [12345678]}}),),
)
