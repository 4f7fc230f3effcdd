// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/parity.hpp"

#include "app/cli/output.hpp"
#include "app/cli/specs.hpp"
#include "engine/session/parity_types.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

namespace tandem::cli {
namespace {

using session::Parity;
using session::ParityFigures;
using session::ParityLayer;

std::string shortNumber(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (std::isnan(value)) return "nan";
  char text[32];
  std::snprintf(text, sizeof text, value == 0 ? "%.0f" : "%.2e", value);
  return text;
}

/// "CPU:0", or "CPU:0 | GPU:0" where the two differ.
std::string both(const std::string& a, const std::string& b) { return a == b ? a : a + " | " + b; }

std::string verdict(const ParityFigures& figures, bool over) {
  if (!figures.problem.empty()) return figures.problem;
  if (figures.special > 0) return std::to_string(figures.special) + " NaN or infinite on one side";
  if (!over) return "";
  return std::to_string(figures.over) + " of " + std::to_string(figures.elements) + " elements over";
}

/// Which of the two errors there is more to say about.
const ParityFigures& telling(const ParityLayer& layer) {
  return layer.local.worst > 1 ? layer.local : layer.accumulated;
}

void printLayers(const std::vector<const ParityLayer*>& layers) {
  Table table({"layer", "op", "A | B", "kernel", "alone: max abs", "rms rel", "/ limit", "so far: max abs", "rms rel",
               "/ limit", "remark"},
              {false, false, false, false, true, true, true, true, true, true, false});
  for (const ParityLayer* layer : layers) {
    const ParityFigures& alone = layer->local;
    const ParityFigures& total = layer->accumulated;
    const bool bare = !layer->note.empty();
    auto show = [&](double value) { return bare ? std::string("-") : shortNumber(value); };
    table.add({layer->name, layer->op, both(layer->deviceA, layer->deviceB), both(layer->kernelA, layer->kernelB),
               show(alone.maxAbs), show(alone.relativeRms), show(alone.worst), show(total.maxAbs),
               show(total.relativeRms), show(total.worst), bare ? layer->note : verdict(telling(*layer), layer->over)});
  }
  table.print();
}

void printOutputs(const Parity& parity) {
  Table table({"output", "compared", "max abs", "max rel", "rms rel", "cosine", "/ limit", "remark"},
              {false, false, true, true, true, true, true, false});
  for (const session::ParityOutput& output : parity.outputs)
    for (auto [name, figures] :
         {std::pair("A - B, compiled", &output.compiled), std::pair("A - B, layer by layer", &output.layers),
          std::pair("A: layers - compiled", &output.fusionA), std::pair("B: layers - compiled", &output.fusionB)})
      table.add({output.name, name, shortNumber(figures->maxAbs), shortNumber(figures->maxRel),
                 shortNumber(figures->relativeRms), formatNumber(figures->cosine, 6), shortNumber(figures->worst),
                 verdict(*figures, figures->worst > 1)});
  table.print();
}

void print(const Parity& parity, const ParityOptions& options) {
  std::printf("A  %s  %s\nB  %s  %s\ninput  %s\n\n", parity.nameA.c_str(), parity.summaryA.c_str(),
              parity.nameB.c_str(), parity.summaryB.c_str(), parity.input.c_str());
  std::vector<const ParityLayer*> layers;
  for (const ParityLayer& layer : parity.layers)
    if (layer.note.empty() || layer.over) layers.push_back(&layer);
  if (options.by == "total")
    std::stable_sort(layers.begin(), layers.end(), [](const ParityLayer* x, const ParityLayer* y) {
      return x->accumulated.worst > y->accumulated.worst;
    });
  const std::size_t all = layers.size();
  if (options.top > 0 && all > static_cast<std::size_t>(options.top))
    layers.resize(static_cast<std::size_t>(options.top));
  printLayers(layers);
  if (layers.size() < all) std::printf("... %zu more layers; --top 0 shows all\n", all - layers.size());
  std::printf("\n");
  printOutputs(parity);
  std::printf("\n%d layers compared, %d over the tolerance", parity.compared, parity.over);
  if (parity.failed > 0) std::printf(" (%d failed on B)", parity.failed);
  if (parity.known > 0) std::printf(", %d known before the run or random", parity.known);
  std::printf(": %s\n", parity.passed ? "passed" : "FAILED");
  const ParityLayer* first = nullptr; // in the model's order: what comes after may only carry its error on
  for (const ParityLayer& layer : parity.layers)
    if (layer.over && (!first || layer.node < first->node)) first = &layer;
  if (first) std::printf("first layer over the tolerance: %s (%s)\n", first->name.c_str(), first->op.c_str());
}

constexpr const char* kExample =
    "for example --against-device CPU:0,OPENCL-CPU:0,precision=float16, or placement files";

Result<session::ParitySide> readSide(const std::string& text, const std::string& precision) {
  session::ParitySide side;
  side.precision = precision;
  if (!text.ends_with(".json")) {
    side.device = text;
    return side;
  }
  side.placementFile = text;
  auto placement = session::decodePlacement(TANDEM_TRY(readPlacementFile(text)));
  if (!placement) return makeError(ErrorCode::InputRejected, "this is not a placement file", text, "export it again");
  side.placement = *placement;
  return side;
}

/// "A,B", each with ",precision=..." behind it where it is not the model's.
Result<std::pair<session::ParitySide, session::ParitySide>> readSides(const std::string& against) {
  constexpr std::string_view kPrecision = "precision=";
  std::vector<std::pair<std::string, std::string>> sides;
  std::stringstream stream(against);
  for (std::string part; std::getline(stream, part, ',');) {
    if (!part.starts_with(kPrecision)) {
      sides.emplace_back(part, session::ParitySide().precision);
      continue;
    }
    const std::string precision = part.substr(kPrecision.size());
    if (sides.empty() || (precision != "model" && precision != "float16"))
      return makeError(ErrorCode::Usage,
                       sides.empty() ? "'" + part + "' stands before the placement that it belongs to"
                                     : "precision '" + precision + "' is neither model nor float16",
                       "--against-device", kExample);
    sides.back().second = precision;
  }
  const bool complete = sides.size() == 2 && !sides[0].first.empty() && !sides[1].first.empty();
  if (!complete || against.ends_with(','))
    return makeError(ErrorCode::Usage, "'" + against + "' names no two placements", "--against-device", kExample);
  auto a = TANDEM_TRY(readSide(sides[0].first, sides[0].second));
  auto b = TANDEM_TRY(readSide(sides[1].first, sides[1].second));
  return std::pair(std::move(a), std::move(b));
}

Result<Json> request(const ParityOptions& options) {
  session::ParitySpec spec;
  std::tie(spec.a, spec.b) = TANDEM_TRY(readSides(options.against));
  spec.inputs = options.inputs;
  spec.preprocess = options.preprocess;
  spec.rtol = options.rtol;
  spec.atol = options.atol;
  Json params = session::encodeParitySpec(spec);
  for (auto [key, side] : {std::pair("a", &spec.a), std::pair("b", &spec.b)})
    if (side->placement) params[key]["name"] = side->placementFile;
  params["model"] = options.model;
  params["batch"] = options.batch;
  params["seed"] = options.seed;
  return params;
}

} // namespace

int compareDevices(const CommonOptions& common, const ParityOptions& options) {
  auto params = request(options);
  if (!params) return fail(params.error(), common.json);
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  auto reply = (*client)->call(session::method::kParity, *params);
  if (!reply) return fail(reply.error(), common.json);
  auto parity = session::decodeParity(*reply);
  if (!parity) return fail(parity.error(), common.json);
  if (common.json)
    printJson(*reply);
  else
    print(*parity, options);
  return parity->passed ? 0 : 1;
}

} // namespace tandem::cli
