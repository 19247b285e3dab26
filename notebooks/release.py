"""What is handed on: the address that jaxnotes is published at, and the zip for a class without network."""

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Where the address stands; the notebooks have it from build.py.
HOLDERS = ("notebooks/build.py", "pyproject.toml", "CITATION.cff")
START = {
    "zh": """<!doctype html><meta charset="utf-8"><title>jaxnotes</title><h1>jaxnotes：从这里开始</h1>
<ol><li>装好 Python 3.11 或更新的版本，以及 jax、matplotlib、jupyterlab。</li>
<li>在这个文件夹里运行 <code>pip install --no-deps {wheel}</code>。</li>
<li>运行 <code>jupyter lab</code>，打开 <code>00_start_here.ipynb</code>。</li></ol>
<p>课程：</p><ul>{lessons}</ul>
""",
    "en": """<!doctype html><meta charset="utf-8"><title>jaxnotes</title><h1>jaxnotes: start here</h1>
<ol><li>Have Python 3.11 or later with jax, optax, matplotlib and jupyterlab.</li>
<li>In this folder run <code>pip install --no-deps {wheel}</code>.</li>
<li>Run <code>jupyter lab</code> and open <code>00_start_here.ipynb</code>.</li></ol>
<p>The lessons:</p><ul>{lessons}</ul>
""",
}


def publish_at(address: str, placeholder: str, root: Path = ROOT) -> None:
    """Write OWNER/REPO wherever the address of today stands; refuse what can be no address."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", address):
        raise SystemExit(f"--release: expected OWNER/REPO, an account and a repository, got {address!r}.")
    for name in HOLDERS:
        path = root / name
        path.write_text(path.read_text(encoding="utf-8").replace(placeholder, address), encoding="utf-8")


def bundle(lang: str, root: Path = ROOT) -> Path:
    """A zip with the wheel, the notebooks of a language and a page to start from; returns its path."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "build", "--wheel", "--outdir", folder, str(root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"the wheel could not be built (pip install build?):\n{done.stderr[-500:]}")
        wheel = next(Path(folder).glob("*.whl"))
        notebooks = sorted((root / "notebooks" / lang).glob("*.ipynb"))
        lessons = "".join(f"<li>{path.name}</li>" for path in notebooks)
        path = root / "dist" / f"jaxnotes-lessons-{lang}.zip"
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in (wheel, *notebooks):
                archive.write(part, part.name)
            archive.writestr("start.html", START[lang].format(wheel=wheel.name, lessons=lessons))
    return path
