// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// For engine/formats/onnx only.
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::detail {

/// A model file without its large weights, for protobuf, which would copy them: a ModelProto in which the raw_data of
/// large tensors is a token that stands for bytes of the file.
class WeightSplit {
 public:
  /// Nullopt where there is nothing to gain, or the file is not what a model looks like: then protobuf is to read all
  /// of it, and to say what is wrong. Linear in the size of the file, without its weights.
  static std::optional<WeightSplit> of(std::span<const std::byte> file);

  std::span<const std::byte> message() const { return std::as_bytes(std::span(m_message)); }
  /// The message is not needed once it is parsed.
  void dropMessage() { m_message = {}; }
  /// The bytes that `rawData` stands for; nullopt where it is the data itself.
  std::optional<std::span<const std::byte>> weightsOf(std::string_view rawData) const;

 private:
  WeightSplit() = default;

  std::string m_message;
  std::string m_secret; ///< begins every token; drawn anew for each file, so that none can hold one
  std::vector<std::span<const std::byte>> m_weights;
};

} // namespace tandem::detail
