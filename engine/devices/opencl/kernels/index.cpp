// SPDX-License-Identifier: GPL-3.0-or-later
// Operators that take or put elements where indices say, and those that make tensors from nothing but positions.
#include "engine/devices/opencl/kernels/emit.hpp"
#include "engine/ops/kernel_util.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

using Ints = std::vector<std::int64_t>;

std::string bitsOption(DataType type) { return " -DE=" + std::string(clBits(type)); }
std::string indexOption(DataType type) { return " -DI=" + std::string(clType(type)); }

/// Movable data and int32 or int64 indices.
Support checkIndexed(const NodeView& view) {
  if (view.inputType(1) != DataType::Int32 && view.inputType(1) != DataType::Int64)
    return noType(view, view.inputType(1));
  return isMovable(view.inputType(0)) ? Support::yes() : noType(view, view.inputType(0));
}

std::int64_t product(const Shape& shape, std::size_t first, std::size_t last) {
  return ops::dimProduct(shape, first, last);
}

void report(Lowering& lowering, Step& step) {
  step.args.emplace_back(lowering.status());
  step.args.emplace_back(lowering.reportId());
}

// --- GatherElements, GatherND

Support checkElements(const NodeView& view) {
  if (view.isStatic()) {
    const Shape &data = view.input(0).desc.shape, &index = view.input(1).desc.shape;
    const auto axis = normalizeAxis(view.node.attributes.getInt("axis", 0), data.rank());
    bool fits = axis && data.rank() == index.rank();
    for (std::size_t k = 0; fits && k < data.rank(); ++k) fits = k == *axis || index[k] <= data[k];
    if (fits && view.node.type != "GatherElements") fits = view.input(2).desc.shape == index;
    if (!fits) return noAttribute(view.node.type + " with indices that do not fit the data");
  }
  return checkIndexed(view);
}

Result<void> lowerGatherElements(Lowering& lowering) {
  const TensorDesc& x = lowering.inputDesc(0);
  const TensorDesc& index = lowering.inputDesc(1);
  const std::size_t axis = *normalizeAxis(lowering.node().attributes.getInt("axis", 0), x.shape.rank());
  Ints strides = x.shape.strides();
  const std::int64_t axisStride = std::exchange(strides[axis], 0);
  const std::int64_t count = index.shape.elements();
  Step step =
      perElement("index", "gather_elements", "-DGATHER_ELEMENTS" + bitsOption(x.type) + indexOption(index.type), count);
  step.args = {
      lowering.input(0),    lowering.input(1),    lowering.output(0), toInt(count), int8Back(index.shape.dims(), 1),
      int8Back(strides, 0), toInt(x.shape[axis]), toInt(axisStride)};
  report(lowering, step);
  lowering.launch(std::move(step));
  return {};
}

/// Indices (last axis: tuples) into the dims of the data from `batchDims` on.
struct Tuples {
  std::int64_t count = 0, length = 0;
  Int8 dims, strides;
};
Tuples tuplesOf(const Shape& data, const Shape& indices, std::size_t batchDims) {
  Tuples tuples;
  tuples.length = indices[indices.rank() - 1];
  tuples.count = product(indices, 0, indices.rank() - 1);
  const Ints strides = data.strides();
  const auto first = static_cast<std::ptrdiff_t>(batchDims), last = first + tuples.length;
  tuples.dims = int8Front(Ints(data.begin() + first, data.begin() + last), 1);
  tuples.strides = int8Front(Ints(strides.begin() + first, strides.begin() + last), 0);
  return tuples;
}

Result<void> lowerGatherND(Lowering& lowering) {
  const TensorDesc& x = lowering.inputDesc(0);
  const TensorDesc& index = lowering.inputDesc(1);
  const auto batchDims = static_cast<std::size_t>(lowering.node().attributes.getInt("batch_dims", 0));
  const std::int64_t count = lowering.outputDesc(0).shape.elements();
  if (count == 0) return lowering.output(0), Result<void>();
  const Tuples tuples = tuplesOf(x.shape, index.shape, batchDims);
  Step step = perElement("index", "gather_nd", "-DGATHER_ND" + bitsOption(x.type) + indexOption(index.type), count);
  step.args = {lowering.input(0),
               lowering.input(1),
               lowering.output(0),
               toInt(count),
               toInt(count / tuples.count),
               toInt(tuples.length),
               tuples.dims,
               tuples.strides,
               toInt(tuples.count / product(x.shape, 0, batchDims)),
               toInt(product(x.shape, batchDims, x.shape.rank()))};
  report(lowering, step);
  lowering.launch(std::move(step));
  return {};
}

// --- Scatter, ScatterElements, ScatterND

constexpr std::string_view kReductions[] = {"none", "add", "mul", "max", "min"};

std::ptrdiff_t reductionOf(const Node& node) {
  return std::find(std::begin(kReductions), std::end(kReductions), node.attributes.getString("reduction", "none")) -
         std::begin(kReductions);
}

Support checkReduction(const NodeView& view) {
  if (view.inputType(2) != view.inputType(0)) return noType(view, view.inputType(2));
  const auto reduction = reductionOf(view.node);
  if (reduction == std::ssize(kReductions)) return noAttribute("a reduction that is not known");
  if (reduction > 0 && !isNumber(view, view.inputType(0))) return noType(view, view.inputType(0));
  return Support::yes();
}

Support checkScatterElements(const NodeView& view) {
  if (const Support support = checkReduction(view); !support.ok()) return support;
  return checkElements(view);
}

Support checkScatterND(const NodeView& view) {
  if (const Support support = checkReduction(view); !support.ok()) return support;
  if (view.isStatic()) {
    const Shape &data = view.input(0).desc.shape, &index = view.input(1).desc.shape;
    const std::int64_t tuple = index.rank() > 0 ? index[index.rank() - 1] : 0;
    bool fits = tuple >= 1 && tuple <= static_cast<std::int64_t>(data.rank());
    if (fits) {
      Ints wanted(index.begin(), index.end() - 1);
      wanted.insert(wanted.end(), data.begin() + tuple, data.end());
      fits = view.input(2).desc.shape == Shape(std::move(wanted));
    }
    if (!fits) return noAttribute("ScatterND with indices or updates that do not fit the data");
  }
  return checkIndexed(view);
}

/// T and JOINED: bits where elements are only replaced.
std::string joinOptions(const Lowering& lowering) {
  const DataType type = lowering.inputDesc(0).type;
  const auto reduction = reductionOf(lowering.node());
  return "-DJOINED=" + std::to_string(reduction) +
         " -DE=uchar -DT=" + std::string(reduction == 0 ? clBits(type) : clType(type)) +
         indexOption(lowering.inputDesc(1).type) + (reduction > 0 && type == DataType::Float64 ? " -DFLOAT64" : "");
}

/// Starts from the data: the result is a copy of it that updates go into.
void copyData(Lowering& lowering) {
  const TensorDesc& x = lowering.inputDesc(0);
  if (x.shape.elements() > 0) lowering.copy(lowering.input(0), lowering.output(0), x.bytes());
}

Result<void> lowerScatterElements(Lowering& lowering) {
  const Shape& data = lowering.inputDesc(0).shape;
  const Shape& index = lowering.inputDesc(1).shape;
  const std::size_t axis = *normalizeAxis(lowering.node().attributes.getInt("axis", 0), data.rank());
  copyData(lowering);
  Ints dims = index.dims(), dataStrides = data.strides(), indexStrides = index.strides();
  const auto at = static_cast<std::ptrdiff_t>(axis);
  const std::int64_t axisStride = dataStrides[axis], indexStep = indexStrides[axis];
  dims.erase(dims.begin() + at);
  dataStrides.erase(dataStrides.begin() + at);
  indexStrides.erase(indexStrides.begin() + at);
  const std::int64_t lines = index[axis] > 0 ? index.elements() / index[axis] : 0;
  Step step = perElement("index", "scatter_elements", joinOptions(lowering) + " -DSERIAL=0", lines);
  step.args = {lowering.input(1), lowering.input(2),        lowering.output(0),        toInt(lines),
               int8Back(dims, 1), int8Back(dataStrides, 0), int8Back(indexStrides, 0), toInt(index[axis]),
               toInt(indexStep),  toInt(data[axis]),        toInt(axisStride)};
  report(lowering, step);
  lowering.launch(std::move(step));
  return {};
}

Result<void> lowerScatterND(Lowering& lowering) {
  const Shape& data = lowering.inputDesc(0).shape;
  copyData(lowering);
  const Tuples tuples = tuplesOf(data, lowering.inputDesc(1).shape, 0);
  const std::int64_t updates = lowering.inputDesc(2).shape.elements();
  if (updates == 0) return {};
  const bool serial = reductionOf(lowering.node()) != 0;
  const std::int64_t block = updates / tuples.count;
  const std::int64_t count = serial ? block : updates;
  Step step =
      perElement("index", "scatter_nd", joinOptions(lowering) + (serial ? " -DSERIAL=1" : " -DSERIAL=0"), count);
  step.args = {lowering.input(1),   lowering.input(2),    lowering.output(0), toInt(count),  toInt(block),
               toInt(tuples.count), toInt(tuples.length), tuples.dims,        tuples.strides};
  report(lowering, step);
  lowering.launch(std::move(step));
  return {};
}

// --- ReverseSequence

Support checkReverse(const NodeView& view) {
  const Attributes& a = view.node.attributes;
  const std::int64_t time = a.getInt("time_axis", 0), batch = a.getInt("batch_axis", 1);
  if (time < 0 || batch < 0 || time + batch != 1) return noAttribute("ReverseSequence over axes other than 0 and 1");
  if (view.isStatic() && (view.input(0).desc.shape.rank() < 2 ||
                          view.input(1).desc.shape.elements() != view.input(0).desc.shape[batch == 0 ? 0 : 1]))
    return noAttribute("ReverseSequence with lengths that do not match the batch");
  return checkIndexed(view);
}

Result<void> lowerReverse(Lowering& lowering) {
  const TensorDesc& x = lowering.inputDesc(0);
  const std::size_t time = lowering.node().attributes.getInt("time_axis", 0) == 0 ? 0 : 1;
  const std::int64_t count = x.shape.elements();
  Step step = perElement("index", "reverse_sequence",
                         "-DREVERSE" + bitsOption(x.type) + indexOption(lowering.inputDesc(1).type), count);
  step.args = {lowering.input(0),
               lowering.input(1),
               lowering.output(0),
               toInt(count),
               toInt(product(x.shape, 2, x.shape.rank())),
               toInt(x.shape[time]),
               toInt(x.shape[1 - time]),
               toInt(time == 0 ? 1 : 0)};
  report(lowering, step);
  lowering.launch(std::move(step));
  return {};
}

// --- OneHot

Support checkOneHot(const NodeView& view) {
  if (!isNumber(view, view.inputType(0))) return noType(view, view.inputType(0));
  if (!isMovable(view.inputType(2))) return noType(view, view.inputType(2));
  if (view.hasInput(1) && !view.input(1).isConstant()) return noAttribute("OneHot with a depth computed at run time");
  if (view.isStatic() && view.input(2).desc.shape != Shape{2}) return noAttribute("OneHot without [off, on]");
  return Support::yes();
}

Result<void> lowerOneHot(Lowering& lowering) {
  const TensorDesc& index = lowering.inputDesc(0);
  const TensorDesc& out = lowering.outputDesc(0);
  const std::size_t axis = *normalizeAxis(lowering.node().attributes.getInt("axis", -1), out.shape.rank());
  const std::int64_t count = out.shape.elements();
  const bool whole = isInteger(index.type);
  Step step = perElement("index", "one_hot",
                         (whole ? "-DONE_HOT=1" : "-DONE_HOT=2") + bitsOption(out.type) + indexOption(index.type) +
                             (index.type == DataType::Float64 ? " -DFLOAT64" : ""),
                         count);
  step.args = {lowering.input(0),
               lowering.input(2),
               lowering.output(0),
               toInt(count),
               toInt(out.shape[axis]),
               toInt(product(out.shape, axis + 1, out.shape.rank())),
               toInt(lowering.node().version >= 11 ? 1 : 0)};
  lowering.launch(std::move(step));
  return {};
}

// --- Trilu, EyeLike, Range, ConstantOfShape

Support checkTrilu(const NodeView& view) {
  if (view.hasInput(1) && !view.input(1).isConstant()) return noAttribute("Trilu with a k computed at run time");
  return isMovable(view.inputType(0)) ? Support::yes() : noType(view, view.inputType(0));
}

Result<void> lowerTrilu(Lowering& lowering) {
  const TensorDesc& x = lowering.inputDesc(0);
  const std::int64_t rows = x.shape[x.shape.rank() - 2], columns = x.shape[x.shape.rank() - 1];
  const std::int64_t diagonal = lowering.hasInput(1) ? lowering.inputTensor(1).asInt(0) : 0;
  const std::int64_t count = x.shape.elements();
  Step step = perElement("index", "triangle", "-DTRIANGLE" + bitsOption(x.type), count);
  step.args = {lowering.input(0),
               lowering.output(0),
               toInt(count),
               toInt(rows),
               toInt(columns),
               toInt(std::clamp(diagonal, -rows - 1, columns + 1)),
               toInt(lowering.node().attributes.getInt("upper", 1) != 0 ? 1 : 0)};
  lowering.launch(std::move(step));
  return {};
}

template <class Value> std::vector<unsigned char> bytesOf(DataType type, Value value) {
  std::vector<unsigned char> bytes(byteSize(type), 0);
  visitType(type, [&]<class T>(TypeTag<T>) {
    const T converted = ops::convert<T>(value);
    std::copy_n(reinterpret_cast<const unsigned char*>(&converted), sizeof converted, bytes.begin());
  });
  return bytes;
}

Support checkMade(const NodeView& view) {
  const DataType type = view.output(0).desc.type;
  return isMovable(type) ? Support::yes() : noType(view, type);
}

Result<void> lowerEyeLike(Lowering& lowering) {
  const TensorDesc& out = lowering.outputDesc(0);
  const std::int64_t rows = out.shape[0], columns = out.shape[1], count = out.shape.elements();
  const std::int64_t diagonal = lowering.node().attributes.getInt("k", 0);
  Step step = perElement("index", "eye", "-DEYE" + bitsOption(out.type), count);
  step.args = {lowering.weight(bytesOf(out.type, 1.0f)), lowering.output(0), toInt(count), toInt(columns),
               toInt(std::clamp(diagonal, -rows - 1, columns + 1))};
  lowering.launch(std::move(step));
  return {};
}

Support checkRange(const NodeView& view) {
  for (std::size_t i = 0; i < 3; ++i)
    if (view.hasInput(i) && !view.input(i).isConstant()) return noAttribute("Range with bounds computed at run time");
  const DataType type = view.inputType(0);
  return isNumber(view, type) ? Support::yes() : noType(view, type);
}

Result<void> lowerRange(Lowering& lowering) {
  const TensorDesc& out = lowering.outputDesc(0);
  const std::int64_t count = out.shape.elements();
  std::vector<unsigned char> bytes;
  for (std::size_t i : {std::size_t{0}, std::size_t{2}}) {
    const auto* p = static_cast<const unsigned char*>(lowering.inputTensor(i).data());
    bytes.insert(bytes.end(), p, p + byteSize(out.type));
  }
  Step step = perElement(
      "index", "range",
      "-DRANGE -DT=" + std::string(clType(out.type)) + (out.type == DataType::Float64 ? " -DFLOAT64" : ""), count);
  step.args = {lowering.weight(std::move(bytes)), lowering.output(0), toInt(count)};
  lowering.launch(std::move(step));
  return {};
}

Support checkConstantOfShape(const NodeView& view) {
  if (view.hasInput(0) && !view.input(0).isConstant())
    return noAttribute("ConstantOfShape of a shape computed at run time");
  return checkMade(view);
}

Result<void> lowerConstantOfShape(Lowering& lowering) {
  const TensorDesc& out = lowering.outputDesc(0);
  const std::int64_t count = out.shape.elements();
  std::vector<unsigned char> bytes(byteSize(out.type), 0);
  if (const Attribute* value = lowering.node().attributes.find("value"))
    if (const auto* tensor = std::get_if<Tensor>(value); tensor && tensor->elements() == 1)
      std::copy_n(static_cast<const unsigned char*>(tensor->data()), bytes.size(), bytes.begin());
  Step step = perElement("move", "fill", "-DE=" + std::string(clBits(out.type)), count);
  step.args = {lowering.output(0), lowering.weight(std::move(bytes)), toInt(count)};
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "GatherElements", checkElements, lowerGatherElements},
    {"", "GatherND", checkIndexed, lowerGatherND},
    {"", "Scatter", checkScatterElements, lowerScatterElements},
    {"", "ScatterElements", checkScatterElements, lowerScatterElements},
    {"", "ScatterND", checkScatterND, lowerScatterND},
    {"", "ReverseSequence", checkReverse, lowerReverse},
    {"", "OneHot", checkOneHot, lowerOneHot},
    {"", "Trilu", checkTrilu, lowerTrilu},
    {"", "EyeLike", checkMade, lowerEyeLike},
    {"", "Range", checkRange, lowerRange, nullptr, true},
    {"", "ConstantOfShape", checkConstantOfShape, lowerConstantOfShape},
};

} // namespace

std::span<const KernelDef> indexKernels();
std::span<const KernelDef> indexKernels() { return kTable; }

} // namespace tandem::opencl
