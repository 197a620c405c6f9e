"""Contentful's requests, signed and verified by its Node toolkit."""

import json
from collections.abc import Mapping

from tests.vectors.make.vectors import NOW_S, URL, by_node, of_node_module, write

KEY = "5d41402abc4b2a76b9719d911017c592" * 2  # of the length that the toolkit insists on
SDK = of_node_module("@contentful/node-apps-toolkit")
REQUEST = """
import * as toolkit from "@contentful/node-apps-toolkit";
const request = {method: "POST", path: it.path, headers: {"x-contentful-topic": it.topic}, body: it.body};
"""
SIGN = f"{REQUEST}console.log(JSON.stringify(toolkit.signRequest(it.key, request, Number(it.now))));"
VERIFY = f"""{REQUEST}
const headers = {{...request.headers, ...JSON.parse(it.signed)}};
console.log(toolkit.verifyRequest(it.key, {{...request, headers}}, 0));
"""
PATH = URL.removeprefix("https://hooks.example.com")


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    topic, now = headers["X-Contentful-Topic"], str(NOW_S * 1000)
    told = json.loads(by_node(SIGN, key=KEY, path=PATH, topic=topic, body=body.decode(), now=now))
    names = {name.lower(): name for name in ("X-Contentful-Signature", "X-Contentful-Timestamp")}
    names["x-contentful-signed-headers"] = "X-Contentful-Signed-Headers"
    return {names[name]: value for name, value in told.items()}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    signed = json.dumps({name.lower(): value for name, value in headers.items() if name.startswith("X-Contentful-")})
    told = by_node(VERIFY, key=KEY, path=PATH, topic=headers["X-Contentful-Topic"], body=body.decode(), signed=signed)
    return told == "true"


write("contentful", SDK, sign, secret=KEY, judge=(SDK, accepts))
