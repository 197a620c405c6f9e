"""Promise 8 against the real program: whatever happens, its log holds no secret, no signature, no token, no body."""

import base64
from pathlib import Path

from tests.acceptance.program import configured, run, session, started
from tests.acceptance.sink import Sink
from tests.ports import free_port
from tests.postgres import PASSWORD as DATABASE_PASSWORD
from tests.storage import Storage

SOURCE_SECRET = "canary-source-secret-7391"
URL_TOKEN = "canary-url-token-7392"
WRONG_TOKEN = "canary-wrong-token-7393"
SIGNATURE = "canary-signature-7394"
BODY = "canary-body-7395"
HEADER = "canary-header-7396"
BEARER = "canary-bearer-7397"
PASSWORD = "canary-password-7398"
QUERY = "canary-query-7399"
ADMIN_TOKEN = "canary-admin-token-7400"
CANARY = "canary-"
SIGNING_KEY = "whsec_" + base64.b64encode(b"a-signing-key-of-24-byte").decode()


async def test_nothing_secret_reaches_the_log(tmp_path: Path, storage: Storage, sink: Sink) -> None:
    """Events good and bad, a target that fails and one that is not there, each fact logged, nothing of it secret."""
    quick = {"allow_private": True, "retry": {"base": "50ms", "max_age": "1s"}}
    nowhere = f"http://user:{PASSWORD}@127.0.0.1:{free_port()}/?token={QUERY}"
    parts = {
        "sources": {
            "shop": {"verify": {"scheme": "hmac", "header": "X-Signature"}, "secret": SOURCE_SECRET},
            "invoices": {"verify": "token", "token": URL_TOKEN},
        },
        "targets": {
            "failing": {
                "url": f"{sink.url}?token={QUERY}",
                "auth": {"scheme": "bearer", "token": BEARER},
                "sign": {"secrets": [SIGNING_KEY]},
                **quick,
            },
            "nowhere": {"url": nowhere, **quick},
        },
        "routes": [{"from": "invoices", "to": ["failing", "nowhere"]}],
    }
    parts["admin"] = {"listen": f"127.0.0.1:{free_port()}", "tokens": [ADMIN_TOKEN]}
    sink.fails = lambda: True
    headers = {"X-Signature": SIGNATURE, "X-Note": HEADER}
    async with started(configured(tmp_path, parts, "--verbose", storage=storage)) as relay:
        statuses = []
        async with session() as http:
            for path in (
                "/in/shop",
                f"/in/shop?token={WRONG_TOKEN}",
                f"/in/invoices/{WRONG_TOKEN}",
                f"/in/invoices/{URL_TOKEN}",
                f"/in/invoices?token={URL_TOKEN}&x=1",
            ):
                async with http.post(relay.url + path, data=BODY.encode(), headers=headers) as answer:
                    statuses.append(answer.status)
        await relay.has_said('"status":"dead"')
        code = await relay.stop()
        log = relay.log.read_text()

    assert [401, 401, 401, 200, 200] == statuses
    assert 0 == code
    assert {"delivery_attempted", "request_refused"} <= {word for word in log.split('"') if word}
    assert [] == [
        line for line in log.splitlines() if any(secret in line for secret in (CANARY, SIGNING_KEY, DATABASE_PASSWORD))
    ]


async def test_no_fault_of_a_configuration_tells_a_secret(tmp_path: Path, sink: Sink) -> None:
    """The file is faulty around its secrets, and in their own form; the faults say where, never what."""
    targets = {"erp": {"url": sink.url, "auth": {"scheme": "bearer", "tokn": BEARER}}}
    sources = {
        "invoices": {"verify": "basic", "secret": PASSWORD},
        "shop": {"verify": "none", "secret": SOURCE_SECRET},
        "hooks": {"verify": "standard-webhooks", "secrets": [f"{SIGNATURE}\n"]},
    }
    program = configured(tmp_path, {"sources": sources, "targets": targets})
    code, output, errors = await run("serve", "-c", str(program.config))

    assert 2 == code
    assert len(errors.splitlines()) > 3
    assert CANARY not in output + errors
