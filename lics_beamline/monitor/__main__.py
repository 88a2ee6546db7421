"""``python -m lics_beamline.monitor --data DIR --port N``."""

import sys

from lics_beamline.monitor.process import main

sys.exit(main())
