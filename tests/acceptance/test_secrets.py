"""Promise 8 against the real program: whatever happens, its log holds no secret, no signature, no token, no body."""

import base64
from pathlib import Path

from tests.acceptance.program import configured, free_port, run, session, started
from tests.acceptance.sink import Sink

CANARIES = {
    "source's secret": "canary-shop-secret-7391",
    "token in the URL": "canary-url-token-7392",
    "wrong token": "canary-wrong-token-7393",
    "signature": "canary-signature-7394",
    "body": "canary-body-7395",
    "header": "canary-header-7396",
    "target's token": "canary-bearer-7397",
    "target's password": "canary-password-7398",
    "target's query": "canary-query-7399",
    "admin's token": "canary-admin-token-7400",
}
SIGNING_KEY = "whsec_" + base64.b64encode(b"canary-signing-key-7401x").decode()


async def test_nothing_secret_reaches_the_log(tmp_path: Path, sink: Sink) -> None:
    """Events good and bad, a target that fails and one that is not there, each fact logged, nothing of it secret."""
    quick = {"allow_private": True, "retry": {"base": "50ms", "max_age": "1s"}}
    nowhere = f"http://user:{CANARIES["target's password"]}@127.0.0.1:{free_port()}/?token={CANARIES["target's query"]}"
    parts = {
        "sources": {
            "shop": {"verify": {"scheme": "hmac", "header": "X-Signature"}, "secret": CANARIES["source's secret"]},
            "invoices": {"verify": "token", "token": CANARIES["token in the URL"]},
        },
        "targets": {
            "failing": {
                "url": f"{sink.url}?token={CANARIES["target's query"]}",
                "auth": {"scheme": "bearer", "token": CANARIES["target's token"]},
                "sign": {"secrets": [SIGNING_KEY]},
                **quick,
            },
            "nowhere": {"url": nowhere, **quick},
        },
        "routes": [{"from": "invoices", "to": ["failing", "nowhere"]}],
    }
    parts["admin"] = {"listen": f"127.0.0.1:{free_port()}", "tokens": [CANARIES["admin's token"]]}
    sink.fails = lambda: True
    headers = {"X-Signature": CANARIES["signature"], "X-Note": CANARIES["header"]}
    async with started(configured(tmp_path, parts, "--verbose")) as relay:
        statuses = []
        async with session() as http:
            for path in (
                "/in/shop",
                f"/in/shop?token={CANARIES['wrong token']}",
                f"/in/invoices/{CANARIES['wrong token']}",
                f"/in/invoices/{CANARIES['token in the URL']}",
                f"/in/invoices?token={CANARIES['token in the URL']}&x=1",
            ):
                async with http.post(relay.url + path, data=CANARIES["body"].encode(), headers=headers) as answer:
                    statuses.append(answer.status)
        await relay.has_said('"status":"dead"')
        code = await relay.stop()
        log = relay.log.read_text()

    assert [401, 401, 401, 200, 200] == statuses
    assert 0 == code
    assert {"delivery_attempted", "request_refused"} <= {word for word in log.split('"') if word}
    assert [] == [name for name, canary in CANARIES.items() if canary in log]
    assert SIGNING_KEY not in log


async def test_no_fault_of_a_configuration_tells_a_secret(tmp_path: Path, sink: Sink) -> None:
    """The file is faulty around its secrets, and in their own form; the faults say where, never what."""
    targets = {"erp": {"url": sink.url, "auth": {"scheme": "bearer", "tokn": CANARIES["target's token"]}}}
    sources = {
        "invoices": {"verify": "basic", "secret": CANARIES["target's password"]},
        "shop": {"verify": "none", "secret": CANARIES["source's secret"]},
        "hooks": {"verify": "standard-webhooks", "secrets": [f"{CANARIES['signature']}\n"]},
    }
    program = configured(tmp_path, {"sources": sources, "targets": targets})
    code, output, errors = await run("serve", "-c", str(program.config))

    assert 2 == code
    assert len(errors.splitlines()) > 3
    assert [] == [name for name, canary in CANARIES.items() if canary in output + errors]
