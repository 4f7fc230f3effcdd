#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bench/serving makes of figures: ratios within a round, the balanced cut, growth, goals, and the report."""
import argparse
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1))
sys.path.insert(0, str(ROOT / "bench" / "serving"))
sys.dont_write_bytecode = True
import runs  # noqa: E402, which finds bench/models and bench/peers
from contenders import Failed, Tandem  # noqa: E402
from copies import one_process, pairs_of, peer_jobs, start_ms, tandem_jobs  # noqa: E402
from costs import growth, late_growth, router_figures  # noqa: E402
from goals import Goal, goals_of, trace_cost  # noqa: E402
from machine import between, others, ticks, warnings  # noqa: E402
from measure import figures  # noqa: E402
from pipelines import balanced_cut, parts_of, placement  # noqa: E402
from report import copies_table, memory_table, problems, render  # noqa: E402
from serving import contenders_of, least_minutes, options_of  # noqa: E402
from splits import speed, split_model  # noqa: E402


def rounds(*items_per_s, **more):
    return {"rounds": [{"items_per_s": each, "p50": 2.0, "p99": 3.0, "count": 500, **more} for each in items_per_s]}


def comparison(who="tandem"):
    return {"who": who, "title": "Tandem, CPU:0 and CPU:1", "alone": ["a", "b"], "together": "both", "processes": "two",
            "loaded": "load" if who == "tandem" else None}


def copies_row():
    return {"model": "m", "seconds": 1.0, "differences": {"ort": 0.0, "tandem": 1e-6}, "comparisons": [comparison()],
            "found": {"a": rounds(100, 50, rss_bytes=50e6, start_ms=20), "b": rounds(100, 50),
                      "both": rounds(196, 90, rss_bytes=57e6, copy_ms=9), "two": {"rounds": [], "error": "no core"},
                      "load": rounds(190, 190, reached=0.95, gain=1.9, bound=2.0, alone_items_per_s=200)}}


def empty(**more):
    return {"date": "today", "method": "how", "environment": {"machine": "x"}, "asked": [], "warnings": [], "titles": {},
            "missing": {}, "failed": [], "copies": [], "split": [], "pipeline": None, "trace": None, "router": None,
            "soak": None, **more}


class Ratios(unittest.TestCase):
    def test_a_ratio_is_taken_between_what_ran_in_the_same_round(self):
        found = copies_row()["found"]
        self.assertEqual(runs.shares(found, "both", ["a", "b"]), [0.98, 0.9])
        told = runs.spread(runs.shares(found, "both", ["a", "b"]))
        self.assertEqual((round(told["median"], 6), told["least"], told["greatest"]), (0.94, 0.9, 0.98))

    def test_what_failed_has_no_ratio(self):
        found = copies_row()["found"]
        self.assertEqual(runs.shares(found, "two", ["a", "b"]), [])
        self.assertEqual(runs.shares(found, "nobody", ["a"]), [])
        self.assertIsNone(runs.spread([]))

    def test_a_verdict_in_which_a_replica_did_nothing_alone_is_refused(self):
        part = lambda name, rate: {"name": name, "alone_items_per_s": rate}
        verdict = {"parts": [part("x", 3.0), part("y", 5.0)], "reached": 0.9, "gain": 1.4, "bound": 1.6}
        self.assertEqual(runs.verdict_of({"verdict": verdict})["alone_items_per_s"], 8.0)
        verdict["parts"][1]["alone_items_per_s"] = 0.0
        with self.assertRaisesRegex(Failed, "y finished a request alone"):
            runs.verdict_of({"verdict": verdict})
        with self.assertRaises(Failed):
            runs.verdict_of({})

    def test_a_run_with_failed_requests_or_none_is_no_measurement(self):
        with self.assertRaisesRegex(Failed, "2 of 12 requests failed"):
            runs.checked({"failed": 2, "requests": 10})
        with self.assertRaises(Failed):
            runs.checked({"failed": 0, "requests": 0})

    def test_the_speed_of_batches_comes_from_their_latency_not_from_how_many_ended_in_the_window(self):
        report = {"latency_ms": {"count": 3, "p50": 40.0, "p99": 40.0, "mean": 50.0}, "items_per_s": 7.0}
        self.assertEqual(speed(report, 16)["items_per_s"], 320.0)

    def test_percentiles_of_a_peer_are_of_all_its_predictions(self):
        self.assertEqual(figures([3.0, 1.0, 2.0, 4.0], 8.0),
                         {"count": 4, "p50": 3.0, "p99": 4.0, "mean": 2.5, "min": 1.0, "items_per_s": 8.0})


class Jobs(unittest.TestCase):
    sitting = runs.Sitting("tandem", (4, 7), argparse.Namespace(warmup=0.3))

    def test_a_device_alone_is_the_first_one_of_a_process_on_its_own_processor(self):
        self.assertEqual(self.sitting.alone("OPENCL-CPU:1"), ("OPENCL-CPU:0,threads=1", 7))
        command, cpus = self.sitting.command("m", ["OPENCL-CPU:0,threads=1"], "--scenario", "single-stream", only=7, seconds=2)
        self.assertEqual((command[command.index("--cores") + 1], cpus), ("7", {7}))
        command, cpus = self.sitting.command("m", ["CPU:0", "CPU:1"], seconds=2)
        self.assertEqual((command[command.index("--cores") + 1], cpus, command.count("--replica")), ("4;7", {4, 7}, 2))

    def test_without_opencl_only_the_two_native_copies_are_compared(self):
        self.assertEqual(pairs_of(self.sitting), [("CPU:0", "CPU:1"), ("CPU:0", "OPENCL-CPU:1")])
        self.assertEqual(pairs_of(runs.Sitting("tandem", (0, 1), None, "CPU:1")), [("CPU:0", "CPU:1")])

    def test_every_job_of_a_comparison_is_there_once(self):
        jobs, told = tandem_jobs(None, pairs_of(self.sitting))
        names = [job.name for job in jobs]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(len(names), 3 + 2 * 3)
        for each in told:
            self.assertLessEqual({*each["alone"], each["together"], each["processes"], each["loaded"]}, set(names))

    def test_a_peer_is_pinned_alone_together_and_as_two_processes(self):
        asked = []

        class Peer:
            name, title, most_rounds, script = "p", "P", None, "measure.py"

            def measure(self, case, setting, cores, seconds, warmup):
                asked.append((self.script, str(setting), cores))

        jobs, told = peer_jobs(Peer(), None, [4, 7], 1.0, 0.1)
        for job in jobs:
            job.measure()
        self.assertEqual(asked, [("measure.py", "1", [[4]]), ("measure.py", "1", [[7]]), ("together.py", "2x1", [[[4], [7]]]),
                                 ("measure.py", "2x1", [[4], [7]])])
        self.assertEqual([told["together"], told["processes"], told["loaded"]], ["p, together", "p, processes", None])

    def test_a_start_counts_every_replica_but_not_the_warm_up_of_the_load(self):
        replica = {"cost": {"warmup_ms": 4.0}}
        self.assertEqual(start_ms({"startup_ms": {"load": 10.0, "compile": 20.0, "warmup": 500.0}, "replicas": [replica] * 2}), 38)

    def test_a_program_that_fails_says_why(self):
        with self.assertRaisesRegex(Failed, "error: no model"):
            Tandem.call(["sh", "-c", "echo error: no model >&2; exit 3"], {0})
        self.assertEqual(Tandem.call(["echo", '{"a": 1}'], {0}), {"a": 1})


class Cut(unittest.TestCase):
    def test_the_cut_makes_the_slower_half_as_fast_as_possible(self):
        first = [([0], 4.0), ([1], 2.0), ([2], 2.0), ([3], 4.0)]
        second = [([0], 1.0), ([1], 1.0), ([2], 1.0), ([3], 6.0)]
        # Cuts after 0, 1, 2: max(4, 8), max(6, 7), max(8, 6).
        self.assertEqual(balanced_cut(4, first, second), {"cut": 2, "first_ms": 6.0, "second_ms": 7.0})

    def test_what_runs_together_on_either_device_is_not_torn_apart(self):
        first = [([0, 1], 5.0), ([2], 1.0), ([3], 1.0)]
        second = [([0], 1.0), ([1, 3], 1.0), ([2], 1.0)]
        self.assertIsNone(balanced_cut(4, first, second))
        second = [([0], 1.0), ([1], 1.0), ([2, 3], 3.0)]
        self.assertEqual(balanced_cut(4, first, second), {"cut": 2, "first_ms": 5.0, "second_ms": 3.0})

    def test_the_placement_names_the_model_and_puts_the_rest_on_the_second_device(self):
        inspected = {"model": "m.onnx", "sha256": "ab", "nodes": [{"name": each} for each in "xyz"]}
        made = placement(inspected, 1, ("CPU:0", "GPU:0"))
        self.assertEqual((made["format"], made["version"], made["default"], made["nodes"]),
                         ("tandem-placement", 1, "CPU:0", {"y": "GPU:0", "z": "GPU:0"}))
        self.assertEqual(made["model"], {"name": "m.onnx", "sha256": "ab", "nodes": 3})

    def test_each_device_has_its_own_layers_in_the_profile(self):
        timed = [{"nodes": [0], "median_ms": 1.0, "device": "a"}, {"nodes": [0], "median_ms": 2.0, "device": "b"}]
        self.assertEqual(parts_of({"times": timed}, "b"), [([0], 2.0)])


class Growth(unittest.TestCase):
    def test_growth_is_between_the_middles_of_the_first_and_the_last_quarter(self):
        # 100 bytes per second throughout, and then with a peak in the middle, which says nothing.
        samples = [(at, 1000 + 100 * at) for at in range(61)]
        self.assertAlmostEqual(growth(samples), 6000)
        flat = [(at, 5000 if 20 < at < 40 else 1000) for at in range(61)]
        self.assertEqual(growth(flat), 0)
        filling = [(at, min(1000 + 500 * at, 3000)) for at in range(61)]
        self.assertEqual(growth(filling), 0)

    def test_what_fills_in_the_beginning_is_no_growth_of_the_second_half(self):
        slow = [(at, min(1000 + 100 * at, 3000)) for at in range(61)]
        self.assertGreater(growth(slow), 0)
        self.assertEqual(late_growth(slow), 0)
        self.assertIsNone(late_growth(slow[:14]))

    def test_a_batch_is_split_of_the_programs_own_model_where_it_has_one(self):
        case = argparse.Namespace(model="resnet50", file="f.onnx", folder=pathlib.Path("x"))
        self.assertEqual(split_model(["mnist", "resnet50"], case), ("sample:resnet50", []))
        self.assertEqual(split_model(["mnist"], case), ("f.onnx", ["--input", pathlib.Path("x/inputs.npz"), "--no-state"]))

    def test_a_few_samples_say_nothing_of_growth(self):
        with self.assertRaisesRegex(Failed, "more seconds"):
            growth([(0, 1), (1, 2)])

    def test_a_router_bench_that_is_absent_or_fails_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            bench = pathlib.Path(folder) / "serving_bench"
            with self.assertRaisesRegex(Failed, "serving_bench is not built: cmake"):
                router_figures(f"{folder}/tandem")
            bench.write_text("#!/bin/sh\necho error: no core >&2; exit 4\n", encoding="utf-8")
            bench.chmod(0o755)
            with self.assertRaisesRegex(Failed, "error: no core"):
                router_figures(f"{folder}/tandem")
            bench.write_text('#!/bin/sh\necho \'{"rate": {"per_s": 3}}\'\n', encoding="utf-8")
            self.assertEqual(router_figures(f"{folder}/tandem"), {"rate": {"per_s": 3}})


class Busy(unittest.TestCase):
    def test_idle_and_waiting_are_not_busy_and_what_the_host_took_is_told_apart(self):
        before, after = ticks("cpu 0 0 0 0 0 0 0 0 0 0\n"), ticks("cpu 10 5 15 40 10 5 5 10 0 0\ncpu0 1 1\n")
        self.assertEqual(between(before, after), {"busy": 0.4, "stolen": 0.1})

    def test_what_the_benchmark_used_itself_is_not_others_work(self):
        before = {"busy": 100, "stolen": 0, "all": 1000, "own": 50.0}
        after = {"busy": 900, "stolen": 20, "all": 2000, "own": 650.0}
        self.assertEqual(others(before, after), {"busy": 0.2, "stolen": 0.02})
        self.assertEqual(others(before, {**after, "own": 2000.0})["busy"], 0)

    def test_a_quiet_machine_has_no_warning_and_a_busy_one_says_when(self):
        quiet, busy = {"busy": 0.01, "stolen": 0.0}, {"busy": 0.5, "stolen": 0.02}
        self.assertEqual(warnings(quiet, quiet, quiet, False), [])
        told = warnings(quiet, busy, quiet, True)
        self.assertEqual(len(told), 3)
        self.assertIn("50% of the processors during the run", told[0])
        self.assertIn("2.0%", told[1])


class Goals(unittest.TestCase):
    def test_goals_are_met_missed_or_not_measured(self):
        verdict = lambda wanted, least, value: Goal("g", wanted, least, runs.spread(value)).verdict
        self.assertEqual(verdict(0.97, True, [0.96, 0.97, 0.99]), "met")
        self.assertEqual(verdict(0.97, True, [0.96]), "not met")
        self.assertEqual(verdict(5, False, [4.9]), "met")
        self.assertEqual(verdict(5, False, [5.1]), "not met")
        self.assertEqual(verdict(5, False, []), "not measured")
        self.assertEqual(verdict(None, False, [5]), "–")

    def test_the_goals_of_all_tables_are_judged_from_their_rounds(self):
        split = {"model": "m", "batch": 16, "devices": ["CPU:0", "X:1"], "seconds": 1,
                 "found": {"CPU:0": rounds(60), "X:1": rounds(40), "split": rounds(91, share=0.6)}}
        trace = {"model": "m", "devices": ["CPU:0", "X:1"], "seconds": 1,
                 "found": {"plain": rounds(100, 100), "traced": rounds(98, 96, trace_bytes=1e6)}}
        document = empty(copies=[copies_row()], split=[split], pipeline={"found": {"streams": {"rounds": [{"gain": 1.85}]}}},
                         trace=trace, router={"path_one_core": {"p99_us": 4.0}, "rate": {"per_s": 1e5}},
                         asked=["copies", "split", "pipeline", "trace", "router"])
        told = [(goal.name, goal.verdict) for goal in goals_of(document)]
        self.assertEqual([each for _, each in told], ["not met", "not met", "met", "met", "not met", "met", "not met", "not measured"])
        self.assertEqual(told[0][0], "m, CPU:0 and CPU:1 together / sum of each alone, processes of their own")
        self.assertAlmostEqual(runs.spread(trace_cost(trace["found"]))["median"], 0.03)

    def test_a_table_that_was_asked_for_and_not_made_is_a_goal_that_was_not_measured(self):
        told = goals_of(empty(asked=["pipeline", "router", "soak", "trace"]))
        self.assertEqual({goal.verdict for goal in told}, {"not measured"})
        self.assertEqual(len(told), 7)
        self.assertEqual(goals_of(empty()), [])


class Report(unittest.TestCase):
    def test_a_row_says_each_alone_together_and_the_ratio_with_its_ends(self):
        text = copies_table(copies_row())
        self.assertIn("| 75.0 / 75.0 | 143.0 | 0.940 (0.900 to 0.980) | – | 2.00 / 2.00 | 2.00 | 3.00 / 3.00 | 3.00 |", text)

    def test_a_p99_of_few_predictions_is_not_shown(self):
        row = copies_row()
        row["found"]["both"] = rounds(196, count=99)
        self.assertTrue(copies_table(row).endswith("| 3.00 / 3.00 | – |"))

    def test_a_second_copy_costs_what_the_process_grew_by(self):
        self.assertIn("| 50 | 57 | 7 | 20 | 9 |", memory_table(copies_row()))
        row = copies_row()
        row["comparisons"] = [comparison("ort")]
        row["found"]["both"] = rounds(1, rss_one_bytes=80e6, rss_all_bytes=110e6, first_copy_ms=30, last_copy_ms=20)
        self.assertIn("| 80 | 110 | 30 | 30 | 20 |", memory_table(row))

    def test_the_report_begins_with_warnings_and_goals_and_ends_with_what_is_missing(self):
        text = render(empty(copies=[copies_row()], asked=["copies"], warnings=["busy"], missing={"tensorflow": "not installed"},
                            titles={"tensorflow": "TensorFlow"}))
        order = [text.index(each) for each in ("# Predicting", "> - **busy**", "## Goals", "## Two copies", "### m", "## How it",
                                               "## Not measured", "- TensorFlow: not installed")]
        self.assertEqual(order, sorted(order))
        self.assertIn("0.9400 | 0.9000 to 0.9800 | not met |", text)

    def test_what_failed_is_named_once(self):
        row = copies_row()
        self.assertEqual(problems(empty(copies=[row, row], failed=["split: no"])), "- two, m: no core\n- split: no")

    def test_a_report_of_nothing_still_says_how(self):
        self.assertEqual(render(empty()), "# Predicting on several devices at once, today\n\n## How it was measured\n\nhow\n\n"
                         "- machine: x\n")


class Options(unittest.TestCase):
    def test_options_that_mean_nothing_are_refused(self):
        for words in (["--batch", "x"], ["--batch", "1"], ["--tables", "chairs"], ["--rounds", "0"], ["--soak", "0"],
                      ["--seconds", "0"], ["--models", ""]):
            with self.assertRaises(SystemExit) as refused, contextlib.redirect_stderr(io.StringIO()):
                options_of(["tandem", *words])
            self.assertEqual(refused.exception.code, 2, words)

    def test_without_options_everything_is_measured_but_the_big_download(self):
        options = options_of(["tandem"])
        self.assertEqual((options.models, options.batch), (["squeezenet", "resnet50"], [16, 64]))
        self.assertEqual(options.peers, ["ort", "openvino", "openvino_auto"])
        self.assertEqual(options.tables, ["copies", "split", "pipeline", "trace", "router", "soak"])
        peers = [contenders_of("tandem")[name] for name in options.peers]
        self.assertGreater(least_minutes(options, peers), least_minutes(options_of(["tandem", "--rounds", "1"]), peers))
        self.assertGreater(least_minutes(options, peers), least_minutes(options, []))

    def test_the_peers_have_modules_that_are_there(self):
        everybody = contenders_of("tandem")
        self.assertEqual(list(everybody), ["tandem", "ort", "openvino", "openvino_auto", "tensorflow", "opencl"])
        for name in ("ort", "openvino", "openvino_auto", "tensorflow"):
            self.assertTrue((ROOT / "bench" / "peers" / f"{everybody[name].module}.py").is_file(), name)
            self.assertTrue((ROOT / "bench" / "peers" / one_process(everybody[name]).script).is_file())
            self.assertEqual(everybody[name].script, "measure.py")
        self.assertEqual(everybody["openvino"].module, "openvino_cpu")


if __name__ == "__main__":
    unittest.main()
