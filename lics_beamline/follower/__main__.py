"""``python -m lics_beamline.follower catalog|reduce --data DIR``."""

import os
import sys
from typing import Final

from lics_beamline.follower.process import main

FOLLOWER_NICENESS: Final = 5  # 0 to 19: control comes first; at 10 points came minutes late on a busy computer

os.nice(FOLLOWER_NICENESS)
sys.exit(main())
