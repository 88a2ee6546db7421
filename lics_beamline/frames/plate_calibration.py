"""The calibration of a set of plates as a file: fading and ghosts, when and from which run they were measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import RECORD_BYTES, parse_json, read_text
from lics_beamline.files.strict_toml import Digested, validate
from lics_beamline.files.whole_file import write_whole
from lics_beamline.frames.plate import Fading, Ghost


class PlateCalibration(Digested):
    """Result of a calibration of the plates.

    Parameters
    ----------
    fading : Fading
        Of both plates: they are of one kind.
    ghosts : tuple of Ghost
        Of each plate.
    made : str
        Date and time, ISO 8601, UTC.
    run_uid : str
        The run it was measured by; its frames can be measured again.
    kind : str
        Tells it from other calibrations.
    """

    fading: Fading
    ghosts: tuple[Ghost, ...] = ()
    made: str
    run_uid: str
    kind: Literal["plate"] = "plate"

    def write(self, folder: Path) -> Path:
        """Write it as JSON, named by its date and digest, and return the file.

        Parameters
        ----------
        folder : Path
            The folder of calibrations; made if absent.
        """
        folder.mkdir(parents=True, exist_ok=True)
        stamp = self.made[:19].replace(":", "").replace("-", "")
        path = folder / f"plate-{stamp}-{self.digest[:12]}.json"
        content: dict[str, Any] = {**self.model_dump(mode="json"), "digest": self.digest}
        write_whole(path, json.dumps(content, indent=1) + "\n")
        return path


def read_plate_calibration(path: Path) -> PlateCalibration:
    """Read the calibration of the plates from its file.

    Raises
    ------
    ProfileError
        If the file is missing, is no such calibration, or was altered after it was written.
    """
    text = read_text(path, most_bytes=RECORD_BYTES, what="a plate calibration; lics calibrate-plate makes one")
    content = parse_json(text, source=str(path), what="a plate calibration")
    written = content.pop("digest", None)
    calibration = validate(content, PlateCalibration, source=str(path))
    if written != calibration.digest:
        raise ProfileError(
            f"{path}: its digest is {str(written)[:12]} and its content has {calibration.digest[:12]}: it was altered. "
            "Restore it, or measure the plates again.",
            file=str(path),
        )
    return calibration
