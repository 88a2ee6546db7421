"""The operator screens of a profile: one for each instrument, and one that opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lics_beamline.devices.beam import Beam
from lics_beamline.devices.frame import Frame
from lics_beamline.devices.heater import Heater
from lics_beamline.devices.image_plate import ImagePlate
from lics_beamline.devices.membrane import Membrane
from lics_beamline.devices.ruby_spectrometer import RubySpectrometer
from lics_beamline.devices.screen import overview, rows, screen
from lics_beamline.devices.stage import Stage
from lics_beamline.devices.stand_in import lacking
from lics_beamline.devices.thermocouples import Thermocouples

if TYPE_CHECKING:
    from lics_beamline.profile import Profile

OVERVIEW: Final = "beamline.bob"


def of_profile(profile: Profile) -> dict[str, str]:
    """Return the text of each screen of a profile, by the name of its file; PVs that are absent are not shown."""
    values = profile.values
    kinds: dict[str, tuple[Any, ...]] = {  # by the table of the profile that has their prefix
        "membrane": (lacking(Membrane, values.membrane.absent),),
        "heater": (lacking(Heater, values.heater.absent),),
        "thermocouples": (Thermocouples,),
        "ruby": (RubySpectrometer,),
        "plate": (ImagePlate, Frame),
        "beam": (Beam,),
        "stage": (Stage,),
    }
    made = {}
    for name, devices in kinds.items():
        shown = {row.name: row for kind in devices for row in rows(kind)}
        title = f"{values.beamline}: {name}"
        made[f"{name}.bob"] = screen(title, values.prefix, getattr(values, name).prefix, tuple(shown.values()))
    return made | {OVERVIEW: overview(values.beamline, values.prefix, tuple(made))}
