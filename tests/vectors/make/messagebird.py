"""MessageBird's requests, signed by PyJWT, accepted by its Python SDK."""

import hashlib
from collections.abc import Mapping
from unittest.mock import patch

import jwt
from messagebird.request_validator import RequestValidator

from tests.vectors.make.vectors import NOW, NOW_S, SECRET, URL, of_package, write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    claims = {
        "iss": "MessageBird",
        "nbf": NOW_S,
        "exp": NOW_S + 60,
        "jti": hashlib.sha256(body).hexdigest()[:32],
        "url_hash": hashlib.sha256(URL.encode()).hexdigest(),
        "payload_hash": hashlib.sha256(body).hexdigest(),
    }
    return {"MessageBird-Signature-JWT": jwt.encode(claims, SECRET, "HS256")}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    with patch("jwt.api_jwt.datetime") as clock:
        clock.now.return_value = NOW
        return RequestValidator(SECRET).validate_signature(headers["MessageBird-Signature-JWT"], URL, body)


write("messagebird", of_package("PyJWT"), sign, judge=(of_package("messagebird"), accepts))
