"""Who writes: a lease which one client takes and every other client's command is then measured against.

Channel Access tells a server host, user and port of the client that puts; caproto hands them to ``auth_write`` and not
to the putters, so this listens there. A client that comes back on another port is known again when it writes the same
lease.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

Address = tuple[str, int]
CLIENT: ContextVar[Address | None] = ContextVar("CLIENT", default=None)


def know_client(channel: Any) -> None:
    """Let the putter of a PV find in `CLIENT` who puts; None when it is this process itself."""
    inner = channel.auth_write

    async def auth_write(*arguments: Any, user_address: Address | None = None, **options: Any) -> Any:
        token = CLIENT.set(user_address)
        try:
            return await inner(*arguments, user_address=user_address, **options)
        finally:
            CLIENT.reset(token)

    channel.auth_write = auth_write


class Lease:
    """One writer at a time.

    Attributes
    ----------
    name : str
        What the holder calls itself; empty when nobody holds it.
    """

    def __init__(self) -> None:
        self.name = ""
        self._holder: Address | None = None

    def take(self, name: str) -> None:
        """Take, take up again or give back the lease; anybody may give it back, for a holder may be dead.

        Raises
        ------
        ValueError
            If another holds it.
        """
        if name and self.name and name != self.name:
            raise ValueError(f"the membrane is leased to {self.name!r}. Have that client write an empty lease.")
        self.name = name
        self._holder = CLIENT.get() if name else None

    def check(self, what: str) -> None:
        """Refuse a command of a client that is not the holder.

        Raises
        ------
        ValueError
            If another client holds the lease.
        """
        client = CLIENT.get()
        if self.name and client is not None and client != self._holder:
            raise ValueError(f"{what} is refused: the membrane is leased to {self.name!r}.")
