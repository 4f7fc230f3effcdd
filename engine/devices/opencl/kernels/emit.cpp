// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/emit.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

/// Expressions that report a zero divisor.
constexpr std::string_view kDividing[] = {"SDiv", "UDiv", "SRem", "URem", "SMod"};

bool canMerge(const Nest& nest, std::size_t outer) {
  return std::all_of(nest.tensors.begin(), nest.tensors.end(), [&](const StridedRef& tensor) {
    return tensor.strides[outer] == tensor.strides[outer + 1] * nest.dims[outer + 1];
  });
}

void eraseDim(Nest& nest, std::size_t k) {
  const auto at = static_cast<std::ptrdiff_t>(k);
  nest.dims.erase(nest.dims.begin() + at);
  for (StridedRef& tensor : nest.tensors) tensor.strides.erase(tensor.strides.begin() + at);
}

} // namespace

void collapse(Nest& nest) {
  for (std::size_t k = nest.dims.size(); k-- > 0;)
    if (nest.dims[k] == 1) eraseDim(nest, k);
  for (std::size_t k = nest.dims.size(); k-- > 1;) {
    if (!canMerge(nest, k - 1)) continue;
    nest.dims[k] *= nest.dims[k - 1];
    eraseDim(nest, k - 1);
  }
  if (nest.dims.empty()) {
    nest.dims.push_back(1);
    for (StridedRef& tensor : nest.tensors) tensor.strides.push_back(1);
  }
}

namespace {

struct Split {
  std::int64_t inner = 1;
  std::int64_t rows = 1;
  std::vector<std::int64_t> outer;
};

Split splitInner(const Nest& nest) {
  Split split;
  split.inner = nest.dims.back();
  split.outer.assign(nest.dims.begin(), nest.dims.end() - 1);
  for (std::int64_t dim : split.outer) split.rows *= dim;
  return split;
}

std::vector<std::int64_t> outerStrides(const StridedRef& tensor) {
  return {tensor.strides.begin(), tensor.strides.end() - 1};
}

void setRange(Lowering& lowering, Step& step, const Split& split) {
  const bool gpu = lowering.gpuStyle();
  step.options += gpu ? " -DCHUNK=1 -DLX=64" : " -DCHUNK=" + std::to_string(kCpuChunk) + " -DLX=1";
  const std::int64_t parts = gpu ? ceilDivide(split.inner, 64) : ceilDivide(split.inner, kCpuChunk);
  step.global = {static_cast<std::size_t>(parts * split.rows) * (gpu ? 64 : 1), 1, 1};
  step.local = {gpu ? std::size_t{64} : std::size_t{1}, 1, 1};
}

} // namespace

void emitElementwise(Lowering& lowering, std::string_view expression, const std::vector<std::int64_t>& dims,
                     const StridedRef& out, const std::vector<StridedRef>& operands, float p, float q) {
  TANDEM_ASSERT(!operands.empty() && operands.size() <= 3);
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return;
  Nest nest{dims, {out}};
  for (const StridedRef& operand : operands) nest.tensors.push_back(operand);
  while (nest.tensors.size() < 4) nest.tensors.push_back(operands[0]); // unused arguments of the kernel
  collapse(nest);
  const Split split = splitInner(nest);

  Step step;
  step.source = "expressions+elementwise";
  step.kernel = "elementwise";
  std::string& options = step.options;
  options = "-DEXPR=expr_" + std::string(expression) + " -DNIN=" + std::to_string(operands.size());
  bool vector = !lowering.gpuStyle() && nest.tensors[0].strides.back() == 1;
  static constexpr char kNames[] = "OABC";
  for (std::size_t i = 0; i < 4; ++i) {
    const StridedRef& tensor = nest.tensors[i];
    options += std::string(" -DT") + kNames[i] + "=" + std::string(clType(tensor.type));
    vector = vector && tensor.type == DataType::Float32 && (tensor.strides.back() == 0 || tensor.strides.back() == 1);
    if (i == 0) continue;
    const std::int64_t stride = tensor.strides.back();
    options += std::string(" -DS") + kNames[i] + "=" + (stride == 0 || stride == 1 ? std::to_string(stride) : "-1");
  }
  options += " -DTS=" + std::string(clType(operands[0].type));
  const bool isDouble = std::any_of(nest.tensors.begin(), nest.tensors.end(),
                                    [](const StridedRef& tensor) { return tensor.type == DataType::Float64; });
  if (isDouble || expression == "IntPowFloat") options += " -DFLOAT64";
  if (expression == "IntPow") options += " -DINTEGER_POWER";
  if (expression == "IntPowFloat") options += " -DFLOAT_POWER";
  const bool divides = std::find(std::begin(kDividing), std::end(kDividing), expression) != std::end(kDividing);
  if (divides) options += " -DCHECKED";
  if (vector) options += " -DVECTOR";
  options += split.outer.empty() ? " -DOUTER=0" : " -DOUTER=1";
  const auto outer = static_cast<std::int64_t>(split.outer.size());
  const auto& t = nest.tensors;
  step.args = {t[1].ref,
               t[2].ref,
               t[3].ref,
               t[0].ref,
               toInt(split.inner),
               int8Front(split.outer, 1),
               int8Front(outerStrides(t[1]), 0),
               int8Front(outerStrides(t[2]), 0),
               int8Front(outerStrides(t[3]), 0),
               int8Front(outerStrides(t[0]), 0),
               toInt(outer),
               toInt(t[1].strides.back()),
               toInt(t[2].strides.back()),
               toInt(t[3].strides.back()),
               toInt(t[0].strides.back()),
               toInt(t[0].offset),
               toInt(t[1].offset),
               toInt(t[2].offset),
               toInt(t[3].offset),
               p,
               q};
  if (divides) {
    step.args.emplace_back(lowering.status());
    step.args.emplace_back(lowering.reportId());
  }
  setRange(lowering, step, split);
  lowering.setKernelName("elementwise " + std::string(expression));
  lowering.launch(std::move(step));
}

namespace {

/// The outer dim along which neighbours in the source are neighbours in memory moves next to the innermost one.
/// Returns whether the planes of the two are to be turned, and are large enough to do it by tiles.
bool turnPlanes(Nest& nest) {
  const std::size_t last = nest.dims.size() - 1;
  const StridedRef &src = nest.tensors[0], &dst = nest.tensors[1];
  if (byteSize(src.type) != 4 || dst.strides[last] != 1 || src.strides[last] == 1 || nest.dims[last] < 16) return false;
  for (std::size_t k = 0; k < last; ++k) {
    if (src.strides[k] != 1 || nest.dims[k] < 16) continue;
    std::swap(nest.dims[k], nest.dims[last - 1]);
    for (StridedRef& tensor : nest.tensors) std::swap(tensor.strides[k], tensor.strides[last - 1]);
    return true;
  }
  return false;
}

/// Two dims at least, and runs short enough that all cores get some where rows are few.
void splitLongRun(Nest& nest) {
  std::int64_t rows = 1;
  for (std::size_t k = 0; k + 1 < nest.dims.size(); ++k) rows *= nest.dims[k];
  const std::int64_t inner = nest.dims.back();
  std::int64_t parts = rows < 16 ? std::clamp<std::int64_t>(inner / kCpuChunk, 1, 64) : 1;
  while (inner % parts != 0) --parts;
  if (parts == 1 && nest.dims.size() > 1) return;
  nest.dims.back() = inner / parts;
  nest.dims.insert(nest.dims.end() - 1, parts);
  for (StridedRef& tensor : nest.tensors)
    tensor.strides.insert(tensor.strides.end() - 1, tensor.strides.back() * (inner / parts));
}

/// emitMove() for CPUs.
void movePlanes(Lowering& lowering, Nest nest) {
  splitLongRun(nest);
  const bool turned = turnPlanes(nest);
  const std::size_t last = nest.dims.size() - 1;
  const std::int64_t inner = nest.dims[last], mid = nest.dims[last - 1];
  const auto outerOf = [&](const std::vector<std::int64_t>& values) {
    return std::vector<std::int64_t>(values.begin(), values.end() - 2);
  };
  const std::vector<std::int64_t> outer = outerOf(nest.dims);
  std::int64_t count = 1;
  for (std::int64_t dim : outer) count *= dim;
  std::int64_t planes = 1, rows = mid;
  if (mid * inner > kCpuChunk) {
    const std::int64_t unit = turned ? 16 : 1; // rows of tiles stay whole
    rows = std::min(mid, ceilDivide(ceilDivide(kCpuChunk, inner), unit) * unit);
  } else {
    planes = rowsPerItem(count, 1, mid * inner);
  }
  const std::int64_t parts = ceilDivide(mid, rows);
  const auto& t = nest.tensors;
  Step step;
  step.source = turned ? "layout" : "move";
  step.kernel = turned ? "turn_planes" : "strided_planes";
  step.options = turned ? "-DB=16" : "-DPLANES -DE=" + std::string(clBits(t[0].type));
  step.args = {t[0].ref, t[1].ref, int8Front(outer, 1), int8Front(outerOf(t[0].strides), 0),
               int8Front(outerOf(t[1].strides), 0)};
  for (std::int64_t value :
       {static_cast<std::int64_t>(outer.size()), count, planes, parts, mid, rows, inner, t[0].strides[last - 1],
        t[1].strides[last - 1], t[0].strides[last], t[1].strides[last], t[0].offset, t[1].offset})
    step.args.emplace_back(toInt(value));
  step.global = {static_cast<std::size_t>(ceilDivide(count, planes) * parts), 1, 1};
  lowering.launch(std::move(step));
}

} // namespace

void emitMove(Lowering& lowering, const std::vector<std::int64_t>& dims, const StridedRef& src, const StridedRef& dst) {
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return;
  Nest nest{dims, {src, dst}};
  collapse(nest);
  if (!lowering.gpuStyle()) return movePlanes(lowering, std::move(nest));
  const Split split = splitInner(nest);
  Step step;
  step.source = "move";
  step.kernel = "strided";
  step.options = "-DE=" + std::string(clBits(src.type));
  const auto& t = nest.tensors;
  step.args = {t[0].ref,
               t[1].ref,
               int8Front(split.outer, 1),
               int8Front(outerStrides(t[0]), 0),
               int8Front(outerStrides(t[1]), 0),
               toInt(static_cast<std::int64_t>(split.outer.size())),
               toInt(split.inner),
               toInt(t[0].strides.back()),
               toInt(t[1].strides.back()),
               toInt(t[0].offset),
               toInt(t[1].offset)};
  setRange(lowering, step, split);
  lowering.launch(std::move(step));
}

StridedRef rowMajor(Ref ref, const TensorDesc& desc) { return {ref, desc.type, desc.shape.strides(), 0}; }

StridedRef broadcastTo(Ref ref, const TensorDesc& desc, const Shape& shape) {
  StridedRef result{ref, desc.type, std::vector<std::int64_t>(shape.rank(), 0), 0};
  const std::vector<std::int64_t> own = desc.shape.strides();
  const std::size_t shift = shape.rank() - desc.shape.rank();
  for (std::size_t k = 0; k < own.size(); ++k)
    if (desc.shape[k] != 1) result.strides[k + shift] = own[k];
  return result;
}

StridedRef blockedRef(const BlockedView& view) {
  const std::int64_t block = view.blocking.block;
  return {view.ref, DataType::Float32, {view.batchStride, view.blockStride, view.rowStride, block, 1}, view.origin};
}

std::vector<std::int64_t> blockedDims(const BlockedView& view) {
  return {view.n, view.blocks, view.h, view.w, view.blocking.block};
}

std::string_view clType(DataType type) {
  switch (type) {
  case DataType::Float32: return "float";
  case DataType::Float64: return "double";
  case DataType::Int8: return "char";
  case DataType::UInt8:
  case DataType::Bool: return "uchar";
  case DataType::Int16: return "short";
  case DataType::UInt16:
  case DataType::Float16:
  case DataType::BFloat16: return "ushort";
  case DataType::Int32: return "int";
  case DataType::UInt32: return "uint";
  case DataType::Int64: return "long";
  case DataType::UInt64: return "ulong";
  case DataType::Undefined:
  case DataType::String: break;
  }
  return "uchar";
}

std::string_view clBits(DataType type) {
  switch (byteSize(type)) {
  case 2: return "ushort";
  case 4: return "uint";
  case 8: return "ulong";
  default: return "uchar";
  }
}

std::string_view clNumber(DataType type) {
  if (type == DataType::Float16) return "half";
  if (type == DataType::BFloat16) return "bfloat";
  return clType(type);
}

std::string convertOptions(DataType from, DataType to) {
  const bool clamps = isFloating(from) && isInteger(to);
  return "-DFROM=" + std::string(clNumber(from)) + " -DTO=" + std::string(clNumber(to)) +
         (to == DataType::Bool ? " -DMODE=2"
          : clamps             ? " -DMODE=1"
                               : " -DMODE=0") +
         (from == DataType::Float64 || to == DataType::Float64 ? " -DFLOAT64" : "");
}

std::string activationOption(const ops::Activation& activation) {
  return " -DACT=" + std::to_string(static_cast<int>(activation.kind));
}

std::string weightOption(bool halves) { return halves ? " -DWEIGHT_HALF" : ""; }

Int8 int8Front(const std::vector<std::int64_t>& values, std::int32_t fill) {
  TANDEM_ASSERT(values.size() <= 8);
  Int8 result;
  result.v.fill(fill);
  for (std::size_t i = 0; i < values.size(); ++i) result.v[i] = toInt(values[i]);
  return result;
}

Int8 int8Back(const std::vector<std::int64_t>& values, std::int32_t fill) {
  TANDEM_ASSERT(values.size() <= 8);
  Int8 result;
  result.v.fill(fill);
  for (std::size_t i = 0; i < values.size(); ++i) result.v[8 - values.size() + i] = toInt(values[i]);
  return result;
}

std::int64_t rowsPerItem(std::int64_t rows, std::int64_t planes, std::int64_t elements) {
  constexpr std::int64_t kLeastItems = 16;
  const std::int64_t wanted = ceilDivide(kCpuChunk, std::max<std::int64_t>(elements, 1));
  return std::max<std::int64_t>(1, std::min({wanted, rows, rows * planes / kLeastItems}));
}

Step perElement(std::string source, std::string kernel, std::string options, std::int64_t count) {
  constexpr std::int64_t kLocal = 64;
  Step step;
  step.source = std::move(source);
  step.kernel = std::move(kernel);
  step.options = std::move(options);
  step.global = {roundUp(count, kLocal), 1, 1};
  step.local = {kLocal, 1, 1};
  return step;
}

} // namespace tandem::opencl
