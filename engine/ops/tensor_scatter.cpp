// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/unary.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

/// The sequence axis, once the shapes are known to fit: they differ there only, and not in the batch axis.
template <class Context>
Result<std::size_t> sequenceAxis(const Context& context, const Shape& cache, const Shape& update) {
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", -2), cache.rank()));
  bool fits = axis != 0 && cache.rank() == update.rank();
  for (std::size_t i = 0; fits && i < cache.rank(); ++i)
    fits = cache[i] == kUnknownDim || update[i] == kUnknownDim ||
           (i == axis ? update[i] <= cache[i] : update[i] == cache[i]);
  if (!fits) return context.fail("an update " + update.toString() + " does not go into a cache " + cache.toString());
  return axis;
}

Result<void> infer(InferContext& context) {
  const Shape *cache = context.inputShape(0), *update = context.inputShape(1);
  if (cache && update) TANDEM_TRY(sequenceAxis(context, *cache, *update));
  return inferSameAsInput(context);
}

Result<void> reference(ReferenceContext& context) {
  const Tensor &cache = context.input(0), &update = context.input(1);
  TANDEM_TRY(requireSameType(context, 0, 1));
  const std::size_t axis = TANDEM_TRY(sequenceAxis(context, cache.shape(), update.shape()));
  const std::string_view mode = context.attributes().getString("mode", "linear");
  if (mode != "linear" && mode != "circular") return context.fail("mode '" + std::string(mode) + "' is not known");
  const std::int64_t batch = cache.shape()[0], capacity = cache.shape()[axis], length = update.shape()[axis];
  Tensor y = TANDEM_TRY(makeOutput(context, 0, cache.type(), cache.shape()));
  if (cache.elements() == 0) return {};
  std::vector<std::int64_t> starts(static_cast<std::size_t>(batch), 0);
  if (context.hasInput(2)) starts = TANDEM_TRY(readInts(context, 2));
  if (static_cast<std::int64_t>(starts.size()) != batch) return context.fail("write_indices do not match the batch");
  for (std::int64_t& start : starts) {
    if (start < 0 || (mode == "linear" && start > capacity - length))
      return context.fail("an update of " + std::to_string(length) + " at " + std::to_string(start) +
                          " leaves the cache of " + std::to_string(capacity));
    start %= capacity;
  }
  std::memcpy(y.mutableData(), cache.data(), cache.bytes());
  const std::int64_t middle = dimProduct(cache.shape(), 1, axis);
  const std::size_t row =
      static_cast<std::size_t>(dimProduct(cache.shape(), axis + 1, cache.shape().rank())) * byteSize(cache.type());
  const auto* src = static_cast<const std::byte*>(update.data());
  auto* dst = static_cast<std::byte*>(y.mutableData());
  for (std::int64_t prefix = 0; prefix < batch * middle; ++prefix)
    for (std::int64_t t = 0; t < length; ++t) {
      const std::int64_t to = (starts[static_cast<std::size_t>(prefix / middle)] + t) % capacity;
      std::memcpy(dst + static_cast<std::size_t>(prefix * capacity + to) * row,
                  src + static_cast<std::size_t>(prefix * length + t) * row, row);
    }
  return {};
}

} // namespace

// ONNX TensorScatter: an update written into a cache along its sequence axis, per batch entry at an index of its own.
extern const OpDef kTensorScatter = {.type = "TensorScatter",
                                     .domain = "",
                                     .versions = {24},
                                     .minInputs = 2,
                                     .maxInputs = 3,
                                     .infer = infer,
                                     .reference = reference};

} // namespace tandem::ops
