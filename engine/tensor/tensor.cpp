// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/tensor.hpp"

#include "engine/base/checked.hpp"
#include "engine/tensor/element_source.hpp"
#include "engine/tensor/visit.hpp"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>

namespace tandem {
namespace {

constexpr std::size_t kAlignment = 64; // one cache line, one AVX-512 register

std::size_t roundedUp(std::size_t bytes) {
  return (std::max<std::size_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
}

/// Truncates; what int64 cannot hold becomes its nearest value and NaN becomes 0, where a cast would be undefined.
template <class T> std::int64_t toInt(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    constexpr T kTop = T(9223372036854775808.0); // 2^63, exact in every type
    if (std::isnan(value)) return 0;
    if (value >= kTop) return std::numeric_limits<std::int64_t>::max();
    if (value < -kTop) return std::numeric_limits<std::int64_t>::min();
  }
  return static_cast<std::int64_t>(value);
}

std::uint64_t nextSerial() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};

} // namespace

/// What a source wrote, for all copies of a tensor.
struct Tensor::Made {
  std::shared_ptr<const ElementSource> source;
  std::mutex mutex;
  std::unique_ptr<void, FreeMemory> memory; ///< under the mutex
  std::atomic<const void*> data{nullptr};
};

ElementSource::ElementSource() : m_serial(nextSerial()) {}

std::string ElementSource::key() const { return "source " + std::to_string(m_serial); }

std::optional<std::int64_t> TensorDesc::checkedBytes() const {
  auto elements = shape.checkedElements();
  if (!elements) return std::nullopt;
  return checkedMul(*elements, static_cast<std::int64_t>(byteSize(type)));
}

std::string TensorDesc::toString() const { return std::string(tandem::toString(type)) + " " + shape.toString(); }

Tensor Tensor::uninitialized(TensorDesc desc) {
  const auto bytes = static_cast<std::size_t>(desc.bytes());
  // A zero-sized tensor still gets an address, so that "defined" and "has data" stay the same thing.
  void* data = std::aligned_alloc(kAlignment, roundedUp(bytes));
  if (!data) throw std::bad_alloc();
  Tensor tensor;
  tensor.m_desc = std::move(desc);
  tensor.m_data = data;
  tensor.m_owner = std::shared_ptr<const void>(data, [](const void* memory) { std::free(const_cast<void*>(memory)); });
  return tensor;
}

Tensor Tensor::zeros(TensorDesc desc) {
  Tensor tensor = uninitialized(std::move(desc));
  std::memset(tensor.m_data, 0, tensor.bytes());
  return tensor;
}

Tensor Tensor::wrap(TensorDesc desc, void* data, std::shared_ptr<const void> owner) {
  Tensor tensor;
  tensor.m_desc = std::move(desc);
  tensor.m_data = data;
  tensor.m_owner = std::move(owner);
  return tensor;
}

Tensor Tensor::from(TensorDesc desc, std::shared_ptr<const ElementSource> source) {
  if (desc.bytes() == 0) return zeros(std::move(desc));
  Tensor tensor;
  tensor.m_desc = std::move(desc);
  tensor.m_data = const_cast<void*>(source->inPlace());
  tensor.m_made = std::make_shared<Made>();
  tensor.m_made->source = std::move(source);
  return tensor;
}

const void* Tensor::madeData() const {
  if (const void* data = m_made->data.load(std::memory_order_acquire)) return data;
  const std::lock_guard lock(m_made->mutex);
  if (!m_made->memory) {
    std::unique_ptr<void, FreeMemory> memory(std::aligned_alloc(kAlignment, roundedUp(bytes())));
    if (!memory) throw std::bad_alloc();
    m_made->source->write(memory.get(), 0, bytes());
    m_made->memory = std::move(memory);
    m_made->data.store(m_made->memory.get(), std::memory_order_release);
  }
  return m_made->memory.get();
}

void Tensor::copyTo(void* out) const {
  const void* present = m_data || !m_made ? m_data : m_made->data.load(std::memory_order_acquire);
  if (present)
    std::memcpy(out, present, bytes());
  else if (m_made)
    m_made->source->write(out, 0, bytes());
}

const ElementSource* Tensor::source() const { return m_made ? m_made->source.get() : nullptr; }

Tensor Tensor::fresh() const {
  if (!m_made || m_data) return *this;
  Tensor tensor = *this;
  tensor.m_made = std::make_shared<Made>();
  tensor.m_made->source = m_made->source;
  return tensor;
}

void Tensor::freeze() {
  if (m_serial == 0) m_serial = nextSerial();
}

std::string Tensor::key() const {
  if (m_made) return m_made->source->key();
  return m_serial == 0 ? std::string() : "tensor " + std::to_string(m_serial);
}

Tensor Tensor::reshaped(Shape shape) const {
  TANDEM_ASSERT(shape.elements() == elements());
  Tensor tensor = *this;
  tensor.m_desc.shape = std::move(shape);
  return tensor;
}

Tensor Tensor::clone() const {
  if (!defined()) return {};
  Tensor copy = uninitialized(m_desc);
  copyTo(copy.m_data);
  return copy;
}

double Tensor::asDouble(std::int64_t index) const {
  double value = 0;
  visitType(m_desc.type, [&]<class T>(TypeTag<T>) {
    value = static_cast<double>(static_cast<ComputeTypeOf<T>>(static_cast<const T*>(data())[index]));
  });
  return value;
}

std::int64_t Tensor::asInt(std::int64_t index) const {
  std::int64_t value = 0;
  visitType(m_desc.type, [&]<class T>(TypeTag<T>) {
    value = toInt(static_cast<ComputeTypeOf<T>>(static_cast<const T*>(data())[index]));
  });
  return value;
}

std::vector<std::int64_t> Tensor::toInts() const {
  std::vector<std::int64_t> values(static_cast<std::size_t>(elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = asInt(static_cast<std::int64_t>(i));
  return values;
}

} // namespace tandem
