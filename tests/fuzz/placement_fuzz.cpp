// SPDX-License-Identifier: GPL-3.0-or-later
// Placement files: read, matched against nodes, written and read again.
#include "engine/placement/placement_file.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace tandem;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto loaded = parsePlacement(fuzz::textOf(data, size), "fuzz.placement.json");
  if (!loaded) return 0;
  Node node;
  node.type = "Conv";
  node.domain = "com.microsoft";
  node.scope = "/layer1/block0";
  for (const char* name : {"/layer1/block0/conv1", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    node.name = name;
    fuzz::require(loaded->placement.choiceFor(node).rule <= loaded->placement.rules().size(),
                  "a choice names its rule");
  }
  const std::string text = toJson(loaded->placement);
  auto again = parsePlacement(text, "again.placement.json");
  fuzz::require(again.ok(), "a written placement can be read");
  fuzz::require(again->placement == loaded->placement, "a placement survives its file");
  fuzz::require(toJson(again->placement) == text, "the same placement gives the same bytes");
  return 0;
}
