// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/device.hpp"

namespace tandem {

Result<std::unique_ptr<Buffer>> Device::adopt(void*, std::size_t) {
  return makeError(ErrorCode::Internal, "the device has memory of its own", id(), "copy instead");
}

Result<std::unique_ptr<Buffer>> Device::allocateStaging(std::size_t) { return std::unique_ptr<Buffer>(); }

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

} // namespace tandem
