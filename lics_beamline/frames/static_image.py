"""Images that belong to a detector and not to an exposure: the pixels never to be used, its dark and its flat image.

A mask travels inside the recipe, for it packs into some kilobytes. Dark and flat images do not: a recipe names their
files with their SHA-256, and another content is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import warnings
import zlib
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lics_beamline.errors import ProfileError, ReductionFailed
from lics_beamline.files.given_file import READER_FAULTS
from lics_beamline.files.strict_toml import Strict
from lics_beamline.frames.frame import FrameSeries
from lics_beamline.frames.image_file import check_pixels, check_regular, unreadable
from lics_beamline.frames.raxis import LARGEST_SIDE_PX

MOST_PACKED_CHARACTERS: Final = 24 << 20  # a mask of 100 million pixels without any order; of a detector, some kB
PICTURE_ENDINGS: Final = (".png", ".bmp", ".gif")  # without loss
MOST_MASKED: Final = 0.5  # share of an image from which its mask is doubted: one of a detector has some percent
MOST_PATH_CHARACTERS: Final = 4096  # PATH_MAX of Linux


class StaticMask(Strict):
    """Pixels never to be used, as text.

    Parameters
    ----------
    rows, columns : int
        Shape of the frames it belongs to.
    packed : str
        One bit a pixel, row by row, 1 where masked; compressed (zlib) and in base 64.
    """

    rows: int = Field(ge=1, le=LARGEST_SIDE_PX)
    columns: int = Field(ge=1, le=LARGEST_SIDE_PX)
    packed: str = Field(repr=False, max_length=MOST_PACKED_CHARACTERS)

    @model_validator(mode="after")
    def _unpacks(self) -> StaticMask:
        self._bits()
        return self

    def _bits(self) -> bytes:
        """Return the bits, of which there are as many as pixels: a few bytes could unpack to gigabytes."""
        wanted = (self.rows * self.columns + 7) // 8
        try:
            unpacking = zlib.decompressobj()
            bits = unpacking.decompress(base64.b64decode(self.packed, validate=True), wanted + 1)
        except (binascii.Error, zlib.error, ValueError) as error:
            raise ValueError(f"packed is no packed mask: {error}") from None
        if len(bits) != wanted or not unpacking.eof:
            raise ValueError(f"packed holds no mask of {self.rows} x {self.columns} pixels, which is {wanted} bytes")
        return bits

    @property
    def share(self) -> float:
        """Share of the pixels that are masked, 0 to 1."""
        return float(self.array((self.rows, self.columns)).mean())

    @classmethod
    def of(cls, masked: npt.NDArray[np.bool_]) -> StaticMask:
        """Pack a mask, True where a pixel is never to be used."""
        bits = zlib.compress(np.packbits(masked).tobytes(), level=9)
        rows, columns = masked.shape
        return cls(rows=rows, columns=columns, packed=base64.b64encode(bits).decode("ascii"))

    def array(self, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Return the mask, True where a pixel is never to be used.

        Raises
        ------
        ReductionFailed
            If the frames have another shape.
        """
        if tuple(shape) != (self.rows, self.columns):
            raise _other_shape("static mask", (self.rows, self.columns), shape)
        bits = np.frombuffer(self._bits(), dtype=np.uint8)
        return np.unpackbits(bits, count=self.rows * self.columns).astype(bool).reshape(self.rows, self.columns)


class StaticImage(Strict):
    """A dark or flat image in a file.

    Parameters
    ----------
    file : str
        Path of the file.
    sha256 : str
        Of its content, in hexadecimal.
    """

    file: str = Field(max_length=MOST_PATH_CHARACTERS)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @classmethod
    def of(cls, path: Path) -> StaticImage:
        """Name a file as it is now.

        Raises
        ------
        ProfileError
            If it is not there.
        """
        return cls(file=str(path.resolve()), sha256=_sha256(path))

    def array(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Read the image.

        Raises
        ------
        ReductionFailed
            If the file is missing, another one, or of another shape.
        """
        path = Path(self.file)
        found = _sha256(path)
        if found != self.sha256:
            raise ReductionFailed(
                f"{path} has sha256 {found[:12]}... and the recipe means {self.sha256[:12]}...: it is another image. "
                "Restore it, or write a recipe with the new one.",
                path=str(path),
            )
        image = read_image(path)
        if image.shape != tuple(shape):
            raise _other_shape(path.name, (image.shape[0], image.shape[1]), shape)
        return np.ascontiguousarray(image, dtype=np.float32)


def read_image(path: Path) -> npt.NDArray[np.generic]:
    """Read an image that belongs to a detector: of any format that frames have, ``.npy``, or a picture.

    Raises
    ------
    ReductionFailed
        If it cannot be read, or the file holds several.
    """
    if path.suffix.lower() in PICTURE_ENDINGS:
        return _picture(path)
    if path.suffix.lower() != ".npy":
        series = FrameSeries(path)
        if series.count > 1:
            raise ReductionFailed(
                f"{path.name} holds {series.count} frames, and one image is wanted. Give their mean, or one of them.",
                path=str(path),
                frames=series.count,
            )
        return series.frame(1).counts
    check_regular(path)
    try:
        # Mapped, not read: its header is held against the length of the file first, and an archive is no array.
        image = np.lib.format.open_memmap(path, mode="r")
    except READER_FAULTS as error:
        raise ReductionFailed(f"{path.name} cannot be read: {error}. Check the file.", path=str(path)) from error
    check_pixels(image.shape, path)
    if image.dtype.kind not in "biuf":
        raise ReductionFailed(f"{path.name} holds no numbers but {image.dtype}. Give an image.", path=str(path))
    return image


def _picture(path: Path) -> npt.NDArray[np.generic]:
    """Read a picture, of which black is 0; what is not grey becomes so."""
    from PIL import Image

    check_regular(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own bound is the lower one
            with Image.open(path) as picture:
                check_pixels((picture.height, picture.width), path)
                is_grey = picture.mode in ("1", "L") or picture.mode.startswith(("I", "F"))
                return np.asarray(picture if is_grey else picture.convert("RGB").convert("L"))
    except (Image.DecompressionBombError, *READER_FAULTS) as error:
        raise unreadable(path, error) from error


def _sha256(path: Path) -> str:
    try:
        check_regular(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ReductionFailed) as error:
        raise ProfileError(f"{path} cannot be read: {error}. Restore the file.", file=str(path)) from error


def _other_shape(what: str, found: tuple[int, int], wanted: tuple[int, int]) -> ReductionFailed:
    return ReductionFailed(
        f"the {what} has {found[0]} x {found[1]} pixels and the frame {wanted[0]} x {wanted[1]}. Use the one of this "
        "detector and this scan resolution.",
        shape=found,
        frame_shape=tuple(wanted),
    )
