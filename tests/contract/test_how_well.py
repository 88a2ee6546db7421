"""What the documents say of how well it works is what the benchmarks have found."""

from benchmarks.figures import PAGE, page


def test_the_page_of_figures_is_made_from_what_benchmarks_recorded():
    """Where it is not: ``python tests/benchmarks/figures.py``."""
    assert PAGE.read_text(encoding="utf-8") == page()
