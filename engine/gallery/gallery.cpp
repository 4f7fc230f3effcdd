// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/gallery/gallery.hpp"

#include "engine/gallery/graph_builder.hpp"
#include "engine/graph/hierarchy.hpp"
#include "engine/graph/verify.hpp"
#include "engine/ops/shape_inference.hpp"

namespace tandem {
namespace gallery {
#include "gallery/sample_declarations.inc"
} // namespace gallery

namespace {

const std::vector<gallery::Sample>& samples() {
  using namespace gallery;
  static const std::vector<Sample> all{
#include "gallery/sample_table.inc"
  };
  return all;
}

} // namespace

std::span<const GallerySample> gallerySamples() {
  static const std::vector<GallerySample> facts = [] {
    std::vector<GallerySample> list;
    for (const gallery::Sample& sample : samples()) list.push_back(sample.facts);
    return list;
  }();
  return facts;
}

Result<Graph> buildSample(std::string_view name) {
  std::string known;
  for (const gallery::Sample& sample : samples()) {
    known += (known.empty() ? "" : ", ") + sample.facts.name;
    if (sample.facts.name != name) continue;
    Graph graph = sample.build(sample.facts);
    assignScopesFromNames(graph);
    TANDEM_TRY(verify(graph));
    TANDEM_TRY(inferShapes(graph));
    return graph;
  }
  return makeError(ErrorCode::Usage, "there is no sample called '" + std::string(name) + "'", "sample",
                   "one of " + known);
}

} // namespace tandem
