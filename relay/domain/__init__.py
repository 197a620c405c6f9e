"""The nouns of the relay: what every other module speaks about.

A **source** sends **events**; a **route** says which events go where; a **target** receives **deliveries**,
each carried by one or more **attempts**. The same words stand in configuration, SQL, API, logs and metrics.

All types are immutable. Times are aware UTC. A raw body is always `bytes`, as it came.
"""

from relay.domain.events import (
    FINAL_STATUSES,
    Attempt,
    Delivery,
    DeliveryStatus,
    Event,
    Hold,
    Lease,
    Outcome,
    Plan,
    PlannedDelivery,
    Receipt,
    Verdict,
    new_event_id,
)
from relay.domain.sources import ANY_TYPE, Identification, InboundRequest, Proof, Refusal, Route, Source, Term, Verifier
from relay.domain.targets import (
    Attachment,
    BreakerPolicy,
    Content,
    EmailTarget,
    FileTarget,
    HttpTarget,
    NetworkTarget,
    RetryPolicy,
    Target,
    TlsFiles,
)
from relay.domain.values import UNREAD, Document, Expression, PathTemplate, Rate, Secret, Template

__all__ = [
    "ANY_TYPE",
    "FINAL_STATUSES",
    "UNREAD",
    "Attachment",
    "Attempt",
    "BreakerPolicy",
    "Content",
    "Delivery",
    "DeliveryStatus",
    "Document",
    "EmailTarget",
    "Event",
    "Expression",
    "FileTarget",
    "Hold",
    "HttpTarget",
    "Identification",
    "InboundRequest",
    "Lease",
    "NetworkTarget",
    "Outcome",
    "PathTemplate",
    "Plan",
    "PlannedDelivery",
    "Proof",
    "Rate",
    "Receipt",
    "Refusal",
    "RetryPolicy",
    "Route",
    "Secret",
    "Source",
    "Target",
    "Template",
    "Term",
    "TlsFiles",
    "Verdict",
    "Verifier",
    "new_event_id",
]
