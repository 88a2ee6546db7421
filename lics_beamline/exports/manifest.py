"""The manifest of an export: what each file is, its sha256, and the whole recipe it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from lics_beamline.exports.provenance import CORRECTED, orientation, run_geometry
from lics_beamline.exports.reduced_run import ReducedRun
from lics_beamline.files.whole_file import write_whole

MANIFEST_NAME = "manifest.json"


def write_manifest(run: ReducedRun, folder: Path, files: Iterable[Path], *, layout: str) -> Path:
    """Write the manifest of exported files, last, so that it speaks of files that are complete.

    Parameters
    ----------
    run : ReducedRun
        The run that was exported.
    folder : Path
        Where the files are; the manifest goes there too.
    files : iterable of Path
        The files, below `folder`.
    layout : str
        Name of the layout.

    Returns
    -------
    Path
        The manifest.
    """
    geometry = run_geometry(run)
    content = {
        "layout": layout,
        "run": run.start["uid"],
        "raw_run": run.start["raw_uid"],
        "sweep": run.start.get("sweep_uid", ""),
        "sample": run.start.get("sample", {}),
        "wavelength_angstrom": run.wavelength_angstrom,
        "orientation": orientation(run),
        "corrections": CORRECTED,
        "poni": geometry.poni if geometry else "",
        "recipe_digest": run.start["recipe_digest"],
        "recipe": run.start.get("recipe", {}),
        "reduction_revision": run.start.get("reduction_revision"),
        "versions": run.start.get("versions", {}),
        "files": {path.relative_to(folder).as_posix(): _facts(path) for path in files},
        "points_not_reduced": {str(point.index): point.note for point in run.points if not point.reduced},
    }
    path = folder / MANIFEST_NAME
    write_whole(path, json.dumps(content, indent=1, sort_keys=True) + "\n")
    return path


def _facts(path: Path) -> dict[str, str | int]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": path.stat().st_size}
