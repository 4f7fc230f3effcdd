// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/keras/detail/layer.hpp"

/// Functions of keras.ops and TensorFlow that stand in functional models as layers.
namespace tandem::detail {

/// What a function is called with: positions, keywords, and, for keras.ops, options of the object. Names differ between
/// the libraries, so each question lists the names that an argument has.
class OperationCall {
 public:
  OperationCall(LayerCall& call, bool tensorFlow);

  Builder& b;
  bool tensorFlow;

  /// Argument `position`, or the first of `names` that is given; null where it is absent.
  const Argument* argument(std::size_t position, std::initializer_list<const char*> names) const;
  /// The same as a tensor; constants become float32 (or int32 where whole) tensors. Throws where it is absent.
  TensorPtr tensor(std::size_t position, std::initializer_list<const char*> names);
  Outputs tensors(std::size_t position, std::initializer_list<const char*> names);
  /// The same as a constant; nullptr where it is absent or null.
  const Json* constant(std::size_t position, std::initializer_list<const char*> names) const;
  Ints integers(std::size_t position, std::initializer_list<const char*> names) const; ///< one or a list; empty: absent
  std::int64_t integer(std::size_t position, std::initializer_list<const char*> names, std::int64_t otherwise) const;
  double number(std::size_t position, std::initializer_list<const char*> names, double otherwise) const;
  bool flag(std::size_t position, std::initializer_list<const char*> names, bool otherwise) const;
  std::string text(std::size_t position, std::initializer_list<const char*> names, const std::string& otherwise) const;

 private:
  TensorPtr constantTensor(const Json& json);

  LayerCall& m_call;
};

using BuildOperation = Outputs (*)(OperationCall& call);
/// By Keras's name in snake case ("expand_dims"); nullptr for functions that cannot be imported.
BuildOperation findArithmetic(const std::string& name);  ///< operation_arithmetic.cpp
BuildOperation findRearranging(const std::string& name); ///< operation_shapes.cpp

} // namespace tandem::detail
