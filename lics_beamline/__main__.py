"""``python -m lics_beamline`` is ``lics``."""

import sys

from lics_beamline.cli import main

if __name__ == "__main__":
    sys.exit(main())
