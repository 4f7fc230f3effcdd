#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as Markdown, from the raw figures that serving.py keeps. Usage: report.py FIGURES.json"""
import json
import sys

from goals import goals_of, trace_cost
from runs import shares, spread, values

from tables import ENOUGH_FOR_P99, MB, device_tables, milliseconds, number, table


def middle(found, job, key="items_per_s"):
    told = spread(values(found, job, key))
    return told["median"] if told else None


def share(found, job, parts):
    told = spread(shares(found, job, parts))
    return told["median"] if told else None


def several(numbers, form=number):
    return " / ".join(form(each) for each in numbers)


def ranged(told, form="{:.3f}"):
    """A median with the rounds' ends."""
    if told is None:
        return "–"
    median, least, greatest = (form.format(told[key]) for key in ("median", "least", "greatest"))
    return f"{median} ({least} to {greatest})"


def p99(found, job):
    """Where there are enough predictions to have one."""
    count = middle(found, job, "count")
    return middle(found, job, "p99") if count and count >= ENOUGH_FOR_P99 else None


def copies_table(row):
    """Throughput and latency of one model: who loses how much by having company."""
    found, body = row["found"], []
    for each in row["comparisons"]:
        alone, both = each["alone"], each["together"]
        body.append([each["title"], several([middle(found, job) for job in alone], lambda value: number(value, "{:.1f}")),
                     number(middle(found, both), "{:.1f}"), ranged(spread(shares(found, both, alone))),
                     ranged(spread(shares(found, each["processes"], alone))),
                     several([middle(found, job, "p50") for job in alone], milliseconds),
                     milliseconds(middle(found, both, "p50")),
                     several([p99(found, job) for job in alone], milliseconds), milliseconds(p99(found, both))])
    return table(["", "each alone, items/s", "together, items/s", "together / sum of alone", "as two processes / sum of alone",
                  "p50 alone, ms", "p50 together, ms", "p99 alone, ms", "p99 together, ms"], body)


def memory_of(found, each):
    """(bytes with one copy, with two, ms until the first and the second copy can serve)."""
    both = each["together"]
    if each["who"] == "tandem":
        return (middle(found, each["alone"][0], "rss_bytes"), middle(found, both, "rss_bytes"),
                middle(found, each["alone"][0], "start_ms"), middle(found, both, "copy_ms"))
    return tuple(middle(found, both, key) for key in ("rss_one_bytes", "rss_all_bytes", "first_copy_ms", "last_copy_ms"))


def memory_table(row):
    """What a second copy costs."""
    body, megabytes = [], lambda value: number(value / MB if value is not None else None, "{:.0f}")
    for each in row["comparisons"]:
        one, two, first, second = memory_of(row["found"], each)
        more = two - one if one is not None and two is not None else None
        body.append([each["title"], megabytes(one), megabytes(two), megabytes(more), number(first, "{:.0f}"),
                     number(second, "{:.0f}")])
    return table(["", "one copy, resident MB", "two copies, resident MB", "more MB", "first copy, ms", "second copy, ms"], body)


def verdict_table(rows):
    body = []
    for row in rows:
        for each in row["comparisons"]:
            if each["loaded"]:
                take = lambda key: middle(row["found"], each["loaded"], key)
                body.append([row["model"], each["title"].removeprefix("Tandem, "), number(take("alone_items_per_s"), "{:.1f}"),
                             number(take("items_per_s"), "{:.1f}"), number(take("gain")), number(take("bound")),
                             ranged(spread(values(row["found"], each["loaded"], "reached")))])
    return table(["model", "replicas", "sum of each alone, items/s", "together, items/s", "gain over the best alone", "its bound",
                  "reached"], body)


def copies_part(rows):
    parts = ["## Two copies on a core of their own each",
             "Every copy has one request in flight. \"As two processes\" is what the machine itself allows: nothing is shared "
             "but its memory and caches. A copy's time is from the file to its first result; Tandem reads the file once, for all "
             "copies."]
    for row in rows:
        parts += [f"### {row['model']}", copies_table(row), memory_table(row)]
    return [*parts, "### The program's own verdict",
            "Four clients, the default route; each replica alone with the same clients in the same process.", verdict_table(rows)]


def split_part(rows):
    body = []
    for row in rows:
        found, devices = row["found"], row["devices"]
        body.append([row["model"], str(row["batch"]), several([middle(found, each) for each in devices], lambda value:
                                                              number(value, "{:.1f}")),
                     number(middle(found, "split"), "{:.1f}"), ranged(spread(shares(found, "split", devices))),
                     number(middle(found, "split", "share"), "{:.0%}"),
                     several([middle(found, each, "p50") for each in devices], milliseconds),
                     milliseconds(middle(found, "split", "p50"))])
    first, second = rows[0]["devices"]
    return ["## One batch over two devices",
            f"`--route split` over {first} and {second}, one batch in flight. A model `sample:` is the program's own: its batch is "
            "free, where files have it written into a Reshape.",
            table(["model", "batch", "each alone, items/s", "split, items/s", "split / sum of alone", f"items on {first}",
                   "p50 alone, ms", "p50 split, ms"], body)]


def pipeline_part(row):
    cut, found = row["cut"], row["found"]
    first, second = row["devices"]
    head = (f"{row['model']}: nodes 0 to {cut['cut'] - 1} of {cut['nodes']} on {first} ({cut['first_ms']:.1f} ms of "
            f"{cut['whole_ms'][first]:.1f}), the others on {second} ({cut['second_ms']:.1f} ms of {cut['whole_ms'][second]:.1f}), "
            f"by `tandem profile`; halves like these allow {number(row['bound'])} times.")
    return ["## Halves of a model on two devices", head,
            table(["one in flight, items/s", "three in flight, items/s", "gain"],
                  [[number(middle(found, "streams", "one_items_per_s"), "{:.1f}"),
                    number(middle(found, "streams", "many_items_per_s"), "{:.1f}"),
                    ranged(spread(values(found, "streams", "gain")), "{:.2f}")]])]


def trace_part(row):
    found = row["found"]
    size = middle(found, "traced", "trace_bytes")
    return ["## Tracing", f"{row['model']} on {' and '.join(row['devices'])}, four clients, `--trace` on and off in turns.",
            table(["off, items/s", "on, items/s", "costs", "p99 off, ms", "p99 on, ms", "file, MB"],
                  [[number(middle(found, "plain"), "{:.1f}"), number(middle(found, "traced"), "{:.1f}"),
                    ranged(spread(trace_cost(found)), "{:.1%}"), milliseconds(p99(found, "plain")),
                    milliseconds(p99(found, "traced")), number(size / MB if size else None, "{:.1f}")]])]


def soak_part(soak):
    return ["## Memory over time",
            f"`sample:mnist` on CPU:0 and CPU:1, four clients, {soak['seconds']:.0f} s. Growth is between the medians of the first "
            "and the last quarter; logs of the last 262,144 requests, of the run and of each replica, fill in the beginning, so "
            "that what goes on growing shows in the second half.",
            table(["requests", "items/s", "resident at first, MB", "at last, MB", "growth, bytes per minute",
                   "in the second half"],
                  [[f"{soak['requests']:,}", f"{soak['items_per_s']:,.0f}", f"{soak['first_bytes'] / MB:.1f}",
                    f"{soak['last_bytes'] / MB:.1f}", f"{soak['growth_bytes_per_min']:,.0f}",
                    number(soak["late_growth_bytes_per_min"], "{:,.0f}")]])]


def problems(document):
    rows = [*document["copies"], *document["split"], *(document[name] for name in ("pipeline", "trace") if document[name])]
    seen = [f"- {document['titles'].get(job, job)}, {row['model']}: {found['error']}"
            for row in rows for job, found in row["found"].items() if "error" in found]
    seen += [f"- {document['titles'].get(name, name)}: {why}" for name, why in document["missing"].items()]
    return "\n".join(dict.fromkeys([*seen, *(f"- {each}" for each in document["failed"])]))


def differences_line(rows):
    told = [f"{row['model']} {name} {value:.0e}" for row in rows for name, value in row["differences"].items()
            if name != "ort" and isinstance(value, float)]
    return f"Greatest differences from ONNX Runtime's results, as shares of the greatest output: {', '.join(told)}." if told else ""


def render(document):
    parts = [f"# Predicting on several devices at once, {document['date']}"]
    if document["warnings"]:
        parts.append("\n".join(f"> - **{each}**" for each in document["warnings"]))
    goals = [goal.row() for goal in goals_of(document)]
    if goals:
        parts += ["## Goals", table(["goal", "wanted", "median", "rounds", ""], goals)]
    if document["copies"]:
        parts += copies_part(document["copies"])
    if document["split"]:
        parts += split_part(document["split"])
    for name, part in (("pipeline", pipeline_part), ("trace", trace_part)):
        if document[name]:
            parts += part(document[name])
    if document["router"]:
        parts += ["## The router, without a model", device_tables(document["router"])]
    if document["soak"]:
        parts += soak_part(document["soak"])
    parts += ["## How it was measured", document["method"], differences_line(document["copies"]),
              "\n".join(f"- {key}: {value}" for key, value in document["environment"].items())]
    if problems(document):
        parts += ["## Not measured", problems(document)]
    return "\n\n".join(each for each in parts if each) + "\n"


def main():
    with open(sys.argv[1], encoding="utf-8") as figures:
        print(render(json.load(figures)), end="")


if __name__ == "__main__":
    main()
