// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/backend.hpp"

#include <functional>
#include <mutex>
#include <set>

namespace tandem {

/// Compiles the model for a number of items. Called at set-up, and once per size that routing asks for later.
using VariantFactory = std::function<Result<std::shared_ptr<const Executable>>(int items)>;

/// The model under one placement: one executable per number of items. Lanes must not outlive it.
class ModelBackend final : public ReplicaBackend {
 public:
  /// Sizes compiled beyond those of prepare(): the least recently used one is dropped with its weights.
  static constexpr std::size_t kMaxExtraVariants = 16;

  /// Joined batches of at most `joined` items may be padded to the next larger size that is compiled.
  ModelBackend(VariantFactory factory, int joined, BusyMeters& meters)
      : m_factory(std::move(factory)),
        m_joined(joined),
        m_meters(meters) {}

  Result<void> prepare(const std::vector<int>& sizes) override;
  Result<void> compile(int items) override;
  Result<std::unique_ptr<Lane>> createLane() override;
  void forget() override;
  std::map<int, std::shared_ptr<const Executable>> variants() const override;

 private:
  friend class ModelLane;
  Result<std::shared_ptr<const Executable>> variantFor(int items);
  void noteUse(int items);
  void dropOldVariants(int keep);
  std::vector<int> prepared() const;
  bool isPrepared(int items) const;

  VariantFactory m_factory;
  int m_joined;
  BusyMeters& m_meters;
  DeviceTurns m_turns; ///< of its lanes
  mutable std::mutex m_mutex;
  std::map<int, std::shared_ptr<const Executable>> m_variants;
  std::set<int> m_prepared;              ///< sizes that are never dropped
  std::map<int, std::uint64_t> m_usedAt; ///< when a size that may be dropped was last asked for, in uses
  std::uint64_t m_uses = 0;
};

} // namespace tandem
