"""Looking again and again until something is as a test waits for."""

import time


def pace() -> None:
    """Come between two looks: one who looks without a pause takes the processor from what he looks at."""
    time.sleep(0.05)
