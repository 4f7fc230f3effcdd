#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench/gpu: what its stages make of programs that answer, fail or are absent, and what the report says of it.
Usage: gpu_test.py SOURCE_FOLDER"""
import argparse
import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path[:0] = [str(ROOT / "bench" / "gpu"), str(ROOT / "bench" / "models")]
sys.dont_write_bytecode = True
import measure  # noqa: E402
import models  # noqa: E402
import report  # noqa: E402
from contenders import Failed  # noqa: E402

# Answers as the command line does; test_b is wrong, and mobilenet_v2 cannot be tuned.
TANDEM = """#!{python}
import json, sys
words = sys.argv[1:]
if words[0] == "--help":
    print("Subcommands:\\n  devices   list\\n{tune}")
elif words[0] == "devices":
    print(json.dumps({{"devices": [{{"id": "GPU:0", "name": "fake", "driver": "1", "compute_units": 2,
                                     "probe": {{"gflops": 7.5}}}}], "problems": []}}))
elif words[0] == "verify" and "--against-device" in words:
    print("2 layers compared: passed")
elif words[0] == "verify":
    bad = [word for word in words if word.endswith("test_b")]
    cases = [{{"name": word, "status": "failed" if word in bad else "passed", "reason": "differs"}} for word in words[1:-3]]
    print(json.dumps({{"passed": len(cases) - len(bad), "failed": len(bad), "unsupported": 0, "nodes": 4, "native_nodes": 3,
                       "cases": cases}}))
elif words[0] == "run":
    both = words.count("--replica") == 2
    print(json.dumps({{"items_per_s": 30.0 if both else 20.0, "failed": 0, "requests": 5}}))
elif words[0] == "tune":
    sys.exit("error: cannot tune" if "mobilenet_v2" in words[1] else 0)
"""


def event(kind, start, duration, request):
    return {"cat": kind, "ts": start, "dur": duration, "tid": 1, "args": {"request": request}}


class Gpu(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)
        for name in ("bin", "out", "data/operators"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "bin.from").write_text("somewhere\n", encoding="utf-8")
        self.make_tandem("")

    def make_tandem(self, tune):
        program = self.folder / "bin" / "tandem"
        program.write_text(TANDEM.format(python=sys.executable, tune=tune), encoding="utf-8")
        program.chmod(0o755)

    def stage(self, device="GPU:0", seconds=60):
        return measure.Stage(argparse.Namespace(device=device, seconds=seconds, bin=self.folder / "bin", out=self.folder / "out",
                                                work=self.folder, conformance=self.folder / "data"))

    def kept(self):
        return json.loads((self.folder / "out" / "figures.json").read_text(encoding="utf-8"))

    def test_a_device_that_is_absent_is_named_with_those_that_are_there(self):
        measure.devices(self.stage())
        with self.assertRaisesRegex(Failed, "there is no GPU:1: GPU:0"):
            measure.devices(self.stage("GPU:1"))
        self.assertEqual(self.kept()["devices"]["devices"][0]["probe"]["gflops"], 7.5)

    def test_operator_cases_are_counted_and_wrong_ones_named(self):
        (self.folder / "data/operators/manifest.csv").write_text("id,tier\nnode/test_a,1\nnode/test_b,1\nnode/test_c,2\n",
                                                                 encoding="utf-8")
        found = measure.verify_operators(self.stage(seconds=100), lambda found: None)
        self.assertEqual((found["passed"], found["failed"], found["left"]), (2, 1, 0))
        self.assertEqual(len(found["wrong"]), 1)
        self.assertIn("test_b: differs", found["wrong"][0])

    def test_operator_cases_that_time_forbids_are_counted_as_not_reached(self):
        (self.folder / "data/operators/manifest.csv").write_text("id,tier\nnode/test_a,1\nnode/test_c,2\n", encoding="utf-8")
        found = measure.verify_operators(self.stage(seconds=5), lambda found: None)
        self.assertEqual((found["passed"], found["left"]), (0, 2))

    def test_a_run_that_takes_too_long_is_given_up_and_leaves_time_to_the_others(self):
        stage = self.stage()
        with self.assertRaisesRegex(Failed, "it took more than 1 s"):
            stage.call(sys.executable, "-c", "while True: pass", patience=1)
        self.assertGreater(stage.left(), 30)
        with self.assertRaisesRegex(Failed, "no time is left"):
            self.stage(seconds=0).call(sys.executable, "-c", "")
        with self.assertRaisesRegex(Failed, "no time is left to make"):
            models.Files(self.stage(seconds=5)).file("bert_base", 1, "float32")

    def test_conformance_without_data_fails(self):
        with contextlib.redirect_stdout(io.StringIO()), self.assertRaises(Failed):
            measure.conformance(self.stage())
        self.assertTrue(self.kept()["conformance"]["checks"][0]["passed"])

    def test_tuning_is_skipped_where_the_build_has_none_and_fails_where_a_model_does(self):
        measure.tune(self.stage())
        self.assertIn("no `tandem tune`", self.kept()["tune"]["skipped"])
        self.make_tandem("  tune      measure kernels")
        files, measure.Files = measure.Files, lambda stage: argparse.Namespace(file=lambda model, batch, kind: f"sample:{model}")
        self.addCleanup(setattr, measure, "Files", files)
        with contextlib.redirect_stdout(io.StringIO()), self.assertRaisesRegex(Failed, "not every model"):
            measure.tune(self.stage())
        self.assertEqual([self.kept()["tune"][name]["passed"] for name in models.MODELS], [True, False, True])

    def test_two_replicas_are_compared_with_each_alone(self):
        with contextlib.redirect_stdout(io.StringIO()):
            measure.together(self.stage())
        text = report.together_part(self.kept()["together"])
        self.assertIn("both do 1.50 times the faster one, 0.75 of the sum", text)

    def test_a_peer_that_is_absent_says_why_and_does_not_stop_the_others(self):
        site = self.folder / "site"
        site.mkdir()
        (site / "torch.py").write_text("raise ImportError('no torch error')\n", encoding="utf-8")
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = str(site)
        self.addCleanup(lambda: os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before))
        peer = models.Peer(self.stage())
        self.addCleanup(peer.close)
        self.assertIn("PyTorch does not take part", peer.absent)
        with self.assertRaises(Failed):
            peer.measure(1, model="resnet50")

    def test_what_the_goals_need_is_measured_first(self):
        order = list(models.cases())
        self.assertEqual(order[:6], [(m, 32, "float32") for m in models.MODELS] + [(m, 1, "float32") for m in models.MODELS])
        self.assertEqual(len(set(order)), 18)

    def test_a_request_is_split_in_transfers_kernels_and_what_lies_between(self):
        events = [event("transfer", 0, 1000, 1), event("kernel", 1500, 2000, 1), event("kernel", 4000, 500, 1),
                  event("transfer", 4500, 500, 1), {"name": "process_name"}]
        found = models.split_of_trace({"traceEvents": events})
        self.assertEqual((found["transfer"], found["kernels"], found["span"], found["gaps"], found["launches"]),
                         (1.5, 2.5, 5.0, 1.0, 2))
        with self.assertRaisesRegex(Failed, "no kernel"):
            models.split_of_trace({"traceEvents": []})

    def test_goals_leave_tf32_out_and_say_what_was_not_measured(self):
        torch = {"eager": {"p50": 2.0, "items_per_s": 100.0}, "channels_last": {"p50": 2.0, "items_per_s": 120.0},
                 "tf32": {"p50": 1.0, "items_per_s": 500.0}}
        rows = [{"model": "a", "batch": 32, "type": "float32", "tandem": {"p50": 1.0, "items_per_s": 60.0}, "torch": torch},
                {"model": "a", "batch": 1, "type": "float32", "tandem": {"p50": 3.0, "items_per_s": 60.0}, "torch": torch},
                {"model": "b", "batch": 1, "type": "float32", "tandem": {"p50": 3.0, "items_per_s": 60.0}, "torch": {}},
                {"model": "a", "batch": 1, "type": "float16", "tandem": {"p50": 3.0, "items_per_s": 60.0}, "torch": torch}]
        self.assertEqual([each[2:] for each in report.goals(rows)],
                         [["0.50", "reached"], ["1.50", "not reached"], ["–", "not measured"]])

    def test_a_report_is_written_from_whatever_there_is(self):
        file = self.folder / "report.md"
        figures = {"date": "d", "device": "GPU:0", "system": "s", "programs": "p", "problems": {"tune": "it broke"}}
        report.write_report(figures, file)
        self.assertIn("- tune: it broke", file.read_text(encoding="utf-8"))
        row = {"model": "a", "batch": 1, "type": "float32", "torch": {}, "error": "no memory"}
        figures["models"] = {"peer": None, "absent": "PyTorch does not take part: gone", "rows": [row],
                             "splits": [{"model": "a", "error": "no trace"}],
                             "compiled": [{"model": "a", "p50": 2.0, "items_per_s": 16.0}, {"model": "b", "error": "no compiler"}]}
        report.write_report(figures, file)
        for words in ("no memory", "p50 2.00 ms, 16.0 items/s", "torch.compile: no compiler",
                      "PyTorch does not take part: gone", "- a: no trace", "not measured"):
            self.assertIn(words, file.read_text(encoding="utf-8"))

    def test_how_each_stage_ended_last_is_in_the_report(self):
        (self.folder / "stages").write_text("build 1 30\ntune 124 300\nbuild 0 200\n", encoding="utf-8")
        file, stage = self.folder / "report.md", self.stage()
        report.write_report(stage.figures, file)
        text = file.read_text(encoding="utf-8")
        self.assertIn("| build | passed | 200 |\n| tune | its time was over | 300 |", text)
        self.assertNotIn("failed with", text)

    def test_the_script_refuses_what_it_does_not_know(self):
        for script, words in [("run", ["brew"]), ("run", ["--budget", "soon"]), ("run", ["--device"]), ("carry", ["--limit", "x"]),
                              ("carry", ["--limit", "61"])]:
            done = subprocess.run([ROOT / "bench" / "gpu" / script, *words], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(f"bench/gpu/{script} [--", done.stderr)


if __name__ == "__main__":
    unittest.main()
