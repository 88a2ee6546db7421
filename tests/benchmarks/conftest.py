"""Figures that benchmarks found, kept as JSON: the table of `docs/how-well.md` is made from them."""

import json
from datetime import UTC, datetime

import pytest

from .figures import FIGURES

PASSED = pytest.StashKey()


def pytest_addoption(parser):
    parser.addoption("--record-figures", action="store_true", help="write what was found into figures.json")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture
def record(request):
    """Keep figures of a benchmark: printed, and with ``--record-figures`` written to `figures.json` if it passes."""
    name, found = request.path.stem.removeprefix("test_"), {}

    def keep(**figures):
        found.update(figures)
        print(f"\n{name}: {json.dumps(figures)}")  # noqa: T201  what a benchmark is for

    yield keep
    if found and request.config.getoption("--record-figures") and request.node.stash.get(PASSED, False):
        kept = json.loads(FIGURES.read_text(encoding="utf-8"))
        kept[name] = {**kept.get(name, {}), **found, "recorded": datetime.now(UTC).date().isoformat()}
        FIGURES.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
