// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_skip_norm_common.hpp"

#include "engine/ops/floating.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/moments.hpp"
#include "engine/ops/normalize_common.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::ops {
namespace {

Shape rowsOf(const Shape& x) {
  Shape shape = x;
  shape[shape.rank() - 1] = 1;
  return shape;
}

Result<void> checkParameter(const ReferenceContext& context, std::size_t index, std::int64_t width) {
  if (!context.hasInput(index)) return {};
  const Tensor& parameter = context.input(index);
  if (parameter.elements() == width && parameter.type() == context.input(0).type()) return {};
  return context.fail("input " + std::to_string(index) + " is " + parameter.desc().toString() + " where " +
                      std::to_string(width) + " numbers of type " + std::string(toString(context.input(0).type())) +
                      " are needed");
}

Result<void> checkSkip(const ReferenceContext& context) {
  const Tensor &x = context.input(0), &skip = context.input(1);
  std::vector<std::int64_t> dims = skip.shape().dims();
  while (dims.size() > 1 && dims.front() == 1) dims.erase(dims.begin());
  const std::vector<std::int64_t>& own = x.shape().dims();
  const bool isSuffix = dims.size() <= own.size() && std::equal(dims.rbegin(), dims.rend(), own.rbegin());
  if (skip.type() == x.type() && (isSuffix || skip.shape() == x.shape())) return {};
  return context.fail("a skip " + skip.desc().toString() + " does not go with " + x.desc().toString());
}

} // namespace

Result<void> inferSkipNormalization(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* x = context.inputShape(0);
  if (!x) {
    for (std::size_t i : {0, 1, 2, 3}) context.setOutputType(i, i == 1 || i == 2 ? DataType::Float32 : type);
    return {};
  }
  if (x->rank() < 2) return context.fail("cannot normalize the rows of " + x->toString());
  context.setOutput(0, type, *x);
  context.setOutput(1, DataType::Float32, rowsOf(*x));
  context.setOutput(2, DataType::Float32, rowsOf(*x));
  context.setOutput(3, type, *x);
  return {};
}

double skipNormalizationFlops(const Graph& graph, const Node& node) { return normalizeFlops(graph, node) * 9 / 6; }

RowMoments normalizeRow(const float* x, std::int64_t width, const float* gamma, const float* beta, double epsilon,
                        bool centred, float* y) {
  RowMoments row;
  double spread = 0;
  if (centred) {
    const Moments moments = momentsOf(x, width);
    row.mean = moments.mean();
    spread = moments.variance();
  } else {
    for (std::int64_t i = 0; i < width; ++i) spread += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    spread /= static_cast<double>(width);
  }
  row.inverseDeviation = 1 / std::sqrt(spread + epsilon);
  for (std::int64_t i = 0; i < width; ++i)
    y[i] = static_cast<float>((static_cast<double>(x[i]) - row.mean) * row.inverseDeviation *
                                  static_cast<double>(gamma[i]) +
                              (beta ? static_cast<double>(beta[i]) : 0.0));
  return row;
}

Result<void> skipNormalization(ReferenceContext& context, const SkipNormInputs& inputs, bool centred) {
  const Tensor& x = context.input(0);
  if (!isFloating(x.type()) || x.type() == DataType::Float64) return unsupportedType(context, x.type());
  if (x.shape().rank() < 2) return context.fail("cannot normalize the rows of " + x.shape().toString());
  const std::int64_t width = x.shape()[x.shape().rank() - 1], count = x.elements();
  TANDEM_TRY(checkSkip(context));
  for (std::size_t index : {std::size_t{2}, inputs.beta, inputs.bias})
    TANDEM_TRY(checkParameter(context, index, width));
  const Elements<float> source(x), skip(context.input(1)), gamma(context.input(2));
  std::optional<Elements<float>> beta, bias;
  if (context.hasInput(inputs.beta)) beta.emplace(context.input(inputs.beta));
  if (context.hasInput(inputs.bias)) bias.emplace(context.input(inputs.bias));
  const std::int64_t period = context.input(1).elements();
  std::vector<float> sum(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    sum[static_cast<std::size_t>(i)] = source[i] + skip[i % period] + (bias ? (*bias)[i % width] : 0.0f);

  const double epsilon = static_cast<double>(context.attributes().getFloat("epsilon", 1e-12f));
  Results<float> y(context.output(0, x.type(), x.shape()));
  std::vector<float> means, deviations;
  for (std::int64_t at = 0; at < count; at += width) {
    const RowMoments row = normalizeRow(sum.data() + at, width, gamma.data(), beta ? beta->data() : nullptr, epsilon,
                                        centred, y.data() + at);
    means.push_back(static_cast<float>(row.mean));
    deviations.push_back(static_cast<float>(row.inverseDeviation));
  }
  y.store();
  for (std::size_t index : {std::size_t{1}, std::size_t{2}}) {
    if (!context.wantsOutput(index)) continue;
    Tensor out = context.output(index, DataType::Float32, rowsOf(x.shape()));
    std::copy_n((index == 1 ? means : deviations).begin(), means.size(), out.mutableAs<float>().begin());
  }
  if (context.wantsOutput(3)) {
    Results<float> out(context.output(3, x.type(), x.shape()));
    std::copy(sum.begin(), sum.end(), out.data());
    out.store();
  }
  return {};
}

} // namespace tandem::ops
