"""What watches the beamline beside the engine: interlock, guard process, its supervisor, and what a trip leaves."""
