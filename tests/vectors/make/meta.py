"""Meta's requests, signed by its Node SDK for WhatsApp; the verifier of that one fails at any body."""

from collections.abc import Mapping

from tests.vectors.make.vectors import SECRET, by_node, of_node_module, write

SCRIPT = """
// The function that signs is not among what the package exports.
const { default: utils } = await import(`${process.cwd()}/node_modules/whatsapp/build/utils.js`);
console.log(utils.generateXHub256Sig(it.body, it.secret));
"""


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Hub-Signature-256": f"sha256={by_node(SCRIPT, body=body.decode(), secret=SECRET)}"}


QUESTION = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="

write(
    "meta",
    of_node_module("whatsapp"),
    sign,
    handshakes=[
        {"method": "GET", "query": f"{QUESTION}a-word-that-we-chose", "status": 200, "answer": "1158201444"},
        {"method": "GET", "query": f"{QUESTION}another-word", "status": 401},
        {"method": "GET", "query": "hub.mode=subscribe&hub.challenge=1158201444", "status": 401},
        {"method": "GET", "query": QUESTION.replace("subscribe", "x") + "a-word-that-we-chose", "status": 401},
    ],
)
