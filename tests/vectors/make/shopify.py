"""Shopify's requests, each accepted by its SDK."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from tests.vectors.make.vectors import SECRET, by_node, of_node_module, write

SCRIPT = """
import "@shopify/shopify-api/adapters/node";
import { shopifyApi, LogSeverity } from "@shopify/shopify-api";
const shopify = shopifyApi({ apiKey: "key", apiSecretKey: it.secret, apiVersion: "2026-07", isEmbeddedApp: false,
  hostName: "hooks.example.com", scopes: [], logger: { log: async () => {}, level: LogSeverity.Error } });
const request = { method: "POST", url: "/in/it", headers: JSON.parse(it.headers) };
console.log((await shopify.webhooks.validate({ rawBody: it.body, rawRequest: request, rawResponse: {} })).valid);
"""


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    added = {"X-Shopify-Hmac-Sha256": signature}
    lower = {name.lower(): value for name, value in {**headers, **added}.items()}
    assert "true" == by_node(SCRIPT, secret=SECRET, body=body.decode(), headers=json.dumps(lower))
    return added


write("shopify", f"the standard library, accepted by {of_node_module('@shopify/shopify-api')}", sign)
