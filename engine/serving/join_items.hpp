// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"
#include "engine/serving/request.hpp"

#include <span>

namespace tandem {

/// What `items` items like this one make: the first dimension of every tensor that has one, times `items`. Fails where
/// that overflows.
Result<std::vector<TensorDesc>> joinedShapes(int items, std::span<const Tensor> item);

/// Copies the tensors of one item to place `slot` of a request: along the dimension in which the two differ, where the
/// item may itself have several places; a tensor of the request's own shape (a sampling rate) is taken from the first
/// item. Places past the end are left out. Fails with InputRejected, and writes nothing, where the item does not fit.
Result<void> joinItem(std::span<const Tensor> item, int slot, RequestData& request);

} // namespace tandem
