"""Tripletex's requests, which carry a fixed value in a header of the subscriber's choice."""

from tests.vectors.make.vectors import SECRET, write

HEADERS = {"X-Tripletex-Token": SECRET}
AGAIN = '{"subscriptionId":1,"event":"product.update","id":1782907200000,"value":{"id":1782907200000,"version":3}}'

write(
    "tripletex",
    "nobody: the value is sent as it is",
    lambda body, headers: HEADERS,
    more=[{"name": "a later version", "type": "product.update", "headers": HEADERS, "body": AGAIN}],
    pairs=[
        ("the same, again", "product.create", "product.create", 60, True),
        ("changed since", "product.update", "a later version", 60, False),
        ("deleted", "product.update", "product.delete", 60, False),
        ("a deletion, again", "product.delete", "product.delete", 60, True),
    ],
)
