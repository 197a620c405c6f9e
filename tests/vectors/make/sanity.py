"""Sanity's requests, signed and verified by its Node library."""

from collections.abc import Mapping

from tests.vectors.make.vectors import NOW_S, SECRET, by_node, of_node_module, write

SDK = of_node_module("@sanity/webhook")
SIGN = f"""
import {{ encodeSignatureHeader }} from "@sanity/webhook";
console.log(await encodeSignatureHeader(it.body, {NOW_S}000, it.secret));
"""
VERIFY = """
import { isValidSignature } from "@sanity/webhook";
console.log(await isValidSignature(it.body, it.header, it.secret));
"""


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"sanity-webhook-signature": by_node(SIGN, body=body.decode(), secret=SECRET)}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    header = headers["sanity-webhook-signature"]
    return by_node(VERIFY, body=body.decode(), header=header, secret=SECRET) == "true"


write("sanity", SDK, sign, judge=(SDK, accepts))
