"""Speaking to a server of Tiled that may be down, or may refuse: what then went wrong, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from lics_beamline.catalog.place import CatalogPlace, key_path, read_key
from lics_beamline.errors import NotConnected, ProfileError

LEAST_SERVERS_FAULT: Final = 500  # HTTP status: from here on the server has failed, or whoever stands before it
LONGEST_ANSWER_S: Final = 5.0  # to the question whether a server is there [s]
REFUSED_STATUSES: Final = (401, 403)  # HTTP status: the key is none, or may not do this


def connect(place: CatalogPlace) -> Any:
    """Return a client of a server.

    Parameters
    ----------
    place : CatalogPlace
        The server.

    Raises
    ------
    NotConnected
        If it does not answer.
    ProfileError
        If it does not accept the key.
    """
    from tiled.client import from_uri

    require_answer(place)
    with reaching(place):
        return from_uri(place.uri, api_key=read_key(place.uri), remember_me=False)


def require_answer(place: CatalogPlace) -> None:
    """Ask whether a server is there: Tiled's client, which rides out short outages, takes 45 s to say that it is not.

    Parameters
    ----------
    place : CatalogPlace
        The catalog; where it is no server nothing is asked.

    Raises
    ------
    NotConnected
        If it does not answer.
    """
    if place.is_server:
        import httpx

        with reaching(place):
            httpx.get(f"{place.uri}/healthz", timeout=LONGEST_ANSWER_S)


@contextmanager
def reaching(place: CatalogPlace) -> Iterator[None]:
    """Say in words what goes wrong meanwhile between here and a catalog.

    Parameters
    ----------
    place : CatalogPlace
        The catalog.

    Raises
    ------
    NotConnected
        If the server does not answer, or fails.
    ProfileError
        If it does not accept the key.
    """
    if place.is_embedded:
        yield
        return
    import httpx
    from tiled.client.utils import ClientError

    try:
        yield
    except httpx.TransportError as cause:
        raise NotConnected(
            f"the catalog server {place.uri} does not answer ({type(cause).__name__}: {cause}). The journals have all "
            "runs and fill it when it is back; `lics serve` starts one.",
            uri=place.uri,
        ) from cause
    except (ClientError, httpx.HTTPStatusError) as cause:
        status = cause.response.status_code
        if status >= LEAST_SERVERS_FAULT:
            raise NotConnected(
                f"the catalog server {place.uri} has failed (HTTP {status}). The journals have all runs and fill it "
                "when it is mended.",
                uri=place.uri,
            ) from cause
        if status in REFUSED_STATUSES:
            raise ProfileError(
                f"the catalog server {place.uri} refuses (HTTP {status}): the key in {key_path(place.uri)} is none of "
                "its, or may only read. Ask who runs it for another.",
                uri=place.uri,
            ) from cause
        raise
