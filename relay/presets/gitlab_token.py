"""GitLab with a secret token: it is sent as it is, and signs nothing. `gitlab-signing` is the better choice, from 19.0.

`Idempotency-Key` is the same whenever an event is tried again; a GitLab too old to send it is refused, unless you let
`key` be `@`.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset
from relay.presets._gitlab import SAMPLES

PRESET = Preset(
    name="gitlab-token",
    title="GitLab (secret token)",
    page="https://docs.gitlab.com/user/project/integrations/webhooks/",
    verify=({"scheme": "header", "header": "X-Gitlab-Token"},),
    type="header:X-Gitlab-Event",
    keys={ANY_TYPE: "header:Idempotency-Key"},
    max_body="25MiB",
    samples=SAMPLES,
)
