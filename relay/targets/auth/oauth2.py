"""OAuth 2.0 for a program: client credentials. Source: RFC 6749, 4.4; 2.3.1 for how the client proves itself."""

from base64 import b64encode
from typing import Literal
from urllib.parse import quote_plus, urlencode

from relay.domain import Secret
from relay.expressions import compile_expression
from relay.targets.auth import Caller
from relay.targets.auth.login import LoginProver

ACCESS_TOKEN, EXPIRES_IN = compile_expression("access_token"), compile_expression("expires_in")


def prove(
    caller: Caller,
    *,
    token_url: str,
    client_id: Secret,
    client_secret: Secret,
    client_auth: Literal["basic", "body"] = "basic",
    scope: str | None = None,
    audience: str | None = None,
) -> LoginProver:
    """Fetch tokens from an authorization server. A token without `expires_in` is used until it is refused."""
    form = {"grant_type": "client_credentials", "scope": scope, "audience": audience}
    headers = {"Accept": Secret("application/json")}
    if client_auth == "body":
        form |= {"client_id": client_id.text(), "client_secret": client_secret.text()}
    else:
        pair = f"{quote_plus(client_id.text())}:{quote_plus(client_secret.text())}"
        headers["Authorization"] = Secret(b"Basic " + b64encode(pair.encode()))
    body = urlencode({name: value for name, value in form.items() if value is not None})
    return LoginProver(
        caller,
        url=token_url,
        token=ACCESS_TOKEN,
        expires=EXPIRES_IN,
        place=("header", "Authorization", Secret("Bearer {token}")),
        headers=headers,
        body=Secret(body),
        content_type="application/x-www-form-urlencoded",
    )


AUTH = prove
