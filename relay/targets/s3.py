"""Deliveries into a bucket: one object an event, by any server that speaks S3.

A PUT by the relay's own HTTP, with its guard and its deadline; only the signature is the driver's.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import asyncio
import hashlib
import mimetypes
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote, urlsplit

from minio.credentials.credentials import Credentials
from minio.signer import sign_v4_s3
from minio.time import to_amz_date

from relay.clock import Clock
from relay.contents import content_of, document_of, names_of
from relay.domain import UNREAD, Attempt, Call, Delivery, Event, Outcome, S3Target
from relay.errors import ContentMissing, ExpressionFailed
from relay.targets.addresses import endpoint
from relay.targets.http import HttpSender

UNRESERVED = "-_.~"  # beside letters and digits: the rest of a key is percent-encoded, as the signature wants it


class S3Sender(HttpSender):
    """Puts objects into one target's bucket."""

    def __init__(self, target: S3Target, clock: Clock) -> None:
        super().__init__(target, clock)
        self._bucket = target
        self._host = endpoint(target.url).host_port_subcomponent or ""

    async def send(self, delivery: Delivery) -> Attempt:
        """Make one attempt and tell what came of it. Nothing is sent of an event that does not hold its object."""
        try:
            put = await asyncio.to_thread(self._as_put, delivery, self._clock.machine_now())
        except (ContentMissing, ExpressionFailed) as error:
            now, detail = self._clock.now(), f"nothing was sent: {error}"
            return Attempt(delivery.attempt, now, 0.0, Outcome.BLOCKED, detail=detail)
        return await super().send(put)

    def _as_put(self, delivery: Delivery, now: datetime) -> Delivery:
        """Return the delivery as a signed PUT of the object."""
        target, event = self._bucket, delivery.event
        needs_body = target.key.reads_body or target.content.expression is not None
        names = names_of(event, document_of(event) if needs_body else UNREAD)
        key = "/".join(quote(segment, safe=UNRESERVED) for segment in target.key(names) if segment != "/")
        content = content_of(event, names, target.content)
        described = (*self._described(event, key), *self._signed(f"/{key}", content, now))
        return replace(
            delivery,
            event=replace(event, body=content, headers=()),
            call=Call(method="PUT", path=f"/{key}", headers=described),
        )

    def _described(self, event: Event, key: str) -> Iterator[tuple[str, str]]:
        """Yield what tells a reader of the object what it is."""
        is_whole = self._bucket.content.expression is None and not self._bucket.content.is_base64
        came = event.header("Content-Type") if is_whole else None
        yield (
            "Content-Type",
            self._bucket.media_type or came or mimetypes.guess_type(key)[0] or "application/octet-stream",
        )
        if is_whole and (encoding := event.header("Content-Encoding")) is not None:
            yield "Content-Encoding", encoding

    def _signed(self, path: str, content: bytes, now: datetime) -> Iterator[tuple[str, str]]:
        """Yield the headers that prove the request, each but the host, which is sent in any case."""
        target, digest = self._bucket, hashlib.sha256(content).hexdigest()
        headers: dict[str, str | list[str] | tuple[str]] = {
            "Host": self._host,
            "X-Amz-Content-Sha256": digest,
            "X-Amz-Date": to_amz_date(now),
        }
        signed = sign_v4_s3(
            method="PUT",
            url=urlsplit(target.url.rstrip("/") + path),
            region=target.region,
            headers=headers,
            credentials=Credentials(target.access_key.text(), target.secret_key.text()),
            content_sha256=digest,
            date=now,
        )
        yield from ((name, str(value)) for name, value in signed.items() if name != "Host")


SENDER = S3Sender  # what the registry finds for `kind: s3`
