"""Invoice-Collector: invoices fetched from suppliers' portals, and notices that a portal's login broke.

It signs nothing, and its URL is its only setting: a token in it is the proof. Only status 200 satisfies it. What
names an invoice leaves out `collected_timestamp`, which changes whenever the same invoice is sent again; what names
a notice holds no time at all, so that it is a duplicate for minutes only. `collector` is an object; servers before
March 2026 send its id alone.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample

INVOICE = "invoice"
DISCONNECTED = "notification_disconnected"

COLLECTOR = {
    "id": "sliced_invoices",
    "name": "Sliced Invoices",
    "version": "12",
    "website": "https://slicedinvoices.com",
    "type": "web",
}

ONE_PAGE_PDF = (
    "JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZy9QYWdlcyAyIDAgUj4+IGVuZG9iagoyIDAgb2JqPDwvVHlwZS9QYWdlcy9LaWRzWzMg"
    "MCBSXS9Db3VudCAxPj4gZW5kb2JqCjMgMCBvYmo8PC9UeXBlL1BhZ2UvUGFyZW50IDIgMCBSL01lZGlhQm94WzAgMCAyMDAgODBdL0NvbnRl"
    "bnRzIDQgMCBSL1Jlc291cmNlczw8L0ZvbnQ8PC9GIDUgMCBSPj4+Pj4+IGVuZG9iago0IDAgb2JqPDwvTGVuZ3RoIDUzPj5zdHJlYW0KQlQg"
    "L0YgMTIgVGYgMTYgMzYgVGQgKEludm9pY2UgSU5WLTMzMzc6ICQ5My41MCkgVGogRVQKZW5kc3RyZWFtIGVuZG9iago1IDAgb2JqPDwvVHlw"
    "ZS9Gb250L1N1YnR5cGUvVHlwZTEvQmFzZUZvbnQvSGVsdmV0aWNhPj4gZW5kb2JqCnhyZWYKMCA2CjAwMDAwMDAwMDAgNjU1MzUgZiAKMDAw"
    "MDAwMDAwOSAwMDAwMCBuIAowMDAwMDAwMDUzIDAwMDAwIG4gCjAwMDAwMDAxMDMgMDAwMDAgbiAKMDAwMDAwMDIxMiAwMDAwMCBuIAowMDAw"
    "MDAwMzExIDAwMDAwIG4gCnRyYWlsZXI8PC9TaXplIDYvUm9vdCAxIDAgUj4+CnN0YXJ0eHJlZgozNzMKJSVFT0YK"
)

PRESET = Preset(
    name="invoice-collector",
    title="Invoice-Collector",
    page="https://github.com/invoice-collector/invoice-collector/blob/master/src/callback/callback.ts",
    verify=({"scheme": "token"},),
    type="type",
    keys={
        INVOICE: "[collector.id || collector, remote_id, invoice.id, invoice.timestamp]",
        DISCONNECTED: "[collector.id || collector, credential_id, user_id, remote_id]",
    },
    windows={INVOICE: "forever", DISCONNECTED: "10m", ANY_TYPE: "7d"},
    needs_json=True,
    max_body="50MiB",
    samples=(
        Sample(
            INVOICE,
            {
                "type": INVOICE,
                "collector": COLLECTOR,
                "remote_id": "R121439",
                "invoice": {
                    "id": "INV-3337",
                    "timestamp": "{now_ms}",
                    "link": "https://slicedinvoices.com/invoice/INV-3337",
                    "collected_timestamp": "{now_ms}",
                    "amount": "$93.50",
                    "mimetype": "application/pdf",
                    "metadata": {"contract": "CON-1234"},
                    "data": ONE_PAGE_PDF,
                },
            },
        ),
        Sample(
            DISCONNECTED,
            {
                "type": DISCONNECTED,
                "collector": COLLECTOR,
                "credential_id": "{uuid}",
                "user_id": "687108e5dce5050bc8ca53c1",
                "remote_id": "R121439",
            },
        ),
    ),
)
