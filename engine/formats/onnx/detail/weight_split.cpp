// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/detail/weight_split.hpp"

#include "engine/formats/onnx/detail/messages.hpp"
#include "engine/formats/tensors/file_elements.hpp"

#include <climits>
#include <cstring>
#include <random>

namespace tandem::detail {
namespace {

constexpr std::size_t kLeastWeights = kLeastFileElements;
constexpr int kMaxNesting = 3 * (kMaxDepth + 4); ///< a subgraph is three messages deep: graph, node, attribute
constexpr int kLengthBytes = 5;                  ///< of a length whose value is not known yet: a varint of 35 bits

/// The messages on the way from a model to the bytes of its tensors.
enum class Part { Model, Graph, Function, Node, Attribute, Sparse, Tensor, RawData };

/// What field `number` of `outer` holds, where that may hold large weights.
std::optional<Part> partIn(Part outer, std::uint64_t number) {
  const auto is = [&](int field) { return number == static_cast<std::uint64_t>(field); };
  switch (outer) {
  case Part::Model:
    if (is(onnx::ModelProto::kGraphFieldNumber)) return Part::Graph;
    if (is(onnx::ModelProto::kFunctionsFieldNumber)) return Part::Function;
    break;
  case Part::Graph:
    if (is(onnx::GraphProto::kNodeFieldNumber)) return Part::Node;
    if (is(onnx::GraphProto::kInitializerFieldNumber)) return Part::Tensor;
    if (is(onnx::GraphProto::kSparseInitializerFieldNumber)) return Part::Sparse;
    break;
  case Part::Function:
    if (is(onnx::FunctionProto::kNodeFieldNumber)) return Part::Node;
    break;
  case Part::Node:
    if (is(onnx::NodeProto::kAttributeFieldNumber)) return Part::Attribute;
    break;
  case Part::Attribute:
    if (is(onnx::AttributeProto::kTFieldNumber) || is(onnx::AttributeProto::kTensorsFieldNumber)) return Part::Tensor;
    if (is(onnx::AttributeProto::kGFieldNumber) || is(onnx::AttributeProto::kGraphsFieldNumber)) return Part::Graph;
    if (is(onnx::AttributeProto::kSparseTensorFieldNumber)) return Part::Sparse;
    break;
  case Part::Sparse:
    if (is(onnx::SparseTensorProto::kValuesFieldNumber) || is(onnx::SparseTensorProto::kIndicesFieldNumber))
      return Part::Tensor;
    break;
  case Part::Tensor:
    if (is(onnx::TensorProto::kRawDataFieldNumber)) return Part::RawData;
    break;
  case Part::RawData: break;
  }
  return std::nullopt;
}

/// Bytes of a message, field by field (Protocol Buffers documentation, "Encoding").
class Fields {
 public:
  struct Field {
    std::span<const std::byte> all; ///< with the tag and the length
    std::span<const std::byte> tag;
    std::uint64_t number = 0;
    bool isMessage = false; ///< or text, or bytes: has a length
    std::span<const std::byte> content;
  };

  explicit Fields(std::span<const std::byte> bytes) : m_left(bytes) {}
  bool atEnd() const { return m_left.empty(); }
  /// Nullopt where there is no field of a kind that is in use.
  std::optional<Field> next() {
    const std::span<const std::byte> start = m_left;
    const auto tag = varint();
    if (!tag || *tag > UINT32_MAX || *tag >> 3 == 0) return std::nullopt;
    Field field;
    field.number = *tag >> 3;
    field.tag = start.first(start.size() - m_left.size());
    std::optional<std::uint64_t> length;
    switch (*tag & 7) {
    case 0:
      if (!varint()) return std::nullopt;
      length = 0;
      break;
    case 1: length = 8; break;
    case 2:
      length = varint();
      field.isMessage = true;
      break;
    case 5: length = 4; break;
    default: return std::nullopt;
    }
    if (!length || *length > m_left.size()) return std::nullopt;
    field.content = m_left.first(*length);
    m_left = m_left.subspan(*length);
    field.all = start.first(start.size() - m_left.size());
    return field;
  }

 private:
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !m_left.empty(); shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(m_left.front());
      m_left = m_left.subspan(1);
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return std::nullopt;
  }

  std::span<const std::byte> m_left;
};

class Splitter {
 public:
  Splitter(std::string& message, const std::string& secret, std::vector<std::span<const std::byte>>& weights)
      : m_message(message),
        m_secret(secret),
        m_weights(weights) {}

  /// Appends the message without its weights. False where it is no message, or nested too deep.
  bool split(std::span<const std::byte> bytes, Part part, int depth) {
    if (depth > kMaxNesting) return false;
    Fields fields(bytes);
    while (!fields.atEnd()) {
      const auto field = fields.next();
      if (!field) return false;
      // What is smaller than the weights holds none.
      const auto inner = field->isMessage && field->content.size() >= kLeastWeights ? partIn(part, field->number)
                                                                                    : std::optional<Part>();
      if (!inner) {
        append(field->all);
        continue;
      }
      append(field->tag);
      const std::size_t lengthAt = m_message.size();
      m_message.append(kLengthBytes, '\0');
      if (*inner == Part::RawData)
        putToken(field->content);
      else if (!split(field->content, *inner, depth + 1))
        return false;
      if (!putLength(lengthAt)) return false;
    }
    return true;
  }

 private:
  void append(std::span<const std::byte> bytes) {
    m_message.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  void putToken(std::span<const std::byte> weights) {
    const std::uint64_t index = m_weights.size();
    m_message += m_secret;
    m_message.append(reinterpret_cast<const char*>(&index), sizeof index);
    m_weights.push_back(weights);
  }
  bool putLength(std::size_t at) {
    std::size_t length = m_message.size() - at - kLengthBytes;
    if (length > INT_MAX) return false;
    for (int i = 0; i < kLengthBytes; ++i, length >>= 7) {
      const std::size_t more = i + 1 < kLengthBytes ? 0x80 : 0;
      m_message[at + static_cast<std::size_t>(i)] = static_cast<char>((length & 0x7f) | more);
    }
    return true;
  }

  std::string& m_message;
  const std::string& m_secret;
  std::vector<std::span<const std::byte>>& m_weights;
};

} // namespace

std::optional<WeightSplit> WeightSplit::of(std::span<const std::byte> file) {
  WeightSplit split;
  std::random_device random;
  for (int i = 0; i < 4; ++i) {
    const std::uint32_t bits = random();
    split.m_secret.append(reinterpret_cast<const char*>(&bits), sizeof bits);
  }
  Splitter splitter(split.m_message, split.m_secret, split.m_weights);
  if (!splitter.split(file, Part::Model, 0) || split.m_weights.empty()) return std::nullopt;
  return split;
}

std::optional<std::span<const std::byte>> WeightSplit::weightsOf(std::string_view rawData) const {
  std::uint64_t index = 0;
  if (rawData.size() != m_secret.size() + sizeof index || !rawData.starts_with(m_secret)) return std::nullopt;
  std::memcpy(&index, rawData.data() + m_secret.size(), sizeof index);
  if (index >= m_weights.size()) return std::nullopt;
  return m_weights[index];
}

} // namespace tandem::detail
