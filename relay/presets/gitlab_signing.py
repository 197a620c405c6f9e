"""GitLab with a signing token, 19.0 and newer: Standard Webhooks. The id stays the same when it is tried again.

Five minutes are Standard Webhooks' own measure; GitLab names none.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset
from relay.presets._gitlab import SAMPLES

PRESET = Preset(
    name="gitlab-signing",
    title="GitLab (signing token)",
    page="https://docs.gitlab.com/user/project/integrations/webhooks/",
    verify=({"scheme": "standard-webhooks"},),
    type="header:X-Gitlab-Event",
    keys={ANY_TYPE: "header:webhook-id"},
    max_body="25MiB",
    samples=SAMPLES,
)
