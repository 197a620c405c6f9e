"""What GitLab's requests look like, whatever proves them.

Source: https://docs.gitlab.com/user/project/integrations/webhook_events/.
"""

from relay.presets import Sample

PROJECT = {"id": 15, "path_with_namespace": "mike/diaspora", "default_branch": "main"}


def _sample(event: str, kind: str, **body: object) -> Sample:
    headers = {"X-Gitlab-Event": event, "Idempotency-Key": "{uuid}"}
    return Sample(event, {"object_kind": kind, "project": PROJECT, **body}, headers)


SAMPLES = (
    _sample(
        "Push Hook", "push", ref="refs/heads/main", before="0" * 40, after="da1560886d4f094c3e6c9ef40349f7d38b5d27d7"
    ),
    _sample("Issue Hook", "issue", object_attributes={"id": 301, "action": "open", "title": "New API"}),
)
