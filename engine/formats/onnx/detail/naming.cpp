// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/detail/naming.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace tandem::detail {
namespace {

std::string madeUpName(const onnx::NodeProto& node) {
  std::string output;
  for (const std::string& each : node.output())
    if (output.empty()) output = each;
  const std::size_t slash = output.find_last_of('/');
  const std::string scope = slash == std::string::npos ? std::string() : output.substr(0, slash + 1);
  const std::string leaf = slash == std::string::npos ? output : output.substr(slash + 1);
  std::string name = scope + node.op_type() + (leaf.empty() ? "" : "_") + leaf;
  if (name.empty()) name = "node";
  // ONNX Runtime's layer patterns use these as separators (exports.md E2).
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '(' || c == ')' || c == ',' || c == ';' || c == '='; }, '_');
  return name;
}

} // namespace

std::vector<std::string> nodeNames(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes) {
  std::vector<std::string> names(static_cast<std::size_t>(nodes.size()));
  std::unordered_set<std::string> taken;
  std::vector<std::size_t> unnamed;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& given = nodes[static_cast<int>(i)].name();
    if (!given.empty() && taken.insert(given).second)
      names[i] = given;
    else
      unnamed.push_back(i);
  }
  std::unordered_map<std::string, int> counters;
  for (std::size_t i : unnamed) {
    const onnx::NodeProto& node = nodes[static_cast<int>(i)];
    const std::string base = node.name().empty() ? madeUpName(node) : node.name();
    std::string name = base;
    int& counter = counters.try_emplace(base, 1).first->second;
    while (!taken.insert(name).second) name = base + "_" + std::to_string(++counter);
    names[i] = std::move(name);
  }
  return names;
}

} // namespace tandem::detail
