"""Discord: a webhook, whose whole URL is the secret. It allows five messages in two seconds, and 2000 characters."""

from relay.targets.presets import TargetPreset

PRESET = TargetPreset(
    name="discord",
    title="Discord",
    page="https://discord.com/developers/docs/resources/webhook#execute-webhook",
    settings={
        "hide_path": True,
        "body": "{content: join('', ['**', type, '** from ', source, ' (', event_id, ')'])}",
        "rate": "5/2s",
        "retry": {"final": [400, 401, 403, 404, 410]},
    },
    example='{preset: discord, url: "${DISCORD_URL}"}',
    notes=(
        "A `body` of your own with ``allowed_mentions: {parse: `[]`}`` keeps a customer's text from calling everybody.",
    ),
)
