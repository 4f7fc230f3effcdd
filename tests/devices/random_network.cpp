// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/random_network.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tandem::test {
namespace {

using Ints = std::vector<std::int64_t>;

void append(Shape& shape, std::int64_t extent) {
  Ints dims = shape.dims();
  dims.push_back(extent);
  shape = Shape(std::move(dims));
}

/// A value on its way through the network.
struct Wire {
  ValueId id;
  Shape shape;
  std::size_t spatial() const { return shape.rank() - 2; }
};

class Grower {
 public:
  Grower(unsigned seed, bool large) : m_random(seed), m_maker(seed * 1000 + 1), m_large(large) {}

  Graph grow() {
    const std::size_t spatial = m_large ? 2 : pick<std::size_t>({1, 2, 2, 2, 3});
    Shape shape{pick<std::int64_t>({1, 1, 2, 3}), channels()};
    const std::int64_t most = spatial == 3 ? 7 : m_large ? 20 : 17;
    for (std::size_t i = 0; i < spatial; ++i)
      append(shape, chance(4) ? 1 : m_large ? most - static_cast<std::int64_t>(below(7)) : 1 + below(most));
    Wire wire{m_maker.input(shape), shape};
    const int depth = pick<int>({1, 3, 6, 10});
    const int branch = static_cast<int>(below(depth));
    ValueId aside;
    for (int i = 0; i < depth; ++i) {
      wire = step(wire);
      if (i == branch && chance(3)) aside = wire.id;
    }
    if (depth == 1 || chance(3)) wire = convolve(wire);
    std::vector<ValueId> outputs{wire.id};
    if (aside.valid() && aside != wire.id) outputs.push_back(aside);
    m_maker.finish(outputs);
    return std::move(m_maker.graph);
  }

 private:
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(m_random() % static_cast<unsigned>(limit));
  }
  bool chance(std::int64_t oneIn) { return below(oneIn) == 0; }
  template <class T> T pick(std::initializer_list<T> from) {
    return from.begin()[below(static_cast<std::int64_t>(from.size()))];
  }
  std::int64_t channels() {
    return m_large ? pick<std::int64_t>({16, 32, 32, 48, 24, 20})
                   : pick<std::int64_t>({1, 2, 3, 5, 8, 11, 16, 17, 24, 32});
  }

  Wire step(const Wire& wire) {
    switch (below(16)) {
    case 0: return {activate(wire.id), wire.shape};
    case 1: return {normalize(wire), wire.shape};
    case 2: return pool(wire);
    case 3:
    case 4: return addResidual(wire);
    case 5:
    case 6: return join(wire);
    case 7: return cut(wire);
    case 8: return splitAndJoin(wire);
    case 9: return weigh(wire);
    case 10: return turn(wire);
    case 11: return scale(wire);
    case 12: return pad(wire);
    default: break;
    }
    Wire made = convolve(wire);
    if (chance(3)) made.id = normalize(made);
    if (!chance(3)) made.id = activate(made.id);
    return made;
  }

  ValueId activate(ValueId x) {
    switch (below(9)) {
    case 0: return m_maker.node("Sigmoid", {x});
    case 1: return m_maker.node("Tanh", {x});
    case 2: return m_maker.node("LeakyRelu", {x}, attributes({{"alpha", 0.3f}}));
    case 3: return m_maker.node("HardSwish", {x});
    case 4: return m_maker.node("Mul", {x, m_maker.node("Sigmoid", {x})});
    case 5: return m_maker.node("Elu", {x});
    case 6:
      return m_maker.node("Clip", {x, m_maker.constant(Tensor::scalar(0.0f)), m_maker.constant(Tensor::scalar(0.5f))});
    default: return m_maker.node("Relu", {x});
    }
  }

  ValueId normalize(const Wire& wire) {
    const Shape each{wire.shape[1]};
    Tensor variance = Tensor::uninitialized({DataType::Float32, each});
    for (float& element : variance.mutableAs<float>()) element = 0.4f + 0.1f * static_cast<float>(below(12));
    return m_maker.node("BatchNormalization", {wire.id, m_maker.weights(each, 1), m_maker.weights(each, 1),
                                               m_maker.weights(each, 1), m_maker.constant(std::move(variance))});
  }

  /// The settings of one axis of a window, and what becomes of the extent; 0: it does not fit.
  struct Axis {
    std::int64_t kernel = 1, stride = 1, dilation = 1, begin = 0, end = 0;
    std::int64_t output(std::int64_t input) const {
      const std::int64_t room = input + begin + end - ((kernel - 1) * dilation + 1);
      return room < 0 ? 0 : room / stride + 1;
    }
  };

  Wire convolve(const Wire& wire, std::int64_t wanted = 0) {
    const std::int64_t in = wire.shape[1];
    Ints divisors;
    for (std::int64_t d = 1; d <= in; ++d)
      if (in % d == 0) divisors.push_back(d);
    const std::int64_t some = divisors[static_cast<std::size_t>(below(static_cast<std::int64_t>(divisors.size())))];
    std::int64_t group = pick<std::int64_t>({1, 1, 1, in, some});
    std::int64_t out = wanted ? wanted : std::max<std::int64_t>(channels() / group, 1) * group;
    if (out % group != 0) group = 1;

    const bool pointwise = chance(4);
    const std::string automatic = pick<const char*>({"", "", "", "SAME_UPPER", "SAME_LOWER", "VALID"});
    std::vector<Axis> axes(wire.spatial());
    Shape shape{wire.shape[0], out};
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const std::int64_t extent = wire.shape[i + 2];
      do {
        axes[i] = {pick<std::int64_t>({1, 1, 2, 3, 3, 3, 5}), pick<std::int64_t>({1, 1, 1, 2, 3}),
                   pick<std::int64_t>({1, 1, 1, 2}), pick<std::int64_t>({0, 1, 1, 2, 4}),
                   pick<std::int64_t>({0, 1, 1, 2, 4})};
        if (m_large && chance(2)) axes[i] = {3, 1, 1, 1, 1};
        if (pointwise) axes[i] = {};
        if (!automatic.empty()) axes[i].begin = axes[i].end = 0;
        if (automatic.starts_with("SAME")) axes[i].dilation = 1;
      } while (!automatic.starts_with("SAME") && axes[i].output(extent) < 1);
      append(shape,
             automatic.starts_with("SAME") ? (extent + axes[i].stride - 1) / axes[i].stride : axes[i].output(extent));
    }
    Shape weights{out, in / group};
    Ints strides, dilations, pads;
    for (const Axis& axis : axes) {
      append(weights, axis.kernel);
      strides.push_back(axis.stride);
      dilations.push_back(axis.dilation);
      pads.push_back(axis.begin);
    }
    for (const Axis& axis : axes) pads.push_back(axis.end);
    Attributes settings = attributes({{"strides", strides}, {"dilations", dilations}, {"group", group}});
    if (automatic.empty())
      settings.set("pads", pads);
    else
      settings.set("auto_pad", automatic);
    const auto inputs = static_cast<float>(weights.elements() / out);
    std::vector<ValueId> operands{wire.id, m_maker.weights(weights, 1.7f / std::sqrt(inputs))};
    if (!chance(3)) operands.push_back(m_maker.weights({out}, 1));
    return {m_maker.node("Conv", operands, settings), shape};
  }

  /// A convolution that keeps the extents: kernels of 1 or 3.
  Wire convolveInPlace(const Wire& wire, std::int64_t out) {
    const std::int64_t kernel = pick<std::int64_t>({1, 3});
    Shape weights{out, wire.shape[1]}, shape = wire.shape;
    for (std::size_t i = 0; i < wire.spatial(); ++i) append(weights, kernel);
    shape[1] = out;
    const auto inputs = static_cast<float>(weights.elements() / out);
    const ValueId w = m_maker.weights(weights, 1.7f / std::sqrt(inputs));
    return {m_maker.node("Conv", {wire.id, w, m_maker.weights({out})},
                         attributes({{"pads", Ints(2 * wire.spatial(), kernel / 2)}})),
            shape};
  }

  Wire pool(const Wire& wire) {
    Ints kernel, strides, pads;
    Shape shape{wire.shape[0], wire.shape[1]};
    for (std::size_t i = 0; i < wire.spatial(); ++i) {
      Axis axis{pick<std::int64_t>({1, 2, 3}), pick<std::int64_t>({1, 2}), 1, 0, 0};
      if (axis.kernel > 1 && chance(2)) axis.begin = axis.end = 1;
      if (axis.output(wire.shape[i + 2]) < 1) axis = {};
      kernel.push_back(axis.kernel);
      strides.push_back(axis.stride);
      pads.push_back(axis.begin);
      append(shape, axis.output(wire.shape[i + 2]));
    }
    pads.insert(pads.end(), pads.begin(), pads.end());
    Attributes settings = attributes({{"kernel_shape", kernel}, {"strides", strides}, {"pads", pads}});
    if (chance(2)) return {m_maker.node("MaxPool", {wire.id}, settings), shape};
    settings.set("count_include_pad", below(2));
    return {m_maker.node("AveragePool", {wire.id}, settings), shape};
  }

  Wire addResidual(const Wire& wire) {
    const Wire own = convolveInPlace(wire, wire.shape[1]);
    const ValueId other = chance(2) ? wire.id : convolveInPlace(wire, wire.shape[1]).id;
    const ValueId sum = chance(2) ? m_maker.node("Add", {own.id, other}) : m_maker.node("Add", {other, own.id});
    return {chance(2) ? activate(sum) : sum, wire.shape};
  }

  Wire join(const Wire& wire) {
    Wire part = convolveInPlace(wire, channels());
    if (chance(2)) part.id = activate(part.id);
    std::vector<Wire> parts{wire, part};
    if (chance(2)) parts.push_back(convolveInPlace(part, channels()));
    if (chance(4)) parts.push_back(wire);
    std::shuffle(parts.begin(), parts.end(), m_random);
    std::vector<ValueId> ids;
    Shape shape = wire.shape;
    shape[1] = 0;
    for (const Wire& each : parts) {
      ids.push_back(each.id);
      shape[1] += each.shape[1];
    }
    if (shape[1] > 160) return part;
    return {m_maker.node("Concat", ids, attributes({{"axis", std::int64_t{1}}})), shape};
  }

  ValueId ints(Ints values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return m_maker.constant(Tensor::of<std::int64_t>({count}, std::span<const std::int64_t>(values)));
  }

  Wire cut(const Wire& wire) {
    const auto axis = 1 + static_cast<std::size_t>(below(static_cast<std::int64_t>(wire.shape.rank()) - 1));
    const std::int64_t begin = below(wire.shape[axis]), step = pick<std::int64_t>({1, 1, 2});
    const std::int64_t length = 1 + below(wire.shape[axis] - begin);
    Shape shape = wire.shape;
    shape[axis] = (length + step - 1) / step;
    return {m_maker.node("Slice", {wire.id, ints({begin}), ints({begin + length}),
                                   ints({static_cast<std::int64_t>(axis)}), ints({step})}),
            shape};
  }

  Wire splitAndJoin(const Wire& wire) {
    if (wire.shape[1] < 2) return wire;
    const std::int64_t first = 1 + below(wire.shape[1] - 1);
    const ValueId a = m_maker.node("Split", {wire.id, ints({first, wire.shape[1] - first})},
                                   attributes({{"axis", std::int64_t{1}}}), 2);
    Shape rest = wire.shape;
    rest[1] -= first;
    const Wire b = convolveInPlace({m_maker.output(1), rest}, rest[1]);
    const std::vector<ValueId> parts = chance(2) ? std::vector{a, b.id} : std::vector{b.id, a};
    return {m_maker.node("Concat", parts, attributes({{"axis", std::int64_t{1}}})), wire.shape};
  }

  /// Squeeze and excitation.
  Wire weigh(const Wire& wire) {
    Wire mean{m_maker.node("GlobalAveragePool", {wire.id}), {wire.shape[0], wire.shape[1]}};
    for (std::size_t i = 0; i < wire.spatial(); ++i) append(mean.shape, 1);
    Wire inner = convolveInPlace(mean, pick<std::int64_t>({1, 4, 8}));
    inner.id = m_maker.node("Relu", {inner.id});
    const ValueId weight = m_maker.node("Sigmoid", {convolveInPlace(inner, wire.shape[1]).id});
    return {m_maker.node("Mul", chance(2) ? std::vector{wire.id, weight} : std::vector{weight, wire.id}), wire.shape};
  }

  Wire turn(const Wire& wire) {
    Ints there(wire.shape.rank()), back(there.size());
    std::iota(there.begin(), there.end(), std::int64_t{0});
    std::shuffle(there.begin(), there.end(), m_random);
    for (std::size_t i = 0; i < there.size(); ++i)
      back[static_cast<std::size_t>(there[i])] = static_cast<std::int64_t>(i);
    const ValueId turned = activate(m_maker.node("Transpose", {wire.id}, attributes({{"perm", there}})));
    if (!chance(3)) return {m_maker.node("Transpose", {turned}, attributes({{"perm", back}})), wire.shape};
    Shape shape;
    for (std::int64_t axis : there) append(shape, wire.shape[static_cast<std::size_t>(axis)]);
    if (shape[1] > 64) return wire;
    return {turned, shape};
  }

  Wire scale(const Wire& wire) {
    Shape each{1, wire.shape[1]};
    for (std::size_t i = 0; i < wire.spatial(); ++i) append(each, 1);
    return {m_maker.node(pick<const char*>({"Mul", "Add", "Sub"}), {wire.id, m_maker.weights(each, 1)}), wire.shape};
  }

  Wire pad(const Wire& wire) {
    Ints begin(wire.shape.rank(), 0), end = begin;
    Shape shape = wire.shape;
    for (std::size_t i = 2; i < shape.rank(); ++i) {
      begin[i] = below(3);
      end[i] = below(3);
      shape[i] += begin[i] + end[i];
    }
    begin.insert(begin.end(), end.begin(), end.end());
    const float value = pick<float>({0, 0, 1.5f});
    return {m_maker.node("Pad", {wire.id, ints(begin), m_maker.constant(Tensor::scalar(value))}), shape};
  }

  std::mt19937 m_random;
  GraphMaker m_maker;
  bool m_large;
};

} // namespace

Graph randomNetwork(unsigned seed, bool large) { return Grower(seed, large).grow(); }

} // namespace tandem::test
