#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The include check must find what it is there for."""
import sys

from check_includes import violations

CASES = [
    ("engine/graph/graph.cpp", '"', "engine/ops/op_def.hpp", True),
    ("engine/ops/relu.cpp", '"', "engine/graph/graph.hpp", False),
    ("engine/devices/cpu/cpu_device.cpp", '"', "engine/devices/opencl/opencl_device.hpp", True),
    ("engine/devices/cpu/cpu_device.cpp", '"', "engine/runtime/executable.hpp", True),
    ("engine/runtime/executable.cpp", '"', "engine/devices/cpu/cpu_devices.hpp", True),
    ("engine/session/engine_state.cpp", '"', "engine/devices/cpu/cpu_devices.hpp", False),
    ("engine/serving/run.cpp", "<", "QString", True),
    ("engine/formats/onnx/onnx_reader.cpp", "<", "onnx/onnx_pb.h", False),
    ("engine/runtime/executable.cpp", "<", "dnnl.hpp", True),
    ("engine/devices/cpu/topology.cpp", "<", "hwloc.h", False),
    ("engine/session/engine_state.cpp", "<", "hwloc.h", True),
    ("ui/widgets/chart/live_chart.cpp", '"', "engine/session/types.hpp", True),
    ("ui/widgets/chart/live_chart.cpp", '"', "ui/core/theme.hpp", False),
    ("ui/panels/run/run_panel.cpp", '"', "ui/panels/log/log_panel.hpp", True),
    ("ui/panels/run/run_panel.cpp", '"', "ui/shell/main_window.hpp", True),
    ("app/cli/main.cpp", '"', "engine/runtime/executable.hpp", True),
]

failed = [case for case in CASES if bool(list(violations(*case[:3]))) != case[3]]
for case in failed:
    print("wrong verdict for", case)
print(f"{len(CASES) - len(failed)} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
