"""Files, whatever they hold: those people give are read within bounds; what is written is whole or not there."""
