// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/model_backend.hpp"

#include <algorithm>
#include <cstring>

namespace tandem {
namespace {

/// Items of a tensor that lie one after another along its first dimension.
struct ItemView {
  int items = 1; ///< in the tensor
  int at = 0;
};

/// Copies `count` items. A tensor without a batch (its bytes do not scale with the items) is copied whole.
void copyItems(const Tensor& source, ItemView from, Tensor& target, ItemView to, int count) {
  const std::size_t sourceBytes = source.bytes();
  const std::size_t perItem = sourceBytes / static_cast<std::size_t>(from.items);
  const bool batched = sourceBytes == perItem * static_cast<std::size_t>(from.items) &&
                       target.bytes() == perItem * static_cast<std::size_t>(to.items);
  auto* into = static_cast<std::byte*>(target.mutableData());
  const auto* data = static_cast<const std::byte*>(source.data());
  if (batched)
    std::memcpy(into + perItem * static_cast<std::size_t>(to.at), data + perItem * static_cast<std::size_t>(from.at),
                perItem * static_cast<std::size_t>(count));
  else
    std::memcpy(into, data, std::min(sourceBytes, target.bytes()));
}

} // namespace

/// The slots of one stream, by number of items.
class ModelLane final : public Lane {
 public:
  explicit ModelLane(ModelBackend& backend) : m_backend(backend) {}

  Result<void> prepare() {
    for (int items : m_backend.prepared()) TANDEM_TRY(slotFor(items));
    return {};
  }

  void attachCurrentThread() override {
    m_attached = true;
    if (!m_slots.empty()) m_slots.begin()->second.slot->attachCurrentThread();
  }

  Result<int> select(int items) override {
    auto found = m_slots.find(items);
    if (found == m_slots.end()) {
      // A joined batch may be smaller than any size compiled for it: then it is padded to the next larger one.
      auto larger = m_slots.lower_bound(items);
      if (larger != m_slots.end() && larger->first <= m_backend.m_joined) found = larger;
    }
    if (found == m_slots.end()) {
      TANDEM_TRY(slotFor(items));
      found = m_slots.find(items);
    } else if (!found->second.kept) {
      m_backend.noteUse(found->first);
    }
    m_selected = found->second.slot.get();
    m_items = found->first;
    return m_items;
  }

  void setTrace(TraceRecorder* recorder, const std::string& trackPrefix, std::uint64_t request) override {
    if (m_selected) m_selected->setTrace(recorder, trackPrefix, request);
  }

  Result<RunTimes> run(std::span<Request* const> batch, const CancelToken& cancel) override {
    int at = 0;
    for (const Request* request : batch) {
      for (std::size_t i = 0; i < request->data->inputs.size(); ++i)
        if (m_selected->input(i).defined())
          copyItems(request->data->inputs[i], {request->data->items, request->firstItem}, m_selected->input(i),
                    {m_items, at}, request->items);
      at += request->items;
    }
    const RunTimes times = TANDEM_TRY(m_selected->run(cancel));
    at = 0;
    for (Request* request : batch) {
      if (request->outputs)
        for (std::size_t i = 0; i < request->outputs->tensors.size(); ++i)
          copyItems(m_selected->output(i), {m_items, at}, request->outputs->tensors[i],
                    {request->data->items, request->firstItem}, request->items);
      at += request->items;
    }
    return times;
  }

  void forget() override {
    m_slots.clear();
    m_selected = nullptr;
  }

 private:
  Result<void> slotFor(int items) {
    if (m_slots.contains(items)) return {};
    const std::shared_ptr<const Executable> executable = TANDEM_TRY(m_backend.variantFor(items));
    const auto alive = m_backend.variants();
    std::erase_if(m_slots, [&](const auto& slot) { return !alive.contains(slot.first); });
    auto slot = TANDEM_TRY(executable->createSlot(&m_backend.m_meters, &m_backend.m_turns));
    // As at the start: all were dropped with a device that failed.
    if (m_attached && m_slots.empty()) slot->attachCurrentThread();
    m_slots[items] = {std::move(slot), m_backend.isPrepared(items)};
    return {};
  }

  struct Entry {
    std::unique_ptr<ExecutionSlot> slot;
    bool kept = false; ///< its variant is never dropped, so that nobody counts its uses
  };

  ModelBackend& m_backend;
  std::map<int, Entry> m_slots;
  ExecutionSlot* m_selected = nullptr;
  int m_items = 0;
  bool m_attached = false;
};

Result<void> ModelBackend::prepare(const std::vector<int>& sizes) {
  for (int items : sizes) {
    {
      std::lock_guard lock(m_mutex);
      m_prepared.insert(items);
    }
    TANDEM_TRY(variantFor(items));
  }
  return {};
}

Result<void> ModelBackend::compile(int items) {
  TANDEM_TRY(variantFor(items));
  return {};
}

Result<std::unique_ptr<Lane>> ModelBackend::createLane() {
  auto lane = std::make_unique<ModelLane>(*this);
  TANDEM_TRY(lane->prepare());
  return Result<std::unique_ptr<Lane>>(std::move(lane));
}

void ModelBackend::forget() {
  std::lock_guard lock(m_mutex);
  m_variants.clear();
}

std::map<int, std::shared_ptr<const Executable>> ModelBackend::variants() const {
  std::lock_guard lock(m_mutex);
  return m_variants;
}

std::vector<int> ModelBackend::prepared() const {
  std::lock_guard lock(m_mutex);
  return {m_prepared.begin(), m_prepared.end()};
}

bool ModelBackend::isPrepared(int items) const {
  std::lock_guard lock(m_mutex);
  return m_prepared.contains(items);
}

void ModelBackend::noteUse(int items) {
  std::lock_guard lock(m_mutex);
  m_usedAt[items] = ++m_uses;
}

/// The variant for this size, compiled if no lane has asked for it yet.
Result<std::shared_ptr<const Executable>> ModelBackend::variantFor(int items) {
  {
    std::lock_guard lock(m_mutex);
    m_usedAt[items] = ++m_uses;
    auto variant = m_variants.find(items);
    if (variant != m_variants.end()) return variant->second;
  }
  std::shared_ptr<const Executable> made = TANDEM_TRY(m_factory(items));
  std::lock_guard lock(m_mutex);
  // Another lane may have compiled the same size meanwhile: then both use that one's weights.
  made = m_variants.try_emplace(items, std::move(made)).first->second;
  dropOldVariants(items);
  return made;
}

/// Called under the lock. Lanes let their slots go when they next need another one.
void ModelBackend::dropOldVariants(int keep) {
  while (m_variants.size() > m_prepared.size() + kMaxExtraVariants) {
    auto oldest = m_variants.end();
    for (auto it = m_variants.begin(); it != m_variants.end(); ++it)
      if (it->first != keep && !m_prepared.contains(it->first) &&
          (oldest == m_variants.end() || m_usedAt[it->first] < m_usedAt[oldest->first]))
        oldest = it;
    if (oldest == m_variants.end()) return;
    m_usedAt.erase(oldest->first);
    m_variants.erase(oldest);
  }
}

} // namespace tandem
