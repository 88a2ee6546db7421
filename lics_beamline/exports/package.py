"""A reduced run packed for another program: the files of a layout and their manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lics_beamline.errors import LicsError
from lics_beamline.exports.columns import write_columns
from lics_beamline.exports.density_points import write_density_points
from lics_beamline.exports.frames import write_frames
from lics_beamline.exports.fullprof import write_fullprof
from lics_beamline.exports.gsas import write_gsas
from lics_beamline.exports.layouts import LAYOUTS, NEEDS_RAW
from lics_beamline.exports.manifest import MANIFEST_NAME, write_manifest
from lics_beamline.exports.mem_points import write_mem_points
from lics_beamline.exports.nexus import write_nexus
from lics_beamline.exports.powder_cif import write_powder_cif
from lics_beamline.exports.raw_point import RawPoint
from lics_beamline.exports.reduced_run import ReducedRun
from lics_beamline.exports.table import write_table
from lics_beamline.exports.topas import write_topas


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """Files that an export wrote.

    Parameters
    ----------
    folder : Path
        Folder of everything.
    files : tuple of Path
        The files of the layout.
    manifest : Path
        List of the files with their sha256.
    """

    folder: Path
    files: tuple[Path, ...]
    manifest: Path


def pack(
    run: ReducedRun,
    folder: str | Path,
    *,
    layout: str = "xye",
    raw: Mapping[str, RawPoint] | None = None,
    data_root: str | Path | None = None,
) -> Package:
    """Write a reduced run for another program.

    Parameters
    ----------
    run : ReducedRun
        The run to write.
    folder : str or Path
        Folder to write to; made if absent.
    layout : str
        One of `LAYOUTS`.
    raw : mapping of str to RawPoint, optional
        What the raw run recorded, by exposure; the layouts in `NEEDS_RAW` cannot do without.
    data_root : str or Path, optional
        The data folder, where the plates are; as `raw`.

    Returns
    -------
    Package
        The files written.

    Raises
    ------
    LicsError
        If there is nothing to write, the layout is unknown, or it needs the raw run and was not given it.
    ReductionFailed
        If a plate that is to be exported cannot be read.
    """
    if layout in NEEDS_RAW and (raw is None or data_root is None):
        raise LicsError(
            f"layout {layout!r} takes something from the raw run: give raw and data_root, or use lics export --for "
            f"{layout}.",
            layout=layout,
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".unfinished-") as unfinished:  # who is interrupted leaves no half of it
        files = _files(run, Path(unfinished), layout, raw or {}, Path(data_root or "."))
        if not files:
            lacking = f" that shows {run.main_phase}" if any(point.reduced for point in run.points) else ""
            raise LicsError(
                f"run {run.start['uid'][:8]} has no reduced point{lacking}: nothing to export. Look at it: lics show.",
                layout=layout,
            )
        (folder / MANIFEST_NAME).unlink(missing_ok=True)  # of an earlier export: not of these files
        moved = tuple(_moved(file, Path(unfinished), folder) for file in files)
    return Package(folder=folder, files=moved, manifest=write_manifest(run, folder, moved, layout=layout))


def _moved(file: Path, unfinished: Path, folder: Path) -> Path:
    """Give a whole file the place that is its own."""
    place = folder / file.relative_to(unfinished)
    place.parent.mkdir(parents=True, exist_ok=True)
    return file.replace(place)


def _files(
    run: ReducedRun, folder: Path, layout: str, raw: Mapping[str, RawPoint], data_root: Path
) -> tuple[Path, ...]:
    match layout:
        case "xy" | "xye" | "chi":
            return write_columns(run, folder, layout=layout)
        case "rietveld":
            return (*write_columns(run, folder, layout="xye"), *write_powder_cif(run, folder))
        case "gsas":
            return write_gsas(run, folder)
        case "fullprof":
            return write_fullprof(run, folder)
        case "mem":
            return write_mem_points(run, folder)
        case "density" | "cube" | "xsf":
            return write_density_points(run, folder, layout=layout)
        case "topas":
            return write_topas(run, folder)
        case "cif":
            return write_powder_cif(run, folder)
        case "csv":
            return write_table(run, folder)
        case "nexus":
            return write_nexus(run, raw, folder)
        case "tiff":
            return write_frames(run, raw, folder, data_root=data_root)
    raise LicsError(f"{layout!r} is no layout: there are {', '.join(LAYOUTS)}.", layout=layout)
