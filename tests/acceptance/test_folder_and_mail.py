"""The shipped example, as it is: an invoice becomes a file, a mail and an invoice in Siwapp, a notice a mail."""

import base64
import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.acceptance.program import configured, session, started
from tests.acceptance.test_invoice_collector import INVOICE, NOTICE, TOKEN
from tests.mail import PASSWORD, SELF_SIGNED, USER, Mailbox, mail_server
from tests.storage import Storage
from tests.systems import Siwapp, running

EXAMPLE = Path(__file__).parents[2] / "config" / "examples" / "invoice-to-folder-mail-and-siwapp.yaml"
PDF = b"%PDF-1.4\n"


def example(folder: Path, mail_port: int, siwapp: str) -> dict[str, Any]:
    """Return the example's sources, targets and routes, at places of the test's."""
    parts: dict[str, Any] = YAML(typ="safe").load(EXAMPLE)
    parts["sources"]["invoices"]["token"] = TOKEN
    parts["targets"]["archive"]["path"] = f"{folder}/{parts['targets']['archive']['path']}"
    for name in ("accounts", "administrator"):
        url = f"smtp://{USER}:{PASSWORD}@127.0.0.1:{mail_port}"
        parts["targets"][name] |= {"url": url, "allow_private": True, "tls": {"ca": str(SELF_SIGNED)}}
    parts["targets"]["siwapp"] |= {"url": f"{siwapp}/api/v1", "with": {"token": "abc-123"}, "allow_private": True}
    return {key: parts[key] for key in ("sources", "targets", "routes")}


async def test_an_invoice_becomes_a_file_a_mail_and_an_invoice_of_siwapp(tmp_path: Path, storage: Storage) -> None:
    """Sent twice, as Invoice-Collector does when an answer is lost, it is one of each."""
    async with (
        mail_server(Mailbox()) as mailbox,
        running(Siwapp()) as siwapp,
        started(configured(tmp_path, example(tmp_path, mailbox.port, siwapp.origin), storage=storage)) as relay,
        session() as http,
    ):
        for payload in (INVOICE, INVOICE, NOTICE):
            async with http.post(f"{relay.url}/in/invoices/{TOKEN}", data=json.dumps(payload)) as answer:
                assert 200 == answer.status
        await relay.is_settled()
        log = relay.log.read_text()

    (file,) = (path for path in (tmp_path / "archive").rglob("*") if path.is_file())
    invoice, notice = sorted(mailbox.messages, key=lambda message: str(message["To"]))
    (document,) = invoice.iter_attachments()
    assert tmp_path / "archive" / "sliced_invoices" / "R121439" / "INV-3337.pdf" == file
    assert PDF == base64.b64decode(INVOICE["invoice"]["data"]) == file.read_bytes() == document.get_content()
    assert ["INV-3337"] == [taken["data"]["attributes"]["identification"] for taken in siwapp.accepted]
    assert [] == siwapp.refused
    assert "Invoice INV-3337 of Sliced Invoices: $93.50" == invoice["Subject"]
    assert "Invoice-Collector can no longer log in to sliced_invoices" == notice["Subject"]
    assert [] == [secret for secret in (PASSWORD, USER, "JVBERi0xLjQK") if secret in log]
