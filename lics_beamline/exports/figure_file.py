"""A drawn figure as a file, never met half written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from lics_beamline.errors import ProfileError
from lics_beamline.files.whole_file import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESOLUTION_DPI: Final = 110.0  # a figure of 14 inches fills a screen of 1540 pixels


def save_figure(figure: Figure, path: Path, *, dpi: float = RESOLUTION_DPI) -> Path:
    """Write a figure in the format that the ending of its name says; PNG where it says none.

    Parameters
    ----------
    figure : Figure
        What was drawn.
    path : Path
        The file; its folder is made if absent.
    dpi : float
        Pixels an inch.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ProfileError
        If the name ends in no kind of figure, or is that of a folder.
    """
    known = figure.canvas.get_supported_filetypes()
    path = path if path.suffix or path.is_dir() else path.with_suffix(".png")
    is_folder = path.is_dir()
    if is_folder or path.suffix[1:].lower() not in known:
        raise ProfileError(
            f"{path}: no figure can be written there: "
            f"{'it is a folder' if is_folder else f'{path.suffix} is no kind of figure'}. Give the name of a file "
            f"that ends in one of {', '.join(sorted(known))}.",
            file=str(path),
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished:
        figure.savefig(unfinished, dpi=dpi, format=path.suffix[1:])
    return path
