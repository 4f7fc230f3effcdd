// SPDX-License-Identifier: GPL-3.0-or-later
// Operators that move elements without computing on them; any element type.
#include "engine/devices/opencl/kernels/emit.hpp"
#include "engine/ops/kernel_util.hpp"

#include <algorithm>
#include <numeric>

namespace tandem::opencl {
namespace {

using Ints = std::vector<std::int64_t>;

Support checkMovable(const NodeView& view) {
  if (!isMovable(view.inputType(0))) return noType(view, view.inputType(0));
  return Support::yes();
}

/// Yes where inputs [first, last] are constants, if present.
Support needConstants(const NodeView& view, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i <= last; ++i)
    if (view.hasInput(i) && !view.input(i).isConstant())
      return noAttribute(view.node.type + " whose parameters are computed at run time");
  return Support::yes();
}

Ints rowMajorStrides(const Ints& dims) { return Shape(dims).strides(); }

void moveAll(Lowering& lowering, const Ints& dims, Ints srcStrides, std::int64_t srcOffset = 0) {
  const DataType type = lowering.outputDesc(0).type;
  emitMove(lowering, dims, {lowering.input(0), type, std::move(srcStrides), srcOffset},
           {lowering.output(0), type, rowMajorStrides(dims), 0});
}

// --- Concat

Support checkConcat(const NodeView& view) {
  for (std::size_t i = 0; i < view.node.inputs.size(); ++i) {
    if (!view.hasInput(i)) return noAttribute("Concat with an operand left out");
    if (!isMovable(view.inputType(i)) || view.inputType(i) != view.inputType(0)) return noType(view, view.inputType(i));
  }
  return Support::yes();
}

/// Joining channels in blocked storage copies whole blocks where every part but the last fills its blocks.
bool concatBlocks(Lowering& lowering, std::size_t axis) {
  const Node& node = lowering.node();
  if (axis != 1 || !lowering.canBlock(node.outputs[0])) return false;
  bool any = false;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!lowering.canBlock(node.inputs[i])) return false;
    any = any || lowering.inputIsBlocked(i);
    if (i + 1 < node.inputs.size() && lowering.inputDesc(i).shape[1] % 16 != 0) return false;
  }
  if (!any) return false;
  std::vector<BlockedView> parts;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    parts.push_back(lowering.blockedInput(i));
    if (parts.back().blocking.block != 16) return false;
  }
  BlockedView target = lowering.blockedOutput(0);
  bool copies = false;
  for (const BlockedView& part : parts) {
    if (!part.sameMemory(target)) {
      emitMove(lowering, blockedDims(part), blockedRef(part), blockedRef(target));
      copies = true;
    }
    target.origin += part.blocks * target.blockStride;
  }
  lowering.setKernelName(copies ? "concat of blocks" : "concat in place");
  return true;
}

Result<void> lowerConcat(Lowering& lowering) {
  const TensorDesc& out = lowering.outputDesc(0);
  const auto axis = normalizeAxis(lowering.node().attributes.getInt("axis", 1), out.shape.rank());
  TANDEM_ASSERT(axis.has_value());
  if (concatBlocks(lowering, *axis)) return {};
  StridedRef dst = rowMajor(lowering.output(0), out);
  for (std::size_t i = 0; i < lowering.inputCount(); ++i) {
    const TensorDesc& part = lowering.inputDesc(i);
    emitMove(lowering, part.shape.dims(), rowMajor(lowering.input(i), part), dst);
    dst.offset += part.shape[*axis] * dst.strides[*axis];
  }
  return {};
}

// --- Split, Slice

Result<void> lowerSplit(Lowering& lowering) {
  const TensorDesc& in = lowering.inputDesc(0);
  const auto axis = normalizeAxis(lowering.node().attributes.getInt("axis", 0), in.shape.rank());
  TANDEM_ASSERT(axis.has_value());
  StridedRef src = rowMajor(lowering.input(0), in);
  for (std::size_t i = 0; i < lowering.node().outputs.size(); ++i) {
    if (!lowering.hasOutput(i)) continue;
    const TensorDesc& part = lowering.outputDesc(i);
    emitMove(lowering, part.shape.dims(), src, rowMajor(lowering.output(i), part));
    src.offset += part.shape[*axis] * src.strides[*axis];
  }
  return {};
}

Support checkSplit(const NodeView& view) {
  // A part nobody wants has no desc to take its length from.
  for (std::size_t i = 0; i + 1 < view.node.outputs.size(); ++i)
    if (!view.hasOutput(i)) return noAttribute("Split with a part that nobody wants");
  return checkMovable(view);
}

Support checkSlice(const NodeView& view) {
  if (const Support support = needConstants(view, 1, 4); !support.ok()) return support;
  return checkMovable(view);
}

Ints parameter(const Lowering& lowering, std::size_t input, const char* attribute) {
  if (lowering.node().version < 10) return lowering.node().attributes.getInts(attribute);
  return lowering.hasInput(input) ? lowering.inputTensor(input).toInts() : Ints{};
}

Result<void> lowerSlice(Lowering& lowering) {
  const Shape& in = lowering.inputDesc(0).shape;
  const Ints starts = parameter(lowering, 1, "starts");
  Ints axes = parameter(lowering, 3, "axes");
  Ints steps = lowering.node().version < 10 ? Ints{} : parameter(lowering, 4, "steps");
  if (axes.empty()) axes.resize(starts.size()), std::iota(axes.begin(), axes.end(), std::int64_t{0});
  if (steps.empty()) steps.assign(starts.size(), 1);
  Ints strides = in.strides();
  std::int64_t offset = 0;
  for (std::size_t k = 0; k < starts.size(); ++k) {
    const auto axis = normalizeAxis(axes[k], in.rank());
    TANDEM_ASSERT(axis.has_value());
    const std::int64_t length = in[*axis];
    const std::int64_t low = 0;
    const std::int64_t high = steps[k] > 0 ? length : length - 1;
    const std::int64_t start = std::clamp(starts[k] < 0 ? starts[k] + length : starts[k], low, std::max(low, high));
    offset += start * strides[*axis];
    strides[*axis] *= steps[k];
  }
  moveAll(lowering, lowering.outputDesc(0).shape.dims(), std::move(strides), offset);
  return {};
}

// --- Transpose, Expand, Tile, DepthToSpace, SpaceToDepth

Result<void> lowerTranspose(Lowering& lowering) {
  const Shape& in = lowering.inputDesc(0).shape;
  Ints perm = lowering.node().attributes.getInts("perm");
  if (perm.empty())
    for (std::size_t k = in.rank(); k-- > 0;) perm.push_back(static_cast<std::int64_t>(k));
  const Ints strides = in.strides();
  Ints permuted;
  for (std::int64_t axis : perm) permuted.push_back(strides[static_cast<std::size_t>(axis)]);
  moveAll(lowering, lowering.outputDesc(0).shape.dims(), std::move(permuted));
  return {};
}

Result<void> lowerExpand(Lowering& lowering) {
  const TensorDesc& out = lowering.outputDesc(0);
  emitMove(lowering, out.shape.dims(), broadcastTo(lowering.input(0), lowering.inputDesc(0), out.shape),
           rowMajor(lowering.output(0), out));
  return {};
}

/// Loop nest of Tile: a dim of repeats (stride 0 in the source) before every dim that grows.
struct TileNest {
  Ints dims, strides;
};
TileNest tileNest(const Shape& in, const Shape& out) {
  TileNest nest;
  const Ints strides = in.strides();
  for (std::size_t k = 0; k < in.rank(); ++k) {
    if (in[k] > 0 && out[k] != in[k]) {
      nest.dims.push_back(out[k] / in[k]);
      nest.strides.push_back(0);
    }
    nest.dims.push_back(out[k] == 0 ? 0 : in[k]);
    nest.strides.push_back(strides[k]);
  }
  return nest;
}

Support checkTile(const NodeView& view) {
  if (view.node.version < 6 && view.node.version > 0) return noAttribute("Tile of opset below 6");
  if (view.isStatic() && tileNest(view.input(0).desc.shape, view.output(0).desc.shape).dims.size() > 9)
    return noAttribute("Tile along so many axes");
  return checkMovable(view);
}

Result<void> lowerTile(Lowering& lowering) {
  TileNest nest = tileNest(lowering.inputDesc(0).shape, lowering.outputDesc(0).shape);
  moveAll(lowering, nest.dims, std::move(nest.strides));
  return {};
}

void movePermuted(Lowering& lowering, const Ints& split, std::initializer_list<std::size_t> order) {
  const Ints strides = rowMajorStrides(split);
  Ints dims, permuted;
  for (std::size_t axis : order) {
    dims.push_back(split[axis]);
    permuted.push_back(strides[axis]);
  }
  moveAll(lowering, dims, std::move(permuted));
}

Result<void> lowerDepthToSpace(Lowering& lowering) {
  const Shape& x = lowering.inputDesc(0).shape;
  const std::int64_t c = lowering.outputDesc(0).shape[1];
  const std::int64_t block = lowering.node().attributes.getInt("blocksize", 1);
  if (lowering.node().attributes.getString("mode", "DCR") == "CRD")
    movePermuted(lowering, {x[0], c, block, block, x[2], x[3]}, {0, 1, 4, 2, 5, 3});
  else
    movePermuted(lowering, {x[0], block, block, c, x[2], x[3]}, {0, 3, 4, 1, 5, 2});
  return {};
}

Result<void> lowerSpaceToDepth(Lowering& lowering) {
  const Shape& x = lowering.inputDesc(0).shape;
  const std::int64_t block = lowering.node().attributes.getInt("blocksize", 1);
  movePermuted(lowering, {x[0], x[1], x[2] / block, block, x[3] / block, block}, {0, 3, 5, 1, 2, 4});
  return {};
}

// --- Pad

std::string_view padMode(const Node& node) { return node.attributes.getString("mode", "constant"); }

Support checkPad(const NodeView& view) {
  if (view.node.version >= 11) {
    for (std::size_t i : {1, 3})
      if (const Support support = needConstants(view, i, i); !support.ok()) return support;
    if (view.hasInput(2) && view.inputType(2) != view.inputType(0)) return noType(view, view.inputType(2));
  }
  if (padMode(view.node) != "constant" && view.isStatic()) {
    // The kernel repeats the whole axis; with negative pads the modes repeat what is left of it.
    const Shape& in = view.input(0).desc.shape;
    for (std::int64_t dim : in)
      if (dim == 0) return noAttribute("Pad of an empty tensor");
    if (view.node.version >= 11)
      for (std::int64_t pad : view.hasInput(1) ? view.input(1).constant.toInts() : Ints{})
        if (pad < 0) return noAttribute("Pad that cuts off and repeats");
    if (view.node.version < 11)
      for (std::int64_t pad : view.node.attributes.getInts("pads"))
        if (pad < 0) return noAttribute("Pad that cuts off and repeats");
  }
  return checkMovable(view);
}

/// Elements added before every axis.
Ints padsBefore(const Lowering& lowering, std::size_t rank) {
  const Node& node = lowering.node();
  Ints pads = node.version >= 11 ? lowering.inputTensor(1).toInts()
                                 : node.attributes.getInts(node.version < 2 ? "paddings" : "pads");
  Ints before(rank, 0);
  if (node.version >= 11 && lowering.hasInput(3)) {
    const Ints axes = lowering.inputTensor(3).toInts();
    for (std::size_t k = 0; k < axes.size(); ++k) before[*normalizeAxis(axes[k], rank)] = pads[k];
  } else {
    std::copy_n(pads.begin(), rank, before.begin());
  }
  return before;
}

Ref fillValue(Lowering& lowering, DataType type) {
  const Node& node = lowering.node();
  if (node.version >= 11 && lowering.hasInput(2) && lowering.inputDesc(2).shape.elements() > 0)
    return lowering.input(2);
  std::vector<unsigned char> bytes(byteSize(type), 0);
  if (node.version >= 11) return lowering.weight(std::move(bytes));
  visitType(type, [&]<class T>(TypeTag<T>) {
    const T value = ops::convert<T>(node.attributes.getFloat("value", 0.0f));
    std::copy_n(reinterpret_cast<const unsigned char*>(&value), sizeof value, bytes.begin());
  });
  return lowering.weight(std::move(bytes));
}

Result<void> lowerPad(Lowering& lowering) {
  const TensorDesc& in = lowering.inputDesc(0);
  const TensorDesc& out = lowering.outputDesc(0);
  const std::int64_t count = out.shape.elements();
  const Ints before = padsBefore(lowering, in.shape.rank());
  const std::string bits = "-DE=" + std::string(clBits(out.type));
  const std::string_view mode = padMode(lowering.node());
  if (mode == "constant") {
    Step fill = perElement("move", "fill", bits, count);
    fill.args = {lowering.output(0), fillValue(lowering, out.type), toInt(count)};
    lowering.launch(std::move(fill));
    StridedRef src = rowMajor(lowering.input(0), in);
    StridedRef dst = rowMajor(lowering.output(0), out);
    Ints dims;
    for (std::size_t k = 0; k < before.size(); ++k) {
      const std::int64_t begin = std::max<std::int64_t>(before[k], 0);
      const std::int64_t end = std::min(before[k] + in.shape[k], out.shape[k]);
      dims.push_back(std::max<std::int64_t>(end - begin, 0));
      dst.offset += begin * dst.strides[k];
      src.offset += (begin - before[k]) * src.strides[k];
    }
    if (std::find(dims.begin(), dims.end(), 0) == dims.end()) emitMove(lowering, dims, src, dst);
    return {};
  }
  const int kind = mode == "edge" ? 1 : mode == "reflect" ? 2 : 3;
  Step step = perElement("move", "pad", bits + " -DMODE=" + std::to_string(kind), count);
  step.args = {lowering.input(0),
               lowering.output(0),
               toInt(count),
               toInt(static_cast<std::int64_t>(in.shape.rank())),
               int8Front(out.shape.dims(), 1),
               int8Front(in.shape.dims(), 1),
               int8Front(in.shape.strides(), 0),
               int8Front(before, 0)};
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "Concat", checkConcat, lowerConcat},
    {"", "Split", checkSplit, lowerSplit},
    {"", "Slice", checkSlice, lowerSlice},
    {"", "Transpose", checkMovable, lowerTranspose},
    {"", "Expand", checkMovable, lowerExpand},
    {"", "Tile", checkTile, lowerTile},
    {"", "DepthToSpace", checkMovable, lowerDepthToSpace},
    {"", "SpaceToDepth", checkMovable, lowerSpaceToDepth},
    {"", "Pad", checkPad, lowerPad},
};

} // namespace

std::span<const KernelDef> moveKernels();
std::span<const KernelDef> moveKernels() { return kTable; }

} // namespace tandem::opencl
