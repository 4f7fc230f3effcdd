#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line as a user meets it: exit codes, error lines, JSON keys. Usage: cli_test.py TANDEM [CONFORMANCE]."""
import difflib
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

TANDEM = sys.argv[1]
DATA = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path("absent")
SQUEEZENET = DATA / "models" / "squeezenet-imagenet"
ULTRAFACE = DATA / "models" / "ultraface-rfb-320"
TWO_CORES = len(os.sched_getaffinity(0)) > 1
has_data = unittest.skipUnless(SQUEEZENET.is_dir(), f"no conformance data at {DATA}")


def tandem(*arguments, timeout=120):
    return subprocess.run([TANDEM, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)


class Devices(unittest.TestCase):
    def test_lists_the_cpu_with_every_key_of_the_contract(self):
        done = tandem("devices", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        listing = json.loads(done.stdout)
        self.assertIn("problems", listing)
        cpu = listing["devices"][0]
        self.assertEqual(cpu["id"], "CPU:0")
        for key in ("kind", "name", "vendor", "driver", "compute_units", "memory_bytes", "max_allocation_bytes",
                    "unified_memory", "visible", "probe"):
            self.assertIn(key, cpu)

    @unittest.skipUnless(TWO_CORES, "needs two processors")
    def test_core_sets_split_the_cpu_and_opencl_alike(self):
        devices = {d["id"]: d for d in json.loads(tandem("devices", "--cores", "0;1", "--json").stdout)["devices"]}
        self.assertEqual(devices["CPU:0"]["cores"], "0")
        self.assertEqual(devices["CPU:1"]["cores"], "1")
        if "OPENCL-CPU:1" in devices:
            self.assertEqual(devices["OPENCL-CPU:1"]["cores"], "1")

    @unittest.skipUnless(TWO_CORES, "needs two processors")
    def test_core_sets_have_names_which_the_list_tells(self):
        listing = json.loads(tandem("devices", "--json").stdout)
        names = {each["name"]: each["sets"] for each in listing["topology"]["core_sets"]}
        processors = listing["topology"]["processors"]
        self.assertEqual({p["os_index"] for p in processors if p["available"]}, os.sched_getaffinity(0))
        for key in ("core", "smt", "package", "numa", "l3", "kind"):
            self.assertIn(key, processors[0])
        for name in [each for each in ("cores", "halves") if each in names]:
            devices = json.loads(tandem("devices", "--cores", name, "--json").stdout)["devices"]
            self.assertEqual(";".join(d["cores"] for d in devices if d["kind"] == "cpu"), names[name])
        text = tandem("devices").stdout
        self.assertIn("processor: " + listing["topology"]["summary"], text)
        self.assertIn("core sets for --cores: all (", text)

    def test_a_hidden_device_is_marked(self):
        devices = json.loads(tandem("devices", "--hide", "CPU:0", "--json").stdout)["devices"]
        self.assertFalse(devices[0]["visible"])

    def test_a_broken_opencl_platform_is_listed_and_the_rest_goes_on(self):
        with tempfile.TemporaryDirectory() as vendors:
            pathlib.Path(vendors, "broken.icd").write_text("/nowhere/libbroken.so\n")
            for icd in pathlib.Path("/etc/OpenCL/vendors").glob("*.icd"):
                pathlib.Path(vendors, icd.name).write_text(icd.read_text())
            environment = dict(os.environ, OCL_ICD_VENDORS=vendors)
            done = subprocess.run([TANDEM, "devices", "--json"], capture_output=True, text=True, env=environment)
        listing = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(listing["devices"][0]["id"], "CPU:0")
        self.assertTrue(any("broken" in (p["platform"] + p["message"]) for p in listing["problems"]), listing)


class Errors(unittest.TestCase):
    def expect(self, code, name, *arguments):
        done = tandem(*arguments, "--json")
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        error = json.loads(done.stdout)["error"]
        self.assertEqual(error["code"], name, error)
        self.assertTrue(error["message"])
        return error

    def test_wrong_usage_exits_with_2(self):
        self.expect(2, "usage", "dance")
        self.expect(2, "usage", "run", "sample:mnist")
        self.expect(2, "usage", "run", "sample:mnist", "--replica", "GPU:77")
        self.expect(2, "usage", "run", "sample:mnist", "--replica", "CPU:0,speed=9")
        self.expect(2, "usage", "devices", "--cores", "0;0")
        error = self.expect(2, "usage", "devices", "--cores", "quarters")
        self.assertEqual(error["where"], "--cores")
        self.assertIn("this machine has all (", error["hint"])
        self.assertEqual(self.expect(2, "usage", "devices", "--host-cores", "x")["where"], "--host-cores")
        self.expect(2, "usage", "inspect", "sample:nothing")
        self.expect(2, "usage", "export", "sample:mnist", "--to", "papyrus", "-o", "/tmp/unused")

    def test_a_memory_limit_that_is_exceeded_is_told_before_the_run(self):
        for command in (["run", "sample:squeezenet", "--replica", "CPU:0"],
                        ["run", "sample:squeezenet", "--replica", "CPU:0,batch=64", "--batch", "1,64"],
                        ["predict", "sample:squeezenet", "--input", "random", "--device", "CPU:0"],
                        ["profile", "sample:squeezenet", "--device", "CPU:0"]):
            error = self.expect(4, "device-failed", "--memory-limit", "CPU:0=2MB", *command)
            self.assertRegex(error["message"], r"needs \d+ bytes, the memory limit is 2000000")
            self.assertEqual(error["where"], "CPU:0")
            self.assertIn("smaller batch", error["hint"])
        for size in ("99999999999999999999GB", "-1", "nan", "inf", "", "2XB"):
            self.expect(2, "usage", "--memory-limit", f"CPU:0={size}", "profile", "sample:squeezenet")

    def test_files_that_are_no_models_exit_with_3_and_name_the_file(self):
        with tempfile.TemporaryDirectory() as folder:
            noise = random.Random(1).randbytes(4096)
            for name, content in {"empty.onnx": b"", "random.onnx": noise, "text.onnx": b"hello"}.items():
                file = pathlib.Path(folder, name)
                file.write_bytes(content)
                error = self.expect(3, "model-rejected", "inspect", file)
                self.assertIn(name, error["message"] + error["where"])
        self.expect(3, "model-rejected", "inspect", "/nowhere/model.onnx")

    @has_data
    def test_a_truncated_model_exits_with_3(self):
        model = (SQUEEZENET / "squeezenet_fp32.onnx").read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "cut.onnx")
            for size in (10, 1000, len(model) // 2, len(model) - 1):
                file.write_bytes(model[:size])
                self.expect(3, "model-rejected", "inspect", file)

    @has_data
    def test_unknown_operators_are_all_listed_and_the_model_still_opens(self):
        candy = DATA / "models" / "unsupported-candy" / "candy.onnx"
        shown = json.loads(tandem("inspect", candy, "--json").stdout)
        listed = " ".join(shown["unsupported_operators"])
        for operator in ("Affine", "Crop", "ImageScaler"):
            self.assertIn(operator, listed)
        self.assertGreater(len(shown["nodes"]), 10)
        error = self.expect(3, "unsupported", "run", candy, "--replica", "CPU:0", "--duration", "0.1")
        self.assertIn("ImageScaler", error["message"])

    @has_data
    def test_a_missing_or_mis_shaped_input_exits_with_3(self):
        model = SQUEEZENET / "squeezenet_fp32.onnx"
        self.expect(3, "input-rejected", "predict", model, "--input", "/nowhere/picture.png")
        wrong = ULTRAFACE / "test_data" / "version-RFB-320" / "test_data_set_0" / "input_0.pb"
        error = self.expect(3, "input-rejected", "predict", model, "--input", wrong)
        self.assertIn("got [1,3,240,320] float32", error["message"])

    def test_a_placement_for_another_model_or_device_is_said_not_hidden(self):
        placement = {"format": "tandem-placement", "version": 1, "model": {"name": "x", "sha256": "0" * 64, "nodes": 3},
                     "default": "GPU:42", "rules": [], "nodes": {"no such layer": "CPU:0"}}
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "p.placement.json")
            file.write_text(json.dumps(placement))
            shown = json.loads(tandem("inspect", "sample:mnist", "--placement", file, "--json").stdout)
            self.assertTrue(all(node["reason"] == "device absent" for node in shown["nodes"]))
            self.assertGreaterEqual(len(shown["placement_warnings"]), 2)
            placement["version"] = 99
            file.write_text(json.dumps(placement))
            self.expect(3, "input-rejected", "inspect", "sample:mnist", "--placement", file)
            file.write_text("{")
            self.expect(3, "input-rejected", "inspect", "sample:mnist", "--placement", file)

    def test_a_target_that_cannot_be_written_exits_with_1_and_leaves_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            blocked = pathlib.Path(folder, "file")
            blocked.write_text("not a folder")
            self.expect(1, "output-failed", "export", "sample:mnist", "--to", "placement", "-o", blocked / "deeper")
            self.assertEqual([blocked], list(pathlib.Path(folder).iterdir()))
        if pathlib.Path("/dev/full").exists():
            done = tandem("run", "sample:mnist", "--replica", "CPU:0", "--duration", "0.1", "--warmup", "0", "--trace",
                          "/proc/tandem-trace.json")
            self.assertEqual(done.returncode, 1, done.stderr)


class Runs(unittest.TestCase):
    def test_every_scenario_and_route_completes_without_a_failed_request(self):
        cores = ["--cores", "0;1"] if TWO_CORES else []
        second = "CPU:1" if TWO_CORES else "CPU:0"
        for scenario in ("single-stream", "multi-stream:3", "closed:4", "poisson:200", "offline:50"):
            for route in ("round-robin", "least-loaded", "size:1", "predicted-finish", "split", "pinned:b"):
                with self.subTest(scenario=scenario, route=route):
                    done = tandem("run", "sample:mnist", *cores, "--replica", "CPU:0,threads=1,name=a", "--replica",
                                  f"{second},threads=1,name=b", "--scenario", scenario, "--route", route, "--batch", "1,4",
                                  "--duration", "0.2", "--warmup", "0.05", "--json")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    report = json.loads(done.stdout)
                    self.assertEqual(report["failed"], 0)
                    self.assertGreater(report["requests"], 0)
                    if scenario == "offline:50":
                        self.assertEqual(report["requests"], 50)

    def test_isolated_gives_the_same_report(self):
        done = tandem("run", "sample:mnist", "--isolated", "--replica", "CPU:0", "--duration", "0.2", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(json.loads(done.stdout)["requests"], 0)

    def test_an_interrupt_ends_the_run_with_its_report_and_exit_code_5(self):
        process = subprocess.Popen([TANDEM, "run", "sample:mnist", "--replica", "CPU:0", "--duration", "600", "--json",
                                    "--warmup", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # The handler is installed before the engine starts its threads.
        deadline = time.monotonic() + 30
        while len(os.listdir(f"/proc/{process.pid}/task")) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 5)
        self.assertTrue(output.strip())

    def test_a_trace_is_chrome_trace_json_with_kernels(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "trace.json")
            done = tandem("run", "sample:mnist", "--replica", "CPU:0", "--duration", "0.2", "--warmup", "0", "--trace", file)
            self.assertEqual(done.returncode, 0, done.stderr)
            events = json.loads(file.read_text())["traceEvents"]
            self.assertTrue(any(event.get("cat") == "kernel" for event in events))

    def test_a_deployment_file_says_what_options_would(self):
        deployment = {"format": "tandem-deployment", "version": 1, "scenario": "single-stream", "route": "round-robin",
                      "batches": [2], "duration_s": 0.1,
                      "replicas": [{"device": "CPU:0", "name": "only", "threads": 1}]}
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "d.json")
            file.write_text(json.dumps(deployment))
            report = json.loads(tandem("run", "sample:mnist", "--deployment", file, "--json").stdout)
        self.assertEqual(report["scenario"], "single-stream")
        self.assertEqual(report["replicas"][0]["name"], "only")
        self.assertEqual(report["batches"], [2])


class Precision(unittest.TestCase):
    def opencl(self):
        devices = json.loads(tandem("devices", "--json").stdout)["devices"]
        self.assertEqual(devices[0]["precisions"], ["model"])
        device = next((d["id"] for d in devices if "float16" in d["precisions"]), None)
        if device is None:
            self.skipTest("no OpenCL device")
        return device

    def test_a_replica_in_float16_says_what_it_costs(self):
        device = self.opencl()
        replicas = ["--replica", f"{device},precision=float16,name=half", "--replica", f"{device},name=whole"]
        arguments = ["run", "sample:tiny_resnet", *replicas, "--duration", "0.2", "--warmup", "0"]
        done = tandem(*arguments, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        half, whole = json.loads(done.stdout)["replicas"]
        self.assertEqual((half["precision"], whole["precision"]), ("float16", "model"))
        self.assertNotIn("precision_error", whole)
        self.assertEqual(set(half["precision_error"]), {"max_abs", "max_rel", "output"})
        self.assertTrue(0 < half["precision_error"]["max_rel"] < 1e-2, half)
        text = tandem(*arguments).stdout
        self.assertIn("note: half runs in float16: outputs differ by at most", text)
        self.assertNotIn("whole runs in", text)

    def test_float16_is_refused_where_the_device_does_not_have_it(self):
        for arguments in (["run", "sample:mnist", "--replica", "CPU:0,precision=float16"],
                          ["profile", "sample:mnist", "--device", "CPU:0", "--precision", "float16"],
                          ["verify", "--against-device", "CPU:0,CPU:0,precision=float16", "sample:mnist"]):
            done = tandem(*arguments)
            self.assertEqual(done.returncode, 3, arguments)
            self.assertIn("this device does not compute in float16 (CPU:0): choose an OpenCL device", done.stderr)
        for arguments in (["run", "sample:mnist", "--replica", "CPU:0,precision=half"],
                          ["profile", "sample:mnist", "--precision", "float8"]):
            self.assertEqual(tandem(*arguments).returncode, 2, arguments)

    def test_a_comparison_names_the_side_in_float16(self):
        device = self.opencl()
        done = tandem("verify", "--against-device", f"{device},{device},precision=float16", "sample:tiny_resnet", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual((result["a"]["precision"], result["b"]["precision"]), ("model", "float16"))
        worst = result["layers"][0]
        self.assertIn("float16", worst["kernel_b"])
        self.assertGreater(worst["local"]["max_abs"], 0)


class Comparisons(unittest.TestCase):
    def test_two_core_sets_give_the_same_numbers_layer_by_layer(self):
        pair = "CPU:0,CPU:1" if TWO_CORES else "CPU:0,CPU:0"
        cores = ["--cores", "0;1"] if TWO_CORES else []
        done = tandem("verify", "--against-device", pair, "sample:tiny_resnet", *cores, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertTrue(result["passed"])
        self.assertGreater(result["compared"], 10)
        self.assertEqual(len(result["layers"]), result["compared"] + result["known"])
        for key in ("node", "name", "op", "device_a", "device_b", "local", "accumulated", "exceeds"):
            self.assertIn(key, result["layers"][0])
        for key in ("max_abs", "max_rel", "rms", "cosine", "worst", "over", "special"):
            self.assertIn(key, result["layers"][0]["local"])
        text = tandem("verify", "--against-device", pair, "sample:tiny_resnet", *cores, "--top", "3").stdout
        self.assertIn("more layers; --top 0 shows all", text)
        self.assertIn("0 over the tolerance", text)

    def test_a_placement_file_can_be_one_side_and_a_tight_tolerance_exits_with_1(self):
        ids = [d["id"] for d in json.loads(tandem("devices", "--json").stdout)["devices"]]
        other = next((id for id in ids if not id.startswith("CPU")), None)
        if other is None:
            self.skipTest("one device only")
        placement = {"format": "tandem-placement", "version": 1, "model": {"name": "", "sha256": "", "nodes": 0},
                     "default": other, "rules": [], "nodes": {}}
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "all.placement.json")
            file.write_text(json.dumps(placement))
            done = tandem("verify", "--against-device", f"CPU:0,{file}", "sample:tiny_resnet", "--rtol", "0", "--atol",
                          "1e-12", "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        result = json.loads(done.stdout)
        self.assertGreater(result["over"], 0)
        worst = [layer["local"]["worst"] for layer in result["layers"]]
        self.assertEqual(worst, sorted(worst, reverse=True))

    @has_data
    def test_verify_counts_per_tier_and_says_where_nodes_ran(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("test_add", "test_mul", "test_softmax_axis_1"):
                shutil.copytree(DATA / "operators" / "node" / name, pathlib.Path(folder, "node", name))
            pathlib.Path(folder, "manifest.csv").write_text(
                "id,tier,rtol,atol\nnode/test_add,1,0.001,1e-5\nnode/test_mul,1,0.001,1e-5\n"
                "node/test_softmax_axis_1,2,0.001,1e-5\n")
            result = json.loads(tandem("verify", pathlib.Path(folder, "node"), "--json").stdout)
            text = tandem("verify", pathlib.Path(folder, "node")).stdout
        self.assertEqual(result["passed"], 3, result)
        self.assertEqual(result["tiers"]["1"]["passed"], 2)
        self.assertEqual(result["tiers"]["2"]["passed"], 1)
        self.assertEqual([case["name"] for case in result["cases"]], sorted(case["name"] for case in result["cases"]))
        self.assertTrue(all(case["native_nodes"] == case["nodes"] == 1 and case["moved"] == [] for case in result["cases"]))
        self.assertIn("tier 1: 2 passed, 0 failed, 0 unsupported; 100.0 % of 2 nodes", text)

    def test_wrong_pairs_are_usage_errors(self):
        for pair in ("CPU:0", "CPU:0,", "CPU:0,CPU:0,CPU:0", "CPU:0,GPU:77", "precision=float16,CPU:0,CPU:0",
                     "CPU:0,CPU:0,precision=half", "CPU:0,CPU:0,precision=float16,"):
            done = tandem("verify", "--against-device", pair, "sample:mnist")
            self.assertEqual(done.returncode, 2, pair)
        self.assertEqual(tandem("verify", "sample:mnist", "--input", "x.npy").returncode, 2)

    def test_the_operators_are_listed_with_their_versions(self):
        listed = {each["op"]: each for each in json.loads(tandem("operators", "--json").stdout)["operators"]}
        self.assertIn(13, listed["Softmax"]["versions"])
        self.assertIn("Softmax", tandem("operators").stdout)


class Profiles(unittest.TestCase):
    def profile(self, *arguments):
        done = tandem("profile", "sample:mnist", "--device", "CPU:0", "--repeat", 3, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_roofline_json_has_every_key_of_the_contract_and_shares_follow_from_the_peaks(self):
        report = json.loads(self.profile("--roofline", "--threads", 1, "--json"))
        [peaks], [total] = report["peaks"], report["totals"]
        self.assertEqual((peaks["device"], peaks["threads"]), ("CPU:0", 1))
        self.assertGreater(total["flops"], 0)
        for key in ("mean_ms", "median_ms", "transfer_ms", "compile_ms", "gflop_per_s", "peak_fraction", "roof_fraction"):
            self.assertIn(key, total)
        self.assertAlmostEqual(total["peak_fraction"], total["gflop_per_s"] / peaks["gflops"], places=6)
        for layer in report["times"]:
            for key in ("name", "op", "node", "nodes", "requested", "device", "kernel", "reference", "mean_ms", "min_ms", "median_ms",
                        "flops", "least_bytes"):
                self.assertIn(key, layer)
            if "roof" not in layer:
                continue
            self.assertIn(layer["roof"], ("compute", "memory", "overhead"))
            computing = layer["flops"] / peaks["gflops"] * 1e-6
            moving = layer["least_bytes"] / peaks["memory_gb_per_s"] * 1e-6
            self.assertAlmostEqual(layer["roof_fraction"], max(computing, moving) / layer["median_ms"], places=6)
        self.assertIn("compute", {layer.get("roof") for layer in report["times"]})

    def test_the_roofline_table_fits_a_terminal_and_names_peaks_and_shares(self):
        shown = self.profile("--roofline")
        lines = shown.splitlines()
        self.assertRegex(lines[0], r"layer +op +median +GFLOP/s +GB/s +FLOP/B +limit +of roof")
        self.assertTrue(all(len(line) <= 100 for line in lines[:lines.index("")]), shown)
        self.assertRegex(shown, r"CPU:0, \d+ threads?: [\d.]+ GFLOP/s, [\d.]+ GB/s measured")
        # On cores that others use the whole may be too slow to name a rate.
        self.assertRegex(shown, r"CPU:0: whole model [\d.]+ .?s(, <?[\d.]+ GFLOP/s = <?[\d.]+ % of the measured peak)?; "
                                r"layers at <?[\d.]+ % of their roofs")
        for word in ("nan", "inf "):
            self.assertNotIn(word, shown.lower())

    def test_without_a_probe_the_way_to_one_is_said_and_no_share_is_made_up(self):
        self.assertIn("--roofline measures the devices", self.profile())
        report = json.loads(self.profile("--json"))
        self.assertEqual(report["peaks"][0]["problem"], "not measured")
        self.assertTrue(all("roof_fraction" not in layer for layer in report["times"]))
        self.assertNotIn("peak_fraction", report["totals"][0])

    def test_a_placement_is_profiled_with_every_layer_on_its_device(self):
        devices = [each["id"] for each in json.loads(tandem("devices", "--json").stdout)["devices"]]
        second = next((each for each in devices if not each.startswith("CPU:")), "CPU:0")
        nodes = [each["name"] for each in json.loads(tandem("inspect", "sample:mnist", "--json").stdout)["nodes"]]
        placement = {"format": "tandem-placement", "version": 1, "model": {}, "default": "CPU:0", "rules": [],
                     "nodes": {nodes[0]: second}}
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "p.placement.json")
            file.write_text(json.dumps(placement))
            done = tandem("profile", "sample:mnist", "--placement", file, "--repeat", 2, "--roofline", "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads(done.stdout)
            self.assertEqual(report["times"][0]["device"], second)
            self.assertEqual({each["device"] for each in report["peaks"]}, {"CPU:0", second})
            self.assertEqual([each["device"] for each in report["totals"]], ["placement"])
            both = tandem("profile", "sample:mnist", "--placement", file, "--device", "CPU:0")
            self.assertEqual(both.returncode, 2)

    @has_data
    def test_a_layer_whose_cost_only_the_run_tells_shows_dashes(self):
        model = DATA / "models" / "silero-vad-v5" / "silero_vad.onnx"
        shown = tandem("profile", model, "--device", "CPU:0", "--repeat", 2, "--roofline").stdout
        self.assertRegex(shown, r"If_0 +If +\S+ [um]s +- +- +- +- +-")
        self.assertIn("1 layer has no known cost", shown)
        self.assertNotIn(" 0.0 GFLOP/s", shown)


@has_data
class OpenSizes(unittest.TestCase):
    MODEL = DATA / "models" / "bert-dummy-encoder" / "dummy_transformer.onnx"

    def test_inspect_names_what_the_model_leaves_open_and_says_that_it_guessed(self):
        [dim] = json.loads(tandem("inspect", self.MODEL, "--json").stdout)["free_dims"]
        self.assertEqual((dim["key"], dim["chosen"]), ("tokens", False))
        self.assertTrue(dim["reason"])

    def test_a_chosen_size_is_what_is_measured(self):
        report = json.loads(tandem("--dim", "tokens=7", "inspect", self.MODEL, "--json").stdout)
        self.assertEqual([each["shape"] for each in report["inputs"]], [[1, 7]] * 3)
        done = tandem("--dim", "tokens=7", "profile", self.MODEL, "--device", "CPU:0", "--repeat", 2, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_an_unknown_size_exits_with_2_and_names_the_open_ones(self):
        done = tandem("--dim", "seq=7", "inspect", self.MODEL)
        self.assertEqual(done.returncode, 2)
        self.assertIn("open are tokens", done.stderr)


@has_data
class Predictions(unittest.TestCase):
    def predict(self, model, *arguments):
        done = tandem("predict", model, *arguments, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["predictions"]

    def devices(self):
        ids = [d["id"] for d in json.loads(tandem("devices", "--json").stdout)["devices"]]
        return [id for id in ("CPU:0", "OPENCL-CPU:0", "GPU:0") if id in ids]

    def test_the_classifier_names_what_is_on_the_pictures_on_every_device(self):
        wanted = {"kitten_224.png": (281, "tabby"), "hummingbird.jpg": (94, "hummingbird"), "fish.png": (0, "tench")}
        files = [SQUEEZENET / "samples" / name for name in wanted]
        for device in self.devices():
            for prediction in self.predict(SQUEEZENET / "squeezenet_fp32.onnx", "--device", device, "--labels",
                                           SQUEEZENET / "labels.txt", "--input", *files):
                index, word = wanted[prediction["input"]]
                self.assertEqual(prediction["top"][0]["index"], index, device)
                self.assertIn(word, prediction["top"][0]["label"])

    def test_the_classifier_sees_the_same_in_float16(self):
        for device in (id for id in self.devices() if not id.startswith("CPU")):
            pictures = [SQUEEZENET / "samples" / name for name in ("kitten_224.png", "hummingbird.jpg", "fish.png")]
            exact, halves = (self.predict(SQUEEZENET / "squeezenet_fp32.onnx", "--device", device, "--precision",
                                          precision, "--input", *pictures) for precision in ("model", "float16"))
            for a, b in zip(exact, halves):
                self.assertEqual(a["top"][0]["index"], b["top"][0]["index"])
                self.assertAlmostEqual(a["top"][0]["score"], b["top"][0]["score"], delta=0.01)
                self.assertNotEqual([each["score"] for each in a["top"]], [each["score"] for each in b["top"]])

    def test_the_face_detector_finds_the_faces(self):
        expected = json.loads((ULTRAFACE / "expected.json").read_text())["tests"]
        for device in self.devices():
            for test in expected:
                prediction = self.predict(ULTRAFACE / "version-RFB-320.onnx", "--device", device, "--input",
                                          ULTRAFACE / "samples" / test["label"])[0]
                self.assertAlmostEqual(len(prediction["boxes"]), test["faces"], delta=max(0, test["faces"] // 10))

    def test_output_tensors_are_written_as_npy(self):
        with tempfile.TemporaryDirectory() as folder:
            prediction = self.predict(SQUEEZENET / "squeezenet_fp32.onnx", "--input",
                                      SQUEEZENET / "samples" / "fish.png", "--output", folder)[0]
            for file in prediction["output_files"]:
                self.assertEqual(pathlib.Path(file).read_bytes()[:6], b"\x93NUMPY")

    def test_one_unreadable_picture_in_a_folder_is_listed_and_the_rest_goes_on(self):
        with tempfile.TemporaryDirectory() as folder:
            picture = (SQUEEZENET / "samples" / "kitten_224.png").read_bytes()
            pathlib.Path(folder, "a.png").write_bytes(picture)
            pathlib.Path(folder, "b.png").write_bytes(picture[:2000])
            pathlib.Path(folder, "c.png").write_bytes(picture)
            pathlib.Path(folder, "notes.md").write_text("not an input")
            done = tandem("predict", SQUEEZENET / "squeezenet_fp32.onnx", "--input", folder, "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        reply = json.loads(done.stdout)
        self.assertEqual(reply["failed"], 1)
        self.assertEqual([p["input"] for p in reply["predictions"]], ["a.png", "b.png", "c.png"])
        self.assertIn("b.png", reply["predictions"][1]["error"]["where"])
        self.assertEqual(reply["predictions"][0]["top"], reply["predictions"][2]["top"])

    def test_the_line_reader_reads_the_line(self):
        folder = DATA / "models" / "ppocr-english"
        expected = json.loads((folder / "expected.json").read_text())
        prediction = self.predict(folder / "rec_en_number_v2.onnx", "--input", folder / "samples" / "line.jpg")[0]
        wanted = next(t["text"] for t in expected["tests"] if t["label"] == "line.jpg")
        # Shrinking a picture in another way may cost a comma.
        self.assertGreater(difflib.SequenceMatcher(None, prediction["text"], wanted).ratio(), 0.97)
        self.assertGreater(prediction["text_score"], 0.8)

    def test_speech_is_told_from_silence_frame_by_frame(self):
        folder = DATA / "models" / "silero-vad-v5"
        prediction = self.predict(folder / "silero_vad.onnx", "--input", folder / "samples" / "speech_8s_16k.wav")[0]
        self.assertEqual(prediction["row_count"], 250)
        expected = json.loads((folder / "expected.json").read_text())["tests"]
        wanted = next(t["speech_prob_per_512_chunk"] for t in expected if "speech_prob_per_512_chunk" in t)
        for row, value in zip(prediction["rows"], wanted, strict=True):
            self.assertAlmostEqual(row["values"][0], value, delta=2e-3, msg=row["label"])

    def test_a_recording_gives_a_row_per_frame_with_its_state_fed_back(self):
        folder = DATA / "models" / "dtln-denoise"
        recording = folder / "samples" / "noisy_16k.wav"
        short = self.short(recording, 16000)
        for extra, same in (([], False), (["--no-state"], None)):
            arguments = ["predict", folder / "dtln_2.onnx", "--input", short.name, "--audio", "window=512,hop=128",
                         *extra, "--json"]
            done = tandem(*arguments)
            if same is None:  # nothing gives the state then
                self.assertEqual(done.returncode, 3, done.stdout)
                continue
            prediction = json.loads(done.stdout)["predictions"][0]
            self.assertEqual(prediction["row_count"], 125)
            self.assertEqual(prediction["outputs"][0]["shape"], [125, 1, 512])
            self.assertTrue(any("continues with" in note for note in prediction["notes"]), prediction["notes"])

    def short(self, recording, samples):
        data = recording.read_bytes()
        at = data.index(b"data")
        body = data[at + 8:at + 8 + 2 * samples]
        file = tempfile.NamedTemporaryFile(suffix=".wav")
        file.write(data[:at] + b"data" + len(body).to_bytes(4, "little") + body)
        file.flush()
        return file


def npy(shape, values, code="<f4", letter="f"):
    header = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(
        f"<{len(values)}{letter}", *values)


class Inputs(unittest.TestCase):
    """Inputs of every kind for the built-in digit reader, whose input is [1, 1, 28, 28]."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.values = [(i * 7 % 29) * 8.0 for i in range(784)]
        self.plain = self.write("plain.npy", npy((1, 1, 28, 28), self.values))
        self.wanted = self.predict("--input", self.plain)["top"]

    def write(self, name, content):
        file = pathlib.Path(self.folder.name, name)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def predict(self, *arguments, code=0):
        done = tandem("predict", "sample:mnist", *arguments, "--json")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        reply = json.loads(done.stdout)
        return reply["predictions"][0] if code == 0 else reply["error"]

    def test_npz_csv_and_npy_give_the_same_answer(self):
        for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            archive = pathlib.Path(self.folder.name, "all.npz")
            with zipfile.ZipFile(archive, "w", compression) as file:
                file.writestr("arr_0.npy", self.plain.read_bytes())
            prediction = self.predict("--input", archive)
            self.assertEqual(prediction["top"], self.wanted)
            self.assertTrue(any("taken in order" in note for note in prediction["notes"]))
        rows = "\n".join(";".join(str(v).replace(".", ",") for v in self.values[i:i + 28]) for i in range(0, 784, 28))
        self.assertEqual(self.predict("--input", self.write("table.csv", rows))["top"], self.wanted)
        big = self.write("big.npy", npy((1, 1, 28, 28), [0.0] * 784).replace(b"<f4", b">f4")[:-784 * 4]
                         + struct.pack(">784f", *self.values))
        self.assertEqual(self.predict("--input", big)["top"], self.wanted)

    def test_made_up_data_is_stated_and_repeats(self):
        first = self.predict("--input", "random:normal(0,1)")
        self.assertTrue(any("normal(0, 1), seed 1" in note for note in first["notes"]), first["notes"])
        self.assertEqual(self.predict("--input", "random:normal(0,1)")["top"], first["top"])
        self.assertNotEqual(self.predict("--input", "zeros")["top"], first["top"])
        self.assertEqual(self.predict("--input", "random:cauchy(0,1)", code=2)["code"], "usage")
        report = json.loads(tandem("run", "sample:mnist", "--replica", "CPU:0", "--duration", "0.2", "--warmup", "0",
                                   "--input", "random:uniform(0,255)", "--json").stdout)
        self.assertTrue(any("uniform(0, 255)" in note for note in report["inputs"]), report["inputs"])

    def test_wrong_inputs_say_what_was_expected_and_what_was_given(self):
        error = self.predict("--input", self.write("w.npy", npy((1, 3, 28, 28), [0.0] * 2352)), code=3)
        self.assertRegex(error["message"], r"expected \[.*,1,28,28\] float32, got \[1,3,28,28\] float32")
        error = self.predict("--input", self.write("d.npy", npy((1, 1, 28, 28), self.values, "<f8", "d")), code=3)
        self.assertIn("float64", error["message"])
        self.assertIn("float32", error["message"])
        error = self.predict("--input", self.write("t.csv", "1,2\n3,x\n"), code=3)
        self.assertIn("line 2 column 2", error["where"])
        for name, word in (("a.gif", "gif"), ("a.webp", "webp"), ("a.svg", "svg"), ("a.mp3", "mp3"), ("a.xyz", "kind")):
            self.assertIn(word, self.predict("--input", self.write(name, "x"), code=3)["message"])
        self.assertIn("takes no text", self.predict("--text", "hello", code=3)["message"])

    def test_a_hostile_archive_is_refused_and_nothing_is_written(self):
        bomb = pathlib.Path(self.folder.name, "bomb.npz")
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("../a.npy", bytes(50_000_000))
        before = sorted(pathlib.Path(self.folder.name).iterdir())
        self.predict("--input", bomb, code=3)
        self.assertEqual(sorted(pathlib.Path(self.folder.name).iterdir()), before)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
