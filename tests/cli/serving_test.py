#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serving on the command line: verdicts, studies, live changes, preprocessing. Usage: serving_test.py TANDEM."""
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

TANDEM = sys.argv[1]
TWO = ["--replica", "CPU:0,threads=1,name=a", "--replica", "CPU:0,threads=1,name=b"]


def tandem(*arguments, timeout=120):
    return subprocess.run([TANDEM, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)


def report(test, *arguments):
    done = tandem("run", "sample:mnist", *arguments, "--json")
    test.assertEqual(done.returncode, 0, done.stderr)
    return json.loads(done.stdout)


def write_png(path, width, height):
    """A grey picture, made by hand so that nothing else is needed."""
    rows = b"".join(b"\0" + bytes((x * 7 + y * 3) % 256 for x in range(width)) for y in range(height))
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) +
                     chunk(b"IEND", b""))


class Runs(unittest.TestCase):
    def test_several_replicas_get_a_verdict_with_every_number_behind_it(self):
        found = report(self, *TWO, "--duration", 0.3, "--warmup", 0, "--alone", 0.2)
        verdict = found["verdict"]
        alone = [part["alone_items_per_s"] for part in verdict["parts"]]
        self.assertEqual([part["name"] for part in verdict["parts"]], ["a", "b"])
        self.assertAlmostEqual(verdict["bound"], sum(alone) / max(alone), places=6)
        self.assertAlmostEqual(verdict["gain"], found["items_per_s"] / max(alone), places=6)
        self.assertTrue(verdict["summary"].startswith("Using all at once"), verdict["summary"])
        self.assertTrue(any("cost of" in reason for reason in verdict["reasons"]), verdict["reasons"])
        self.assertNotIn("verdict", report(self, *TWO, "--duration", 0.2, "--warmup", 0, "--alone", 0))
        text = tandem("run", "sample:mnist", *TWO, "--duration", 0.2, "--warmup", 0, "--alone", 0.2).stdout
        self.assertIn("verdict: Using all at once", text)

    def test_weights_of_a_second_copy_are_shared_and_its_cost_is_said(self):
        found = report(self, *TWO, "--duration", 0.2, "--warmup", 0)
        first, second = (replica["cost"] for replica in found["replicas"])
        self.assertEqual(first["shared_bytes"], 0)
        self.assertGreater(second["shared_bytes"], 0)
        self.assertLess(second["copy_bytes"], first["copy_bytes"])

    def test_two_classes_are_reported_apart_with_the_guarantee(self):
        found = report(self, "--replica", "CPU:0,threads=1", "--bulk", 0.5, "--scenario", "closed:8", "--duration", 0.3,
                       "--warmup", 0)
        self.assertEqual([each["name"] for each in found["priorities"]], ["latency", "bulk"])
        self.assertGreater(found["priorities"][1]["latency_ms"]["count"], 0)
        self.assertTrue(any("between two bulk batches" in note for note in found["notes"]))

    def test_replicas_come_and_go_while_the_run_goes_on(self):
        found = report(self, *TWO, "--duration", 2, "--warmup", 0, "--alone", 0, "--at", "0.2 remove b", "--at",
                       "0.4 add CPU:0,threads=1,name=c", "--at", "0.6 replace a CPU:0,threads=1", "--at",
                       "0.8 route round-robin")
        self.assertEqual([(r["name"], r["state"]) for r in found["replicas"]],
                         [("a", "removed"), ("b", "removed"), ("c", "serving"), ("a", "serving")])
        self.assertEqual(found["failed"] + found["rejected"], 0)
        events = [event["text"] for event in found["events"]]
        self.assertEqual(len(events), 4, events)
        self.assertIn("b is drained and gone", events[0])
        self.assertTrue(all(replica["requests"] > 0 for replica in found["replicas"]), found["replicas"])
        self.assertEqual(sum(replica["requests"] for replica in found["replicas"]), found["requests"])

    def test_a_change_that_cannot_be_made_is_said_and_the_run_goes_on(self):
        found = report(self, "--replica", "CPU:0,name=a", "--duration", 0.5, "--warmup", 0, "--at", "0.1 remove a")
        self.assertIn("'a' is the last replica", found["events"][0]["text"])
        self.assertGreater(found["requests"], 0)

    def test_what_cannot_be_served_in_time_is_refused_and_counted(self):
        found = report(self, "--replica", "CPU:0,threads=1", "--route", "slo:0.000001", "--scenario", "poisson:200",
                       "--duration", 0.5, "--warmup", 0)
        self.assertGreater(found["rejected"], 0)
        self.assertTrue(any("were refused" in note for note in found["notes"]))

    def test_a_ramp_lists_its_rates_and_a_replay_arrives_as_its_file_says(self):
        ramp = report(self, "--replica", "CPU:0,threads=1", "--scenario", "ramp:1000", "--duration", 0.2)["ramp"]
        self.assertTrue(ramp["steps"])
        self.assertGreater(ramp["best_per_s"], 0)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "times.txt")
            file.write_text("0\n0.05\n0.1\n")
            self.assertEqual(report(self, "--replica", "CPU:0", "--scenario", f"replay:{file}")["requests"], 3)

    def test_mlperf_rules_are_named_where_they_are_not_kept(self):
        found = report(self, "--replica", "CPU:0", "--scenario", "single-stream", "--duration", 0.2, "--warmup", 0)
        self.assertEqual(found["mlperf"]["scenario"], "SingleStream")
        self.assertFalse(found["mlperf"]["valid"])
        self.assertIn("600 s", found["mlperf"]["missing"][0])

    def test_a_stop_is_answered_within_two_seconds(self):
        for extra in (["--alone", "0"], ["--alone", "60"], ["--scenario", "ramp:50"]):
            process = subprocess.Popen([TANDEM, "run", "sample:mnist", *TWO, "--duration", "600", "--json", *extra],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            time.sleep(1)  # it is under way: what is tested is how it ends
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            output = process.communicate(timeout=30)[0]
            self.assertLess(time.monotonic() - begin, 2)
            self.assertEqual(process.returncode, 5)
            self.assertTrue(json.loads(output)["stopped"])

    def test_the_cpu_stands_in_until_another_device_is_compiled(self):
        listing = json.loads(tandem("devices", "--json").stdout)["devices"]
        other = next((d["id"] for d in listing if d["kind"].startswith("opencl")), None)
        if other is None:
            self.skipTest("no OpenCL device")
        found = report(self, "--replica", f"{other},name=gpu", "--start-on-cpu", "--duration", 3, "--warmup", 0)
        self.assertEqual([r["state"] for r in found["replicas"]], ["removed", "serving"])
        self.assertIn(f"gpu is served by {other} from now on, by CPU:0 before", found["events"][0]["text"])
        self.assertEqual(found["failed"], 0)


class Preprocessing(unittest.TestCase):
    def test_pictures_are_prepared_while_the_run_goes_on_and_damaged_ones_are_named(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "0_damaged.png").write_bytes(b"no picture")
            for i in range(3):
                write_png(folder / f"{i + 1}.png", 40 + i, 30)
            (folder / "list.txt").write_text("# pictures\n1.png\n2.png\n")
            found = report(self, "--replica", "CPU:0,threads=1", "--input", folder, "--preprocess-threads", 2,
                           "--duration", 0.5, "--warmup", 0)
            pipeline = found["pipeline"]
            self.assertEqual(pipeline["threads"], 2)
            self.assertGreater(pipeline["items"], 0)
            self.assertEqual(pipeline["failed_items"], 1)
            self.assertIn("0_damaged.png", pipeline["failed_names"][0])
            self.assertGreater(pipeline["stages_ms"]["decode"], 0)
            self.assertGreater(found["requests"], 0)
            listed = report(self, "--replica", "CPU:0", "--input", f"@{folder}/list.txt", "--preprocess-threads", 1,
                            "--duration", 0.2, "--warmup", 0)
            self.assertEqual(listed["pipeline"]["failed_items"], 0)


class Studies(unittest.TestCase):
    def test_a_study_measures_every_arrangement_and_writes_its_report(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "study.md")
            done = tandem("run", "sample:mnist", *TWO, "--batch", "1,4", "--study", "--streams", "1,2", "--rounds", 2,
                          "--duration", 0.05, "-o", file, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            study = json.loads(done.stdout)
            self.assertEqual(study["format"], "tandem-study")
            # One at a time on each, and for each number of streams each alone, together, and split where it can be.
            self.assertEqual(len(study["cells"]), 2 * 2 + 2 * 3 + 2 * 4)
            for cell in study["cells"]:
                self.assertEqual(len(cell["rounds_per_s"]), 2, cell)
                self.assertLessEqual(cell["lowest_per_s"], cell["items_per_s"])
                self.assertEqual(cell["failed"], 0)
            self.assertEqual(len(study["judgements"]), 4)
            text = file.read_text()
            for part in ("## Measured", "## Does it pay, and why", "## What each copy costs", "one at a time on a",
                         "Repeat with: `tandem run sample:mnist"):
                self.assertIn(part, text)
            repeat = study["command"].split()
            self.assertEqual(repeat[:3], ["tandem", "run", "sample:mnist"])
            self.assertEqual(tandem(*repeat[1:], "--quiet").returncode, 0)

    def test_wrong_studies_are_usage_errors(self):
        for extra in (["--streams", "0"], ["--rounds", "0"], ["--streams", "1,999"]):
            self.assertEqual(tandem("run", "sample:mnist", *TWO, "--study", *extra).returncode, 2, extra)
        self.assertEqual(tandem("run", "sample:mnist", *TWO, "--rounds", 3).returncode, 2)


class Usage(unittest.TestCase):
    def test_wrong_changes_batches_and_classes_say_what_is_right(self):
        for arguments, hint in ((["--at", "soon add CPU:0"], "3 add GPU:0"), (["--at", "1 fly a"], "3 add GPU:0"),
                                (["--bulk", "2"], ""), (["--queue-limit", "0"], ""),
                                (["--route", "slo:never"], "slo:MS"), (["--scenario", "ramp:x"], "ramp:MS")):
            done = tandem("run", "sample:mnist", "--replica", "CPU:0", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(hint, done.stderr)
        for spec in ("CPU:0,delay_ms=5", "CPU:0,batch=4,preferred=8", "CPU:0,batch=4,preferred=x", "CPU:0,target_ms=-1"):
            self.assertEqual(tandem("run", "sample:mnist", "--replica", spec).returncode, 2, spec)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
