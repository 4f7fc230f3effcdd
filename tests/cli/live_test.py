#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving layers while a run goes on, on the command line. Usage: live_test.py TANDEM."""
import json
import subprocess
import sys
import tempfile
import pathlib
import unittest

TANDEM = sys.argv[1]


def tandem(*arguments, timeout=120):
    return subprocess.run([TANDEM, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)


def report(test, *arguments):
    done = tandem("run", "sample:mnist", "--warmup", 0, "--alone", 0, *arguments, "--json")
    test.assertEqual(done.returncode, 0, done.stderr)
    return json.loads(done.stdout)


def other_device():
    listing = json.loads(tandem("devices", "--json").stdout)["devices"]
    return next((d["id"] for d in listing if d["kind"].startswith("opencl")), None)


def texts(found):
    return [event["text"] for event in found["events"]]


class Live(unittest.TestCase):
    def test_layers_are_measured_and_every_move_has_its_reason(self):
        other = other_device()
        if other is None:
            self.skipTest("no OpenCL device")
        found = report(self, "--replica", f"{other},candidates=CPU:0/{other},name=split", "--live-placement",
                       "--scenario", "single-stream", "--duration", 9)
        live = found["live_placement"]
        self.assertEqual((live["margin"], live["watched"]), (0.1, 1))
        self.assertGreater(found["startup_ms"]["layer_times"], 0)
        moved = [text for text in texts(found) if text.startswith("moved ")]
        self.assertEqual(len(moved), live["moves"])
        for text in moved:
            self.assertRegex(text, r"layers? of `split` from .* to .*: predicted .* ms instead of .* ms, margin 10 %")
        served = [replica["requests"] for replica in found["replicas"]]
        self.assertEqual(len(served), 1 + live["moves"] + live["taken_back"])
        self.assertEqual(sum(served), found["requests"])
        self.assertEqual(found["failed"] + found["rejected"], 0)

    def test_nothing_moves_within_a_wide_margin(self):
        other = other_device()
        if other is None:
            self.skipTest("no OpenCL device")
        found = report(self, "--replica", f"CPU:0,candidates=CPU:0/{other},name=split", "--live-placement=0.99",
                       "--scenario", "single-stream", "--duration", 5)
        self.assertEqual((found["live_placement"]["margin"], found["live_placement"]["moves"]), (0.99, 0))
        self.assertEqual(len(found["replicas"]), 1)

    def test_off_by_default(self):
        found = report(self, "--replica", "CPU:0,candidates=CPU:0/CPU:0", "--duration", 0.2)
        self.assertNotIn("live_placement", found)
        self.assertNotIn("layer_times", found["startup_ms"])
        self.assertEqual(found["events"], [])

    def test_a_deployment_file_keeps_it(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "x.deployment.json")
            file.write_text(json.dumps({"format": "tandem-deployment", "version": 1, "live_placement": 0.3,
                                        "duration_s": 0.2, "replicas": [{"name": "a", "device": "CPU:0"}]}))
            found = report(self, "--deployment", file)
        self.assertEqual(found["live_placement"], {"margin": 0.3, "watched": 0, "moves": 0, "taken_back": 0})

    def test_what_cannot_be_is_said(self):
        for arguments, what in ((["--replica", "CPU:0", "--live-placement=2"], "--live-placement"),
                                (["--replica", "CPU:0,candidates=", "--live-placement"], "no devices are named"),
                                (["--replica", "CPU:0,candidates=CPU:0/NOPE:1", "--live-placement"], "NOPE:1")):
            done = tandem("run", "sample:mnist", *arguments, "--duration", 0.2)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertIn(what, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
