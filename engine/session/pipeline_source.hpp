// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/input_pipeline.hpp"
#include "engine/session/input_files.hpp"

namespace tandem::session {

/// What a user gave as inputs, as the items of a pipeline: read with the same code, and the same results, as a
/// prediction reads it. Thread-safe. Of a recording or table that the model takes piece by piece, an item is the first
/// piece. Made-up data is made anew for every item, and costs what that costs; its elements are the same each time.
class PipelineSource : public ItemSource {
 public:
  /// Lists what `options` name (nothing: "random") and reads the first item that can be read, for the sizes that the
  /// model leaves open. Where none can be, its error is that of the first. Damaged ones among others are left to the
  /// pipeline. Fails with Cancelled where `cancel` says so meanwhile.
  static Result<std::unique_ptr<PipelineSource>> create(std::shared_ptr<const OpenDocument> document,
                                                        InputOptions options, const CancelToken& cancel = {});

  std::size_t count() const override { return m_reader.count(); }
  Result<std::vector<Tensor>> read(std::size_t index, PipelineStages& stages) override;
  std::string label(std::size_t index) const override { return m_reader.label(index); }
  Result<std::vector<TensorDesc>> shapesOf(int items, std::span<const Tensor> item) const override;

  /// The model for requests of `items` items of this source: what replicas are compiled from.
  Result<BoundGraph> bind(int items) const;
  /// Refuses a pipeline whose requests would not fit the memory that is free, before it starts: `prefetch` of them and
  /// one per taker that may wait or hold one (`takers`), each of the largest of `sizes`. Fails with DeviceFailed.
  Result<void> requireMemory(std::span<const int> sizes, int prefetch, int takers) const;
  /// What is sent, for a report: the first file and how many more, how it is read, what of it is sent.
  std::vector<std::string> notes() const;
  /// The item that create() read, and what reading it took.
  const InputSet& first() const { return m_first; }
  const PipelineStages& firstStages() const { return m_firstStages; }

 private:
  PipelineSource(std::shared_ptr<const OpenDocument> document, InputReader reader)
      : m_document(std::move(document)),
        m_reader(std::move(reader)) {}

  std::shared_ptr<const OpenDocument> m_document;
  InputReader m_reader;
  InputSet m_first;
  PipelineStages m_firstStages;
  std::map<std::string, Shape> m_itemShapes; ///< of inputs whose declaration leaves more open than the batch
};

} // namespace tandem::session
