# SPDX-License-Identifier: GPL-3.0-or-later
"""What bench/gpu/run found, as Markdown."""
import statistics

from tables import device_tables, milliseconds, number, table

LEAST_THROUGHPUT = 0.5  # of PyTorch's, float32, batch 32
GREATEST_LATENCY = 1.0  # of PyTorch eager's, float32, batch 1


def plain_best(row):
    """PyTorch's best throughput in the same arithmetic."""
    return max((each["items_per_s"] for name, each in row["torch"].items() if name != "tf32"), default=None)


def throughput_share(row):
    return row["tandem"]["items_per_s"] / plain_best(row) if "tandem" in row and plain_best(row) else None


def latency_share(row):
    return row["tandem"]["p50"] / row["torch"]["eager"]["p50"] if "tandem" in row and "eager" in row["torch"] else None


def goals(rows):
    """(what, goal, figure, verdict) of both goals for every model."""
    found = []
    for row in rows:
        if row["type"] != "float32" or row["batch"] not in (1, 32):
            continue
        if row["batch"] == 32:
            share, what = throughput_share(row), f"{row['model']}: throughput at batch 32 as a share of PyTorch's"
            verdict, goal = share is not None and share >= LEAST_THROUGHPUT, f"at least {LEAST_THROUGHPUT:g}"
        else:
            share, what = latency_share(row), f"{row['model']}: latency at batch 1 as a share of PyTorch eager's"
            verdict, goal = share is not None and share <= GREATEST_LATENCY, f"at most {GREATEST_LATENCY:g}"
        found.append([what, goal, number(share), "not measured" if share is None else "reached" if verdict else "not reached"])
    return found


def model_tables(found):
    rows, parts = found["rows"], [found["peer"] or found["absent"] or ""]
    body = []
    for row in rows:
        ours, torch = row.get("tandem", {}), row["torch"]
        cell = lambda name, key: torch.get(name, {}).get(key)
        body.append([row["model"], str(row["batch"]), row["type"], milliseconds(ours.get("p50")),
                     *[milliseconds(cell(name, "p50")) for name in ("eager", "channels_last", "tf32")], number(latency_share(row)),
                     number(ours.get("items_per_s"), "{:.1f}"),
                     *[number(cell(name, "items_per_s"), "{:.1f}") for name in ("eager", "channels_last", "tf32")],
                     number(throughput_share(row)), milliseconds(cell("eager", "device_ms"))])
    if body:
        parts.append(table(["model", "batch", "type", "Tandem p50 ms", "PyTorch eager", "channels last", "TF32", "Tandem / eager",
                            "Tandem items/s", "eager", "channels last", "TF32", "Tandem / best without TF32",
                            "eager, device only, ms"], body))
    what = lambda row: f"- {row['model']} batch {row['batch']} {row['type']}"
    lacking = [f"{what(row)}: {row['error']}" for row in rows if "error" in row]
    lacking += [f"{what(row)}, PyTorch {name}: {why}" for row in rows for name, why in row.get("without", {}).items()
                if not found["absent"]]
    compiled = [f"- {each['model']} batch 32 float32 by torch.compile: "
                + (each.get("error") or f"p50 {milliseconds(each['p50'])} ms, {each['items_per_s']:.1f} items/s, measured once")
                for each in found.get("compiled", [])]
    moved = [f"- {row['model']} {row['type']}: {row['summary']}" for row in rows if row["batch"] == 1 and row.get("summary")]
    parts += ["\n".join(each) for each in (compiled, moved, lacking) if each]
    return "\n\n".join(part for part in parts if part)


def split_table(splits):
    known = [each for each in splits if "error" not in each]
    text = table(["model", "p50 ms", "transfers", "kernels", "launch and waiting", "of that between kernels, traced", "launches"],
                 [[each["model"], milliseconds(each["p50"]), milliseconds(each["transfer"]), milliseconds(each["kernels"]),
                   milliseconds(each["launch"]), milliseconds(each["gaps"]), f"{each['launches']:.0f}"] for each in known])
    return "\n".join([text, "", *[f"- {each['model']}: {each['error']}" for each in splits if "error" in each]]).strip()


def conformance_part(found):
    parts = [table(["check", "", "seconds", "last words"],
                   [[each["name"], "passed" if each["passed"] else "FAILED", f"{each['seconds']:g}", each["said"]]
                    for each in found["checks"]])]
    operators = found.get("operators")
    if operators:
        share = operators["native_nodes"] / operators["nodes"] if operators["nodes"] else 0
        parts.append(f"Operator cases: {operators['passed']} passed, {operators['failed']} failed, {operators['unsupported']} "
                     f"unsupported; {share:.1%} of their nodes ran on the device. {operators['left']} were not reached in time.")
        parts.append("\n".join(f"- {each}" for each in operators["wrong"][:50]))
    return "\n\n".join(part for part in parts if part)


def together_part(found):
    middle = {name: statistics.median(values) for name, values in found["items_per_s"].items() if values}
    lines = [table(["replicas", "items/s"], [[name, f"{value:.1f}"] for name, value in middle.items()])]
    if len(middle) == 3:
        alone = middle["device"], middle["cpu"]
        lines.append(f"{found['model']}, batch {found['batch']}, {found['device']} and CPU:0: both do "
                     f"{middle['both'] / max(alone):.2f} times the faster one, {middle['both'] / sum(alone):.2f} of the sum.")
    return "\n\n".join(lines)


def device_part(found, device):
    lines = [f"- {line}" for each in found["drivers"] for line in each.splitlines()]
    for each in found["devices"]:
        lines.append(f"- {each['id']}: {each['name']}, {each['driver']}, {each['compute_units']} units; {each.get('note', '')}")
    probe = next((each.get("probe") for each in found["devices"] if each["id"] == device), None)
    text = "\n".join(lines)
    for figures in (probe, found.get("opencl_bench")):
        text += "\n\n" + device_tables(figures) if figures else ""
    return text


def write_report(figures, file):
    parts = [f"# Tandem on {figures['device']}, {figures['date']}",
             f"`bench/gpu/run` on {figures['system']}, programs from {figures['programs']}. PyTorch's request is Tandem's: "
             "input from host memory, result in host memory; figures are medians of rounds in which everybody ran once."]
    models = figures.get("models")
    if models and goals(models["rows"]):
        parts += ["## Goals", table(["", "goal", "figure", ""], goals(models["rows"]))]
    for title, key, part in [("Device", "devices", lambda found: device_part(found, figures["device"])),
                             ("Conformance", "conformance", conformance_part), ("Models", "models", model_tables),
                             ("CPU and device together", "together", together_part)]:
        if figures.get(key):
            parts += [f"## {title}", part(figures[key])]
    if models and models["splits"]:
        parts += ["## One request's time, batch 1, float32, in ms", split_table(models["splits"])]
    if figures.get("tune"):
        lines = [f"- {model}: {each['said']} ({each['seconds']} s)" for model, each in figures["tune"].items()
                 if model != "skipped"]
        parts += ["## Tuning", "\n".join(lines) or figures["tune"]["skipped"]]
    if figures.get("stages"):
        ended = lambda code: {0: "passed", 124: "its time was over"}.get(code, f"failed with {code}")
        parts += ["## Stages", table(["stage", "", "seconds"], [[name, ended(code), str(seconds)]
                                                                for name, (code, seconds) in figures["stages"].items()])]
    if figures.get("problems"):
        parts += ["## Problems", "\n".join(f"- {stage}: {why}" for stage, why in figures["problems"].items())]
    file.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
