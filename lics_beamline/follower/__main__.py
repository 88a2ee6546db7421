"""``python -m lics_beamline.follower catalog|reduce --data DIR``."""

import sys

from lics_beamline.follower.process import main

sys.exit(main())
