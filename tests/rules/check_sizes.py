#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that sources stay under 800 lines, folder READMEs under 40, and that every source names its licence."""
import pathlib
import subprocess
import sys

MAX_SOURCE_LINES = 800
MAX_README_LINES = 40
SOURCES = (".cpp", ".hpp", ".cl", ".py")


def tracked(root):
    names = subprocess.run(["git", "-C", str(root), "ls-files"], capture_output=True, text=True, check=True).stdout
    return [pathlib.Path(name) for name in names.splitlines() if (root / name).is_file()]


def main(root):
    root = pathlib.Path(root)
    problems = []
    for name in tracked(root):
        if name.suffix in SOURCES or name.name == "README.md":
            lines = (root / name).read_text(encoding="utf-8", errors="replace").splitlines()
            if name.suffix in SOURCES:
                if len(lines) > MAX_SOURCE_LINES:
                    problems.append(f"{name}: {len(lines)} lines, at most {MAX_SOURCE_LINES}")
                if not any("SPDX-License-Identifier" in line for line in lines[:3]):
                    problems.append(f"{name}: no SPDX licence line")
            elif name.parent != pathlib.Path(".") and len(lines) > MAX_README_LINES:
                problems.append(f"{name}: {len(lines)} lines, at most {MAX_README_LINES}")
    print("\n".join(problems) or "sizes and licences are in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
