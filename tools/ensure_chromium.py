"""Make sure that there is a Chromium for the browser tests; say what is done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Find a browser, or install one: Debian's package as root, else Playwright's own build."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found:
        print(f"Browser tests use {found}")
        return 0
    apt = shutil.which("apt-get")
    if apt and hasattr(os, "geteuid") and os.geteuid() == 0:
        print("Installing Debian's chromium for the browser tests")
        subprocess.run([apt, "update", "-qq"], check=True)
        return subprocess.run(
            [apt, "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False
        ).returncode
    print("Installing Playwright's chromium for the browser tests")
    return subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
