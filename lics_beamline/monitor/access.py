"""Who may look: at this computer everybody, from elsewhere whoever has the token that was printed once."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from typing import Any, Final

from bokeh.server.auth_provider import AuthProvider
from tornado.web import RequestHandler
from tornado.websocket import WebSocketHandler

TOKEN_BYTES: Final = 24  # at random: nobody guesses them
COOKIE: Final = "lics_monitor_{port}"  # a browser gives a cookie to all ports of a host
ASKED: Final = "token"  # name of the token in an address
DENIED: Final = "This page shows an experiment, and needs the address that `lics monitor` printed, with its token.\n"


def is_loopback(address: str) -> bool:
    """Tell whether an address is reached from this computer only.

    Parameters
    ----------
    address : str
        An address or the name of a host; a name counts where all its addresses do.
    """
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        pass
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(address, None)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(each.partition("%")[0]).is_loopback for each in found)


def new_token() -> str:
    """Return a token that was never used before."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def free_port(address: str, wished: int) -> int:
    """Return a port where nobody listens: the one wished for, or another.

    Parameters
    ----------
    address : str
        Where to listen.
    wished : int
        Tried first.
    """
    for port in (wished, 0):
        try:
            with socket.create_server((address, port)) as found:
                return int(found.getsockname()[1])
        except OSError:
            continue
    return wished


class TokenAccess(AuthProvider):
    """Lets in whoever brings the token in the address, or the cookie that was given for it.

    Parameters
    ----------
    token : str
        The token.
    port : int
        Where the page is: each of several pages of one computer has a token of its own.
    """

    def __init__(self, token: str, *, port: int) -> None:
        self._token = token
        self._cookie = COOKIE.format(port=port)
        super().__init__()

    @property
    def get_user(self) -> Any:
        """What tells who asks."""

        def user(handler: RequestHandler) -> str | None:
            given = handler.get_query_argument(ASKED, "")
            if given and self._is_it(given):
                if not isinstance(handler, WebSocketHandler):  # whose answer has been sent when this is asked
                    handler.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict")
                return "viewer"
            return "viewer" if self._is_it(handler.get_cookie(self._cookie, "") or "") else None

        return user

    @property
    def login_url(self) -> str:
        """Where those are sent who bring none."""
        return "/denied"

    @property
    def login_handler(self) -> Any:
        """What tells them."""
        return _Denied

    def _is_it(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())


class _Denied(RequestHandler):
    def get(self) -> None:
        """Say what is needed."""
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(DENIED)
