"""Every link within the site leads to a page, or a place on it, and nothing is loaded from elsewhere.

python docs/links.py FOLDER
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}


class Page(HTMLParser):
    """The ids of a page, its links, and what a browser loads for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = {"", "top"}
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag has."""
        has = dict(attrs)
        self.ids |= {has.get("id") or "", has.get("name") or ""}
        if tag == "a" and has.get("href"):
            self.links.append(has["href"] or "")
        elif LOADS.get(tag) in has:
            self.loads.append(has[LOADS[tag]] or "")


def written(folder: Path) -> list[Path]:
    """The pages; what lies in _static are templates of the theme."""
    return [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]


def faults(folder: Path) -> list[str]:
    """What is wrong, a line for each link."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in written(folder)}
    found = []
    for path, page in pages.items():
        for link in [*page.links, *page.loads]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                remote = link in page.loads and parts.scheme != "data"
                found += [f"{path}: loads {link}"] if remote else []
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                found.append(f"{path}: {link} leads nowhere")
            elif target in pages and unquote(parts.fragment) not in pages[target].ids:
                found.append(f"{path}: {link} is no place on that page")
    return found


if __name__ == "__main__":
    wrong = faults(Path(sys.argv[1]))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    sys.exit(f"{len(wrong)} links are wrong" if wrong else None)
