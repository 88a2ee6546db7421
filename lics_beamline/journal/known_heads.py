"""Which run each of many journals is of, kept from look to look: a folder of ten thousand is not read whole for a list.

Kept in the user's folder of caches, and made anew by any process. A journal counts as known while its size and its time
of change are those of then; what is shown of a run is read from its journal in any case.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lics_beamline.data_folder import cache_folder
from lics_beamline.files.whole_file import write_whole

FEWEST_NEW: Final = 50  # journals read anew, from which on keeping what was found is worth a file
_FORM: Final = "1"  # of the file


@dataclass(frozen=True, slots=True)
class KnownHead:
    """What was found at the last look.

    Parameters
    ----------
    size : int
        Of the file [bytes].
    changed_ns : int
        When it was changed last [ns since 1970].
    uid : str
        Uid of its run.
    time : float
        When the run began [s since 1970].
    """

    size: int
    changed_ns: int
    uid: str
    time: float

    def is_of(self, stat: os.stat_result) -> bool:
        """Whether a file is as it was then."""
        return (self.size, self.changed_ns) == (stat.st_size, stat.st_mtime_ns)


def known_heads(folder: Path) -> dict[str, KnownHead]:
    """Return what is known of the journals of a folder, by the names of their files; nothing where nothing was kept.

    Parameters
    ----------
    folder : Path
        A folder of journals.
    """
    path = _path(folder)
    if path is None:
        return {}
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        kept = json.loads(path.read_bytes())
        if kept["form"] == _FORM:
            return {
                name: KnownHead(int(size), int(changed), str(uid), float(time))
                for name, (size, changed, uid, time) in kept["journals"].items()
            }
    return {}


def keep_heads(folder: Path, found: dict[str, KnownHead]) -> None:
    """Keep what was found, where the user has a folder for it.

    Parameters
    ----------
    folder : Path
        A folder of journals.
    found : dict of str to KnownHead
        By the names of their files.
    """
    path = _path(folder)
    if path is None:
        return
    rows = {name: [each.size, each.changed_ns, each.uid, each.time] for name, each in found.items()}
    with contextlib.suppress(OSError):  # a full disk makes the next look slower, and nothing worse
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({"form": _FORM, "journals": rows}))


def _path(folder: Path) -> Path | None:
    caches = cache_folder()
    name = hashlib.sha256(os.path.realpath(folder).encode()).hexdigest()[:32]
    return None if caches is None else caches / "journals" / f"{name}.json"
