#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bench/models makes of figures: medians, ratios, who is behind, and what is named as missing."""
import argparse
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(sys.argv.pop(1)) / "bench" / "models"))
sys.dont_write_bytecode = True
import tables  # noqa: E402
from compare import choose, options_of  # noqa: E402
from contenders import Failed, Setting, all_contenders, last_line  # noqa: E402
from layers import layer  # noqa: E402
from opencl import OPENCL, device_figures  # noqa: E402
from rounds import agrees, measure_setting, median_of, turns  # noqa: E402


def found(p50, items=1.0, count=1000, p99=None):
    return {"median": {"p50": p50, "p99": p99 or p50, "items_per_s": items, "count": count}}


class Fake:
    """A contender that says how often it was asked."""

    def __init__(self, name, most_rounds=None):
        self.name, self.most_rounds, self.asked = name, most_rounds, 0

    def missing(self):
        return None

    def measure(self, case, setting, cores, seconds, warmup):
        self.asked += seconds > 0.1
        return {"p50": 1.0}


def row(setting, ours, ort, **more):
    return {"model": "m", "batch": 1, "setting": setting, "found": {"tandem": ours, "ort": ort, **more},
            "differences": {"ort": 0.0, "tandem": 1e-6}}


class Models(unittest.TestCase):
    def test_every_contender_starts_a_round_once_and_runs_in_each(self):
        self.assertEqual(list(turns(["a", "b", "c"], 3)), [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]])

    def test_figures_are_medians_of_the_rounds(self):
        self.assertEqual(median_of([{"p50": 3, "note": "x"}, {"p50": 1, "note": "x"}, {"p50": 2, "note": "x"}]), {"p50": 2})

    def test_the_ratio_is_latency_for_one_copy_and_throughput_for_two(self):
        self.assertEqual(tables.ratio(row("1", found(2.0), found(3.0)), "ort"), 1.5)
        self.assertEqual(tables.ratio(row("2x1", found(2.0, items=30), found(9.0, items=20)), "ort"), 1.5)
        self.assertIsNone(tables.ratio(row("1", found(2.0), {"error": "no"}), "ort"))

    def test_the_summary_names_who_is_behind(self):
        rows = [row("1", found(2.0), found(4.0)), row("2", found(4.0), found(2.0))]
        text = tables.summary(rows, ["tandem", "ort"], {"tandem": "Tandem", "ort": "ONNX Runtime"})
        self.assertIn("geometric mean 1.000 over 2 settings; 1 below 1.0: m b1 t2 0.50", text)

    def test_a_p99_of_few_predictions_is_not_shown(self):
        self.assertIsNone(tables.tail(found(1.0, count=99, p99=2.0)))
        self.assertEqual(tables.tail(found(1.0, count=100, p99=2.0)), 2.0)

    def test_two_copies_are_compared_with_one(self):
        rows = [row("1", found(1.0, items=10), found(1.0, items=10)), row("2x1", found(1.0, items=19), found(1.0, items=18))]
        text = tables.replica_table(rows, ["tandem", "ort"], {"tandem": "Tandem", "ort": "ONNX Runtime"})
        self.assertIn("| 19.0 | 18.0 | 1.06 | 1.90 | 1.80 |", text)

    def test_what_was_not_measured_is_named_once_with_its_reason(self):
        rows = [row("1", found(1.0), found(1.0), opencv={"error": "reads no such node"})] * 2
        text = tables.problems({"rows": rows, "titles": {"opencv": "OpenCV DNN"}, "missing": {"pytorch": "not installed"}, "failed": []})
        self.assertEqual(text, "- OpenCV DNN, m batch 1: reads no such node\n- pytorch: not installed")

    def test_runs_one_after_another_become_one_report(self):
        part = lambda name: {"rows": [name], "memory": [], "calls": [name], "layers": [], "failed": [], "missing": {name: "why"},
                             "names": ["tandem", name], "titles": {name: name.upper()}, "date": name}
        whole = tables.joined([part("a"), part("b")])
        self.assertEqual((whole["rows"], whole["calls"], whole["date"]), (["a", "b"], ["a", "b"], "a"))
        self.assertEqual((whole["names"], whole["missing"]), (["tandem", "a", "b"], {"a": "why", "b": "why"}))

    def test_results_that_differ_or_are_unknown_do_not_agree(self):
        for difference, fine in [(1e-5, True), (1e-2, False), (float("nan"), False), (float("inf"), False), ("failed", False)]:
            self.assertEqual(agrees(difference, 1e-3), fine)

    def test_a_setting_takes_processors_of_its_own_for_each_copy(self):
        self.assertEqual(Setting.parse("2x1").cores([4, 5, 6]), [[4], [5]])
        self.assertEqual(Setting.parse("2").cores([4, 5, 6]), [[4, 5]])
        self.assertIsNone(Setting.parse("2x2").cores([4, 5, 6]))
        self.assertEqual([str(Setting.parse(text)) for text in ("1", "2", "2x1")], ["1", "2", "2x1"])

    def test_a_layer_is_set_against_the_measured_limits_and_what_is_not_known_counts_nothing(self):
        timed = {"name": "c", "op": "Conv", "nodes": [0, 1], "kernel": "k", "median_ms": 1.0, "flops": 1e8,
                 "gflop_per_s": 100.0, "gb_per_s": 5.0}
        row = layer(timed, {"gflops": 200, "memory_gb_per_s": 10})
        self.assertEqual((row["op"], row["ms"], row["gflops"], row["compute"], row["memory"]), ("Conv +1", 1.0, 100.0, 0.5, 0.5))
        bare = layer({"name": "i", "op": "If", "nodes": [2], "kernel": "k", "median_ms": 1.0}, {"gflops": 1, "memory_gb_per_s": 1})
        self.assertEqual((bare["op"], bare["flops"], bare["compute"], bare["memory"]), ("If", 0, 0, 0))

    def test_a_complaint_is_the_last_line_that_speaks_of_an_error(self):
        self.assertEqual(last_line("loading\nE: failed to read\n>\n"), "E: failed to read")
        self.assertEqual(last_line("one\ntwo\n"), "two")
        self.assertEqual(last_line("\n"), "it said nothing")

    def test_options_that_mean_nothing_are_refused(self):
        for words in (["--batch", "x"], ["--batch", "0"], ["--threads", "2x"], ["--tables", "chairs"], ["--rounds", "0"]):
            with self.assertRaises(SystemExit) as refused, contextlib.redirect_stderr(io.StringIO()):
                options_of(["tandem", *words])
            self.assertEqual(refused.exception.code, 2, words)

    def test_options_default_to_a_short_run(self):
        options = options_of(["tandem"])
        self.assertEqual((options.batch, [str(each) for each in options.threads], options.peers), ([1], ["1"], ["ort", "openvino"]))

    def test_a_slow_peer_runs_in_no_more_rounds_than_it_needs(self):
        contenders = [Fake("opencl"), Fake("ort"), Fake("opencv_opencl", most_rounds=1)]
        options = argparse.Namespace(rounds=3, seconds=0.5, warmup=0)
        found = measure_setting(contenders, None, None, None, options)
        self.assertEqual([each.asked for each in contenders], [3, 3, 1])
        self.assertEqual([len(found[each.name]["rounds"]) for each in contenders], [3, 3, 1])

    def test_the_opencl_comparison_puts_its_own_first_and_refuses_to_run_without_it(self):
        everybody = {name: Fake(name) for name in ("tandem", "ort", "opencl", "opencv_opencl")}
        present, missing = choose(everybody, ["opencv_opencl", "tandem"], "opencl")
        self.assertEqual(([each.name for each in present], missing), (["opencl", "ort", "opencv_opencl", "tandem"], {}))
        everybody["opencl"].missing = lambda: "this machine has no GPU:0"
        with self.assertRaisesRegex(SystemExit, "no GPU:0"):
            choose(everybody, ["tandem"], "opencl")

    def test_opencv_is_told_the_device_that_tandem_uses(self):
        for device, told in [("OPENCL-CPU:{}", ":CPU:"), ("GPU:0", ":GPU:0"), ("GPU:1", ":GPU:1")]:
            self.assertEqual(all_contenders("tandem", device)["opencv_opencl"].job["opencl"], told)
            self.assertEqual(all_contenders("tandem", device)["opencl"].device, device)

    def test_goals_are_reached_missed_or_not_measured(self):
        measured = {"opencl": found(4.0), "ort": found(3.0), "opencv_opencl": found(90.0)}
        rows = [{**row("1", found(9.0), found(2.0)), "found": measured}]
        document = {"rows": rows, "names": ["opencl", "ort", "opencv_opencl"], "titles": {"ort": "ONNX Runtime"},
                    "goals": [("ort", None, 0.8), ("ort", "resnet50", 0.9), ("opencv_opencl", "m", 20)]}
        text = tables.goal_table(document)
        self.assertIn("| ONNX Runtime | 0.8 | 0.75 | 1 | not reached |", text)
        self.assertIn("| ONNX Runtime, resnet50 | 0.9 | – | 0 | not measured |", text)
        self.assertIn("| opencv_opencl, m | 20 | 22.50 | 1 | reached |", text)

    def test_whatever_the_device_bench_says_is_shown(self):
        text = tables.device_tables({"launch_overhead": {"us": 2.5}, "device": "d",
                                     "transfers": [{"bytes": 8, "gb_per_s": 1.25}, {"bytes": 9, "note": "none"}]})
        self.assertIn("| launch_overhead.us | 2.5 |", text)
        self.assertIn("| device | d |", text)
        self.assertIn("| bytes | gb_per_s | note |\n|---|---|---|\n| 8 | 1.25 | – |\n| 9 | – | none |", text)

    def test_a_device_bench_that_is_absent_or_fails_is_named(self):
        options = argparse.Namespace(device="OPENCL-CPU:{}")
        with tempfile.TemporaryDirectory() as folder:
            bench = pathlib.Path(folder) / "opencl_bench"
            with self.assertRaisesRegex(Failed, "is not built"):
                device_figures(f"{folder}/tandem", options)
            bench.write_text("#!/bin/sh\necho error: no $2 >&2; exit 4\n", encoding="utf-8")
            bench.chmod(0o755)
            with self.assertRaisesRegex(Failed, "error: no OPENCL-CPU:0"):
                device_figures(f"{folder}/tandem", options)
            bench.write_text('#!/bin/sh\necho \'{"gemm_1024": 3}\'\n', encoding="utf-8")
            self.assertEqual(device_figures(f"{folder}/tandem", options), {"gemm_1024": 3})

    def test_the_opencl_comparison_has_tables_of_its_own(self):
        options = options_of(["tandem"], OPENCL)
        self.assertEqual((options.peers, options.tables), (["ort", "opencv_opencl", "tandem"], ["models", "device"]))
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            options_of(["tandem", "--tables", "device"])


if __name__ == "__main__":
    unittest.main()
