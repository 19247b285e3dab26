"""Sphinx, for either language; docs/build calls it with the pages that assemble.py has put together."""

import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

import docstrings
from assemble import LANGUAGES

import jaxnotes

project, author, copyright = "jaxnotes", "The jaxnotes developers", "The jaxnotes developers, Apache 2.0"
release = jaxnotes.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
templates_path = ["theme"]
default_role = "code"
smartquotes = False  # x' is a transpose

# Outputs are in the notebooks. Double dollars within a paragraph are displayed formulas, as lessons write them.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "attrs_inline"]
myst_dmath_double_inline = True
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a lesson's exercises are headings of the third level below the title

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 70
add_module_names = False
toc_object_entries_show_parents = "hide"

mathjax_path = "mathjax/tex-chtml-full.js"
mathjax3_config: dict[str, Any] = {"options": {"enableMenu": False}, "chtml": {"scale": 0.92}}

html_theme = "pydata_sphinx_theme"
html_title = "jaxnotes"
html_static_path = ["theme/static", "_sources/static"]
html_favicon = "theme/static/favicon.svg"
html_css_files = ["site.css"]
html_js_files = ["wide.js"]
html_show_sourcelink = False
html_copy_source = False
html_search_language = "en"  # Pagefind searches; Sphinx' own index, of which nothing is used, knows no Chinese
html_sidebars = {"**": ["sidebar-nav-bs.html"], "index": [], "search": []}
html_theme_options = {
    "disable_search": True,
    "navbar_start": ["navbar-logo"],
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-box.html", "language.html"],
    "header_links_before_dropdown": 6,
    "show_nav_level": 1,
    "show_toc_level": 1,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def with_language(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """What the templates say in the language of the build, and where the same page is in the other one."""
    lang = next(lang for lang, words in LANGUAGES.items() if words.locale == app.config.language)
    other = LANGUAGES[lang].other
    context["words"] = LANGUAGES[lang]
    context["other_page"] = "../" * (page.count("/") + 1) + f"{other}/{page}.html"
    context["other_locale"] = LANGUAGES[other].locale
    context["pagefind"] = "../" * (page.count("/") + 1) + "pagefind/"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("html-page-context", with_language)
    app.connect("autodoc-process-docstring", docstrings.as_rst)
    app.connect("autodoc-process-signature", docstrings.readable)
    app.connect("autodoc-skip-member", docstrings.said_above)
