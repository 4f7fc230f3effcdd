// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"
#include "engine/serving/request.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace tandem {

/// Tensors of requests, used again once nobody holds the request any more, so that a long run needs no more of them
/// than it ever had at one time. Thread-safe. Make it with std::make_shared: requests may outlive whoever made the
/// pool.
class RequestPool : public std::enable_shared_from_this<RequestPool> {
 public:
  /// A request of `items` items with tensors of `descs` (static), their elements as somebody left them. The same
  /// `items` must always come with the same `descs`. Fails with DeviceFailed where the host has not the memory.
  Result<std::shared_ptr<RequestData>> acquire(int items, const std::vector<TensorDesc>& descs);
  /// Keeps nothing from now on: what is free goes now, the rest as soon as it is let go.
  void close();

  std::size_t buffers() const; ///< in use and kept
  std::int64_t bytes() const;

 private:
  void giveBack(std::unique_ptr<RequestData> data);

  mutable std::mutex m_mutex;
  std::map<int, std::vector<std::unique_ptr<RequestData>>> m_free; ///< by items
  std::size_t m_buffers = 0;
  std::int64_t m_bytes = 0;
  bool m_closed = false;
};

} // namespace tandem
