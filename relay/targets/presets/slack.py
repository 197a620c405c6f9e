"""Slack: an incoming webhook, whose whole URL is the secret. One message a second."""

from relay.targets.presets import TargetPreset

PRESET = TargetPreset(
    name="slack",
    title="Slack",
    page="https://api.slack.com/messaging/webhooks",
    settings={
        "hide_path": True,
        "body": "{text: join('', ['*', type, '* from ', source, ' (', event_id, ')'])}",
        "rate": "1/1s",
        "retry": {"final": [400, 403, 404, 410]},
    },
    example='{preset: slack, url: "${SLACK_URL}"}',
    notes=("A route's `body` says more: `{text: join(' ', ['Booked:', to_string(data.rental_id)])}`.",),
)
