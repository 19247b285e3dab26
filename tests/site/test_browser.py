"""The site as its readers meet it, in a headless Chromium: search, languages, a slider, the dark, a phone.

docs/build comes first; the browser is Debian's package `chromium` or another that is installed, driven by playwright.
"""

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest

SITE = Path(__file__).parents[2] / "docs" / "_site"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE = {"width": 390, "height": 844}
LESSONS = sorted(path.name for path in (SITE / "en" / "lessons").glob("[0-9]*.html"))
PAGES = ["index.html", "howto/from_elsewhere.html", "howto/troubleshooting.html", "theory/shared.html",
         "api/logistic_regression.html", "about/benchmarks.html", *(f"lessons/{name}" for name in LESSONS)]  # fmt: skip

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not LESSONS, reason="no site; docs/build makes it"),
    pytest.mark.skipif(CHROMIUM is None, reason="no browser; Debian has it as the package chromium"),
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    with http.server.ThreadingHTTPServer(("localhost", 0), functools.partial(Quiet, directory=SITE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason='no playwright; the extra "browser" has it')
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture
def page(browser, address):
    """A page that fails its test where a script breaks or anything is asked of another server."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    troubles = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    own = (address, "data:", "file:", "blob:")
    page.on("request", lambda asked: None if asked.url.startswith(own) else troubles.append(asked.url))
    yield page
    page.close()
    assert troubles == []


@pytest.mark.parametrize(("lang", "word", "found"), [("zh", "似然", "06"), ("en", "separated", "Logistic")])
def test_search_finds_a_word(page, address, lang, word, found):
    page.goto(f"{address}/{lang}/howto/index.html")
    page.fill("form.search-box input", word)
    page.press("form.search-box input", "Enter")
    results = page.locator(".pagefind-ui__result-title")
    results.first.wait_for()
    assert any(found in title for title in results.all_inner_texts())
    results.first.locator("a").click()
    assert page.title()


def test_search_in_a_folder_says_what_it_needs(page):
    page.goto((SITE / "zh" / "search.html").as_uri() + "?q=x")
    assert "http.server" in page.locator("#no-server").inner_text()
    assert page.locator("#no-server").is_visible()


def test_a_folder_without_a_server_shows_formulas(page):
    page.goto((SITE / "en" / "theory" / "shared.html").as_uri())
    page.locator("mjx-container").first.wait_for()


@pytest.mark.parametrize("name", LESSONS)
def test_the_language_switch_leads_to_the_same_lesson(page, address, name):
    page.goto(f"{address}/zh/lessons/{name}")
    page.click("a.language >> visible=true")
    assert page.url == f"{address}/en/lessons/{name}"
    page.click("a.language >> visible=true")
    assert page.url == f"{address}/zh/lessons/{name}"


def test_a_slider_moves(page, address):
    page.goto(f"{address}/zh/lessons/08_logistic_regression.html")
    slider = page.locator("input[type=range]").first
    visible = "Array.from(document.querySelectorAll('g.frame')).findIndex(g => g.style.display == 'inline')"
    before, said = page.evaluate(visible), page.locator("output").first.inner_text()
    slider.focus()
    slider.press("ArrowRight")
    assert page.evaluate(visible) == before + 1
    assert page.locator("output").first.inner_text() != said


CONTRAST = """() => {
  const shine = rgb => rgb.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const ground = node => {
    for (; node; node = node.parentElement) {
      const colour = parts(getComputedStyle(node).backgroundColor);
      if (colour.length == 3 || colour[3] > 0.5) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const nodes = document.querySelectorAll("article :is(p, li, h1, h2, td, pre span, a)");
  const worst = [];
  for (const node of nodes) {
    if (!node.innerText || !node.innerText.trim() || !node.offsetParent || node.closest("svg")) continue;
    const [a, b] = [shine(parts(getComputedStyle(node).color)), shine(ground(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) worst.push(`${ratio.toFixed(1)}: ${node.innerText.slice(0, 40)}`);
  }
  return worst;
}"""


@pytest.mark.parametrize("path", ["index.html", "lessons/08_logistic_regression.html", "api/least_squares.html"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_letters_stand_out_from_their_ground(page, address, theme, path):
    """A contrast of 4.5, as WCAG asks for text."""
    page.add_init_script(f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')")
    page.goto(f"{address}/zh/{path}")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert page.evaluate(CONTRAST) == []


BEYOND_THE_EDGE = """() => {
  const kept = node => {
    for (let box = node; box && !box.matches(".bd-article-container"); box = box.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(box).overflowX)) return true;
    return false;
  };
  return [...document.querySelectorAll("main *, header *")]
    .filter(node => node.getClientRects().length && node.getBoundingClientRect().right > innerWidth + 1)
    .filter(node => !kept(node) && !node.closest("mjx-assistive-mml"))
    .map(node => `${node.tagName} ${node.className}: ${(node.innerText || "").slice(0, 40)}`);
}"""


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nothing_scrolls_sideways_on_a_phone(page, address, lang, path):
    page.set_viewport_size(PHONE)
    page.goto(f"{address}/{lang}/{path}")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate(BEYOND_THE_EDGE) == []  # what is wide scrolls within itself, and is not cut off
