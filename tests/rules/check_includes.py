#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks who includes whom (DESIGN: folders). Usage: check_includes.py ROOT. Prints every violation; exit 1 if any."""
import pathlib
import re
import sys

BASE = ["engine/base"]
TENSOR = BASE + ["engine/tensor"]
METRICS = BASE + ["engine/metrics"]
GRAPH = TENSOR + ["engine/graph"]
OPS = GRAPH + ["engine/ops"]
DEVICES = OPS + ["engine/metrics", "engine/devices"]
RUNTIME = DEVICES + ["engine/passes", "engine/placement", "engine/runtime"]
SERVING = RUNTIME + ["engine/serving"]

# Folder -> folders it may include. The longest matching folder of a file decides.
ALLOWED = {
    "engine/base": BASE,
    "engine/tensor": TENSOR,
    "engine/metrics": METRICS,
    "engine/graph": GRAPH,
    "engine/ops": OPS,
    "engine/formats": OPS + ["engine/formats"],
    "engine/gallery": OPS + ["engine/gallery"],
    "engine/passes": OPS + ["engine/passes"],
    "engine/devices": DEVICES,
    "engine/devices/cpu": DEVICES + ["engine/devices/cpu"],
    "engine/devices/opencl": DEVICES + ["engine/devices/opencl"],
    "engine/devices/simulated": DEVICES + ["engine/devices/simulated"],
    "engine/placement": DEVICES + ["engine/placement"],
    "engine/runtime": RUNTIME,
    "engine/serving": SERVING,
    "engine/session": ["engine"],
    "ui/core": ["ui/core", "engine/session", "engine/base"],
    "ui/models": ["ui/models", "ui/core", "engine/session", "engine/base"],
    "ui/widgets": ["ui/widgets", "ui/core/theme", "ui/core/units"],
    "ui/panels": ["ui/panels", "ui/core", "ui/models", "ui/widgets", "engine/session", "engine/base"],
    "ui/shell": ["ui", "engine/session", "engine/base"],
    "app": ["app", "ui/shell", "ui/core", "engine/session", "engine/base"],
}
# "engine/devices" allows the interfaces, not the folders of single devices.
PRIVATE = ["engine/devices/cpu", "engine/devices/opencl", "engine/devices/simulated"]
# Third-party headers and the only folders that may see them.
THIRD_PARTY = {
    r"(dnnl|oneapi|Eigen/|omp\.h)": ["engine/devices/cpu"],
    r"hwloc": ["engine/devices/cpu"],
    r"(CL/|clblast)": ["engine/devices/opencl"],
    r"(onnx/|google/protobuf)": ["engine/formats"],
    r"(png\.h|jpeglib\.h)": ["engine/formats/images"],
    r"(zlib\.h|zip\.h)": ["engine/formats/archive"],
    r"(unicode/)": ["engine/formats/text"],
    r"(hdf5\.h|H5)": ["engine/formats/keras"],
    r"(nlohmann/)": ["engine/formats/keras", "engine/session", "engine/placement", "app/cli", "ui/core"],
    r"(CLI/)": ["app/cli"],
    r"Q[A-Z]|Qt": ["ui", "app/workbench"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def under(path, folder):
    return path == folder or path.startswith(folder + "/") or (folder.count("/") == 2 and path.startswith(folder + "."))


def rule_for(path):
    matches = [folder for folder in ALLOWED if under(path, folder)]
    return max(matches, key=len) if matches else None


def panel_of(path):
    parts = path.split("/")
    return "/".join(parts[:3]) if parts[:2] == ["ui", "panels"] and len(parts) > 3 else None


def violations(path, kind, target):
    rule = rule_for(path)
    if rule is None:
        return
    if kind == '"' and re.match(r"(engine|ui|app)/", target):
        private = [folder for folder in PRIVATE if under(target, folder) and not under(path, folder)]
        if private and rule != "engine/session":
            yield f"{target} belongs to {private[0]} alone"
        elif not any(under(target, folder) for folder in ALLOWED[rule]):
            yield f"{rule} must not include {target}"
        if panel_of(path) and panel_of(target) and panel_of(path) != panel_of(target):
            yield f"a panel must not include another panel ({target})"
    for pattern, folders in THIRD_PARTY.items():
        if re.match(pattern, target) and not target.startswith(("engine/", "ui/", "app/")):
            if not any(under(path, folder) for folder in folders):
                yield f"<{target}> is for {', '.join(folders)} only"


def main(root):
    root = pathlib.Path(root)
    found = 0
    files = 0
    for top in ("engine", "ui", "app"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in (".cpp", ".hpp"):
                continue
            files += 1
            path = file.relative_to(root).as_posix()
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                for problem in violations(path, *match.groups()) if match else ():
                    print(f"{path}:{number}: {problem}")
                    found += 1
    print(f"{files} files, {found} violations")
    if files == 0:
        print("no source file was found: wrong folder?")
    return 1 if found or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
