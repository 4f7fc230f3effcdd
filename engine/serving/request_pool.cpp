// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/request_pool.hpp"

#include "engine/base/checked.hpp"
#include "engine/base/host_memory.hpp"

namespace tandem {
namespace {

std::int64_t bytesOf(const RequestData& data) {
  std::int64_t bytes = 0;
  for (const Tensor& tensor : data.inputs) bytes += tensor.desc().bytes();
  return bytes;
}

std::optional<std::int64_t> bytesOf(const std::vector<TensorDesc>& descs) {
  std::int64_t bytes = 0;
  for (const TensorDesc& desc : descs) {
    const auto own = desc.isStatic() ? desc.checkedBytes() : std::nullopt;
    const auto sum = own ? checkedAdd(bytes, *own) : std::nullopt;
    if (!sum) return std::nullopt;
    bytes = *sum;
  }
  return bytes;
}

Result<void> requireMemory(int items, const std::vector<TensorDesc>& descs) {
  const auto bytes = bytesOf(descs);
  if (bytes && fitsHostMemory(*bytes)) return {};
  return makeError(ErrorCode::DeviceFailed,
                   "not enough memory for a request of " + std::to_string(items) + " item(s): it needs " +
                       (bytes ? std::to_string(*bytes) : std::string("over 2^63")) + " bytes, " +
                       std::to_string(availableHostMemory()) + " are free",
                   "preprocessing", "use smaller batches or a smaller prefetch");
}

} // namespace

Result<std::shared_ptr<RequestData>> RequestPool::acquire(int items, const std::vector<TensorDesc>& descs) {
  std::unique_ptr<RequestData> data;
  {
    std::lock_guard lock(m_mutex);
    if (auto& free = m_free[items]; !free.empty()) {
      data = std::move(free.back());
      free.pop_back();
    }
  }
  if (!data) {
    TANDEM_TRY(requireMemory(items, descs));
    data = std::make_unique<RequestData>();
    data->items = items;
    for (const TensorDesc& desc : descs) data->inputs.push_back(Tensor::uninitialized(desc));
    std::lock_guard lock(m_mutex);
    ++m_buffers;
    m_bytes += bytesOf(*data);
  }
  return std::shared_ptr<RequestData>(data.release(), [pool = shared_from_this()](RequestData* done) {
    pool->giveBack(std::unique_ptr<RequestData>(done));
  });
}

void RequestPool::giveBack(std::unique_ptr<RequestData> data) {
  std::lock_guard lock(m_mutex);
  if (!m_closed) return m_free[data->items].push_back(std::move(data));
  --m_buffers;
  m_bytes -= bytesOf(*data);
}

void RequestPool::close() {
  std::lock_guard lock(m_mutex);
  m_closed = true;
  for (const auto& [items, all] : m_free)
    for (const auto& each : all) {
      --m_buffers;
      m_bytes -= bytesOf(*each);
    }
  m_free.clear();
}

std::size_t RequestPool::buffers() const {
  std::lock_guard lock(m_mutex);
  return m_buffers;
}

std::int64_t RequestPool::bytes() const {
  std::lock_guard lock(m_mutex);
  return m_bytes;
}

} // namespace tandem
