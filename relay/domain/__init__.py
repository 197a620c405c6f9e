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
from relay.domain.targets import BreakerPolicy, Content, FileTarget, HttpTarget, NetworkTarget, RetryPolicy, Target
from relay.domain.values import UNREAD, Document, Expression, PathTemplate, Rate, Secret, Template

__all__ = [
    "ANY_TYPE",
    "FINAL_STATUSES",
    "UNREAD",
    "Attempt",
    "BreakerPolicy",
    "Content",
    "Delivery",
    "DeliveryStatus",
    "Document",
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
    "Verdict",
    "Verifier",
    "new_event_id",
]
