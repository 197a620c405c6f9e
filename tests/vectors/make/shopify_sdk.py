"""What Shopify's Node SDK makes of a request, of either kind."""

import json
from collections.abc import Mapping

from tests.vectors.make.vectors import SECRET, by_node, of_node_module

SDK = of_node_module("@shopify/shopify-api")
SIGN = """
import "@shopify/shopify-api/adapters/node";
import { createSHA256HMAC, HashFormat } from "@shopify/shopify-api/runtime";
console.log(await createSHA256HMAC(it.secret, it.body, HashFormat.Base64));
"""
VERIFY = """
import "@shopify/shopify-api/adapters/node";
import { shopifyApi, LogSeverity } from "@shopify/shopify-api";
const shopify = shopifyApi({ apiKey: "key", apiSecretKey: it.secret, apiVersion: "2026-07", isEmbeddedApp: false,
  hostName: "hooks.example.com", scopes: [], logger: { log: async () => {}, level: LogSeverity.Error } });
const request = { method: "POST", url: "/in/it", headers: JSON.parse(it.headers) };
console.log((await shopify.webhooks.validate({ rawBody: it.body, rawRequest: request, rawResponse: {} })).valid);
"""


def signature(body: bytes) -> str:
    """Have it sign a body."""
    return by_node(SIGN, secret=SECRET, body=body.decode())


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    """Have it judge a request."""
    lower = {name.lower(): value for name, value in headers.items()}
    return by_node(VERIFY, secret=SECRET, body=body.decode(), headers=json.dumps(lower)) == "true"
