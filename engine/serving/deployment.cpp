// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/deployment.hpp"

#include <set>

namespace tandem {

Result<std::unique_ptr<Deployment>> Deployment::create(std::vector<ReplicaPlan> plans, const Route& route) {
  std::unique_ptr<Deployment> deployment(new Deployment());
  std::set<std::string> names;
  for (ReplicaPlan& plan : plans) {
    std::string base = plan.options.name;
    if (base.empty())
      for (const std::string& id : plan.deviceIds) base += (base.empty() ? "" : "+") + id;
    std::string name = base;
    for (int number = 2; !names.insert(name).second; ++number) name = base + " #" + std::to_string(number);
    plan.options.name = name;
    deployment->m_replicas.push_back(std::make_unique<Replica>(plan.options, plan.factory, deployment->m_meters));
  }
  deployment->m_plans = std::move(plans);
  std::vector<Replica*> replicas;
  for (const auto& replica : deployment->m_replicas) replicas.push_back(replica.get());
  deployment->m_router = TANDEM_TRY(Router::create(route, std::move(replicas)));
  return deployment;
}

} // namespace tandem
