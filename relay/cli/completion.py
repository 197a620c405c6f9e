"""`relay completion SHELL`: what a shell reads to complete commands, options, and names of sources and targets."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_RELAY_COMPLETE"  # by which the shell asks; click's own name for it


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what SHELL reads to complete commands, options, and names of sources and targets.

    \b
    eval "$(relay completion bash)"                                        in ~/.bashrc
    eval "$(relay completion zsh)"                                         in ~/.zshrc
    relay completion fish > ~/.config/fish/completions/relay.fish

    Names come from the configuration that -c or $RELAY_CONFIG names, even where it is faulty.
    """
    known = get_completion_class(shell)
    assert known is not None  # noqa: S101 - click knows these
    click.echo(known(context.find_root().command, {}, "relay", VARIABLE).source())
