// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cancel.hpp"
#include "engine/formats/keras/detail/layer.hpp"

namespace tandem::detail {

/// Builds the graph of a model, layer by layer in the order of their data. A layer that cannot be built is noted and
/// what depends on it left out, so that all problems of a file come together.
class ModelImporter {
 public:
  ModelImporter(Graph& graph, const CancelToken& cancel, int kerasMajor) : m_builder(graph), m_cancel(cancel) {
    m_builder.kerasMajor = kerasMajor;
  }

  /// The whole model of a file, with graph inputs and outputs.
  void importModel(const LayerSpec& model, LayerWeights& weights);
  /// One call of a layer or of a model inside a model; throws KerasError. Also for the layers that wrap others.
  Outputs apply(const LayerSpec& layer, std::vector<Argument> args, std::map<std::string, Argument> kwargs,
                LayerWeights& weights);

  const std::vector<std::string>& problems() const { return m_problems; }
  const std::vector<std::string>& warnings() const { return m_warnings; }
  void addProblem(std::string problem);
  void addWarning(std::string warning); ///< once

 private:
  struct Model;
  Outputs buildModel(const LayerSpec& spec, const Outputs* inputs, LayerWeights& weights);
  Outputs buildSequential(const LayerSpec& spec, const Outputs* inputs, LayerWeights& weights);
  Outputs buildFunctional(const LayerSpec& spec, const Outputs* inputs, LayerWeights& weights);
  void runCalls(Model& model);
  void runCall(Model& model, std::size_t index);
  TensorPtr addGraphInput(const std::string& name, const Ints& shape, const std::string& type);
  TensorPtr graphInputOf(const LayerSpec& layer);
  std::vector<std::shared_ptr<LayerWeights>> weightsOf(const std::vector<LayerSpec>& layers, LayerWeights& weights);
  void reportLeftOver(const LayerSpec& layer, LayerWeights& weights);
  void checkPolicy(const LayerSpec& layer);

  Builder m_builder;
  const CancelToken& m_cancel;
  std::vector<std::string> m_problems;
  std::vector<std::string> m_warnings;
  std::vector<std::string> m_outputNames; ///< of the outermost model
  int m_depth = 0;
};

} // namespace tandem::detail
