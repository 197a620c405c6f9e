"""Bodies as they come: each within the bound of its source, and all together within the port's."""

from io import BytesIO

from aiohttp import web


class NoRoom(Exception):
    """So much of other bodies is in memory that no more of this one may be read."""


class Bodies:
    """Counts what is in memory of all bodies. bytes_max: of all together; one alone is read in any case."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self._held = 0

    async def read(self, http: web.BaseRequest, bytes_max: int) -> bytes | None:
        """Read a body, or return None as soon as it is too large: by its declared length, or while it comes.

        What it returns is held until `let_go`. Errors: NoRoom.
        """
        stream = http.content
        if stream.is_eof() and stream.total_bytes <= bytes_max:  # a small body, as most are, is there already
            body = stream.read_nowait()
            self._held += len(body)
            return body
        return await self._read_on(http, bytes_max)

    def let_go(self, body: bytes) -> None:
        """Hold it no longer."""
        self._held -= len(body)

    async def _read_on(self, http: web.BaseRequest, bytes_max: int) -> bytes | None:
        whole = BytesIO()  # grows where it is, and gives away what it holds: 50 MB are never copied at once
        is_whole = False
        try:
            while not http.content.at_eof():
                piece = await http.content.readany()
                if whole.tell() + len(piece) > bytes_max:
                    return None
                whole.write(piece)
                self._hold(len(piece), whole.tell())
            is_whole = True
        finally:
            if not is_whole:
                self._held -= whole.tell()
        return whole.getvalue()

    def _hold(self, more: int, of_this: int) -> None:
        self._held += more
        if self._held > self.bytes_max and self._held > of_this:
            raise NoRoom
