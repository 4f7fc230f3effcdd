// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/pipeline_source.hpp"

#include "engine/base/checked.hpp"
#include "engine/base/host_memory.hpp"

#include <algorithm>

namespace tandem::session {

Result<std::unique_ptr<PipelineSource>> PipelineSource::create(std::shared_ptr<const OpenDocument> document,
                                                               InputOptions options, const CancelToken& cancel) {
  if (options.empty()) options.files = {"random"};
  InputReader reader = TANDEM_TRY(InputReader::create(*document, std::move(options)));
  std::unique_ptr<PipelineSource> source(new PipelineSource(std::move(document), std::move(reader)));
  std::optional<Error> problem;
  bool found = false;
  for (std::size_t i = 0; i < source->count() && !found; ++i) {
    TANDEM_TRY(cancel.check());
    PipelineStages stages;
    auto set = source->m_reader.read(i, &stages);
    if (set) {
      source->m_first = *std::move(set);
      source->m_firstStages = stages;
      found = true;
    } else if (!problem) {
      problem = std::move(set).error();
    }
  }
  if (!found) return *problem;
  const Graph& graph = source->m_document->graph();
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const Value& input = graph.value(graph.inputs()[i]);
    bool open = !input.rankKnown;
    for (std::size_t axis = 1; axis < input.desc.shape.rank(); ++axis) open |= input.desc.shape[axis] == kUnknownDim;
    if (open) source->m_itemShapes[input.name] = source->m_first.tensors[i].shape();
  }
  return source;
}

Result<std::vector<Tensor>> PipelineSource::read(std::size_t index, PipelineStages& stages) {
  return TANDEM_TRY(m_reader.read(index, &stages)).tensors;
}

Result<BoundGraph> PipelineSource::bind(int items) const {
  std::map<std::string, Shape> shapes = m_itemShapes;
  for (auto& [name, shape] : shapes) {
    if (items == 1 || shape.rank() == 0) continue;
    const auto size = checkedMul(shape[0], items);
    if (!size)
      return makeError(ErrorCode::InputRejected, "a batch of " + std::to_string(items) + " is too large", name,
                       "use smaller batches");
    shape[0] = *size;
  }
  return m_document->bind(items, shapes);
}

Result<std::vector<TensorDesc>> PipelineSource::shapesOf(int items, std::span<const Tensor>) const {
  const BoundGraph bound = TANDEM_TRY(bind(items));
  std::vector<TensorDesc> descs;
  for (ValueId input : bound.graph.inputs()) descs.push_back(bound.graph.value(input).desc);
  return descs;
}

Result<void> PipelineSource::requireMemory(std::span<const int> sizes, int prefetch, int takers) const {
  TANDEM_ASSERT(!sizes.empty());
  const int items = *std::max_element(sizes.begin(), sizes.end());
  std::int64_t request = 0;
  for (const TensorDesc& desc : TANDEM_TRY(shapesOf(items, {}))) request += desc.bytes();
  const auto all = checkedMul(request, std::int64_t{prefetch} + takers);
  if (all && fitsHostMemory(*all)) return {};
  return makeError(ErrorCode::DeviceFailed,
                   "the input pipeline needs " + (all ? std::to_string(*all) : std::string("over 2^63")) +
                       " bytes for requests of " + std::to_string(items) + " item(s), " +
                       std::to_string(availableHostMemory()) + " are free",
                   "preprocessing", "use a smaller prefetch, smaller batches or fewer clients");
}

std::vector<std::string> PipelineSource::notes() const {
  std::vector<std::string> notes{m_first.label + (count() > 1 ? " and " + std::to_string(count() - 1) + " more" : "")};
  notes.insert(notes.end(), m_first.notes.begin(), m_first.notes.end());
  if (m_first.steps > 1)
    notes.push_back("a request takes the first of " + std::to_string(m_first.steps) + " pieces that the model takes " +
                    "one after another");
  return notes;
}

} // namespace tandem::session
