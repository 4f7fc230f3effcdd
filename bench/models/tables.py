#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as Markdown, from the raw figures that compare.py keeps. Usage: tables.py FIGURES.json...; several files, of
runs one after another on one machine with the same contenders, become one report."""
import json
import math
import statistics
import sys

ENOUGH_FOR_P99 = 100
MB = 1e6


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def figure(found, key):
    return found.get("median", {}).get(key) if found else None


def ratio(row, name, first="tandem"):
    """How much more the first contender does than `name`: latency of one copy, throughput of several."""
    ours, theirs = row["found"].get(first), row["found"].get(name)
    if "x" in row["setting"]:
        a, b = figure(ours, "items_per_s"), figure(theirs, "items_per_s")
    else:
        a, b = figure(theirs, "p50"), figure(ours, "p50")
    return a / b if a and b else None


def number(value, form="{:.2f}"):
    return "–" if value is None else form.format(value)


def milliseconds(value):
    digits = 0 if value is None or value >= 100 else 3 if value < 1 else 2
    return number(value, f"{{:.{digits}f}}")


def tail(found):
    """p99 / p50, where the rounds are long enough to have a p99."""
    if figure(found, "p50") and found["median"]["count"] >= ENOUGH_FOR_P99:
        return found["median"]["p99"] / found["median"]["p50"]
    return None


def worst_difference(row):
    known = {name: value for name, value in row["differences"].items() if name != "ort" and isinstance(value, float)}
    name = max(known, key=known.get, default=None)
    return f"{known[name]:.0e} ({name})" if name else "–"


def latency_table(rows, names, titles):
    ours, *others = names
    head = ["model", "batch", "threads", *[titles[name] for name in names],
            *[f"{titles[name]} / {titles[ours]}" for name in others], f"p99/p50 {titles[ours]}", "p99/p50 ONNX Runtime",
            "worst difference"]
    body = []
    for row in rows:
        body.append([row["model"], str(row["batch"]), row["setting"],
                     *[milliseconds(figure(row["found"].get(name), "p50")) for name in names],
                     *[number(ratio(row, name, ours)) for name in others],
                     number(tail(row["found"].get(ours))), number(tail(row["found"].get("ort"))), worst_difference(row)])
    return table(head, body)


def replica_table(rows, names, titles):
    """Throughput of several copies, and against one copy of the same threads where that was measured, too."""
    single = {(row["model"], row["batch"], row["setting"]): row for row in rows}
    body = []
    for row in rows:
        if "x" not in row["setting"]:
            continue
        one = single.get((row["model"], row["batch"], row["setting"].split("x")[1]))
        gain = lambda name: (figure(row["found"].get(name), "items_per_s") / figure(one["found"].get(name), "items_per_s")
                             if one and figure(row["found"].get(name), "items_per_s")
                             and figure(one["found"].get(name), "items_per_s") else None)
        body.append([row["model"], str(row["batch"]), row["setting"],
                     *[number(figure(row["found"].get(name), "items_per_s"), "{:.1f}") for name in names],
                     *[number(ratio(row, name, names[0])) for name in names[1:]], number(gain(names[0])), number(gain("ort"))])
    head = ["model", "batch", "copies", *[f"{titles[name]}, items/s" for name in names],
            *[f"{titles[names[0]]} / {titles[name]}" for name in names[1:]], f"two over one, {titles[names[0]]}",
            "two over one, ONNX Runtime"]
    return table(head, body) if body else ""


def summary(rows, names, titles):
    lines = []
    for name in names[1:]:
        known = [(ratio(row, name, names[0]), row) for row in rows if ratio(row, name, names[0])]
        if not known:
            continue
        behind = sorted(((value, row) for value, row in known if value < 1), key=lambda each: each[0])
        told = ", ".join(f"{row['model']} b{row['batch']} t{row['setting']} {value:.2f}" for value, row in behind)
        lines.append(f"- {titles[name]}: geometric mean {geometric_mean([value for value, _ in known]):.3f} over {len(known)} "
                     f"settings; {len(behind)} below 1.0{': ' + told if told else ''}")
    for name in (names[0], "ort"):
        tails = [tail(row["found"].get(name)) for row in rows if row["found"].get(name) and tail(row["found"].get(name))]
        if tails:
            lines.append(f"- p99/p50 of {titles[name]}: median {statistics.median(tails):.2f}, worst {max(tails):.2f} over "
                         f"{len(tails)} settings with at least {ENOUGH_FOR_P99} predictions per round")
    return "\n".join(lines)


def goal_table(document):
    """What was to be reached, and whether it was: geometric means over the settings that have both."""
    rows, ours = document["rows"], document["names"][0]
    body = []
    for name, model, least in document.get("goals", []):
        known = [ratio(row, name, ours) for row in rows if model in (None, row["model"]) and ratio(row, name, ours)]
        mean = geometric_mean(known) if known else None
        body.append([f"{document['titles'].get(name, name)}{f', {model}' if model else ''}", f"{least:g}", number(mean),
                     str(len(known)), "not measured" if mean is None else "reached" if mean >= least else "not reached"])
    return table(["times as fast as", "at least", "geometric mean", "settings", ""], body) if body else ""


def flat(value, path=""):
    """A JSON value as (path, number or text) pairs; lists of objects are left to tables of their own."""
    if isinstance(value, dict):
        return [pair for key, each in value.items() for pair in flat(each, f"{path}.{key}" if path else key)]
    return [] if isinstance(value, list) else [(path, f"{value:.4g}" if isinstance(value, float) else str(value))]


def device_tables(figures):
    """What opencl_bench says of the device, whatever its keys are."""
    single = flat({key: each for key, each in figures.items() if not isinstance(each, list)})
    parts = [table(["figure", ""], [[key, value] for key, value in single])] if single else []
    for key, rows in figures.items():
        if not isinstance(rows, list) or not rows:
            continue
        cells = [dict(flat(row if isinstance(row, dict) else {"value": row})) for row in rows]
        head = list(dict.fromkeys(name for row in cells for name in row))
        parts += [f"`{key}`", table(head, [[row.get(name, "–") for name in head] for row in cells])]
    return "\n\n".join(parts)


def problems(document):
    seen = []
    for row in document["rows"]:
        for name, found in row["found"].items():
            if "error" in found:
                seen.append(f"- {document['titles'].get(name, name)}, {row['model']} batch {row['batch']}: {found['error']}")
    seen += [f"- {document['titles'].get(name, name)}: {why}" for name, why in document["missing"].items()]
    seen += [f"- {each}" for each in document["failed"]]
    return "\n".join(dict.fromkeys(seen))


def memory_tables(rows):
    head = ["model", "file MB", "Tandem C++ API, peak MB", "ONNX Runtime C API, peak MB", "share", "tandem predict, peak MB",
            "Tandem C++ API, first ms", "ONNX Runtime C API, first ms", "share", "tandem predict, whole ms"]
    body = []
    for row in rows:
        ours, ort, program = row["tandem"], row["ort"], row["predict"]
        size = lambda each: f"{each['peak_rss_bytes'] / MB:.0f}"
        body.append([row["model"], f"{row['file_bytes'] / MB:.0f}", size(ours), size(ort),
                     f"{ours['peak_rss_bytes'] / ort['peak_rss_bytes']:.2f}", size(program), f"{ours['first_ms']:.0f}",
                     f"{ort['first_ms']:.0f}", f"{ours['first_ms'] / ort['first_ms']:.2f}", f"{program['first_ms']:.0f}"])
    text = table(head, body)
    pairs = [(row["model"], *row["replicas"]) for row in rows if "replicas" in row]
    if pairs:
        text += "\n\n" + table(
            ["model", "one copy, resident MB", "two copies, resident MB", "more MB", "of that planned activations MB"],
            [[name, f"{one['rss_bytes'] / MB:.0f}", f"{two['rss_bytes'] / MB:.0f}",
              f"{(two['rss_bytes'] - one['rss_bytes']) / MB:.0f}",
              f"{(two['activations_bytes'] - one['activations_bytes']) / MB:.1f}"] for name, one, two in pairs])
    return text


def call_table(rows):
    head = ["model", "Tandem p50 us", "p99 us", "ONNX Runtime p50 us", "p99 us", "ONNX Runtime / Tandem", "steps",
            "outside kernels, us per step"]
    body = []
    for row in rows:
        ours, ort = row["tandem"], row["ort"]
        outside = (ours["p50_us"] - ours["kernel_us"]) / ours["steps"] if ours.get("steps") else None
        body.append([row["model"] + (" (Tandem eager)" if row["eager"] else ""), f"{ours['p50_us']:.2f}", f"{ours['p99_us']:.2f}",
                     f"{ort['p50_us']:.2f}", f"{ort['p99_us']:.2f}", f"{ort['p50_us'] / ours['p50_us']:.2f}",
                     f"{ours.get('steps', 0):.0f}", number(outside, "{:.3f}")])
    return table(head, body)


def layer_tables(models):
    parts = []
    for model in models:
        limits = model["limits"]
        parts.append(f"{model['model']}: {model['ms']:.2f} ms, {model['gflops']:.0f} GFLOP/s of {limits['gflops']:.0f} measured, "
                     f"{model['gflops'] / limits['gflops']:.0%}. FLOPs are those of direct convolution; memory is the least that must "
                     f"move, of {limits['memory_gb_per_s']:.0f} GB/s measured: what lies in a cache may be above 100 %.")
        parts.append(table(["layer", "operator", "kernel", "ms", "GFLOP/s", "of peak", "of memory rate"],
                           [[each["name"], each["op"], each["kernel"], f"{each['ms']:.3f}", f"{each['gflops']:.0f}",
                             f"{each['compute']:.0%}", f"{each['memory']:.0%}"] for each in model["layers"]]))
    return "\n\n".join(parts)


def render(document):
    rows, titles, names = document["rows"], document["titles"], document["names"]
    parts = [f"# {document.get('title', 'Whole models against their peers')}, {document['date']}", document["method"],
             "\n".join(f"- {key}: {value}" for key, value in document["environment"].items())]
    latencies = [row for row in rows if "x" not in row["setting"]]
    if latencies:
        parts += ["## Latency: p50 in ms of one request in flight", latency_table(latencies, names, titles)]
    copies = replica_table(rows, names, titles)
    if copies:
        parts += ["## Throughput of several copies", copies]
    if rows:
        parts += [f"## In short (above 1.0: {titles[names[0]]} is faster)", summary(rows, names, titles)]
    if goal_table(document):
        parts += ["## Goals", goal_table(document)]
    if document.get("device"):
        parts += ["## The device, without a model", device_tables(document["device"])]
    if document["memory"]:
        parts += ["## Memory, and time until the first result in a fresh process", memory_tables(document["memory"])]
    if document["calls"]:
        parts += ["## Time per call of small models, in the C and C++ APIs, one thread", call_table(document["calls"])]
    if document["layers"]:
        parts += ["## Share of peak, layer by layer, one thread", layer_tables(document["layers"])]
    if problems(document):
        parts += ["## Not measured", problems(document)]
    return "\n\n".join(parts) + "\n"


def joined(documents):
    """The first one with what the others measured."""
    whole = dict(documents[0])
    for each in documents[1:]:
        for key in ("rows", "memory", "calls", "layers", "failed"):
            whole[key] = whole[key] + each[key]
        whole["missing"] = {**whole["missing"], **each["missing"]}
        whole["names"] = list(dict.fromkeys(whole["names"] + each["names"]))
        whole["titles"] = {**whole["titles"], **each["titles"]}
    return whole


def main():
    documents = []
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as figures:
            documents.append(json.load(figures))
    print(render(joined(documents)), end="")


if __name__ == "__main__":
    main()
