// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/layers/operation.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

namespace tandem::detail {
namespace {

constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();

Outputs reshape(OperationCall& call) {
  Builder& b = call.b;
  const TensorPtr x = call.tensor(0, {"x", "tensor"});
  Ints target = call.integers(1, {"newshape", "shape"});
  if (target.empty() || target.size() > kMaxRank) throw KerasError("a reshape without a constant shape");
  Ints shape = target;
  // A batch of -1 stays what it is where all the rest is known.
  std::int64_t known = 1, size = 1;
  bool sized = true;
  for (const std::int64_t dim : target) known *= dim > 0 && known < (1 << 30) ? dim : 1;
  for (std::size_t i = 1; i < x->rank(); ++i) {
    sized = sized && x->shape[i] >= 0;
    size *= sized && size < (1 << 30) ? x->shape[i] : 1;
  }
  if (!(target[0] == -1 && sized && known == size) && x->shape[0] < 0 && target[0] == -1) shape[0] = -1;
  return {b.plain(b.reshape(b.plainOf(*x), target), shape, x->type)};
}

Ints permutedShape(const KerasTensor& x, const Ints& permutation) {
  Ints shape;
  for (const std::int64_t axis : permutation) shape.push_back(x.shape[static_cast<std::size_t>(axis)]);
  return shape;
}

Outputs permutation(OperationCall& call, const KerasTensor& x, ValueId value, const Ints& order) {
  return {call.b.plain(call.b.transpose(value, order), permutedShape(x, order), x.type)};
}

Ints ascending(std::size_t rank) {
  Ints order(rank);
  for (std::size_t i = 0; i < rank; ++i) order[i] = static_cast<std::int64_t>(i);
  return order;
}

Outputs transpose(OperationCall& call) {
  const TensorPtr x = call.tensor(0, {"x", "a"});
  Ints order = call.integers(1, {"axes", "perm"});
  if (order.empty()) {
    order = ascending(x->rank());
    std::reverse(order.begin(), order.end());
  }
  for (std::int64_t& axis : order) axis = axisOf(*x, axis);
  Ints sorted = order;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != ascending(x->rank())) throw KerasError("the axes of a transpose are no permutation");
  return permutation(call, *x, call.b.plainOf(*x), order);
}

Outputs swapAxes(OperationCall& call) {
  const TensorPtr x = call.tensor(0, {"x"});
  Ints order = ascending(x->rank());
  std::swap(order[static_cast<std::size_t>(axisOf(*x, call.integer(1, {"axis1"}, 0)))],
            order[static_cast<std::size_t>(axisOf(*x, call.integer(2, {"axis2"}, 1)))]);
  return permutation(call, *x, call.b.plainOf(*x), order);
}

Outputs moveAxis(OperationCall& call) {
  const TensorPtr x = call.tensor(0, {"x"});
  const std::int64_t from = axisOf(*x, call.integer(1, {"source"}, 0)),
                     to = axisOf(*x, call.integer(2, {"destination"}, 0));
  Ints order = ascending(x->rank());
  order.erase(order.begin() + from);
  order.insert(order.begin() + to, from);
  return permutation(call, *x, call.b.plainOf(*x), order);
}

Outputs expandDims(OperationCall& call) {
  const TensorPtr x = call.tensor(0, {"x", "input"});
  Ints axes = call.integers(1, {"axis"});
  if (axes.size() != 1) throw KerasError("expand_dims along several axes is not supported");
  const auto rank = static_cast<std::int64_t>(x->rank()) + 1;
  if (axes[0] < 0) axes[0] += rank;
  if (axes[0] < 0 || axes[0] >= rank) throw KerasError("the axis of expand_dims is out of range");
  Ints shape = x->shape;
  shape.insert(shape.begin() + axes[0], 1);
  return {call.b.plain(call.b.unsqueeze(call.b.plainOf(*x), axes), shape, x->type)};
}

Outputs squeeze(OperationCall& call) {
  const TensorPtr x = call.tensor(0, {"x", "input"});
  Ints axes = call.integers(1, {"axis"});
  if (axes.empty())
    for (std::size_t i = 0; i < x->rank(); ++i)
      if (x->shape[i] == 1) axes.push_back(static_cast<std::int64_t>(i));
  for (std::int64_t& axis : axes) axis = axisOf(*x, axis);
  Ints shape;
  for (std::size_t i = 0; i < x->rank(); ++i)
    if (std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) == axes.end()) shape.push_back(x->shape[i]);
  return {call.b.plain(call.b.squeeze(call.b.plainOf(*x), axes), shape, x->type)};
}

Outputs concatenate(OperationCall& call) {
  Builder& b = call.b;
  Outputs inputs = call.tensors(0, {"xs", "values"});
  const bool first = std::all_of(inputs.begin(), inputs.end(), [](const TensorPtr& t) { return t->isChannelsFirst(); });
  const std::int64_t axis = axisOf(*inputs[0], call.integer(1, {"axis"}, 0));
  Ints shape = inputs[0]->shape;
  std::vector<ValueId> values;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i]->rank() != shape.size() || inputs[i]->type != inputs[0]->type)
      throw KerasError("the inputs of a concatenation differ in rank or type");
    values.push_back(first ? inputs[i]->channelsFirst : b.plainOf(*inputs[i]));
    std::int64_t& sum = shape[static_cast<std::size_t>(axis)];
    const std::int64_t extent = inputs[i]->shape[static_cast<std::size_t>(axis)];
    if (i > 0) sum = sum < 0 || extent < 0 ? -1 : sum + extent;
  }
  const ValueId value = b.concat(values, first ? axisIn(*inputs[0], axis) : axis);
  return {first ? b.channelsFirst(value, shape, inputs[0]->type) : b.plain(value, shape, inputs[0]->type)};
}

Outputs stack(OperationCall& call) {
  Builder& b = call.b;
  const Outputs inputs = call.tensors(0, {"arrays", "values", "xs", "x"});
  Ints shape = inputs[0]->shape;
  std::int64_t axis = call.integer(1, {"axis"}, 0);
  if (axis < 0) axis += static_cast<std::int64_t>(shape.size()) + 1;
  if (axis < 0 || axis > static_cast<std::int64_t>(shape.size()))
    throw KerasError("the axis of a stack is out of range");
  std::vector<ValueId> values;
  for (const TensorPtr& input : inputs) values.push_back(b.unsqueeze(b.plainOf(*input), {axis}));
  shape.insert(shape.begin() + axis, static_cast<std::int64_t>(inputs.size()));
  return {b.plain(b.concat(values, axis), shape, inputs[0]->type)};
}

Outputs split(OperationCall& call) {
  Builder& b = call.b;
  const TensorPtr x = call.tensor(0, {"x", "value"});
  const std::int64_t axis = axisOf(*x, call.integer(2, {"axis"}, 0));
  const std::int64_t extent = x->shape[static_cast<std::size_t>(axis)];
  const Json* given = call.constant(1, {"indices_or_sections", "num_or_size_splits"});
  if (!given || extent < 1) throw KerasError("a split of an unknown extent");
  // One number: how many equal parts. A list: where to cut (Keras) or how long the parts are (TensorFlow).
  Ints lengths, numbers = call.integers(1, {"indices_or_sections", "num_or_size_splits"});
  if (!given->is_array()) {
    if (numbers[0] < 1 || extent % numbers[0]) throw KerasError("the parts of a split are not equal");
    lengths.assign(static_cast<std::size_t>(numbers[0]), extent / numbers[0]);
  } else if (call.tensorFlow) {
    lengths = numbers;
  } else {
    numbers.push_back(extent);
    for (std::size_t i = 0; i < numbers.size(); ++i) lengths.push_back(numbers[i] - (i ? numbers[i - 1] : 0));
  }
  std::int64_t sum = 0;
  for (const std::int64_t length : lengths) {
    if (length < 1) throw KerasError("a part of a split is empty");
    sum += length;
  }
  if (sum != extent) throw KerasError("the parts of a split do not add up");
  const std::vector<ValueId> values =
      b.nodes("Split", {b.plainOf(*x), b.ints(lengths)}, std::vector<bool>(lengths.size(), true), {{"axis", axis}});
  Outputs outputs;
  for (std::size_t i = 0; i < values.size(); ++i) {
    Ints shape = x->shape;
    shape[static_cast<std::size_t>(axis)] = lengths[i];
    outputs.push_back(b.plain(values[i], shape, x->type));
  }
  return outputs;
}

// --- x[...] ---------------------------------------------------------------------------------------------------------

/// One entry between the brackets.
struct IndexEntry {
  enum class Kind { Slice, Number, NewAxis, Ellipsis } kind = Kind::Slice;
  std::optional<std::int64_t> start, stop, step;
};

std::optional<std::int64_t> boundOf(const Json& slice, const char* name) {
  const auto it = slice.find(name);
  if (it == slice.end() || it->is_null()) return std::nullopt;
  return integerOf(*it, "the bound of a slice");
}

IndexEntry indexEntry(const Json& json) {
  IndexEntry entry;
  if (json.is_null()) {
    entry.kind = IndexEntry::Kind::NewAxis;
  } else if (json.is_number_integer()) {
    entry.kind = IndexEntry::Kind::Number;
    entry.start = integerOf(json, "an index");
  } else if (json.is_object()) {
    const std::string name = json.value("class_name", std::string());
    if (name == "__ellipsis__") {
      entry.kind = IndexEntry::Kind::Ellipsis;
      return entry;
    }
    const Json& bounds = name == "__slice__" ? json.at("config") : json;
    entry.start = boundOf(bounds, "start");
    entry.stop = boundOf(bounds, "stop");
    entry.step = boundOf(bounds, "step");
  } else if (json.is_string() && (json == "..." || json == "Ellipsis")) {
    entry.kind = IndexEntry::Kind::Ellipsis; // TensorFlow's spelling
  } else {
    throw KerasError("an index is not supported");
  }
  return entry;
}

/// How many elements a slice takes of `extent`, by Python's rules.
std::int64_t slicedExtent(const IndexEntry& entry, std::int64_t extent) {
  const std::int64_t step = entry.step.value_or(1);
  if (extent < 0) return -1;
  const auto place = [&](std::int64_t at, std::int64_t low, std::int64_t high) {
    return std::clamp(at < 0 ? at + extent : at, low, high);
  };
  if (step > 0) {
    const std::int64_t begin = entry.start ? place(*entry.start, 0, extent) : 0;
    const std::int64_t end = entry.stop ? place(*entry.stop, 0, extent) : extent;
    return end > begin ? (end - begin + step - 1) / step : 0;
  }
  const std::int64_t begin = entry.start ? place(*entry.start, -1, extent - 1) : extent - 1;
  const std::int64_t end = entry.stop ? place(*entry.stop, -1, extent - 1) : -1;
  return begin > end ? (begin - end - step - 1) / -step : 0;
}

Outputs getItem(OperationCall& call) {
  Builder& b = call.b;
  const TensorPtr x = call.tensor(0, {"x", "tensor"});
  const Json* key = call.constant(1, {"slice_spec", "key"});
  if (!key) throw KerasError("an index is missing");
  std::vector<IndexEntry> entries;
  if (key->is_array())
    for (const Json& element : *key) entries.push_back(indexEntry(element));
  else
    entries.push_back(indexEntry(*key));

  std::size_t used = 0;
  for (const IndexEntry& entry : entries)
    used += entry.kind == IndexEntry::Kind::Slice || entry.kind == IndexEntry::Kind::Number;
  if (used > x->rank() || entries.size() > 2 * kMaxRank) throw KerasError("there are more indices than dimensions");
  Ints starts, ends, axes, steps, gone, added, shape;
  std::int64_t axis = 0, place = 0;
  const auto keep = [&](std::int64_t extent) { shape.push_back(extent), ++place; };
  for (const IndexEntry& entry : entries) {
    if (entry.kind == IndexEntry::Kind::NewAxis) {
      added.push_back(place);
      keep(1);
      continue;
    }
    if (entry.kind == IndexEntry::Kind::Ellipsis) {
      for (std::size_t i = x->rank() - used; i > 0; --i) keep(x->shape[static_cast<std::size_t>(axis++)]);
      used = x->rank(); // a second one stands for nothing
      continue;
    }
    const std::int64_t extent = x->shape[static_cast<std::size_t>(axis)], step = entry.step.value_or(1);
    if (step == 0) throw KerasError("the step of a slice is 0");
    const bool number = entry.kind == IndexEntry::Kind::Number;
    if (number && extent >= 0 && (*entry.start >= extent || *entry.start < -extent))
      throw KerasError("an index is out of range");
    if (number || entry.start || entry.stop || step != 1) {
      axes.push_back(axis);
      steps.push_back(step);
      starts.push_back(entry.start.value_or(step > 0 ? 0 : -1));
      if (number)
        ends.push_back(*entry.start == -1 ? kLast : *entry.start + 1);
      else
        ends.push_back(entry.stop.value_or(step > 0 ? kLast : kFirst));
    }
    if (number)
      gone.push_back(axis);
    else
      keep(slicedExtent(entry, extent));
    ++axis;
  }
  for (; axis < static_cast<std::int64_t>(x->rank()); ++axis) keep(x->shape[static_cast<std::size_t>(axis)]);
  ValueId value = b.plainOf(*x);
  if (!axes.empty()) value = b.node("Slice", {value, b.ints(starts), b.ints(ends), b.ints(axes), b.ints(steps)});
  if (!gone.empty()) value = b.squeeze(value, gone);
  if (!added.empty()) value = b.unsqueeze(value, added);
  if (axes.empty() && gone.empty() && added.empty()) value = b.node("Identity", {value});
  return {b.plain(value, shape, x->type)};
}

Outputs flip(OperationCall& call) {
  Builder& b = call.b;
  const TensorPtr x = call.tensor(0, {"x", "tensor"});
  Ints axes = call.integers(1, {"axis"});
  if (axes.empty()) axes = ascending(x->rank());
  for (std::int64_t& axis : axes) axis = axisOf(*x, axis);
  const Ints begins(axes.size(), -1), ends(axes.size(), kFirst), steps(axes.size(), -1);
  const ValueId value = b.node("Slice", {b.plainOf(*x), b.ints(begins), b.ints(ends), b.ints(axes), b.ints(steps)});
  return {b.plain(value, x->shape, x->type)};
}

void checkFactors(const Ints& factors) {
  for (const std::int64_t factor : factors)
    if (factor < 1 || factor > (1 << 20)) throw KerasError("a number of repeats is out of range");
}

Outputs tile(OperationCall& call) {
  Builder& b = call.b;
  const TensorPtr x = call.tensor(0, {"x", "input"});
  Ints repeats = call.integers(1, {"repeats", "multiples"});
  checkFactors(repeats);
  if (repeats.size() > x->rank()) throw KerasError("a tile with more factors than dimensions");
  repeats.insert(repeats.begin(), x->rank() - repeats.size(), 1);
  Ints shape = x->shape;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] >= 0) shape[i] *= repeats[i];
  return {b.plain(b.node("Tile", {b.plainOf(*x), b.ints(repeats)}), shape, x->type)};
}

/// Each element several times in a row: a new axis behind, repeated, and joined again.
Outputs repeat(OperationCall& call) {
  Builder& b = call.b;
  const TensorPtr x = call.tensor(0, {"x", "input"});
  const std::int64_t count = call.integer(1, {"repeats"}, 1);
  checkFactors({count});
  if (!call.constant(2, {"axis"})) throw KerasError("a repeat without an axis is not supported");
  const std::int64_t axis = axisOf(*x, call.integer(2, {"axis"}, 0));
  const auto at = static_cast<std::size_t>(axis);
  if (x->shape[at] < 0) throw KerasError("a repeat of an unknown extent");
  Ints repeats(x->rank() + 1, 1), shape = x->shape;
  repeats[at + 1] = count;
  shape[at] *= count;
  Ints target(x->rank(), 0);
  target[at] = shape[at];
  const ValueId tiled = b.node("Tile", {b.unsqueeze(b.plainOf(*x), {axis + 1}), b.ints(repeats)});
  // Dimensions behind the axis have moved by one, so they are named; at most one of them may be unknown.
  int unknown = 0;
  for (std::size_t i = at + 1; i < x->rank(); ++i) {
    target[i] = shape[i];
    unknown += shape[i] < 0;
  }
  if (unknown > 1) throw KerasError("a repeat of several unknown extents");
  return {b.plain(b.reshape(tiled, target), shape, x->type)};
}

Outputs take(OperationCall& call) {
  Builder& b = call.b;
  const TensorPtr x = call.tensor(0, {"x", "params"});
  TensorPtr indices = call.tensor(1, {"indices"});
  if (!call.constant(2, {"axis"}) && !call.tensorFlow) throw KerasError("a take without an axis is not supported");
  const std::int64_t axis = axisOf(*x, call.integer(2, {"axis"}, 0));
  ValueId value = b.plainOf(*indices);
  if (indices->type != DataType::Int32 && indices->type != DataType::Int64) value = b.cast(value, DataType::Int32);
  Ints shape = x->shape;
  shape.erase(shape.begin() + axis);
  shape.insert(shape.begin() + axis, indices->shape.begin(), indices->shape.end());
  return {b.plain(b.node("Gather", {b.plainOf(*x), value}, {{"axis", axis}}), shape, x->type)};
}

Outputs pad(OperationCall& call) {
  Builder& b = call.b;
  const TensorPtr x = call.tensor(0, {"x", "tensor"});
  const Json* given = call.constant(1, {"pad_width", "paddings"});
  std::string mode = call.text(2, {"mode"}, "constant");
  std::transform(mode.begin(), mode.end(), mode.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (!given || !given->is_array() || given->size() != x->rank())
    throw KerasError("a pad without pairs for all dimensions");
  if (mode != "constant" && mode != "reflect") throw KerasError("the padding mode '" + mode + "' is not supported");
  const double fill = call.number(3, {"constant_values"}, 0);
  Ints pads(2 * x->rank()), shape = x->shape;
  for (std::size_t i = 0; i < x->rank(); ++i) {
    const Json& pair = (*given)[i];
    if (!pair.is_array() || pair.size() != 2) throw KerasError("a pad without pairs for all dimensions");
    for (std::size_t side = 0; side < 2; ++side) {
      const std::int64_t width = integerOf(pair[side], "a padding");
      if (width < 0 || width > (1 << 24)) throw KerasError("a padding is out of range");
      pads[side * x->rank() + i] = width;
      if (shape[i] >= 0) shape[i] += width;
    }
  }
  std::vector<ValueId> inputs{b.plainOf(*x), b.ints(pads)};
  if (fill != 0) inputs.push_back(b.scalar(static_cast<float>(fill)));
  return {b.plain(b.node("Pad", inputs, {{"mode", mode}}), shape, x->type)};
}

Outputs broadcastTo(OperationCall& call) {
  Builder& b = call.b;
  const TensorPtr x = call.tensor(0, {"x", "input"});
  const Ints shape = call.integers(1, {"shape"});
  for (const std::int64_t dim : shape)
    if (dim < 1) throw KerasError("a broadcast to an unknown shape");
  return {b.plain(b.node("Expand", {b.plainOf(*x), b.ints(shape)}), shape, x->type)};
}

Outputs oneHot(OperationCall& call) {
  Builder& b = call.b;
  const TensorPtr x = call.tensor(0, {"x", "indices"});
  const std::int64_t classes = call.integer(1, {"num_classes", "depth"}, 0);
  if (classes < 1 || classes > (1 << 24)) throw KerasError("the number of classes is out of range");
  if (call.integer(2, {"axis"}, -1) != -1)
    throw KerasError("one_hot along another axis than the last is not supported");
  const ValueId values = b.weight("off_on", [] { return Tensor::of<float>({2}, {0, 1}); });
  Ints shape = x->shape;
  shape.push_back(classes);
  return {b.plain(b.node("OneHot", {b.plainOf(*x), b.intScalar(classes), values}, {{"axis", -1}}), shape)};
}

} // namespace

BuildOperation findRearranging(const std::string& name) {
  static const std::map<std::string, BuildOperation> table{
      {"reshape", reshape},
      {"transpose", transpose},
      {"swapaxes", swapAxes},
      {"moveaxis", moveAxis},
      {"expand_dims", expandDims},
      {"squeeze", squeeze},
      {"concatenate", concatenate},
      {"stack", stack},
      {"split", split},
      {"get_item", getItem},
      {"flip", flip},
      {"tile", tile},
      {"repeat", repeat},
      {"take", take},
      {"pad", pad},
      {"broadcast_to", broadcastTo},
      {"one_hot", oneHot},
  };
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

} // namespace tandem::detail
