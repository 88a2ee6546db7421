"""Fixtures shared by all tests: where measured data lie."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def measured_data() -> Path:
    """Folder of real measured files, named by LICS_TEST_DATA; the test skips where it is unset."""
    folder = os.environ.get("LICS_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LICS_TEST_DATA does not name a folder of measured data")
    return Path(folder)
