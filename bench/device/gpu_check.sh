#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Checks the OpenCL back end on a machine with a real GPU: builds release without the user interface, runs the back
# end's tests on every OpenCL device, then prints what the devices measure and how long models take on them.
#   bench/device/gpu_check.sh [--conformance DIR]
# Run it from anywhere; results also go to build/gpu_check.txt. Exit code: 0 where everything passed.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
conformance="$root/../shared/conformance"
[ "${1:-}" = "--conformance" ] && conformance=$2
build="$root/build/release"
bin="$build/bin"
log="$root/build/gpu_check.txt"
failed=0

step() {
  echo
  echo "== $*"
  "$@"
  code=$?
  if [ $code -ne 0 ]; then
    echo "!! exit code $code: $*"
    failed=1
  fi
  return $code
}

check() {
  command -v clinfo > /dev/null && step clinfo -l
  step cmake -S "$root" --preset release -DTANDEM_UI=OFF || return
  step cmake --build "$build" --target devices_opencl_test devices_opencl_general_test devices_opencl_stream_test \
    opencl_model_times opencl_bench || return
  step "$bin/devices_opencl_test" --gtest_brief=1
  step "$bin/devices_opencl_general_test" --gtest_brief=1
  step "$bin/devices_opencl_stream_test" --gtest_brief=1
  step "$bin/opencl_bench" --device GPU:0
  step "$bin/opencl_model_times" --detail

  # The command line exists from the session layer on; older trees stop here.
  if cmake --build "$build" --target help | grep -q '^tandem:'; then
    step cmake --build "$build" --target tandem || return
    step "$bin/tandem" devices --probe --json
    ids=$("$bin/tandem" devices --json |
      sed -n 's/.*"id" *: *"\(GPU:[0-9]*\|OPENCL-CPU:[0-9]*\)".*/\1/p' | sort -u)
    [ -z "$ids" ] && ids=$("$bin/tandem" devices --json | grep -o '"\(GPU\|OPENCL-CPU\):[0-9]*"' | tr -d '"' | sort -u)
    for id in $ids; do
      [ -d "$conformance/models" ] && step python3 "$root/tests/conformance/device_conformance.py" "$bin/tandem" \
        "$conformance" models compiled "$id"
      [ -d "$conformance/operators" ] && step python3 "$root/tests/conformance/device_conformance.py" "$bin/tandem" \
        "$conformance" operators "$id" 900,400,100 93
      for model in squeezenet mobilenet_v2 resnet50; do
        step "$bin/tandem" run "sample:$model" --replica "$id" --duration 5 --json
        step "$bin/tandem" run "sample:$model" --replica "$id,batch=8" --batch 8 --duration 5 --json
        step "$bin/tandem" run "sample:$model" --replica CPU:0 --replica "$id" --duration 5 --json
      done
    done
  fi
}

mkdir -p "$root/build"
# A pipe would run check() in a subshell and lose `failed`, so it reports through a file.
{
  check 2>&1
  echo "$failed" > "$root/build/gpu_check.code"
} | tee "$log"
failed=$(cat "$root/build/gpu_check.code")
rm -f "$root/build/gpu_check.code"
if [ "$failed" = 0 ]; then echo "gpu_check: everything passed"; else echo "gpu_check: something failed, see above"; fi
exit "$failed"
