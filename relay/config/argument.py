"""What stands on a command line as it would in the file."""

from collections.abc import Mapping

from relay.config.interpolation import Interpolation
from relay.config.misfits import Misfit
from relay.config.models.fields import database
from relay.config.origin import Origin
from relay.config.result import Database


def database_named(url: str, environ: Mapping[str, str]) -> Database:
    """Read a database's URL as `storage.url` has it, `${NAME}` included. Errors: Misfit, which never tells a value."""
    interpolation = Interpolation(Origin("", {}, {}), environ)
    filled = interpolation.fill(url)
    if interpolation.faults:
        raise Misfit(interpolation.faults[0].message)
    return database(filled)
