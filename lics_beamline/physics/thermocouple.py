"""Temperature of the sample from thermocouples that sit beside it, and the values that no thermocouple can give."""

from __future__ import annotations

import math
from typing import Final

from lics_beamline.errors import BadReading

TYPE_K_LOWEST_K: Final = 3.15  # -270 C, ITS-90 reference function of type K, NIST Monograph 175 (1993)
TYPE_K_HIGHEST_K: Final = 1645.15  # 1372 C, the same
TYPE_K_CLASS_1_K: Final = 1.5  # tolerance of class 1 from -40 to 375 C [K], IEC 60584-1:2013
GASKET_TO_SAMPLE: Final = (
    0.985  # sample rise over gasket rise; a calibration of each cell, so every recipe states its own
)


def check_type_k(temperature_k: float, *, where: str) -> float:
    """Return a reading of a type K thermocouple, or say that it is none.

    An open circuit reads -9999 on some converters, without an alarm, or -9999 averaged with good samples; so the range
    of the type is the test.

    Parameters
    ----------
    temperature_k : float
        Reading [K].
    where : str
        Which thermocouple, for the message.

    Raises
    ------
    BadReading
        If the reading is not finite or outside 3.15-1645.15 K.
    """
    if not math.isfinite(temperature_k) or not TYPE_K_LOWEST_K <= temperature_k <= TYPE_K_HIGHEST_K:
        raise BadReading(
            f"thermocouple {where} reads {temperature_k:.2f} K, outside {TYPE_K_LOWEST_K:g}-{TYPE_K_HIGHEST_K:g} K of "
            "type K: open circuit. Check the leads.",
            reason="open circuit",
            temperature_k=temperature_k,
            where=where,
        )
    return temperature_k


def sample_temperature_k(gasket_k: float, ambient_k: float, *, gasket_to_sample: float) -> float:
    """Temperature of the sample [K] from the gasket's thermocouple and the ambient one.

    Parameters
    ----------
    gasket_k, ambient_k : float
        Readings beside the gasket and of the room [K].
    gasket_to_sample : float
        Rise of the sample over ambient divided by that of the gasket's thermocouple; 0.9-1.0.

    Raises
    ------
    BadReading
        If a reading is outside the range of type K.

    Notes
    -----
    ``T = T_ambient + gasket_to_sample (T_gasket - T_ambient)``
    """
    gasket_k = check_type_k(gasket_k, where="gasket")
    ambient_k = check_type_k(ambient_k, where="ambient")
    return ambient_k + gasket_to_sample * (gasket_k - ambient_k)
