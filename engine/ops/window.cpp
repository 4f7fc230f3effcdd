// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/window.hpp"

#include "engine/base/checked.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

Result<std::vector<std::int64_t>> listAttribute(const Node& node, std::string_view name, std::size_t count,
                                                std::int64_t fallback, std::int64_t least) {
  std::vector<std::int64_t> list = node.attributes.getInts(name);
  if (list.empty()) list.assign(count, fallback);
  if (list.size() != count)
    return nodeError(node, std::string(name) + " has " + std::to_string(list.size()) + " entries, not " +
                               std::to_string(count));
  for (std::int64_t entry : list)
    if (entry < least || entry > kMaxWindowExtent)
      return nodeError(node, std::string(name) + " holds " + std::to_string(entry));
  return list;
}

Result<AutoPad> autoPadOf(const Node& node) {
  const std::string_view text = node.attributes.getString("auto_pad", "NOTSET");
  if (text == "NOTSET" || text.empty()) return AutoPad::NotSet;
  if (text == "SAME_UPPER") return AutoPad::SameUpper;
  if (text == "SAME_LOWER") return AutoPad::SameLower;
  if (text == "VALID") return AutoPad::Valid;
  return nodeError(node, "auto_pad '" + std::string(text) + "' is not known");
}

} // namespace

Error nodeError(const Node& node, std::string message) {
  return makeError(ErrorCode::ModelRejected, std::move(message), node.type + " '" + node.name + "'",
                   "check the model and the input shapes");
}

Result<void> checkAddressable(const Node& node, const Shape& shape) {
  if (shape.isStatic() && !checkedMul(shape.checkedElements().value_or(-1), 8))
    return nodeError(node, "the result " + shape.toString() + " is too large to address");
  return {};
}

IndexRange outputsOfTap(const WindowAxis& axis, std::int64_t tap) {
  const std::int64_t offset = tap * axis.dilation - axis.padBegin;
  IndexRange range;
  range.begin = std::max<std::int64_t>(0, ceilDiv(-offset, axis.stride));
  range.end = std::min(axis.output, ceilDiv(axis.input - offset, axis.stride));
  return range;
}

IndexRange tapsInside(const WindowAxis& axis, std::int64_t output) {
  const std::int64_t start = output * axis.stride - axis.padBegin;
  IndexRange range;
  range.begin = std::max<std::int64_t>(0, ceilDiv(-start, axis.dilation));
  range.end = std::min(axis.kernel, ceilDiv(axis.input - start, axis.dilation));
  return range;
}

Result<WindowAttributes> windowAttributes(const Node& node, std::size_t spatialRank,
                                          std::vector<std::int64_t> kernelFallback) {
  WindowAttributes window;
  window.kernel = std::move(kernelFallback);
  if (node.attributes.has("kernel_shape") || window.kernel.empty())
    window.kernel = TANDEM_TRY(listAttribute(node, "kernel_shape", spatialRank, 0, 1));
  window.strides = TANDEM_TRY(listAttribute(node, "strides", spatialRank, 1, 1));
  window.dilations = TANDEM_TRY(listAttribute(node, "dilations", spatialRank, 1, 1));
  const std::vector<std::int64_t> pads = TANDEM_TRY(listAttribute(node, "pads", 2 * spatialRank, 0, 0));
  window.padsBegin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(spatialRank));
  window.padsEnd.assign(pads.begin() + static_cast<std::ptrdiff_t>(spatialRank), pads.end());
  window.autoPad = TANDEM_TRY(autoPadOf(node));
  return window;
}

Result<void> placeWindow(const Node& node, WindowAxis& axis, AutoPad autoPad, std::int64_t padBegin,
                         std::int64_t padEnd, bool ceilMode) {
  const bool same = autoPad == AutoPad::SameUpper || autoPad == AutoPad::SameLower;
  axis.padBegin = autoPad == AutoPad::NotSet ? padBegin : 0;
  axis.padEnd = autoPad == AutoPad::NotSet ? padEnd : 0;
  axis.output = kUnknownDim;
  if (axis.input == kUnknownDim) return {};
  if (axis.input < 0 || axis.input > kMaxWindowExtent)
    return nodeError(node, "extent " + std::to_string(axis.input) + " is too large");
  if (same) axis.output = ceilDiv(axis.input, axis.stride);
  if (axis.kernel == kUnknownDim) return {};
  if (same) {
    const std::int64_t total = std::max<std::int64_t>(0, (axis.output - 1) * axis.stride + axis.span() - axis.input);
    axis.padBegin = autoPad == AutoPad::SameUpper ? total / 2 : total - total / 2;
    axis.padEnd = total - axis.padBegin;
    return {};
  }
  const std::int64_t room = axis.input + axis.padBegin + axis.padEnd - axis.span();
  axis.output = room < 0 && !ceilMode ? 0 : (ceilMode ? ceilDiv(room, axis.stride) : room / axis.stride) + 1;
  if (ceilMode && axis.output > 0 && (axis.output - 1) * axis.stride >= axis.input + axis.padBegin) --axis.output;
  if (axis.output < 1)
    return nodeError(node, "a window that spans " + std::to_string(axis.span()) + " does not fit the padded input of " +
                               std::to_string(axis.input + axis.padBegin + axis.padEnd));
  return {};
}

} // namespace tandem::ops
