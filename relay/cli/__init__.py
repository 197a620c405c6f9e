"""What a hand does: the commands, each in the module of its name, imported only when it is called."""

import os
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

import click

COMMANDS = {
    "serve": "Receive and deliver until told to stop.",
    "check": "Check the configuration: every fault at once, and what is doubtful.",
    "demo": "Try everything on this machine.",
    "health": "Ask a running relay whether it can accept and deliver.",
    "send": "Send an event to SOURCE of a running relay, signed as its vendor would.",
    "explain": "Say why a captured request is refused by SOURCE, and what would match.",
    "try": "Show what ROUTE would send of an event, where, and why or why not.",
    "why": "Tell in words what became of an event: whether it arrived, where it went and why, and what comes next.",
    "events": "Find events, newest first.",
    "show": "Show all that is kept of the event ID.",
    "tail": "Show events as they come, oldest first, and requests as they are refused.",
    "replay": "Send events again: one at once, or many as a job.",
    "targets": "Show how targets stand and what waits for them; pause one, or let it go on.",
    "rejections": "List requests that were refused, with the reason; show one; admit some once that is mended.",
    "stats": "Tell what came in and what went out in the last minutes, and what waits now.",
    "urls": "Show the URL to register with each source's vendor.",
    "presets": "List the vendors we know.",
    "migrate": "Move all that the relay holds from the database FROM to the empty database TO.",
    "migrate-schema": "Bring the schema of the configured database up to date, and tell each step.",
    "schema": "Print the JSON Schema of the configuration.",
    "completion": "Print what SHELL reads to complete commands, options, and names of sources and targets.",
}
MODULES = {"try": "trying"}  # where a name is a word of Python's own


class Commands(click.Group):
    """A group that finds its commands by name, so that each starts as quickly as it can."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        name = MODULES.get(cmd_name, cmd_name.replace("-", "_"))
        command: click.Command = getattr(import_module(f"{__name__}.{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of a line, or say what was probably meant."""
        if (near := get_close_matches(args[0], COMMANDS, 1)) and args[0] not in COMMANDS:
            ctx.fail(f"there is no command {args[0]!r}; did you mean `relay {near[0]}`?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="callback-relay", prog_name="relay", message="%(prog)s %(version)s")
@click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="The configuration file, as after the command; one given there wins.",
)
@click.pass_context
def main(context: click.Context, config_path: Path | None = None) -> None:
    """Receive webhooks, store each once, and carry it to every system that wants it.

    The first steps: `relay demo` shows it all, `relay check` reads config/relay.yaml, `relay serve` starts.

    Exit codes: 0 done, 1 the operation failed, 2 wrong usage or configuration.
    """
    if os.environ.get("NO_COLOR"):
        context.color = False
    if config_path is not None:
        _require_use(context)


def _require_use(context: click.Context) -> None:
    """Refuse a configuration that the command would not read."""
    name = context.invoked_subcommand
    command = main.get_command(context, name) if name else None
    if command is not None and all(parameter.name != "config_path" for parameter in command.params):
        context.fail(f"`relay {name}` reads no configuration: leave -c out")
