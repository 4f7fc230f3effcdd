#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs with OpenCL drivers that crash, hang or fail. Usage: opencl_programs_test.py TANDEM SHIM BAD_DRIVER."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TANDEM, SHIM, BAD_DRIVER = sys.argv[1:4]
TWO_CORES = len(os.sched_getaffinity(0)) > 1


def tandem(*arguments, rules=None, timeout=60, **variables):
    environment = dict(os.environ, **variables)
    if rules is not None:
        environment.update(LD_PRELOAD=SHIM, TANDEM_OPENCL_SHIM=rules)
    return subprocess.run([TANDEM, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          env=environment)


def devices(**variables):
    listing = json.loads(tandem("devices", "--json", **variables).stdout)
    return [each["id"] for each in listing["devices"]], {p["platform"]: p["message"] for p in listing["problems"]}


HAS_OPENCL = any(name.startswith("OPENCL-CPU") for name in devices()[0])
needs_opencl = unittest.skipUnless(HAS_OPENCL, "no OpenCL on the CPU")


class Vendors:
    """A folder of .icd files: the system's own, and what a test adds."""

    def __init__(self, own=True, **libraries):
        self.folder = tempfile.TemporaryDirectory()
        if own:
            for icd in pathlib.Path("/etc/OpenCL/vendors").glob("*.icd"):
                pathlib.Path(self.folder.name, icd.name).write_text(icd.read_text())
        for name, library in libraries.items():
            pathlib.Path(self.folder.name, name + ".icd").write_text(library + "\n")

    def __enter__(self):
        return self.folder.name

    def __exit__(self, *_):
        self.folder.cleanup()


class Drivers(unittest.TestCase):
    def test_without_any_driver_the_cpu_is_there_and_advice_is_given(self):
        with Vendors(own=False) as vendors:
            done = tandem("devices", "--json", OCL_ICD_VENDORS=vendors)
        self.assertEqual(done.returncode, 0, done.stderr)
        listing = json.loads(done.stdout)
        self.assertEqual([each["kind"] for each in listing["devices"]], ["cpu"])
        self.assertEqual(listing["problems"], [])
        self.assertIn("No OpenCL device was found", listing["advice"])

    def test_a_missing_library_is_named_and_the_good_driver_works(self):
        with Vendors(gone="/nowhere/libgone.so") as vendors:
            found, problems = devices(OCL_ICD_VENDORS=vendors)
        self.assertEqual(found, devices()[0])
        self.assertIn("/nowhere/libgone.so", problems["gone.icd"])

    def check_bad(self, how, words, **variables):
        with Vendors(bad=BAD_DRIVER) as vendors:
            environment = dict(OCL_ICD_VENDORS=vendors, TANDEM_BAD_DRIVER=how, **variables)
            found, problems = devices(**environment)
            self.assertEqual(found, devices()[0], "the good ones are still there")
            self.assertIn(words, problems["bad.icd"])
            self.assertIn(BAD_DRIVER, problems["bad.icd"])
            self.assertIn(str(pathlib.Path(vendors, "bad.icd")), problems["bad.icd"])
            # In a worker, as the window has it, and where a missing device is asked for.
            isolated = json.loads(tandem("devices", "--isolated", "--json", **environment).stdout)
            self.assertEqual([each["id"] for each in isolated["devices"]], found)
            asked = tandem("predict", "sample:mnist", "--input", "random:uniform(0,1)", "--device", "GPU:7", **environment)
            self.assertEqual(asked.returncode, 2)
            self.assertIn(words, asked.stderr)
        with Vendors(own=False, bad=BAD_DRIVER) as vendors:
            alone, problems = devices(OCL_ICD_VENDORS=vendors, TANDEM_BAD_DRIVER=how, **variables)
        self.assertEqual(alone, ["CPU:0"])
        self.assertIn(words, problems["bad.icd"])

    def test_a_driver_that_crashes_is_left_out(self):
        self.check_bad("crash", "crashed while it listed its devices (Aborted)")

    def test_a_driver_that_ends_the_process_is_left_out(self):
        self.check_bad("exit", "ended the program that asked for its devices")

    def test_a_driver_that_never_answers_is_left_out(self):
        self.check_bad("hang", "did not answer within 1 s", TANDEM_DRIVER_TIMEOUT_S="1")

    def test_a_driver_without_devices_is_no_problem(self):
        with Vendors(bad=BAD_DRIVER) as vendors:
            self.assertEqual(devices(OCL_ICD_VENDORS=vendors, TANDEM_BAD_DRIVER="none"), devices())


@needs_opencl
class Faults(unittest.TestCase):
    def test_a_device_that_cannot_be_opened_is_listed_with_its_code(self):
        for rule, words in (("clCreateContext:1=-2", "clCreateContext failed with CL_DEVICE_NOT_AVAILABLE"),
                            ("clGetDeviceIDs:1=-2", "CL_DEVICE_NOT_AVAILABLE")):
            done = tandem("devices", "--json", rules=rule)
            self.assertEqual(done.returncode, 0, done.stderr)
            listing = json.loads(done.stdout)
            self.assertEqual([each["id"] for each in listing["devices"]], ["CPU:0"])
            self.assertTrue(any(words in each["message"] for each in listing["problems"]), listing["problems"])

    def test_a_failing_device_ends_a_prediction_with_exit_code_4(self):
        done = tandem("predict", "sample:mnist", "--input", "random:uniform(0,1)", "--device", "OPENCL-CPU:0",
                      rules="clFinish:4+=-5")
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertIn("CL_OUT_OF_RESOURCES", done.stderr)
        self.assertIn("OPENCL-CPU:0", done.stderr)

    def test_one_wrong_bit_is_found_by_verify(self):
        arguments = ("verify", "sample:mnist", "--against-device", "CPU:0,OPENCL-CPU:0", "--json")
        good = tandem(*arguments, rules="own_memory=1")
        self.assertEqual(good.returncode, 0, good.stderr)
        bad = tandem(*arguments, rules="own_memory=1;clEnqueueReadBuffer:4=flip")
        self.assertEqual(bad.returncode, 1, bad.stderr)
        self.assertFalse(json.loads(bad.stdout)["passed"])

    def run_on_two(self, rules, *more, **variables):
        return tandem("run", "sample:mnist", "--cores", "0;1", "--replica", "OPENCL-CPU:0,name=good", "--replica",
                      "OPENCL-CPU:1,name=bad", "--route", "round-robin", "--scenario", "closed:4", "--warmup", "0",
                      "--alone", "0", "--duration", "0.5", "--json", *more, rules=rules, **variables)

    @unittest.skipUnless(TWO_CORES, "needs two processors")
    def test_a_device_that_fails_once_is_set_up_anew_during_the_run(self):
        done = self.run_on_two("clFinish@1:40=-5")
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0, "the other replica did what had failed")
        self.assertEqual(report["failed"], 0, report)
        self.assertTrue(any("CL_OUT_OF_RESOURCES" in note for note in report["notes"]), report["notes"])
        self.assertFalse(any(note.startswith("bad is lost") for note in report["notes"]), report["notes"])
        self.assertGreater({r["name"]: r["requests"] for r in report["replicas"]}["bad"], 20)

    @unittest.skipUnless(TWO_CORES, "needs two processors")
    def test_a_device_that_vanishes_loses_no_request_that_the_other_can_do(self):
        done = self.run_on_two("*@1:900+=-2")
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(report["failed"], 0, report["failed"])
        self.assertTrue(any(note.startswith("bad is lost: ") for note in report["notes"]), report["notes"])
        self.assertFalse(any(note.startswith("good") for note in report["notes"]), report["notes"])
        self.assertGreater({r["name"]: r["requests"] for r in report["replicas"]}["good"], 20)

    @unittest.skipUnless(TWO_CORES, "needs two processors")
    def test_a_kernel_that_never_ends_ends_the_worker_which_says_where(self):
        for isolated in ((), ("--isolated",)):
            done = self.run_on_two("clFinish@1:40=hold", *isolated, TANDEM_DEVICE_TIMEOUT_S="1")
            self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
            self.assertIn("OPENCL-CPU:1 has not come back for 1 s", done.stderr)
            self.assertNotIn("OPENCL-CPU:0", done.stderr)
            self.assertIn("OPENCL-CPU:1", json.loads(done.stdout)["error"]["message"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
