"""How the documentation is built: ``sphinx-build -W --keep-going -b html docs docs/_build``. Needs no network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from _reference import write_reference  # noqa: E402  beside this file

from lics_beamline import __version__  # noqa: E402

project = "lics_beamline"
author = "The lics_beamline developers"
project_copyright = author
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx_copybutton"]
exclude_patterns = ["_build", "_reference"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
autosummary_generate = False  # numpydoc brings autosummary with it
numpydoc_class_members_toctree = False

copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

smartquotes = False  # it would make one dash of the two of an option

html_theme = "furo"
html_title = "lics_beamline"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_theme_options = {"navigation_with_keys": True}
html_copy_source = False
html_show_sphinx = False


def setup(app: Any) -> None:
    """Write the reference pages from the code before the sources are read."""
    app.connect("builder-inited", lambda app: write_reference(Path(app.srcdir) / "reference" / "generated"))
