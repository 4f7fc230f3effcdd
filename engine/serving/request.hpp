// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tandem {

/// Input tensors of one request size, shared by all requests of that size; read-only while a run goes on.
struct RequestData {
  int items = 1;
  std::vector<Tensor> inputs; ///< graph input order, leading dimension `items` where the model has a batch
};

/// How one request went. Times are nowNs() values.
struct Completion {
  std::uint64_t request = 0;
  int items = 1;
  std::int64_t scheduledNs = 0; ///< when it should have arrived (open loop) or was issued
  std::int64_t startNs = 0;     ///< when a replica began to work on it
  std::int64_t endNs = 0;
  std::int64_t transferNs = -1; ///< from device events; -1 where this request was not profiled
  std::int64_t computeNs = -1;
  bool failed = false;
};

/// One request on its way. `done` is called once, on the replica's thread; it must be quick and may submit requests.
struct Request {
  std::uint64_t id = 0;
  const RequestData* data = nullptr;
  int firstItem = 0; ///< part of the data this request stands for (split routing): items [firstItem, firstItem+items)
  int items = 1;
  std::int64_t scheduledNs = 0;
  std::function<void(const Completion&)> done;
};

} // namespace tandem
