"""What watches the beamline beside the engine: the interlock, the guard process, its supervisor, and what a trip leaves."""
