"""Values that all processes on a database have in common, and no configuration gives them."""

from relay.errors import StoreError, StoreUnusable
from relay.store.postgres.dialling import Server
from relay.store.postgres.session import Session

PATIENCE_S = 10.0


async def kept(url: str, name: str, proposed: str) -> tuple[str, bool]:
    """Keep a value under a name, unless one is kept already; return what is kept, and whether it is new.

    Errors: StoreUnusable.
    """
    session = Session(Server(url, PATIENCE_S), "keeping", {})
    try:
        async with session.used() as connection:
            is_new = await connection.fetchval(_KEEP, name, proposed)
            value: str = await connection.fetchval("SELECT value FROM kept WHERE name = $1", name)
            return value, bool(is_new)
    except StoreError as error:
        raise StoreUnusable(str(error)) from error
    finally:
        await session.close()


_KEEP = "INSERT INTO kept (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING true"
