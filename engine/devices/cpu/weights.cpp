// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/weights.hpp"

#include "engine/devices/cpu/winograd_weights.hpp"
#include "engine/tensor/element_source.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <omp.h>
#include <sched.h>
#include <system_error>
#include <thread>

namespace tandem::cpu {
namespace {

/// Weights above this are brought into their layout part by part, so that they are never in memory twice.
constexpr std::size_t kPartBytes = std::size_t{16} << 20;

/// Memory for elements on their way, kept by a thread from one tensor to the next.
void* passingMemory(std::size_t bytes) {
  thread_local AlignedMemory memory;
  if (memory.bytes() < bytes) {
    memory = {};
    memory = AlignedMemory(bytes);
    if (!memory.data()) throw std::bad_alloc();
  }
  return memory.data();
}

/// Elements `offset` and following of `tensor`, valid until the next call on this thread. Elements that could be read
/// in place are copied, too, unless they are very many: that costs less than mapping the pages of a file.
const std::byte* elementsAt(const Tensor& tensor, std::size_t offset, std::size_t bytes) {
  const ElementSource* source = tensor.source();
  if (!source || (bytes > 2 * kPartBytes && source->inPlace()))
    return static_cast<const std::byte*>(tensor.data()) + offset;
  void* passing = passingMemory(bytes);
  source->write(passing, offset, bytes);
  return static_cast<const std::byte*>(passing);
}

void executeReorder(const dnnl::memory::desc& from, const void* source, const dnnl::memory::desc& to, void* target) {
  dnnl::memory src(from, engine(), const_cast<void*>(source));
  dnnl::memory dst(to, engine(), target);
  dnnl::stream stream(engine());
  dnnl::reorder(src, dst).execute(stream, src, dst);
  stream.wait();
}

/// The axis whose elements are furthest apart, where cutting it cuts the bytes of a dense layout; -1: there is none.
int outermostAxis(const dnnl::memory::desc& desc) {
  const dnnl_memory_desc_t& facts = desc.data;
  if (facts.format_kind != dnnl_blocked || facts.format_desc.blocking.inner_nblks != 0 || facts.ndims == 0) return -1;
  const dnnl_dim_t* strides = facts.format_desc.blocking.strides;
  const int axis = static_cast<int>(std::max_element(strides, strides + facts.ndims) - strides);
  dnnl_dim_t elements = 1;
  for (int i = 0; i < facts.ndims; ++i) elements *= facts.dims[i];
  return elements == strides[axis] * facts.dims[axis] ? axis : -1;
}

/// Reorders part by part. False where that does not go, with nothing or a part done.
bool reorderInParts(const Tensor& tensor, const dnnl::memory::desc& from, const dnnl::memory::desc& to, void* target) {
  constexpr std::int64_t kRowsTogether = 64; // no layout of weights has larger blocks
  const int axis = outermostAxis(from);
  if (axis < 0) return false;
  const std::int64_t rows = from.data.dims[axis];
  const std::size_t rowBytes = tensor.bytes() / static_cast<std::size_t>(rows);
  const std::int64_t together =
      std::max<std::int64_t>(static_cast<std::int64_t>(kPartBytes / rowBytes) / kRowsTogether, 1) * kRowsTogether;
  if (together >= rows) return false;
  try {
    for (std::int64_t first = 0; first < rows; first += together) {
      const std::int64_t count = std::min(together, rows - first);
      dnnl::memory::dims dims(from.data.dims, from.data.dims + from.data.ndims), offsets(dims.size(), 0);
      dims[static_cast<std::size_t>(axis)] = count;
      const dnnl::memory::desc source = from.submemory_desc(dims, offsets);
      offsets[static_cast<std::size_t>(axis)] = first;
      const dnnl::memory::desc part = to.submemory_desc(dims, offsets);
      const std::size_t at = static_cast<std::size_t>(first) * rowBytes;
      const std::size_t bytes = static_cast<std::size_t>(count) * rowBytes;
      executeReorder(source, elementsAt(tensor, at, bytes), part, target);
      if (tensor.source()) tensor.source()->giveBack(at, bytes);
    }
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    return false;
  }
  return true;
}

void reorderInto(const Tensor& tensor, const dnnl::memory::desc& from, const dnnl::memory::desc& to, void* target) {
  // Layouts with padding are written as a whole, which sees to the zeros there.
  const bool inParts = tensor.source() && tensor.bytes() > 2 * kPartBytes && !hasPadding(to);
  if (inParts && reorderInParts(tensor, from, to, target)) return;
  const std::byte* elements = elementsAt(tensor, 0, tensor.bytes());
  if (!transformWinogradWeights(from, reinterpret_cast<const float*>(elements), to, static_cast<float*>(target)))
    executeReorder(from, elements, to, target);
  if (tensor.source()) tensor.source()->giveBack(0, tensor.bytes());
}

int usableCores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  return sched_getaffinity(0, sizeof cores, &cores) == 0 ? std::max(CPU_COUNT(&cores), 1) : 1;
}

/// Sets how many threads oneDNN uses for what this thread makes, for a while.
class TeamSize {
 public:
  explicit TeamSize(int threads) : m_before(omp_get_max_threads()) { omp_set_num_threads(threads); }
  TeamSize(const TeamSize&) = delete;
  TeamSize& operator=(const TeamSize&) = delete;
  ~TeamSize() { omp_set_num_threads(m_before); }

 private:
  int m_before;
};

/// Prepares `all`, each on one of `cores` threads.
void prepareSideBySide(const std::vector<WeightsPtr>& all, int cores, const CancelToken& cancel) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    const TeamSize alone(1);
    try {
      for (std::size_t i = next++; i < all.size() && !cancel.cancelled(); i = next++) all[i]->data();
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
      next = all.size();
    }
  };
  std::vector<std::thread> others;
  try {
    for (int i = 1; i < cores && static_cast<std::size_t>(i) < all.size(); ++i) others.emplace_back(work);
  } catch (const std::system_error&) {
    // This thread can do it alone.
  }
  work();
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
}

/// What names the elements for as long as the process runs. Few elements, such as biases that passes have computed, are
/// named by themselves; empty where there is no such name.
std::string lastingKey(const Tensor& tensor) {
  constexpr std::size_t kFew = std::size_t{16} << 10; // bytes
  std::string key = tensor.key();
  if (key.empty() && tensor.bytes() <= kFew)
    key = "elements " + std::string(static_cast<const char*>(tensor.data()), tensor.bytes());
  return key;
}

} // namespace

Weights::Weights(Tensor original)
    : m_original(std::move(original)),
      m_bytes(m_original.bytes()),
      m_data(const_cast<void*>(m_original.data())) {}

Weights::Weights(std::size_t bytes, Write write) : m_bytes(bytes), m_write(std::move(write)) {}

void* Weights::data() const {
  if (void* ready = m_data.load(std::memory_order_acquire)) return ready;
  const std::lock_guard lock(m_mutex);
  if (m_write) {
    AlignedMemory memory(m_bytes);
    if (!memory.data()) throw std::bad_alloc();
    m_write(memory.data());
    m_prepared = std::move(memory);
    m_write = nullptr;
    m_data.store(m_prepared.data(), std::memory_order_release);
  }
  return m_data.load(std::memory_order_relaxed);
}

/// What the programs of this process hold.
struct WeightStore::Shared {
  struct Entry {
    Form form;
    std::weak_ptr<const Weights> weights;
  };

  /// Forgets what nobody holds any more, whenever the table has doubled.
  void purge() {
    if (entries.size() < purgeAt) return;
    std::erase_if(entries, [](const auto& pair) { return pair.second.weights.expired(); });
    purgeAt = std::max<std::size_t>(1024, 2 * entries.size());
  }

  std::mutex mutex;
  std::unordered_multimap<std::string, Entry> entries;
  std::size_t purgeAt = 1024;
};

WeightStore::Shared& WeightStore::shared() {
  static Shared instance;
  return instance;
}

std::vector<std::pair<const void*, std::int64_t>> WeightStore::pieces() const {
  std::vector<std::pair<const void*, std::int64_t>> pieces;
  for (const auto& [key, entry] : m_entries)
    pieces.emplace_back(entry.weights->isReady() ? entry.weights->data() : entry.weights.get(),
                        static_cast<std::int64_t>(entry.weights->bytes()));
  return pieces;
}

std::int64_t WeightStore::bytes() const {
  std::int64_t bytes = 0;
  for (const auto& [piece, size] : pieces()) bytes += size;
  return bytes;
}

WeightsPtr WeightStore::findOrMake(const Tensor& tensor, Form form, const std::function<WeightsPtr()>& make) {
  const std::string lasting = lastingKey(tensor);
  const std::string key =
      lasting.empty() ? "at " + std::to_string(reinterpret_cast<std::uintptr_t>(tensor.data())) : lasting;
  const auto [first, last] = m_entries.equal_range(key);
  for (auto it = first; it != last; ++it)
    if (it->second.form == form) return it->second.weights;

  Entry entry{std::move(form), nullptr, tensor};
  if (lasting.empty()) {
    entry.weights = make();
  } else {
    Shared& all = shared();
    const std::lock_guard lock(all.mutex);
    const auto [begin, end] = all.entries.equal_range(key);
    for (auto it = begin; it != end && !entry.weights; ++it)
      if (it->second.form == entry.form) entry.weights = it->second.weights.lock();
    if (!entry.weights) {
      entry.weights = make();
      all.purge();
      all.entries.emplace(key, Shared::Entry{entry.form, entry.weights});
    }
  }
  return m_entries.emplace(key, std::move(entry))->second.weights;
}

WeightsPtr WeightStore::keep(const Tensor& tensor) {
  Form form{"as it is", {}, {}, tensor.bytes()};
  return findOrMake(tensor, std::move(form), [&]() -> WeightsPtr {
    const ElementSource* source = tensor.source();
    if (!source || source->inPlace()) return std::make_shared<Weights>(tensor);
    return std::make_shared<Weights>(tensor.bytes(), [tensor](void* target) { tensor.copyTo(target); });
  });
}

WeightsPtr WeightStore::prepare(const Tensor& tensor, const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  if (from == to) return keep(tensor);
  return findOrMake(tensor, Form{"", from, to, to.get_size()}, [&] {
    // Now, where another kernel can be chosen, and not when the work is done: whether oneDNN has such a reorder.
    static_cast<void>(dnnl::reorder::primitive_desc(engine(), from, engine(), to));
    return std::make_shared<Weights>(to.get_size(),
                                     [tensor, from, to](void* target) { reorderInto(tensor, from, to, target); });
  });
}

WeightsPtr WeightStore::pack(const Tensor& tensor, std::string form, std::size_t bytes,
                             const std::function<void(const void*, void*)>& write) {
  return packAs(tensor, Form{std::move(form), {}, {}, bytes}, write);
}

WeightsPtr WeightStore::rewrite(const Tensor& tensor, std::string form, const dnnl::memory::desc& plain,
                                const dnnl::memory::desc& to, const std::function<void(const float*, float*)>& write) {
  return packAs(tensor, Form{std::move(form), plain, to, to.get_size()}, [&](const void* source, void* target) {
    const AlignedMemory rewritten(plain.get_size());
    if (!rewritten.data()) throw std::bad_alloc();
    write(static_cast<const float*>(source), static_cast<float*>(rewritten.data()));
    executeReorder(plain, rewritten.data(), to, target);
  });
}

WeightsPtr WeightStore::packAs(const Tensor& tensor, Form form, const std::function<void(const void*, void*)>& write) {
  const std::size_t bytes = form.bytes;
  return findOrMake(tensor, std::move(form), [&] {
    auto weights = std::make_shared<Weights>(bytes, [&](void* target) {
      write(elementsAt(tensor, 0, tensor.bytes()), target);
      if (tensor.source()) tensor.source()->giveBack(0, tensor.bytes());
    });
    static_cast<void>(weights->data()); // now: `write` may refer to what does not outlive this call
    return weights;
  });
}

WeightsPtr WeightStore::zeros(std::size_t bytes) {
  auto weights = std::make_shared<Weights>(bytes, [bytes](void* target) { std::memset(target, 0, bytes); });
  m_entries.emplace("", Entry{Form{"zeros", {}, {}, bytes}, weights, {}});
  return weights;
}

void WeightStore::complete(const CancelToken& cancel) {
  // Kernels that were not chosen in the end may have asked for weights, too.
  std::erase_if(m_entries, [](const auto& pair) { return pair.second.weights.use_count() == 1; });
  std::vector<WeightsPtr> waiting;
  std::size_t total = 0;
  for (const auto& [key, entry] : m_entries) {
    if (entry.weights->isReady()) continue;
    waiting.push_back(entry.weights);
    total += entry.weights->bytes();
  }
  std::sort(waiting.begin(), waiting.end(), [](const auto& a, const auto& b) { return a->bytes() > b->bytes(); });

  // What is most of the work by itself is shared between the cores; the rest goes side by side.
  const int cores = usableCores();
  std::size_t alone = 0;
  const TeamSize team(cores);
  for (; cores > 1 && alone < waiting.size() && waiting[alone]->bytes() > total / 2; ++alone) {
    if (cancel.cancelled()) return;
    static_cast<void>(waiting[alone]->data());
  }
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(alone));
  prepareSideBySide(waiting, cores, cancel);
}

} // namespace tandem::cpu
