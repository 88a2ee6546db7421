"""``python -m lics_beamline.monitor --data DIR --port N``."""

import os
import sys
from typing import Final

from lics_beamline.monitor.process import main

MONITOR_NICENESS: Final = 8  # 0 to 19: the experiment comes before who follows it, and these before who looks on

os.nice(MONITOR_NICENESS)
sys.exit(main())
