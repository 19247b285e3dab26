"""Puts the pages of the site together, a folder for each language, from where they are written.

    python docs/assemble.py FOLDER          FOLDER/en, FOLDER/zh and FOLDER/static
    python docs/assemble.py --locale zh     the name that Sphinx has for the language

docs/en and docs/zh hold what is written twice, docs/theory what is in English alone. Lessons come from notebooks/, the
API from the package, and the rest from the files of the repository that say it already: every fact has one place.
"""

import enum
import json
import posixpath
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import jaxnotes

DOCS = Path(__file__).parent
ROOT = DOCS.parent


# Files of the repository that are pages, each in English but where docs/zh has it too.
REUSED = {
    "CHANGELOG.md": "about/changelog.md",
    "CONTRIBUTING.md": "about/design.md",
    "bench/README.md": "about/benchmarks.md",
    "docs/faults.md": "about/faults.md",
    "docs/troubleshooting.md": "howto/troubleshooting.md",
}

PICTURE = """
![Seconds of twenty calls: the first compiles, and the others return before their result is there](13_benchmarks.png)

*The picture of the [lesson on benchmarks](../lessons/13_benchmarks.ipynb), which you can run on your own machine.*

"""


class Words(NamedTuple):
    """What the machinery itself says in a language."""

    locale: str
    other: str
    other_name: str
    search: str
    no_server: str
    colab: str
    english_only: str


LANGUAGES = {
    "en": Words(
        locale="en",
        other="zh",
        other_name="中文",
        search="Search",
        no_server="Search needs a server: run <code>python -m http.server</code> in the folder of the site and open "
        "<code>http://localhost:8000</code>. All other pages read well from the folder.",
        colab="Open in Colab",
        english_only="",
    ),
    "zh": Words(
        locale="zh_CN",
        other="en",
        other_name="English",
        search="搜索",
        no_server="搜索需要一个服务器：请在网站的文件夹里运行 <code>python -m http.server</code>，再打开 "
        "<code>http://localhost:8000</code>。其他页面可以直接从文件夹阅读。",
        colab="在 Colab 中打开",
        english_only="```{note}\n本页只有英文。\n```\n",
    ),
}


def assemble(folder: Path) -> None:
    """Write all pages of both languages."""
    for lang in LANGUAGES:
        pages = folder / lang
        shutil.copytree(DOCS / lang, pages)
        for path in pages.rglob("*.md"):
            path.write_text(joined(path.read_text(encoding="utf-8")), encoding="utf-8")
        lessons(lang, pages / "lessons")
        reused(lang, pages)
        api(lang, pages / "api")
        shutil.copy(DOCS / "o_ring_curve.png", pages)
        for picture in (DOCS / "pictures").glob("*.png"):
            shutil.copy(picture, pages / "howto")
    static(folder / "static")


def joined(text: str) -> str:
    """The text without the line breaks between Chinese letters, which a browser would show as blanks."""
    letter = "[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
    return re.sub(rf"(?<={letter})\n(?={letter})", "", text)


def lessons(lang: str, folder: Path) -> None:
    """The notebooks without their first code cell, the setup, and a gallery of their pictures."""
    gallery = []
    for path in sorted((ROOT / "notebooks" / lang).glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        title = "".join(notebook["cells"][0]["source"])
        notebook["cells"][0]["source"] = with_local_badge(title, lang)
        notebook["cells"].remove(next(cell for cell in notebook["cells"] if cell["cell_type"] == "code"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = joined("".join(cell["source"]))
        (folder / path.name).write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")
        [picture] = (ROOT / "notebooks" / "pictures").glob(f"{path.stem}.*")
        shutil.copy(picture, folder)
        name = re.findall(r"^# (.+)$", title, flags=re.MULTILINE)[0]
        gallery.append(f"[![]({picture.name})<br>{name}]({path.name})")
    cards = "\n\n".join(f":::{{container}} lesson\n{card}\n:::" for card in gallery)
    index = folder / "index.md"
    text = index.read_text(encoding="utf-8")
    index.write_text(text.replace("GALLERY", f"::::{{container}} gallery\n{cards}\n::::"), encoding="utf-8")


def with_local_badge(title: str, lang: str) -> str:
    """The first cell with a plain link to Colab for the badge, which is a picture from elsewhere."""
    link = re.search(r"\]\((https://colab\.research\.google\.com/github/[^)]+)\)", title)[1]
    heading = title[title.index("\n# ") + 1 :]
    head, _, rest = heading.partition("\n")
    return f"{head}\n\n[{LANGUAGES[lang].colab}]({link}){{.colab}}\n{rest}"


def reused(lang: str, pages: Path) -> None:
    """What the repository says elsewhere, in English."""
    note = LANGUAGES[lang].english_only
    (pages / "theory").mkdir()
    for path in (DOCS / "theory").glob("*.md"):
        put(pages / "theory" / path.name, path.read_text(encoding="utf-8"), note)
    shutil.copy(ROOT / "notebooks" / "pictures" / "13_benchmarks.png", pages / "about")
    for source, page in REUSED.items():
        text = relinked(read(source), source, page)
        if source == "CONTRIBUTING.md":
            reasons = text.partition("\n## Why it is built this way\n")[2].partition("\n## ")[0]
            text = "# Why it is built this way\n" + reasons
        if not (pages / page).exists():
            put(pages / page, text, note + (PICTURE if source == "bench/README.md" else ""))


def relinked(text: str, source: str, page: str) -> str:
    """The text of a file of the repository: its links to files lead to the pages of these, or are no links."""

    def link(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), found[2]))
        there = REUSED.get(path) or re.sub(r"notebooks/(?:en|zh)/(?=\w+\.ipynb$)", "lessons/", path)
        if there == path:
            return found[1]
        return f"[{found[1]}]({posixpath.relpath(there, posixpath.dirname(page))}{found[3] or ''})"

    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)", link, text)


def read(name: str) -> str:
    """A file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def put(path: Path, text: str, note: str) -> None:
    """Write a page, the note below its title."""
    title, _, rest = text.partition("\n")
    path.write_text(f"{title}\n\n{note}{rest}", encoding="utf-8")


def chapters() -> list[tuple[str, str, str]]:
    """Number, name and description of every chapter, as the package's own text has them."""
    text = jaxnotes.__doc__ or ""
    return re.findall(r"^    (\w)  (\w+) +(.+)$", text, flags=re.MULTILINE)


def shared() -> list[tuple[str, str]]:
    """Names and description of what is there for all chapters."""
    text = (jaxnotes.__doc__ or "").partition("and for all of them")[2]
    return re.findall(r"^    (\w[\w, ]*?)  +(.+)$", text, flags=re.MULTILINE)


def api(lang: str, folder: Path) -> None:
    """A page for each chapter, and for each other module that is public."""
    folder.mkdir()
    modules = {name: f"{number} · {said}" for number, name, said in chapters()}
    tops = []
    for names, said in shared():
        for name in names.split(", "):
            if hasattr(getattr(jaxnotes, name), "__path__") or hasattr(getattr(jaxnotes, name), "__file__"):
                modules[name] = said
            else:
                tops.append(name)
    for name in modules:
        (folder / f"{name}.rst").write_text(module_page(name), encoding="utf-8")
    (folder / "jaxnotes.rst").write_text(top_page(tops), encoding="utf-8")
    rows = [f"| [{name}]({name}.rst) | {said} |" for name, said in modules.items()]
    rows.append(f"| [jaxnotes](jaxnotes.rst) | {', '.join(f'`{name}`' for name in tops)} |")
    entries = "\n".join([*modules, "jaxnotes"])
    index = f"# API\n\n| Module | |\n|---|---|\n{chr(10).join(rows)}\n\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n"
    put(folder / "index.md", index, LANGUAGES[lang].english_only)


def module_page(name: str) -> str:
    """The page of a module, and of the public modules within it."""
    module = getattr(jaxnotes, name)
    inner = [key for key in getattr(module, "__all__", ()) if hasattr(getattr(module, key), "__file__")]
    page = f"{name}\n{'=' * len(name)}\n\n.. automodule:: jaxnotes.{name}\n   :members:\n"
    for key in inner:
        page += f"\n{key}\n{'-' * len(key)}\n\n.. automodule:: jaxnotes.{name}.{key}\n   :members:\n"
    return page


def top_page(names: list[str]) -> str:
    """The page of what `import jaxnotes as jn` has itself."""
    page = "jaxnotes\n========\n"
    for name in names:
        found = getattr(jaxnotes, name)
        kind = "autoclass" if isinstance(found, type) else "autofunction"
        page += f"\n.. {kind}:: jaxnotes.{name}\n" + ("   :members:\n" if kind == "autoclass" else "")
        page += "   :undoc-members:\n" if isinstance(found, enum.EnumType) else ""
    return page


def static(folder: Path) -> None:
    """MathJax and its fonts, as npm brought them."""
    mathjax = DOCS / "node_modules" / "mathjax" / "es5"
    shutil.copytree(mathjax / "output" / "chtml" / "fonts", folder / "mathjax" / "output" / "chtml" / "fonts")
    shutil.copy(mathjax / "tex-chtml-full.js", folder / "mathjax")


if __name__ == "__main__":
    if sys.argv[1] == "--locale":
        print(LANGUAGES[sys.argv[2]].locale)
    else:
        assemble(Path(sys.argv[1]))
