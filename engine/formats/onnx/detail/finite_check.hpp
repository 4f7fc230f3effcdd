// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// For engine/formats/onnx only.
#include "engine/tensor/tensor.hpp"

namespace tandem::detail {

/// Looks for weights with NaN or infinite elements. Those in memory are looked at when they are added; those that lie
/// in a file when somebody asks, because that reads all of it.
class FiniteCheck {
 public:
  void add(const Tensor& weights, const std::string& name);
  bool isDone() const { return m_inFile.empty(); }
  /// What is to be said; empty where all is well. Any thread.
  std::string warning() const;

 private:
  std::vector<std::pair<Tensor, std::string>> m_inFile;
  std::vector<std::string> m_odd; ///< names
};

} // namespace tandem::detail
