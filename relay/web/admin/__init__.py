"""The admin door: metrics, and an API about everything that is kept. Never on the public port.

`door` puts it together; `access` lets people in; each other file is one resource, and lists its `Endpoint`s: from that
list come the routes, the checks of what is asked, and the description at `/api/v1/openapi.json`.
"""
