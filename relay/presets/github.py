"""GitHub: repositories. A redelivery by hand keeps its id, and GitHub never tries again by itself."""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample

REPOSITORY = {"id": 186853002, "full_name": "octo/hello-world", "private": False}


def _sample(event: str, **body: object) -> Sample:
    headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": "{uuid}"}
    return Sample(event, {**body, "repository": REPOSITORY, "sender": {"login": "octocat", "id": 583231}}, headers)


PRESET = Preset(
    name="github",
    title="GitHub",
    page="https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
    verify=({"scheme": "hmac", "header": "X-Hub-Signature-256", "prefix": "sha256="},),
    type="header:X-GitHub-Event",
    keys={ANY_TYPE: "header:X-GitHub-Delivery"},
    max_body="25MiB",
    samples=(
        _sample("ping", zen="Design for failure.", hook_id=30),
        _sample("push", ref="refs/heads/main", before="0" * 40, after="6113728f27ae82c7b1a177c8d03f9e96e0adf246"),
        _sample("issues", action="opened", issue={"number": 1, "title": "Found a bug"}),
    ),
)
