#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs compared on the command line. Usage: compare_test.py TANDEM."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

TANDEM = sys.argv[1]


def tandem(*arguments):
    return subprocess.run([TANDEM, *map(str, arguments)], capture_output=True, text=True, timeout=120)


class Comparisons(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.files = {}
        for name, scenario in (("one", "closed:1"), ("same", "closed:1"), ("paced", "poisson:100")):
            done = tandem("run", "sample:mnist", "--replica", "CPU:0,threads=1", "--scenario", scenario, "--duration", 1,
                          "--warmup", 0.1, "--json")
            assert done.returncode == 0, done.stderr
            cls.files[name] = pathlib.Path(cls.folder.name) / f"{name}.json"
            cls.files[name].write_text(done.stdout)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def compare(self, a, b):
        done = tandem("compare", self.files[a], self.files[b], "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_a_report_says_how_every_stretch_of_the_run_went(self):
        report = json.loads(self.files["one"].read_text())
        slices = report["slices"]
        self.assertEqual([len(slices[key]) for key in ("items_per_s", "p50_ms", "p99_ms")], [20, 20, 20])
        mean = sum(slices["items_per_s"]) / 20
        self.assertAlmostEqual(mean / report["items_per_s"], 1, delta=0.1)

    def test_a_run_far_below_another_is_worse_beyond_the_noise(self):
        found = self.compare("one", "paced")
        items = found["figures"][0]
        self.assertEqual((items["name"], items["outcome"]), ("items_per_s", "worse"))
        self.assertLess(items["high"], 1)
        self.assertTrue(items["low"] <= items["ratio"] <= items["high"])
        self.assertEqual([each["name"] for each in found["settings"]], ["scenario"])
        self.assertEqual(found["settings"][0], {"name": "scenario", "a": "closed:1", "b": "poisson:100"})

    def test_a_run_is_like_itself(self):
        found = self.compare("one", "one")
        outcomes = {each["name"]: each["outcome"] for each in found["figures"]}
        self.assertEqual((outcomes["items_per_s"], outcomes["latency p50"]), ("within noise", "within noise"))
        self.assertEqual(found["settings"], [])
        self.assertTrue(found["summary"].startswith("No difference in throughput beyond the noise"))

    def test_the_text_has_the_table_the_settings_and_the_caveat(self):
        text = tandem("compare", self.files["one"], self.files["paced"]).stdout
        for part in ("95 % confidence", "items_per_s", "poisson:100", "note: the confidence covers"):
            self.assertIn(part, text)

    def test_what_is_no_report_is_refused(self):
        broken = pathlib.Path(self.folder.name) / "broken.json"
        broken.write_text(self.files["one"].read_text()[:300])
        for file, word in ((broken, "broken.json"), ("/nowhere.json", "/nowhere.json"), (__file__, "compare_test.py")):
            done = tandem("compare", self.files["one"], file)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(word, done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1)
        self.assertEqual(tandem("compare", self.files["one"]).returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
