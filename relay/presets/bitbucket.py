"""Bitbucket Cloud: repositories. An attempt is made again with the same request id and a higher `X-Attempt-Number`.

Bitbucket Data Center signs alike, but sends the id as `X-Request-Id`: there, write `key: header:X-Request-Id`.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample

REPOSITORY = {"type": "repository", "full_name": "octo/hello-world", "is_private": False}


def _sample(event: str, **body: object) -> Sample:
    headers = {"X-Event-Key": event, "X-Request-UUID": "{uuid}", "X-Attempt-Number": "1"}
    return Sample(event, {"actor": {"type": "user", "nickname": "octo"}, "repository": REPOSITORY, **body}, headers)


PRESET = Preset(
    name="bitbucket",
    title="Bitbucket Cloud",
    page="https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/",
    verify=({"scheme": "hmac", "header": "X-Hub-Signature", "prefix": "sha256="},),
    type="header:X-Event-Key",
    keys={ANY_TYPE: "header:X-Request-UUID"},
    max_body="5MiB",
    samples=(
        _sample("repo:push", push={"changes": [{"new": {"type": "branch", "name": "main"}, "created": False}]}),
        _sample("pullrequest:created", pullrequest={"id": 1, "title": "Say hello", "state": "OPEN"}),
    ),
)
