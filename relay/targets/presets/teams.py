"""Microsoft Teams: a workflow's webhook, whose URL is the secret, takes a card. Four requests a second."""

from relay.targets.presets import TargetPreset

_TEXT = "join('', ['**', type, '** from ', source, ' (', event_id, ')'])"
_BLOCK = f"{{type: 'TextBlock', wrap: `true`, text: {_TEXT}}}"
_CARD = f"{{type: 'AdaptiveCard', version: '1.4', body: [{_BLOCK}]}}"
_ATTACHMENT = f"{{contentType: 'application/vnd.microsoft.card.adaptive', content: {_CARD}}}"

PRESET = TargetPreset(
    name="teams",
    title="Microsoft Teams",
    page="https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook",
    settings={
        "hide_path": True,
        "body": f"{{type: 'message', attachments: [{_ATTACHMENT}]}}",
        "rate": "4/1s",
        "retry": {"final": [400, 401, 403, 404, 410, 413]},
    },
    example='{preset: teams, url: "${TEAMS_URL}"}',
    notes=("A `body` of your own is an Adaptive Card in a message, as this preset's is.",),
)
