// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/activation.hpp"

#include "engine/ops/window.hpp"

namespace tandem::ops {
namespace {

struct Entry {
  std::string_view name;
  ActivationKind kind;
  float alpha; ///< ONNX's defaults
  float beta;
};
constexpr Entry kEntries[] = {
    {"", ActivationKind::None, 0, 0},
    {"Relu", ActivationKind::Relu, 0, 0},
    {"Clip", ActivationKind::Clip, std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max()},
    {"LeakyRelu", ActivationKind::LeakyRelu, 0.01f, 0},
    {"Sigmoid", ActivationKind::Sigmoid, 0, 0},
    {"HardSigmoid", ActivationKind::HardSigmoid, 0.2f, 0.5f},
    {"HardSwish", ActivationKind::HardSwish, 0, 0},
    {"Tanh", ActivationKind::Tanh, 0, 0},
    {"Elu", ActivationKind::Elu, 1, 0},
    {"Gelu", ActivationKind::Gelu, 0, 0},
    {"Swish", ActivationKind::Swish, 1, 0},
};

} // namespace

Result<Activation> activationOf(const Node& node) {
  const std::string_view name = node.attributes.getString("activation", "");
  for (const Entry& entry : kEntries)
    if (entry.name == name)
      return Activation{entry.kind, node.attributes.getFloat("activation_alpha", entry.alpha),
                        node.attributes.getFloat("activation_beta", entry.beta)};
  return nodeError(node, "activation '" + std::string(name) + "' is not known");
}

} // namespace tandem::ops
