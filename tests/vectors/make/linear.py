"""Linear's requests, signed as the verifier of its Node SDK computes, and accepted by it at the time that they tell."""

from collections.abc import Mapping

from tests.vectors.make.vectors import NOW_S, SECRET, by_node, of_node_module, write
from tests.vectors.make.verifiers import OBSERVED, WRONG

SDK = of_node_module("@linear/sdk")
SCRIPT = f"""
import {{ LinearWebhookClient }} from "@linear/sdk/webhooks";
{OBSERVED}
Date.now = () => {NOW_S}000;
let is_right = true;
try {{
  new LinearWebhookClient(it.secret).verify(Buffer.from(it.body), it.signature);
}} catch {{
  is_right = false;
}}
console.log(it.wants === "judgement" ? is_right : made[0]);
"""


def ask(wants: str, body: bytes, signature: str) -> str:
    return by_node(SCRIPT, wants=wants, secret=SECRET, body=body.decode(), signature=signature)


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"Linear-Signature": ask("signature", body, WRONG)}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return ask("judgement", body, headers["Linear-Signature"]) == "true"


write("linear", f"the verifier of {SDK}", sign, judge=(SDK, accepts))
