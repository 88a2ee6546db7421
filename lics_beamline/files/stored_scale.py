"""What the numbers of an HDF5 data set stand for, where they were stored as integers to save room.

References
----------
NeXus definitions, NXdata: value = (number + offset) * scaling_factor, each a field beside the data. CF conventions
1.11, section 8.1: value = number * scale_factor + add_offset, each an attribute; _FillValue is no number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from h5py import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredScale:
    """How numbers become values.

    Parameters
    ----------
    factor : float
        Each number is multiplied by it, finite and not 0 ...
    added : float
        ... and this is added.
    no_number : float
        What stands where there is no value; NaN for nothing.
    """

    factor: float = 1.0
    added: float = 0.0
    no_number: float = math.nan

    @classmethod
    def of(cls, data: Dataset) -> StoredScale:
        """Read what a data set, and its group, say of it.

        Raises
        ------
        ValueError
            If a factor is 0 or not finite.
        """
        factor, added = (_attribute(data, name, usual) for name, usual in (("scale_factor", 1.0), ("add_offset", 0.0)))
        group, name = data.parent, data.name.rpartition("/")[2]
        is_data = group.attrs.get("NX_class") in ("NXdata", b"NXdata") and group.attrs.get("signal") in (
            name,
            name.encode(),
        )
        prefixes = (f"{name}_", "") if is_data else (f"{name}_",)
        by = next((each for prefix in prefixes if (each := _field(group, f"{prefix}scaling_factor")) is not None), 1.0)
        plus = next((each for prefix in prefixes if (each := _field(group, f"{prefix}offset")) is not None), 0.0)
        scale = cls(
            factor=factor * by, added=added * by + plus * by, no_number=_attribute(data, "_FillValue", math.nan)
        )
        if not (math.isfinite(scale.factor) and math.isfinite(scale.added)) or scale.factor == 0.0:
            raise ValueError(f"{data.name} is to be multiplied by {scale.factor:g} and {scale.added:g} added")
        return scale

    @property
    def is_plain(self) -> bool:
        """Whether numbers are the values."""
        return (self.factor, self.added) == (1.0, 0.0) and math.isnan(self.no_number)

    @property
    def words(self) -> str:
        """How numbers become values, for people."""
        return f"times {self.factor:g}" + (
            f" {'plus' if self.added > 0.0 else 'minus'} {abs(self.added):g}" if self.added else ""
        )

    def values(self, numbers: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return what numbers stand for; NaN where there is none."""
        values = np.asarray(numbers, dtype=np.float64) * self.factor + self.added
        return values if math.isnan(self.no_number) else np.where(numbers == self.no_number, np.nan, values)


def _attribute(data: Dataset, name: str, usual: float) -> float:
    return float(np.ravel(data.attrs[name])[0]) if name in data.attrs else usual


def _field(group: Any, name: str) -> float | None:
    field = group.get(name)
    is_number = field is not None and getattr(field, "size", 0) == 1 and field.dtype.kind in "iuf"
    return float(np.ravel(field[()])[0]) if is_number else None
