"""Contentful's requests, signed by its Node toolkit."""

import json
from collections.abc import Mapping

from tests.vectors.make.vectors import NOW_S, URL, by_node, of_node_module, write

KEY = "5d41402abc4b2a76b9719d911017c592" * 2  # of the length that the toolkit insists on
PACKAGE = "@contentful/node-apps-toolkit"
SCRIPT = """
import * as toolkit from "@contentful/node-apps-toolkit";
const request = {method: "POST", path: it.path, headers: {"x-contentful-topic": it.topic}, body: it.body};
const signed = toolkit.signRequest(it.key, request, Number(it.now));
if (!toolkit.verifyRequest(it.key, {...request, headers: {...request.headers, ...signed}}, 0)) throw new Error();
console.log(JSON.stringify(signed));
"""


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    path = URL.removeprefix("https://hooks.example.com")
    topic, now = headers["X-Contentful-Topic"], str(NOW_S * 1000)
    told = json.loads(by_node(SCRIPT, key=KEY, path=path, topic=topic, body=body.decode(), now=now))
    names = {name.lower(): name for name in ("X-Contentful-Signature", "X-Contentful-Timestamp")}
    names["x-contentful-signed-headers"] = "X-Contentful-Signed-Headers"
    return {names[name]: value for name, value in told.items()}


write("contentful", of_node_module(PACKAGE), sign, secret=KEY)
