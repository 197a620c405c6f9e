"""GitHub's requests, signed and verified by Octokit; and the vector of GitHub's own page."""

from collections.abc import Mapping

from tests.vectors.make.vectors import by_node, of_node_module, write

SDK = of_node_module("@octokit/webhooks-methods")
SECRET = "It's a Secret to Everybody"
PAGE = {
    "name": "the vendor's page",
    "type": "push",
    "headers": {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "72d3162e",
        "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    },
    "body": "Hello, World!",
}
SIGN = """
import { sign } from "@octokit/webhooks-methods";
console.log(await sign(it.secret, it.body));
"""
VERIFY = """
import { verify } from "@octokit/webhooks-methods";
console.log(await verify(it.secret, it.body, it.signature));
"""


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Hub-Signature-256": by_node(SIGN, secret=SECRET, body=body.decode())}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    signature = headers["X-Hub-Signature-256"]
    return by_node(VERIFY, secret=SECRET, body=body.decode(), signature=signature) == "true"


write("github", SDK, sign, secret=SECRET, more=[PAGE], judge=(SDK, accepts))
