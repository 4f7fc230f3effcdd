// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/router.hpp"

namespace tandem {

/// A replica to be: how to compile it, and how it serves.
struct ReplicaPlan {
  ReplicaOptions options;
  VariantFactory factory;
  VariantFactory exactFactory = {};   ///< the same in the model's precision, where `factory` compiles for another
  std::vector<std::string> deviceIds; ///< for display, "CPU:0", in order of first use
  std::string summary;                ///< of its effective placement
};

/// Replicas behind a router.
class Deployment {
 public:
  /// Names that are empty or taken are made unique ("CPU:0", "CPU:0 #2").
  static Result<std::unique_ptr<Deployment>> create(std::vector<ReplicaPlan> plans, const Route& route);

  Router& router() { return *m_router; }
  const std::vector<std::unique_ptr<Replica>>& replicas() const { return m_replicas; }
  const std::vector<ReplicaPlan>& plans() const { return m_plans; }
  BusyMeters& meters() { return m_meters; }

 private:
  Deployment() = default;
  std::vector<ReplicaPlan> m_plans;
  BusyMeters m_meters;
  std::vector<std::unique_ptr<Replica>> m_replicas;
  std::unique_ptr<Router> m_router;
};

} // namespace tandem
