"""Nature: ruby, thermocouples, equations of state and crystals, in numbers and formulas that know no beamline."""
