"""``python -m lics_beamline.follower catalog|reduce --data DIR``."""

import os
import sys
from typing import Final

from lics_beamline.follower.process import main

FOLLOWER_NICENESS: Final = 10  # 0 to 19: control of the experiment comes before following it

os.nice(FOLLOWER_NICENESS)
sys.exit(main())
