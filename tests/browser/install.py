"""Installs what the browser tests need: Debian's Chromium, and a venv with Playwright for Python beside the main one.

    python -m tests.browser.install --chromium     only looks for Chromium, and installs it where it may; 1 where it cannot
    python -m tests.browser.install .venv-browser  the venv as well

Playwright drives the Chromium that is there; nothing else is downloaded. Leaves running the tests to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
ROOT = Path(__file__).parents[2]
CURE = (
    "the browser tests need Chromium, and it cannot be installed from here\n"
    "  install it (Debian and Ubuntu: sudo apt-get install chromium), then run `make test-browser` again"
)


def chromium() -> str:
    """The path of a Chromium that is there, "" where none is."""
    return next(filter(None, map(shutil.which, NAMES)), "")


def install_chromium() -> bool:
    """Install Debian's Chromium where none is; whether there is one now."""
    if chromium():
        return True
    apt = shutil.which("apt-get")
    if not apt:
        return False
    by = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if by and not shutil.which("sudo"):
        return False
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        done = subprocess.run(
            [*by, apt, "-qq", *words], env=quiet, check=False, stdout=subprocess.DEVNULL
        )
        if done.returncode:
            return False
    return bool(chromium())


def make_venv(place: Path) -> None:
    """A venv that has Playwright, and sees this project and the packages of the venv that runs this."""
    stamp = place / ".installed"
    wanted = REQUIREMENTS.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    venv.create(place, with_pip=True, clear=True)
    python = place / "bin" / "python"
    pip = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
        REQUIREMENTS,
    ]
    subprocess.run(pip, check=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    seen = place / "lib" / version / "site-packages" / "project.pth"
    # `site` reads the .pth files of the other venv as well, by which an editable install is found
    seen.write_text(
        f"{ROOT}\nimport site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    )
    stamp.write_text(wanted)


def main(words: list[str]) -> int:
    """1 where Chromium cannot be had."""
    if not install_chromium():
        print(CURE, file=sys.stderr)
        return 1
    if words != ["--chromium"]:
        make_venv(Path(words[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
