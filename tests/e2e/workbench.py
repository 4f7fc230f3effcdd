#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives the built workbench as a person would: Xvfb, openbox, xdotool. Waits through the control socket, never by
sleeping. Usage: workbench.py BIN_DIR [SHARED_DIR]. Screenshots go to $TANDEM_SHOTS_DIR. Exit code 77: a tool is missing."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

WIDTH, HEIGHT = 1400, 900
PATIENCE = 120.0


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def poll(what, probe):
    """Waits for something outside the workbench (a display, a file, a process)."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = probe()
        if value:
            return value
        time.sleep(0.02)
    raise Failure("timed out: " + what)


class Desktop:
    """A display of our own with a window manager."""

    def __init__(self, home):
        read, write = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-dpi", "96", "-nolisten", "tcp"],
            pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as numbers:  # the number and its line end may come apart
            self.display = ":" + numbers.readline().strip()
        self.env = dict(os.environ, DISPLAY=self.display, QT_QPA_PLATFORM="xcb", LANG="C.UTF-8", QT_SCALE_FACTOR="1",
                        XDG_CONFIG_HOME=home + "/config", XDG_DATA_HOME=home + "/data", XDG_CACHE_HOME=home + "/cache",
                        XDG_RUNTIME_DIR=home)
        self.manager = subprocess.Popen(["openbox", "--sm-disable"], env=self.env, stderr=subprocess.DEVNULL)
        poll("window manager", lambda: "window id" in subprocess.run(
            ["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"], env=self.env, capture_output=True, text=True).stdout)

    def close(self):
        for process in (self.manager, self.server):
            process.terminate()
            process.wait()


class Workbench:
    def __init__(self, desktop, programs, home, arguments):
        self.desktop = desktop
        name = home + "/control"
        if os.path.exists(name):
            os.unlink(name)
        self.process = subprocess.Popen([programs + "/tandem-workbench", "--test-mode", "--control-socket", name] + arguments,
                                        env=desktop.env)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)

        def connect():
            check(self.process.poll() is None, "the workbench ended at once")
            try:
                self.socket.connect(name)
                return True
            except OSError:
                return False
        poll("control socket", connect)
        self.stream = self.socket.makefile("rw")
        poll("window", lambda: self.ask("ready")["ok"])
        self.window = poll("window in the window manager", self.find_window)
        self.xdo("windowmove", self.window, 0, 0)
        self.xdo("windowsize", self.window, WIDTH - 4, HEIGHT - 26)
        self.xdo("windowactivate", self.window)

    def find_window(self):
        found = subprocess.run(["xdotool", "search", "--onlyvisible", "--pid", str(self.process.pid), "--name", "Tandem"],
                               env=self.desktop.env, capture_output=True, text=True).stdout.split()
        return found[0] if found else None

    def ask(self, line):
        self.stream.write(line + "\n")
        self.stream.flush()
        answer = self.stream.readline()
        check(answer, "the workbench closed its control socket at: " + line)
        return json.loads(answer)

    def wait(self, *conditions):
        for condition in conditions:
            try:
                check(self.ask("wait " + condition)["ok"], "wait " + condition)
            except TimeoutError:
                raise Failure("timed out waiting for " + condition)

    def state(self):
        return self.ask("state")

    def until(self, what, probe):
        return poll(what, lambda: probe(self.state()))

    def xdo(self, *arguments):
        subprocess.run(["xdotool"] + [str(each) for each in arguments], env=self.desktop.env, check=True, timeout=20)

    def key(self, *keys):
        self.xdo("key", "--clearmodifiers", *keys)

    def type(self, text):
        self.xdo("type", "--clearmodifiers", text)

    def click(self, name):
        where = self.ask("widgetpos " + name)
        check(where["ok"], "no widget to click: " + name)
        self.xdo("mousemove", where["x"], where["y"], "click", 1)

    def node(self, name):
        where = self.ask("nodepos " + name)
        check(where["ok"] and where["inside"], "the layer is not on the screen: " + name)
        return where["x"], where["y"]

    def active(self, name):
        """Whether keys go to the window that this is or is in."""
        where = self.ask("widgetpos " + name)
        return where["ok"] and where["active"]

    def command(self, text):
        """Runs a command through the palette, as a keyboard user does."""
        self.key("ctrl+shift+p")
        poll("palette", lambda: self.active("command_palette"))
        self.type(text)
        self.key("Return")
        poll("palette gone", lambda: not self.ask("widgetpos command_palette")["ok"] and self.active("main_window"))

    def file_dialog(self, name, path):
        poll(name, lambda: self.active(name))
        self.key("ctrl+a")
        self.type(path)
        self.key("Return")
        poll(name + " gone", lambda: not self.ask("widgetpos " + name)["ok"] and self.active("main_window"))

    def shot(self, name):
        folder = os.environ.get("TANDEM_SHOTS_DIR")
        if folder:
            os.makedirs(folder, exist_ok=True)
            check(self.ask(f"screenshot {folder}/{name}.png")["ok"], "screenshot " + name)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


class Steps:
    def __init__(self, app, programs, home, shared):
        self.app, self.programs, self.home = app, programs, home
        folder = shared + "/models/squeezenet-imagenet"
        self.real = os.path.isfile(folder + "/squeezenet_fp32.onnx")
        self.model = folder + "/squeezenet_fp32.onnx" if self.real else "sample:squeezenet"
        self.picture = folder + "/samples/kitten_224.png" if self.real else ""

    def devices(self):
        app = self.app
        app.wait("worker", "idle")
        devices = app.state()["devices"]
        check("CPU:0" in devices and "CPU:1" in devices, f"core sets \"0;1\" must give CPU:0 and CPU:1: {devices}")
        self.accelerators = [each for each in devices if not each.startswith("CPU:")]
        self.second = self.accelerators[-1] if self.accelerators else "CPU:1"
        self.key = str(devices.index(self.second) + 1)
        app.shot("start")
        # The whole processor on the map, and back: nothing is asked of the engine before Apply.
        app.click("core_set_presets")
        app.key("Down", "Return")
        poll("a draft of other core sets", lambda: app.ask("widgetpos revert_cores")["ok"])
        check(app.ask("widgetpos apply_cores")["enabled"], "other core sets can be applied")
        app.click("revert_cores")
        poll("the core sets in use", lambda: not app.ask("widgetpos revert_cores")["ok"])
        check(app.state()["devices"] == devices, "a draft that was given up changes no device")

    def open(self):
        app = self.app
        if self.real:
            app.key("ctrl+o")
            app.file_dialog("open_model_dialog", self.model)
        else:
            app.click("start_sample")
            app.until("samples", lambda _: app.ask("widgetpos sample_list")["ok"])
            app.key("Home", "Return")
        app.wait("document", "effective", "idle")
        state = app.state()
        check(state["document"]["nodes"] > 20, "squeezenet has more layers")
        check(re.match(r"\d+ nodes: \d+ CPU:0", state["summary"]), "summary line: " + state["summary"])
        app.shot("model")

    def visible_nodes(self, count):
        names = self.app.state()["node_names"]
        inside = [name for name in names if self.app.ask("nodepos " + name).get("inside")]
        check(len(inside) >= count, f"only {len(inside)} layers are on the screen")
        return inside[:count]

    def assign(self):
        app = self.app
        first, second, third = self.visible_nodes(3)
        x, y = app.node(first)
        app.xdo("mousemove", x, y, "click", 1)
        app.until("click selects", lambda s: s["selection"] == [first])
        app.key(self.key)
        app.until("number key assigns", lambda s: s["requested"][first] == self.second)
        # A frame around the second and third layer, drawn with Shift from the empty canvas beside them.
        ax, ay = app.node(second)
        bx, by = app.node(third)
        left, right = min(ax, bx) - 110, max(ax, bx) + 110
        app.xdo("mousemove", left, min(ay, by) - 8)
        app.xdo("keydown", "shift", "mousedown", 1)
        for part in range(1, 7):
            app.xdo("mousemove", left + (right - left) * part // 6, min(ay, by) - 8 + (abs(ay - by) + 16) * part // 6)
        app.xdo("mouseup", 1, "keyup", "shift")
        app.until("frame selects", lambda s: second in s["selection"] and third in s["selection"])
        framed = app.state()["selection"]
        app.key(self.key)
        app.until("frame is assigned", lambda s: all(s["requested"][name] == self.second for name in framed))
        app.wait("effective")
        state = app.state()
        check(self.second in state["summary"], "the summary names the device: " + state["summary"])
        check(state["transfers"] > 0, "a split model has transfers")
        app.shot("assigned")
        app.key("ctrl+z")
        app.until("undo", lambda s: s["requested"][third] == "CPU:0" and s["requested"][first] == self.second)
        app.key("ctrl+shift+z")
        app.until("redo", lambda s: s["requested"][third] == self.second)
        self.assigned = framed + [first]

    def placement_file(self):
        app = self.app
        self.placement = self.home + "/mine.placement.json"
        app.wait("effective")
        before = app.state()["summary"]
        app.key("ctrl+s")
        app.file_dialog("save_placement_dialog", self.placement)
        app.until("saved", lambda s: not s["document"]["modified"])
        with open(self.placement) as file:
            saved = json.load(file)
        check(saved["format"] == "tandem-placement" and saved["nodes"][self.assigned[0]] == self.second, "placement file")
        app.command("reset placement")
        app.until("reset", lambda s: s["requested"][self.assigned[0]] == "CPU:0")
        app.key("ctrl+z")
        app.until("undo of the reset", lambda s: not s["document"]["modified"])
        app.key("ctrl+shift+o")
        app.file_dialog("open_placement_dialog", self.placement)
        app.wait("effective", "idle")
        state = app.state()
        check(state["summary"] == before, f"the reopened placement gives the same: {state['summary']} / {before}")
        app.ask("select " + self.assigned[0])
        app.key("alt+2")
        app.shot("inspector")
        app.key("alt+3")

    def set_duration(self, seconds):
        self.app.click("duration")
        self.app.key("ctrl+a")
        self.app.type(str(seconds))
        self.app.key("Tab")

    def run(self):
        app = self.app
        self.set_duration(600)
        app.key("F5")
        app.wait("running")
        app.until("charts have data", lambda _: "p50" in app.ask("chart latency").get("text", ""))
        for chart in ("throughput", "busy", "rss", "memory"):
            check(app.ask("chart " + chart)["ok"], "chart without data: " + chart)
        app.shot("running")
        app.key("shift+F5")
        app.wait("run-done", "idle")
        report = app.state()["run"]["report"]
        check(report["stopped"] and report["failed"] == 0, f"report after a stop: {report}")
        check(len(report["replicas"]) == 2, "two replicas ran")
        check(all(each["requests"] > 0 for each in report["replicas"]), f"both replicas worked: {report['replicas']}")
        app.shot("report")

    def copy_command(self):
        app = self.app
        app.command("edit deployment")
        self.set_duration(1)
        app.key("ctrl+shift+c")
        app.until("clipboard", lambda s: s["clipboard"].startswith("tandem run"))
        command = app.state()["clipboard"]
        check("--cores '0;1'" in command and command.count("--replica") == 2, "the copied command: " + command)
        result = subprocess.run(["bash", "-c", command + " --json"], capture_output=True, text=True, timeout=PATIENCE,
                                env=dict(os.environ, PATH=self.programs + ":" + os.environ["PATH"]))
        check(result.returncode == 0, "the copied command failed: " + result.stderr)
        ran = {each["devices"] if "devices" in each else each["name"] for each in json.loads(result.stdout)["replicas"]}
        shown = {each["devices"] for each in app.state()["run"]["report"]["replicas"]}
        check(ran == shown, f"same replicas in terminal and window: {ran} / {shown}")

    def export(self):
        app = self.app
        folder = self.home + "/for-onnxruntime"
        os.makedirs(folder)
        app.key("ctrl+shift+x")
        app.file_dialog("export_folder_dialog", folder)
        app.wait("idle")
        app.until("export is confirmed", lambda s: s["message"])
        check(not app.state()["error"], "export: " + app.state()["error"])
        check(any(name.endswith(".onnx") for name in os.listdir(folder)), f"files of the export: {os.listdir(folder)}")

    def predict(self):
        if not self.picture:
            return
        app = self.app
        app.key("ctrl+p")
        app.file_dialog("pictures_dialog", self.picture)
        app.wait("prediction")
        top = app.state()["predictions"][0]
        with open(os.path.dirname(os.path.dirname(self.picture)) + "/expected.json") as file:
            expected = file.read()
        check(top.get("top_label"), f"a label for the picture: {top}")
        check(str(top["top_index"]) in expected, f"class {top['top_index']} is among the expected ones")
        app.shot("prediction")

    def sound_and_sizes(self):
        """A recording through a recurrent model, then the sizes that another model leaves open."""
        app = self.app
        models = os.path.dirname(os.path.dirname(self.model))
        sound, reader = models + "/silero-vad-v5", models + "/ppocr-english/rec_en_number_v2.onnx"
        if not self.real or not os.path.isdir(sound) or not os.path.isfile(reader):
            return
        self.open_file(sound + "/silero_vad.onnx")
        app.key("ctrl+p")
        app.file_dialog("pictures_dialog", sound + "/samples/speech_8s_16k.wav")
        app.wait("prediction", "idle")
        prediction = app.state()["predictions"][0]
        check(prediction["rows"] == 250, f"8 s in steps of 32 ms: {prediction}")
        app.shot("sound")
        self.open_file(reader)
        before = app.state()["input_shapes"]
        app.key("ctrl+shift+i")
        poll("sizes", lambda: app.active("sizes_dialog"))
        app.key("ctrl+a")
        app.type("640")
        app.shot("sizes")
        app.key("Return")
        app.until("other shapes", lambda s: s["input_shapes"] != before)
        check(any(640 in shape for shape in app.state()["input_shapes"]), f"the chosen width: {app.state()['input_shapes']}")

    def open_file(self, path):
        app = self.app
        app.key("ctrl+o")
        app.file_dialog("open_model_dialog", path)
        app.until("opened", lambda s: s.get("document", {}).get("source") == path)
        app.wait("document", "effective", "idle")

    def compare_runs(self):
        """One client against four: the second run waits more, and the panel says that it is no noise."""
        app = self.app
        number = app.state()["run"]["number"]
        for clients in ("1", "8"):
            app.command("edit deployment")
            self.set_duration(3)
            app.click("scenario_value")
            app.key("ctrl+a")
            app.type(clients)
            app.key("Tab")
            app.key("F5")
            number += 1
            app.until("run %d" % number, lambda s: s["run"]["number"] == number and s["run"]["state"] == "idle")
        app.key("F4")
        app.until("the runs are compared", lambda s: s["comparison"]["figures"])
        found = {each["name"]: each for each in app.state()["comparison"]["figures"]}
        check(found["latency p50"]["outcome"] == "worse", f"eight clients wait longer than one: {found}")
        app.shot("compare-runs")
        app.click("compare_pin")
        app.until("pinned", lambda s: not s["comparison"]["figures"])
        app.click("compare_pin")
        app.until("unpinned", lambda s: s["comparison"]["figures"])
        app.key("alt+4")

    def timeline(self):
        """A run is recorded and shown: requests, kernels and transfers of both devices."""
        app = self.app
        app.command("edit deployment")
        self.set_duration(1)
        app.key("Tab", "Tab", "space")  # from the warm-up to "Record a timeline"
        number = app.state()["run"]["number"] + 1
        app.key("F5")
        app.until("the recorded run", lambda s: s["run"]["number"] == number and s["run"]["state"] == "idle")
        app.key("F10")
        app.until("the timeline is loaded", lambda s: s["timeline"]["loaded"])
        app.key("w", "w", "w")
        app.shot("timeline")
        app.command("edit deployment")
        self.set_duration(1)
        app.key("Tab", "Tab", "space")
        app.key("alt+4")

    def compare(self):
        """Numbers of two devices, layer by layer: by keyboard, then a row of the table selects its layer."""
        app = self.app
        app.key("F7")
        app.wait("compared", "idle")
        parity = app.state()["parity"]
        check(parity["passed"], "both devices give the same numbers: " + parity["summary"])
        check(parity["compared"] > 0 and parity["layers"], f"layers were compared: {parity['summary']}")
        first = parity["layers"][0]
        check(first["device_a"] != first["device_b"], f"on two devices: {first}")
        app.click("parity_table")
        app.key("Home")
        app.until("the worst layer is selected", lambda s: s["selection"] == [first["name"]])
        app.shot("compare")
        table = self.home + "/parity.csv"
        app.click("parity_export")
        app.file_dialog("parity_export_dialog", table)
        app.until("the table is written", lambda _: os.path.exists(table))
        with open(table) as file:
            check(len(file.readlines()) == len(parity["layers"]) + 1, "one line per layer")
        app.click("parity_copy")
        app.until("clipboard", lambda s: s["clipboard"].startswith("tandem verify --against-device"))
        result = subprocess.run(["bash", "-c", app.state()["clipboard"] + " --json"], capture_output=True, text=True,
                                timeout=PATIENCE, env=dict(os.environ, PATH=self.programs + ":" + os.environ["PATH"]))
        check(result.returncode == 0, "the copied command failed: " + result.stderr)
        check(json.loads(result.stdout)["compared"] == parity["compared"], "as many layers in the terminal")
        app.key("alt+4")

    def roofline(self):
        """Every layer against what its device can do: by keyboard, then a dot and a row select their layers."""
        app = self.app
        app.key("F8")
        app.wait("measured", "idle")
        roofline = app.state()["roofline"]
        devices = {each["device"] for each in roofline["layers"]}
        check(devices == {"CPU:0", self.second}, f"each layer was measured where it runs: {devices}")
        check("of the measured peak" in roofline["summary"], "the whole model's share: " + roofline["summary"])
        check(all(0 < each["roof_fraction"] < 100 for each in roofline["layers"]), "every layer has a share of its roof")
        check(all(device in roofline["chart"] for device in devices), "a roof per device: " + roofline["chart"])
        app.click("roofline_table")
        app.key("Home")
        worst = roofline["layers"][0]
        app.until("a row selects its layer", lambda s: worst["name"] in s["selection"] and len(s["selection"]) == worst["nodes"])
        dots = [each for each in roofline["layers"] if "x" in each and each["name"] != worst["name"]]
        lone = min(dots, key=lambda each: sum(abs(each["x"] - other["x"]) + abs(each["y"] - other["y"]) < 40 for other in dots))
        app.xdo("mousemove", lone["x"], lone["y"], "click", 1)
        app.until("a dot selects its layer", lambda s: lone["name"] in s["selection"] and len(s["selection"]) == lone["nodes"])
        app.shot("roofline")
        table = self.home + "/roofline.csv"
        app.click("roofline_export")
        app.file_dialog("roofline_export_dialog", table)
        app.until("the table is written", lambda _: os.path.exists(table))
        with open(table) as file:
            check(len(file.readlines()) == len(roofline["layers"]) + 1, "one line per layer")
        picture = self.home + "/roofline.svg"
        app.click("roofline_picture")
        app.file_dialog("roofline_picture_dialog", picture)
        app.until("the picture is written", lambda _: os.path.exists(picture))
        app.key("ctrl+1")
        app.until("perspective Place", lambda s: s["perspective"] == "place")
        app.shot("perspective-place")
        app.key("ctrl+3")
        app.until("perspective Compare", lambda s: s["perspective"] == "compare")
        app.shot("perspective-compare")
        app.key("ctrl+2")
        app.until("perspective Run", lambda s: s["perspective"] == "run")
        app.command("theme dark")
        app.shot("roofline-dark")
        app.command("theme light")
        app.key("alt+4")

    def tune(self):
        """The fastest kernels of the placed layers, within a few seconds, by keyboard."""
        app = self.app
        app.key("F9")
        poll("tuning", lambda: app.active("tune_dialog"))
        app.click("tune_seconds")
        app.key("ctrl+a")
        app.type("10")
        app.click("tune_target")
        app.key("Down")
        app.key("Return")
        app.key("alt+m")
        app.until("tuned", lambda s: "device time" in s["tuning"]["text"] and not s["tuning"]["busy"])
        check(app.state()["tuning"]["kernels"] > 0, "kernels are listed: " + app.state()["tuning"]["text"])
        app.shot("tune")
        app.key("Escape")
        app.until("the dialog is gone", lambda s: "tuning" not in s)

    def worker_lost(self):
        app = self.app
        app.command("edit deployment")
        self.set_duration(600)
        app.key("F5")
        app.wait("running")
        before = app.state()
        os.kill(before["worker_pid"], signal.SIGKILL)
        app.wait("error", "worker", "idle")
        after = app.state()
        check(after["worker_pid"] not in (0, before["worker_pid"]), "a new worker runs")
        check(after["requested"] == before["requested"], "the placement is kept")
        app.shot("worker-lost")
        app.key("ctrl+r")
        app.wait("running")
        app.key("shift+F5")
        app.wait("run-done", "idle")
        check(app.state()["run"]["report"]["requests"] > 0, "the run works with the new worker")

    def bad_file(self):
        app = self.app
        path = self.home + "/bad.onnx"
        with open(path, "wb") as file:
            file.write(bytes(range(256)) * 8)
        app.key("ctrl+o")
        app.file_dialog("open_model_dialog", path)
        app.wait("error", "idle")
        state = app.state()
        check(state["document"]["source"] == self.model, "the open document stays: " + state["document"]["source"])
        app.shot("bad-file")

    def looks(self):
        app = self.app
        app.key("ctrl+1")
        app.until("perspective Place", lambda s: s["perspective"] == "place")
        app.shot("perspective-place")
        app.key("ctrl+3")
        app.until("perspective Compare", lambda s: s["perspective"] == "compare")
        app.shot("perspective-compare")
        app.key("ctrl+2")
        app.until("perspective Run", lambda s: s["perspective"] == "run")
        app.command("theme dark")
        app.command("layers table")
        app.shot("dark-table")
        app.command("view graph")
        app.shot("dark-graph")
        app.command("theme light")

    def all(self):
        for step in (self.devices, self.open, self.assign, self.placement_file, self.run, self.copy_command, self.compare_runs, self.timeline, self.export,
                     self.predict, self.compare, self.roofline, self.tune, self.worker_lost, self.bad_file, self.looks, self.sound_and_sizes):
            print("step:", step.__name__, flush=True)
            step()


def main():
    programs = os.path.abspath(sys.argv[1])
    shared = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else ""
    missing = [tool for tool in ("Xvfb", "openbox", "xdotool", "xprop") if shutil.which(tool) is None]
    if missing:
        print("skipped: not installed:", ", ".join(missing))
        return 77
    if os.cpu_count() < 2:
        print("skipped: two core sets need two cores")
        return 77
    home = tempfile.mkdtemp(prefix="tandem-e2e-")
    desktop = Desktop(home)
    app = None
    try:
        app = Workbench(desktop, programs, home, ["--cores", "0;1"])
        Steps(app, programs, home, shared).all()
        print("passed")
        return 0
    except Failure as failure:
        print("FAILED:", failure)
        if app is not None and app.process.poll() is None:
            state = app.state()
            print({key: state.get(key) for key in ("summary", "selection", "message", "run", "devices", "undo")})
            app.shot("failure")
        return 1
    finally:
        if app is not None:
            app.close()
        desktop.close()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
