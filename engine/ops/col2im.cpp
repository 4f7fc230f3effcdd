// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/indexing.hpp"
#include "engine/ops/window.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

struct Geometry {
  std::vector<WindowAxis> axes; ///< input is the picture's extent, output the number of blocks
  std::int64_t taps = 1;        ///< elements of a block
  std::int64_t blocks = 1;
  Shape output;
};

Result<Geometry> geometryOf(const Node& node, const Shape& x, const std::vector<std::int64_t>& image,
                            const std::vector<std::int64_t>& block) {
  if (x.rank() != 3 || image.empty() || image.size() != block.size() || image.size() + 2 > kMaxRank)
    return nodeError(node, "columns " + x.toString() + " do not go with the shapes of picture and block");
  for (std::int64_t extent : block)
    if (extent < 1 || extent > kMaxWindowExtent) return nodeError(node, "a block extent is out of range");
  const WindowAttributes window = TANDEM_TRY(windowAttributes(node, image.size(), block));
  Geometry g;
  std::vector<std::int64_t> dims{x[0], 0};
  for (std::size_t i = 0; i < image.size(); ++i) {
    WindowAxis axis;
    axis.input = image[i];
    axis.kernel = block[i];
    axis.stride = window.strides[i];
    axis.dilation = window.dilations[i];
    TANDEM_TRY(placeWindow(node, axis, AutoPad::NotSet, window.padsBegin[i], window.padsEnd[i], false));
    g.axes.push_back(axis);
    dims.push_back(axis.input);
    const auto multiplied = [](std::int64_t a, std::int64_t b) {
      return b != 0 && a > kMaxWindowExtent / b ? kMaxWindowExtent : a * b;
    };
    g.taps = multiplied(g.taps, axis.kernel);
    g.blocks = multiplied(g.blocks, axis.output);
  }
  if ((x[1] != kUnknownDim && x[1] % g.taps != 0) || (x[2] != kUnknownDim && x[2] != g.blocks))
    return nodeError(node, "columns " + x.toString() + " are not " + std::to_string(g.blocks) + " blocks of " +
                               std::to_string(g.taps) + " elements");
  dims[1] = x[1] == kUnknownDim ? kUnknownDim : x[1] / g.taps;
  g.output = Shape(std::move(dims));
  return g;
}

/// Adds to `plane` what one tap of all blocks holds; `tap` and the block indices are row-major.
template <class T> void addTap(const Geometry& g, std::int64_t tap, const T* columns, T* plane) {
  std::vector<std::int64_t> offsets(g.axes.size());
  for (std::size_t i = g.axes.size(); i-- > 0; tap /= g.axes[i].kernel)
    offsets[i] = tap % g.axes[i].kernel * g.axes[i].dilation - g.axes[i].padBegin;
  std::vector<std::int64_t> block(g.axes.size(), 0);
  for (std::int64_t at = 0; at < g.blocks; ++at) {
    std::int64_t to = 0;
    bool inside = true;
    for (std::size_t i = 0; i < g.axes.size(); ++i) {
      const std::int64_t position = block[i] * g.axes[i].stride + offsets[i];
      inside = inside && position >= 0 && position < g.axes[i].input;
      to = to * g.axes[i].input + (inside ? position : 0);
    }
    if (inside) applyReduction(Reduction::Add, plane[to], columns[at]);
    for (std::size_t i = g.axes.size(); i-- > 0;) {
      if (++block[i] < g.axes[i].output) break;
      block[i] = 0;
    }
  }
}

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(0);
  const auto image = TANDEM_TRY(knownInts(context, 1)), block = TANDEM_TRY(knownInts(context, 2));
  const Shape* x = context.inputShape(0);
  if (image && block && x) {
    context.setOutput(0, type, TANDEM_TRY(geometryOf(context.node(), *x, *image, *block)).output);
    return {};
  }
  context.setOutputType(0, type);
  if (const auto length = knownLength(context, 1)) {
    Shape shape = unknownShape(static_cast<std::size_t>(*length) + 2);
    if (x && x->rank() == 3) shape[0] = (*x)[0];
    context.setOutput(0, type, std::move(shape));
  }
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const std::vector<std::int64_t> image = TANDEM_TRY(readInts(context, 1)), block = TANDEM_TRY(readInts(context, 2));
  const Geometry g = TANDEM_TRY(geometryOf(context.node(), x.shape(), image, block));
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), g.output));
  const std::int64_t planes = g.output[0] * g.output[1], size = dimProduct(g.output, 2, g.output.rank());
  const bool known = visitOneOf(AllTypes{}, x.type(), [&]<class T>(TypeTag<T>) {
    const T* src = x.as<T>().data();
    T* dst = y.mutableAs<T>().data();
    std::fill_n(dst, y.elements(), T());
    for (std::int64_t plane = 0; plane < planes; ++plane)
      for (std::int64_t tap = 0; tap < g.taps; ++tap)
        addTap(g, tap, src + (plane * g.taps + tap) * g.blocks, dst + plane * size);
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

/// One addition per element of the columns.
double flops(const Graph& graph, const Node& node) {
  return static_cast<double>(graph.value(node.inputs[0]).desc.shape.elements());
}

} // namespace

// ONNX Col2Im: overlapping blocks summed up into a picture of any rank, the transpose of im2col.
extern const OpDef kCol2Im = {.type = "Col2Im",
                              .domain = "",
                              .versions = {18},
                              .minInputs = 3,
                              .maxInputs = 3,
                              .shapeInputs = 0b110,
                              .infer = infer,
                              .flops = flops,
                              .reference = reference};

} // namespace tandem::ops
