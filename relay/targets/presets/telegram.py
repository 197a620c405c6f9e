"""Telegram: a bot sends a message to a chat. Its token stands in the path. Twenty messages a minute to a group."""

from relay.targets.presets import Need, TargetPreset

PRESET = TargetPreset(
    name="telegram",
    title="Telegram",
    page="https://core.telegram.org/bots/api#sendmessage",
    needs={
        "token": Need("the bot's token"),
        "chat": Need("the chat's id, such as -1001234567890, or @channel"),
    },
    settings={
        "url": "https://api.telegram.org/bot<token>/sendMessage",
        "hide_path": True,
        "body": "{chat_id: '<chat>', text: join('', [type, ' from ', source, ' (', event_id, ')'])}",
        "rate": "20/1m",
        "retry": {"final": [400, 401, 403, 404, 410]},
    },
    example='{preset: telegram, with: {token: "${TELEGRAM_TOKEN}", chat: "-1001234567890"}}',
    notes=("A route's `body` of your own names the chat itself: `{chat_id: '-1001234567890', text: …}`.",),
)
