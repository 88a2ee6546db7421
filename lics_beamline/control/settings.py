"""The tables of a profile that decisions and forecasts rest on, together."""

from __future__ import annotations

from lics_beamline.control.approach_settings import ApproachSettings
from lics_beamline.control.cell_model import CellModel
from lics_beamline.control.envelope import Envelope
from lics_beamline.control.heating_settings import HeatingSettings
from lics_beamline.control.instrument_settings import HeaterSettings, MembraneSettings, RubySettings
from lics_beamline.control.plate_settings import PlateSettings
from lics_beamline.files.strict_toml import Strict


class ControlSettings(Strict):
    """What decisions read of a profile, each value in the table in which it is stated, and nowhere else.

    The profile is one of these: what its file says is handed to decisions as it is.
    """

    membrane: MembraneSettings
    heater: HeaterSettings
    ruby: RubySettings
    plate: PlateSettings
    envelope: Envelope
    approach: ApproachSettings = ApproachSettings()
    heating: HeatingSettings = HeatingSettings()
    cell_model: CellModel = CellModel()
