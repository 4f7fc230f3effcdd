// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace tandem {

/// Input tensors of one request size, shared by all requests of that size; read-only while a run goes on.
struct RequestData {
  int items = 1;
  std::vector<Tensor> inputs; ///< graph input order, leading dimension `items` where the model has a batch
};

/// Results that somebody reads: graph output order, shaped for all items of the request's data. Parts of a split
/// request write their own items, so the batch is gathered in order.
struct RequestOutputs {
  std::vector<Tensor> tensors;
};

/// Two classes of requests. Requests that are sensitive to latency go first; bulk requests are never starved (see
/// RequestQueue).
enum class Priority : std::uint8_t { Latency, Bulk };

/// How a request ended.
enum class Status : std::uint8_t {
  Done,
  Failed,    ///< on its device, or because its replica is lost
  Cancelled, ///< by its owner
  Rejected,  ///< never queued: the queue was full, or it could not be done in time (slo:MS)
};
std::string_view toString(Status status); ///< "done", "failed", "cancelled", "rejected"

/// How one request went. Times are nowNs() values.
struct Completion {
  std::uint64_t request = 0;
  int items = 1;
  std::int64_t scheduledNs = 0; ///< when it should have arrived (open loop) or was issued
  std::int64_t readyNs = 0;     ///< when its inputs were there; scheduledNs where they always were
  std::int64_t startNs = 0;     ///< when a replica began to work on it
  std::int64_t endNs = 0;
  std::int64_t transferNs = -1; ///< from device events; -1 where this request was not profiled
  std::int64_t computeNs = -1;
  Status status = Status::Done;
  Priority priority = Priority::Latency;

  bool done() const { return status == Status::Done; }
};

struct Request;

/// Who is told how requests went.
class CompletionSink {
 public:
  virtual ~CompletionSink() = default;
  /// Called exactly once per request, on a replica's thread, or on the submitting or cancelling one; must be quick, and
  /// may submit requests.
  virtual void completed(const Request& request, const Completion& completion) = 0;
};

/// One request on its way. Data, outputs and sink outlive it.
struct Request {
  std::uint64_t id = 0;
  const RequestData* data = nullptr;
  std::shared_ptr<const RequestData> owned = nullptr; ///< keeps `data` where it was made for this request alone
  RequestOutputs* outputs = nullptr;                  ///< where to write results; nullptr: nobody reads them
  CompletionSink* sink = nullptr;
  int firstItem = 0; ///< part of the data this request stands for (split routing): items [firstItem, firstItem+items)
  int items = 1;
  std::int64_t scheduledNs = 0;
  std::int64_t readyNs = 0; ///< 0: as scheduled
  Priority priority = Priority::Latency;
  int attempts = 0;             ///< executions that failed with their device so far
  std::int64_t predictedNs = 0; ///< what a replica expects of it; for the replica's own account
};

} // namespace tandem
