// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <vector>

namespace tandem::ops {

/// Element `index` along `axis`, as a tensor of one rank less.
Tensor sliceTensor(const Tensor& tensor, std::size_t axis, std::int64_t index);

/// Joins tensors along a new axis; `reversed`: the last one comes first. Fails where their types or shapes differ or
/// the result has a rank above kMaxRank. `rows` is not empty.
Result<Tensor> stackTensors(const std::vector<Tensor>& rows, std::size_t axis, bool reversed);

/// Same type and number of elements.
void copyElements(const Tensor& from, Tensor& to);

/// What the results of a loop may hold at most: half of the machine's memory.
std::size_t maxKeptBytes();

} // namespace tandem::ops
