// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/npy.hpp"
#include "engine/base/atomic_file.hpp"

#include "engine/base/checked.hpp"
#include "engine/formats/tensors/detail/npy_header.hpp"
#include "engine/formats/tensors/detail/tensor_proto.hpp"
#include "engine/formats/tensors/mapped_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace tandem {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kMaxHeader = 10'000;

struct Descr {
  std::string_view text; ///< without the byte order mark
  DataType type;
};
constexpr std::array kDescrs{
    Descr{"f4", DataType::Float32}, Descr{"f8", DataType::Float64}, Descr{"f2", DataType::Float16},
    Descr{"i1", DataType::Int8},    Descr{"i2", DataType::Int16},   Descr{"i4", DataType::Int32},
    Descr{"i8", DataType::Int64},   Descr{"u1", DataType::UInt8},   Descr{"u2", DataType::UInt16},
    Descr{"u4", DataType::UInt32},  Descr{"u8", DataType::UInt64},  Descr{"b1", DataType::Bool}};

Error rejected(const std::string& what, const std::string& where) {
  return makeError(ErrorCode::InputRejected, what, where, "write it with numpy.save(file, array)");
}

/// The type that "<f4" or ">i8" names; `swapped` where its bytes are in the other order.
std::optional<DataType> typeOf(std::string_view text, bool& swapped) {
  if (text.empty() || std::string_view("<>|=").find(text.front()) == std::string_view::npos) return std::nullopt;
  const char order = text.front();
  text.remove_prefix(1);
  for (const Descr& entry : kDescrs) {
    if (entry.text != text) continue;
    swapped = order == '>' && byteSize(entry.type) > 1;
    return entry.type;
  }
  return std::nullopt;
}

/// Why a type that numpy has is none of ours.
std::string typeProblem(const std::string& descr) {
  const char kind = descr.size() > 1 ? descr[1] : ' ';
  if (kind == 'O') return "the array holds Python objects, which only running code could read";
  if (kind == 'U' || kind == 'S') return "the array holds text";
  if (kind == 'c') return "the array holds complex numbers";
  return "the element type '" + descr.substr(0, 20) + "' is not one we can use";
}

void swapBytes(Tensor& tensor) {
  const std::size_t size = byteSize(tensor.type());
  auto* bytes = static_cast<std::byte*>(tensor.mutableData());
  for (std::size_t at = 0; at < tensor.bytes(); at += size) std::reverse(bytes + at, bytes + at + size);
}

/// Fortran order is C order of the reversed shape; this undoes the reversal.
Tensor transposed(const Tensor& reversed, const Shape& shape) {
  Tensor result = Tensor::uninitialized({reversed.type(), shape});
  const std::size_t size = byteSize(reversed.type());
  const std::size_t rank = shape.rank();
  std::vector<std::int64_t> index(rank, 0);
  const std::vector<std::int64_t> strides = reversed.shape().strides();
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    std::int64_t from = 0;
    for (std::size_t axis = 0; axis < rank; ++axis) from += index[axis] * strides[rank - 1 - axis];
    std::memcpy(static_cast<std::byte*>(result.mutableData()) + static_cast<std::size_t>(i) * size,
                static_cast<const std::byte*>(reversed.data()) + static_cast<std::size_t>(from) * size, size);
    for (std::size_t axis = rank; axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return result;
}

Result<Tensor> parseNpy(std::string_view bytes, const std::string& where, std::shared_ptr<const void> owner) {
  if (bytes.size() < 10 || !bytes.starts_with(kMagic)) return rejected("this is not a .npy file", where);
  const auto byteAt = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[i])); };
  const std::size_t major = byteAt(6);
  if (major < 1 || major > 3 || (major > 1 && bytes.size() < 12))
    return rejected("unknown .npy version " + std::to_string(major), where);
  const std::size_t start = major == 1 ? 10 : 12;
  std::size_t length = byteAt(8) | byteAt(9) << 8;
  if (major > 1) length |= byteAt(10) << 16 | byteAt(11) << 24;
  if (length > bytes.size() - start) return rejected("the header is cut off", where);
  // numpy refuses longer ones too (max_header_size): its own are two lines at most.
  if (length > kMaxHeader) return rejected("the header has " + std::to_string(length) + " bytes", where);
  const std::string_view data = bytes.substr(start + length);
  detail::NpyHeader header;
  if (std::string problem = detail::parseNpyHeader(bytes.substr(start, length), header); !problem.empty())
    return rejected(problem, where);
  bool swapped = false;
  const auto type = typeOf(header.descr, swapped);
  if (!type) return rejected(typeProblem(header.descr), where);

  std::int64_t needed = static_cast<std::int64_t>(byteSize(*type));
  for (std::int64_t dim : header.shape) {
    auto product = checkedMul(needed, std::max<std::int64_t>(dim, 1));
    if (!product) return rejected("the shape is too large to address", where);
    needed = *product;
  }
  const Shape shape(std::move(header.shape));
  TensorDesc desc{*type, shape};
  if (desc.bytes() != static_cast<std::int64_t>(data.size()))
    return rejected(desc.toString() + " needs " + std::to_string(desc.bytes()) + " bytes, the file has " +
                        std::to_string(data.size()),
                    where);
  const bool reversed = header.fortranOrder && shape.rank() >= 2;
  if (reversed) desc.shape = Shape(std::vector<std::int64_t>(shape.dims().rbegin(), shape.dims().rend()));
  Tensor tensor = detail::tensorFromBytes(desc, data, std::move(owner));
  if (reversed) tensor = transposed(tensor, shape);
  if (swapped) {
    if (!reversed) tensor = tensor.clone();
    swapBytes(tensor);
  }
  return tensor;
}

std::string_view asText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

Result<Tensor> readNpy(std::span<const std::byte> bytes, const std::string& where, std::shared_ptr<const void> owner) {
  return parseNpy(asText(bytes), where, std::move(owner));
}

Result<Tensor> readNpy(const std::filesystem::path& path) {
  auto file = TANDEM_TRY(MappedFile::open(path, ErrorCode::InputRejected, std::int64_t{1} << 40));
  return parseNpy(asText(file->bytes()), path.string(), file);
}

Result<void> writeNpy(const std::filesystem::path& path, const Tensor& tensor) {
  std::string descr;
  for (const Descr& entry : kDescrs)
    if (entry.type == tensor.type()) descr = (byteSize(tensor.type()) == 1 ? "|" : "<") + std::string(entry.text);
  if (descr.empty())
    return makeError(ErrorCode::OutputFailed, "numpy has no type " + std::string(toString(tensor.type())),
                     path.string(), "write it as .pb");
  std::string header = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (";
  for (std::int64_t dim : tensor.shape()) header += std::to_string(dim) + ",";
  header += "), }";
  // The data starts at a multiple of 64 bytes and the header ends with a line feed (numpy.lib.format).
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string file(kMagic);
  file += '\x01';
  file += '\x00';
  file += static_cast<char>(header.size() & 0xff);
  file += static_cast<char>(header.size() >> 8 & 0xff);
  file += header;
  file.append(static_cast<const char*>(tensor.data()), tensor.bytes());
  return writeFileAtomically(path, file);
}

} // namespace tandem
