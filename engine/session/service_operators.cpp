// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/op_def.hpp"
#include "engine/session/service.hpp"

#include <nlohmann/json.hpp>

namespace tandem::session {

Result<Json> listOperators(const Job&) {
  Json list = Json::array();
  for (const OpDef* def : allOps()) {
    if (def->domain == "tandem") continue; // made by passes, never in a file
    Json versions = Json::array();
    for (const std::uint8_t version : def->versions)
      if (version > 0) versions.push_back(version);
    list.push_back({{"op", def->type},
                    {"domain", def->domain},
                    {"versions", std::move(versions)},
                    {"subgraphs", def->has(OpTrait::Control)},
                    {"random", def->has(OpTrait::Random)}});
  }
  return Json{{"operators", std::move(list)}};
}

} // namespace tandem::session
