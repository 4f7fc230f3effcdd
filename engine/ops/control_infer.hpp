// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/op_def.hpp"

#include <map>

namespace tandem::ops {

/// What is known of a value that goes into a subgraph or comes out of it.
struct BodyValue {
  DataType type = DataType::Undefined;
  std::optional<Shape> shape;     ///< unset: not even the rank
  std::optional<Tensor> elements; ///< where known before the run
};

/// Infers `body` with these own inputs; captured ones are taken from the node. One entry per output of the body.
/// Fails where the body cannot work on such inputs. A body that is nested too deep for repeated work gives unknowns.
Result<std::vector<BodyValue>> inferBody(const InferContext& context, const Graph& body,
                                         std::span<const BodyValue> formals);

/// What holds for both: equal extents stay, others become unknown.
BodyValue common(const BodyValue& a, const BodyValue& b);

/// The node's input as a body sees it.
BodyValue bodyValueOf(const InferContext& context, std::size_t input);

/// Infers `body` until its loop-carried values (the first `carried` of its outputs after `skip`, and the own inputs at
/// `firstFormal`) keep their shapes from one iteration to the next. Returns the outputs of the last inference and
/// widens `formals`.
Result<std::vector<BodyValue>> inferRepeated(const InferContext& context, const Graph& body,
                                             std::vector<BodyValue>& formals, std::size_t firstFormal, std::size_t skip,
                                             std::size_t carried);

void setBodyOutput(InferContext& context, std::size_t output, const BodyValue& value);

/// Shape of results joined along a new axis (negative: from the end of the result).
std::optional<Shape> withAxis(const std::optional<Shape>& shape, std::int64_t axis, std::int64_t length);

} // namespace tandem::ops
