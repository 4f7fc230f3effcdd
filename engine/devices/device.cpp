// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/device.hpp"

namespace tandem {

Result<std::unique_ptr<Buffer>> Device::adopt(void*, std::size_t) {
  return makeError(ErrorCode::Internal, "the device has memory of its own", id(), "copy instead");
}

Result<std::unique_ptr<Buffer>> Device::allocateStaging(std::size_t) { return std::unique_ptr<Buffer>(); }

std::string_view toString(Precision precision) { return precision == Precision::Float16 ? "float16" : "model"; }

std::optional<Precision> precisionFrom(std::string_view text) {
  for (Precision each : {Precision::Model, Precision::Float16})
    if (text == toString(each)) return each;
  return std::nullopt;
}

Error noFloat16(const std::string& deviceId) {
  return makeError(ErrorCode::Unsupported, "this device does not compute in float16", deviceId,
                   "choose an OpenCL device, or the model's own precision (precision=model)");
}

std::string_view toString(DeviceKind kind) {
  switch (kind) {
  case DeviceKind::NativeCpu: return "cpu";
  case DeviceKind::OpenClGpu: return "opencl-gpu";
  case DeviceKind::OpenClCpu: return "opencl-cpu";
  case DeviceKind::OpenClAccelerator: return "opencl-accelerator";
  case DeviceKind::Simulated: return "simulated";
  }
  return "unknown";
}

std::string_view toString(MoveReason reason) {
  switch (reason) {
  case MoveReason::None: return "";
  case MoveReason::UnsupportedOp: return "unsupported op";
  case MoveReason::UnsupportedType: return "unsupported data type";
  case MoveReason::UnsupportedAttribute: return "unsupported attribute";
  case MoveReason::ShapeComputation: return "shape computation stays on the host";
  case MoveReason::DataDependentShape: return "data-dependent shape stays on the host";
  case MoveReason::DeviceHidden: return "device hidden";
  case MoveReason::DeviceAbsent: return "device absent";
  case MoveReason::OverMemoryLimit: return "over memory limit";
  }
  return "";
}

Result<TuneReport> Device::tune(const Segment&, const ProgramOptions&, const TuneOptions&) { return TuneReport(); }

} // namespace tandem
