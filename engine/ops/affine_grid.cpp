// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/kernel_util.hpp"

namespace tandem::ops {
namespace {

/// Shape of the grid, [N][D]HW and one entry per coordinate; `size` is [N, C, (D,) H, W].
template <class Context>
Result<Shape> gridShape(const Context& context, const Shape& theta, const std::vector<std::int64_t>& size) {
  const auto rank = static_cast<std::int64_t>(size.size()) - 2;
  bool fits = (rank == 2 || rank == 3) && theta.rank() == 3;
  const auto is = [](std::int64_t dim, std::int64_t wanted) { return dim == kUnknownDim || dim == wanted; };
  fits = fits && is(theta[0], size[0]) && is(theta[1], rank) && is(theta[2], rank + 1);
  for (std::size_t i = 0; fits && i < size.size(); ++i) fits = size[i] >= 0;
  if (!fits)
    return context.fail("matrices " + theta.toString() + " do not go with a size of " + std::to_string(size.size()) +
                        " entries");
  std::vector<std::int64_t> dims(size.begin() + 2, size.end());
  dims.insert(dims.begin(), size[0]);
  dims.push_back(rank);
  return Shape(std::move(dims));
}

/// Positions from -1 to 1 along an axis of `count` elements.
std::vector<double> positions(std::int64_t count, bool alignCorners) {
  std::vector<double> result(static_cast<std::size_t>(count));
  const auto n = static_cast<double>(count);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto at = static_cast<double>(i);
    if (alignCorners)
      result[i] = count == 1 ? -1 : 2 * at / (n - 1) - 1;
    else
      result[i] = (2 * at + 1) / n - 1;
  }
  return result;
}

template <class C> void fill(ReferenceContext& context, const Shape& shape, Tensor grid) {
  const std::size_t rank = shape.rank() - 2; // spatial axes
  const bool alignCorners = context.attributes().getInt("align_corners", 0) != 0;
  std::vector<std::vector<double>> axes;
  for (std::size_t i = 0; i < rank; ++i) axes.push_back(positions(shape[i + 1], alignCorners));
  const Elements<C> theta(context.input(0));
  Results<C> y(std::move(grid));
  const std::int64_t points = dimProduct(shape, 1, rank + 1);
  std::int64_t at = 0;
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t p = 0; p < points; ++p) {
      std::array<double, 4> point{}; // (x, y, z, 1), the last axis first
      std::int64_t rest = p;
      for (std::size_t i = 0; i < rank; ++i) {
        const std::size_t axis = rank - 1 - i;
        point[i] = axes[axis][static_cast<std::size_t>(rest % shape[axis + 1])];
        rest /= shape[axis + 1];
      }
      point[rank] = 1;
      for (std::size_t i = 0; i < rank; ++i) {
        double sum = 0;
        for (std::size_t k = 0; k <= rank; ++k)
          sum += point[k] *
                 static_cast<double>(theta[(n * static_cast<std::int64_t>(rank) + static_cast<std::int64_t>(i)) *
                                               static_cast<std::int64_t>(rank + 1) +
                                           static_cast<std::int64_t>(k)]);
        y[at++] = static_cast<C>(sum);
      }
    }
  y.store();
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& theta = context.input(0);
  const std::vector<std::int64_t> size = TANDEM_TRY(readInts(context, 1));
  const Shape shape = TANDEM_TRY(gridShape(context, theta.shape(), size));
  if (!isFloating(theta.type())) return unsupportedType(context, theta.type());
  Tensor grid = TANDEM_TRY(makeOutput(context, 0, theta.type(), shape));
  if (grid.elements() == 0) return {};
  visitCompute(theta.type(), [&]<class C>(TypeTag<C>) { fill<C>(context, shape, std::move(grid)); });
  return {};
}

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(0);
  const auto size = TANDEM_TRY(knownInts(context, 1));
  const Shape* theta = context.inputShape(0);
  if (size && theta) {
    context.setOutput(0, type, TANDEM_TRY(gridShape(context, *theta, *size)));
    return {};
  }
  context.setOutputType(0, type);
  const auto length = knownLength(context, 1);
  if (!length || (*length != 4 && *length != 5)) return {};
  Shape shape = unknownShape(static_cast<std::size_t>(*length));
  shape[shape.rank() - 1] = *length - 2;
  if (theta && theta->rank() == 3) shape[0] = (*theta)[0];
  context.setOutput(0, type, std::move(shape));
  return {};
}

/// A product of a row and a vector per coordinate.
double flops(const Graph& graph, const Node& node) {
  const Shape& grid = graph.value(node.outputs[0]).desc.shape;
  return static_cast<double>(grid.elements()) * 2 * static_cast<double>(grid.rank() - 1);
}

} // namespace

// ONNX AffineGrid: sampling positions for GridSample from affine matrices.
extern const OpDef kAffineGrid = {.type = "AffineGrid",
                                  .domain = "",
                                  .versions = {20},
                                  .minInputs = 2,
                                  .maxInputs = 2,
                                  .shapeInputs = 1u << 1,
                                  .infer = infer,
                                  .flops = flops,
                                  .reference = reference};

} // namespace tandem::ops
