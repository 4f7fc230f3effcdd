#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/operators.md and docs/models.md from a conformance run of the built program, or checks that
docs/operators.md lists exactly the operators of the build.

Usage: support_table.py TANDEM DATA REPOSITORY           run `tandem verify` on every kind of device and write the pages
       support_table.py TANDEM --check REPOSITORY        exit 1 where the page and the build differ
"""
import collections
import csv
import json
import pathlib
import re
import subprocess
import sys

# Reasons that are rules of the product, not missing kernels (DESIGN.md section 6).
RULES = ("shape computation stays on the host", "data-dependent shape stays on the host")
HEADING = "| operator | domain | versions |"


def tandem(program, *arguments):
    done = subprocess.run([program, *map(str, arguments), "--json"], capture_output=True, text=True)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f"tandem {' '.join(map(str, arguments))} printed no JSON (exit {done.returncode}): {done.stderr}")


def operators_of(program):
    """(domain, operator) -> versions, as the build has them."""
    return {(each["domain"], each["op"]): each["versions"] for each in tandem(program, "operators")["operators"]}


def operators_on(page):
    """The same from the table of the page."""
    listed = {}
    rows = page.read_text(encoding="utf-8").partition(HEADING)[2].splitlines()[2:]
    for row in rows:
        if not row.startswith("|"):
            break
        name, domain, versions = [field.strip() for field in row.split("|")[1:4]]
        listed["" if domain == "ai.onnx" else domain, name] = [int(each) for each in versions.split(", ") if each]
    return listed


def check(program, repository):
    page = repository / "docs" / "operators.md"
    built, listed = operators_of(program), operators_on(page)
    wrong = [f"{name} ({domain or 'ai.onnx'}) is in the build and not on the page" for domain, name in built.keys() - listed.keys()]
    wrong += [f"{name} ({domain or 'ai.onnx'}) is on the page and not in the build" for domain, name in listed.keys() - built.keys()]
    wrong += [f"{key[1]}: versions {built[key]} in the build, {listed[key]} on the page"
              for key in built.keys() & listed.keys() if built[key] != listed[key]]
    for line in sorted(wrong):
        print(line)
    print(f"{len(built)} operators in the build; regenerate the page with ./dev support" if wrong else
          f"{page.name} lists the {len(built)} operators of the build")
    return 1 if wrong else 0


def devices_of(program):
    """One device of each kind: the native CPU, then the first of each OpenCL kind."""
    first = {}
    for device in tandem(program, "devices")["devices"]:
        if device["kind"] != "simulated":
            first.setdefault(device["kind"], device)
    return list(first.values())


def manifest_of(data):
    with open(data / "operators" / "manifest.csv", newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def tiers_of(data):
    """operator -> tier, from the priority list of the shared data."""
    tiers, tier = {}, None
    for line in (data / "ops.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            found = re.match(r"## Tier (\d)", line)
            tier = int(found.group(1)) if found else None
        elif tier and line.startswith("| ") and not line.startswith(("| op ", "|---")):
            tiers[line.split("|")[1].strip()] = tier
    return tiers


def case_id(case):
    return case["name"].rpartition("/")[0]


def is_native(case):
    """Every node of the case ran where it was asked to, but for those that stay on the host by rule."""
    return case["status"] == "passed" and all(move["reason"] in RULES for move in case.get("moved", []))


def types_in(field):
    """"FLOAT[2,3] INT64" -> ["FLOAT", "INT64"]"""
    return [word.partition("[")[0] for word in field.split() if word]


def is_float(row):
    return "FLOAT" in types_in(row["inputs"]) + types_in(row["outputs"])


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def counts(results, manifest):
    lines = ["| tier | device | cases | passed | failed | unsupported | of the passed: natively | of the float32 cases: natively |",
             "|---|---|---|---|---|---|---|---|"]
    for tier in ("1", "2", "3", "all"):
        for device, result in results.items():
            rows = [(case, manifest[case_id(case)]) for case in result["cases"] if case_id(case) in manifest]
            rows = [(case, row) for case, row in rows if tier in ("all", row["tier"])]
            status = collections.Counter(case["status"] for case, _ in rows)
            native = sum(is_native(case) for case, _ in rows)
            floats = [case for case, row in rows if is_float(row)]
            lines.append(f"| {tier} | {device} | {len(rows)} | {status['passed']} | {status['failed']} | "
                         f"{status['unsupported']} | {native} ({percent(native, status['passed'])}) | "
                         f"{sum(map(is_native, floats))} of {len(floats)} ({percent(sum(map(is_native, floats)), len(floats))}) |")
    return lines


class Operator:
    """What the cases of one operator say about one device."""

    def __init__(self):
        self.passed = self.other = self.native = self.plain = 0
        self.reasons = collections.Counter()

    def text(self, is_host):
        if self.passed + self.other == 0:
            return "no case"
        parts = [] if self.other == 0 else [f"{self.other} of {self.passed + self.other} cases do not pass"]
        if is_host:
            if self.passed:
                parts.append("reference" if self.plain == self.passed else "native" if self.plain == 0 else
                             f"native; {self.plain} of {self.passed} cases by reference")
        elif self.passed:
            if self.native == self.passed:
                parts.append("native")
            else:
                why = "; ".join(reason for reason, _ in self.reasons.most_common(2))
                share = "" if self.native == 0 else f"native {self.native} of {self.passed}, else "
                parts.append(f"{share}on the host: {why}")
        return "; ".join(parts)


def per_operator(result, manifest):
    table = collections.defaultdict(Operator)
    for case in result["cases"]:
        row = manifest.get(case_id(case))
        if row is None:
            continue
        moved = {}
        for move in case.get("moved", []):
            moved.setdefault(move["op"], move)
        for name in {each.rpartition("-")[0] for each in row["ops"].split()}:
            entry = table[name]
            if case["status"] != "passed":
                entry.other += 1
                continue
            entry.passed += 1
            entry.plain += name in case.get("reference_ops", [])
            if name in moved:
                move = moved[name]
                entry.reasons[move["reason"] + (f" ({move['detail']})" if move["detail"] else "")] += 1
            else:
                entry.native += 1
    return table


def types_of(manifest):
    """operator -> element types of the inputs of the cases that have this operator alone."""
    types = collections.defaultdict(set)
    for row in manifest.values():
        names = {each.rpartition("-")[0] for each in row["ops"].split()}
        if len(names) == 1:
            for kind in types_in(row["inputs"] or row["outputs"]):
                types[next(iter(names))].add({"FLOAT": "float32", "DOUBLE": "float64"}.get(kind, kind.lower()))
    return types


def write_operators(page, program, data, devices, results):
    manifest = manifest_of(data)
    built, tiers, types = operators_of(program), tiers_of(data), types_of(manifest)
    tables = {device: per_operator(result, manifest) for device, result in results.items()}
    ids = [device["id"] for device in devices]
    lines = [
        "# Operators by device", "",
        "Made from a conformance run by `./dev support`; do not edit. The cases are those of the ONNX backend tests, kept",
        "with tolerances in `../shared/conformance` (tier 1: what most models need; 3: rare).", "",
        "Devices: " + "; ".join(f"`{device['id']}` {device['name']} ({device['driver']})" for device in devices) + ".", "",
        "## Conformance", "",
        "*Natively*: every node ran on the device that was asked for. Integer shape arithmetic and nodes whose output shape",
        "depends on the data stay on the host by rule and do not count against it. On `CPU:0` every node is where it was asked",
        "for; whether a fast kernel or the plain reference loops compute it is in the table below.", "",
        *counts(results, manifest), "",
        "## Operators", "",
        f"{len(built)} operators. *Versions*: the ONNX versions whose behaviour differs and which are handled; a model of any",
        "newer opset uses the latest. *Types*: input types of the cases that have the operator alone. A device column says",
        "`native`, `reference` (plain loops on the host's processor) or `on the host` with the reason that the program gives.", "",
        HEADING + " tier | types in cases | " + " | ".join(ids) + " |",
        "|---|---|---|---|---|" + "---|" * len(ids),
    ]
    for (domain, name), versions in sorted(built.items()):
        cells = [name, domain or "ai.onnx", ", ".join(map(str, versions)),
                 str(tiers.get(name, "-")) if not domain else "-", ", ".join(sorted(types.get(name, ()))) if not domain else ""]
        for device in devices:
            entry = tables[device["id"]].get(name) if not domain else None
            cells.append(entry.text(device["kind"] == "cpu") if entry else "no case")
        lines.append("| " + " | ".join(cells) + " |")
    missing = sorted({name for row in manifest.values() for name in (each.rpartition("-")[0] for each in row["ops"].split())}
                     - {name for domain, name in built if not domain})
    lines += ["", "Operators of the cases that are not in this build: " + (", ".join(missing) if missing else "none") + ".", ""]
    page.write_text("\n".join(lines), encoding="utf-8")


def write_models(page, program, data, devices):
    head = "| model | format | nodes | " + " | ".join(
        f"{device['id']}: cases | natively placed | worst error" for device in devices) + " |"
    lines = ["# Real models", "",
             "Made by `./dev support`; do not edit. Every model of `../shared/conformance/models` with its reference outputs, which",
             "an independent evaluator computed in double precision. *Natively placed*: nodes on the device that was asked for,",
             "shape arithmetic that stays on the host by rule not counted. *Worst error*: largest absolute error of any output.", "",
             head, "|---|---|---|" + "---|---|---|" * len(devices)]
    for model in sorted(data.glob("models/*/*")):
        if model.suffix not in (".onnx", ".keras", ".h5") or not (model.parent / "test_data" / model.stem).is_dir():
            continue
        shown = tandem(program, "inspect", model)
        cells = [f"{model.parent.name}/{model.name}", model.suffix[1:], str(len(shown.get("nodes", [])))]
        for device in devices:
            cells += model_cells(program, model, device["id"])
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "In mixed placements (alternating and 20 random ones, eager and compiled) the same cases run in `./dev test --full`.", ""]
    page.write_text("\n".join(lines), encoding="utf-8")


def model_cells(program, model, device):
    # magika is ill-conditioned: float32 and double differ by 3.4e-3.
    tolerance = ["--atol", "5e-3"] if "magika" in model.name else []
    result = tandem(program, "verify", model.parent, "--device", device, *tolerance)
    if "error" in result:
        return [result["error"]["message"], "-", "-"]
    cases = [case for case in result["cases"] if f"/{model.stem}/" in "/" + case["name"]]
    passed = [case for case in cases if case["status"] == "passed"]
    by_rule = sum(move["reason"] in RULES for case in passed for move in case["moved"])
    nodes = sum(case["nodes"] for case in passed) - by_rule
    native = sum(case["native_nodes"] for case in passed)
    worst = max((case["max_abs_error"] for case in passed), default=0)
    return [f"{len(passed)} of {len(cases)} pass", percent(native, nodes), f"{worst:.1e}" if passed else "-"]


def main(arguments):
    program, repository = arguments[0], pathlib.Path(arguments[2])
    if arguments[1] == "--check":
        return check(program, repository)
    data = pathlib.Path(arguments[1])
    if not (data / "operators" / "manifest.csv").is_file():
        sys.exit(f"no conformance data at {data}")
    devices = devices_of(program)
    results = {}
    for device in devices:
        print(f"operators on {device['id']} ...", flush=True)
        results[device["id"]] = tandem(program, "verify", data / "operators", "--device", device["id"])
    docs = repository / "docs"
    docs.mkdir(parents=True, exist_ok=True)
    write_operators(docs / "operators.md", program, data, devices, results)
    print("models ...", flush=True)
    write_models(docs / "models.md", program, data, devices)
    print(f"wrote {docs / 'operators.md'} and {docs / 'models.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
