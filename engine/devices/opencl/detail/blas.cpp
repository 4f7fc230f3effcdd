// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/blas.hpp"

#include <algorithm>
#include <clblast.h>
#include <map>
#include <mutex>

namespace tandem::opencl {
namespace {

/// Floats of A, B and C.
std::array<std::size_t, 3> extents(const BlasProduct& p) {
  const std::size_t last = p.batches - 1;
  const std::size_t a = (p.transposeA ? p.k : p.m) * p.rowA + (p.window ? 0 : last * p.strideA);
  const std::size_t b = p.window ? p.batches * p.window->channels * p.window->height * p.window->width
                                 : (p.transposeB ? p.n : p.k) * p.rowB + last * p.strideB;
  return {a, b, p.batches * p.m * p.n};
}

bool tryProduct(const DeviceContext& device, const BlasProduct& product) {
  auto queue = device.createQueue(false);
  if (!queue.ok()) return false;
  std::array<MemHandle, 3> memory;
  std::array<cl_mem, 3> buffers{};
  const std::array<std::size_t, 3> floats = extents(product);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t bytes = std::max<std::size_t>(floats[i], 1) * sizeof(float);
    if (device.info.maxAllocationBytes > 0 && bytes > static_cast<std::size_t>(device.info.maxAllocationBytes))
      return false;
    cl_int code = CL_SUCCESS;
    memory[i] = MemHandle(clCreateBuffer(device.context.get(), CL_MEM_READ_WRITE, bytes, nullptr, &code));
    if (code != CL_SUCCESS) return false;
    const float zero = 0;
    buffers[i] = memory[i].get();
    if (clEnqueueFillBuffer(queue->get(), buffers[i], &zero, sizeof zero, 0, bytes, 0, nullptr, nullptr) != CL_SUCCESS)
      return false;
  }
  const bool accepted = enqueueProduct(queue->get(), product, buffers, nullptr) == CL_SUCCESS;
  return clFinish(queue->get()) == CL_SUCCESS && accepted;
}

/// Everything that the answer may depend on.
std::vector<std::size_t> keyOf(const BlasProduct& p) {
  std::vector<std::size_t> key{p.m,    p.n,    p.k,       p.transposeA, p.transposeB,
                               p.rowA, p.rowB, p.batches, p.strideA,    p.strideB};
  if (p.window)
    for (std::size_t value :
         {p.window->channels, p.window->height, p.window->width, p.window->kernelH, p.window->kernelW, p.window->padH,
          p.window->padW, p.window->strideH, p.window->strideW, p.window->dilationH, p.window->dilationW})
      key.push_back(value);
  return key;
}

} // namespace

cl_int enqueueProduct(cl_command_queue queue, const BlasProduct& product, const std::array<cl_mem, 3>& buffers,
                      cl_event* event) {
  using clblast::Transpose;
  const auto transpose = [](bool yes) { return yes ? Transpose::kYes : Transpose::kNo; };
  const auto& p = product;
  if (p.window) {
    const BlasWindow& w = *p.window;
    return static_cast<cl_int>(clblast::Convgemm<float>(clblast::KernelMode::kCrossCorrelation, w.channels, w.height,
                                                        w.width, w.kernelH, w.kernelW, w.padH, w.padW, w.strideH,
                                                        w.strideW, w.dilationH, w.dilationW, p.m, p.batches, buffers[1],
                                                        0, buffers[0], 0, buffers[2], 0, &queue, event));
  }
  if (p.batches > 1)
    return static_cast<cl_int>(clblast::GemmStridedBatched<float>(
        clblast::Layout::kRowMajor, transpose(p.transposeA), transpose(p.transposeB), p.m, p.n, p.k, p.alpha,
        buffers[0], 0, p.rowA, p.strideA, buffers[1], 0, p.rowB, p.strideB, 0.0f, buffers[2], 0, p.n, p.m * p.n,
        p.batches, &queue, event));
  return static_cast<cl_int>(clblast::Gemm<float>(
      clblast::Layout::kRowMajor, transpose(p.transposeA), transpose(p.transposeB), p.m, p.n, p.k, p.alpha, buffers[0],
      0, p.rowA, buffers[1], 0, p.rowB, 0.0f, buffers[2], 0, p.n, &queue, event));
}

bool blasAccepts(const DeviceContext& device, const BlasProduct& product) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, std::vector<std::size_t>>, bool> known;
  const std::pair<std::string, std::vector<std::size_t>> key{device.info.id + '\n' + device.info.name, keyOf(product)};
  std::lock_guard lock(mutex);
  if (const auto found = known.find(key); found != known.end()) return found->second;
  return known[key] = tryProduct(device, product);
}

} // namespace tandem::opencl
