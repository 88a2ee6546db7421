"""What every run of a data folder says of itself, kept from session to session: ``RE.md``, and with it the scan ids."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bluesky.utils import PersistentDict

from lics_beamline.files.whole_file import set_aside

logger = logging.getLogger(__name__)


class SessionMetadata(PersistentDict):
    """bluesky's dictionary in files, which writes no more once its session has ended.

    bluesky's own writes everything once more when its process ends: over what the next session has written meanwhile.
    """

    def leave(self) -> None:
        """Write nothing any more."""
        self._finalizer.detach()

    def close(self) -> None:
        """Write what was changed inside a value, and never again."""
        self.leave()
        try:
            self.flush()
        except OSError as error:
            logger.warning("what RE.md holds could not be written: %s", error)


@contextmanager
def session_metadata(folder: Path) -> Iterator[SessionMetadata]:
    """Open what the sessions of a data folder say of their runs; a damaged one is set aside.

    Parameters
    ----------
    folder : Path
        Its folder; made where there is none.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        metadata = SessionMetadata(str(folder))
        scan_id = metadata.get("scan_id", 0)
        if not isinstance(scan_id, int):
            metadata.leave()
            raise ValueError(f"scan_id is {scan_id!r:.40}")
    except OSError:
        raise
    except Exception as error:  # msgpack raises what it likes at damaged bytes
        aside = set_aside(folder, why="damaged")
        logger.warning("RE.md of earlier sessions cannot be read (%s): kept as %s, begun anew", error, aside)
        metadata = SessionMetadata(str(folder))
    try:
        yield metadata
    finally:
        metadata.close()
