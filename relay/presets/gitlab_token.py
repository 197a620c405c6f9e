"""GitLab with a secret token: it is sent as it is, and signs nothing. `gitlab-signing` is the better choice, from 19.0.

`Idempotency-Key` is the same whenever an event is tried again. A GitLab before 17.4 does not send it: there, the body
is the key. `X-Gitlab-Event-UUID` is none, as hooks that were set off by one another share it.
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
    keys={ANY_TYPE: "header:Idempotency-Key || body"},
    max_body="25MiB",
    samples=SAMPLES,
)
