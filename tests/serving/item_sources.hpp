// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/input_pipeline.hpp"

#include <atomic>
#include <future>
#include <semaphore>

namespace tandem::test {

/// Items 0, 1, 2, ...: item i is one float, i, of shape [1, width].
class NumberSource : public ItemSource {
 public:
  explicit NumberSource(std::size_t count, std::int64_t width = 1) : m_count(count), m_width(width) {}
  std::size_t count() const override { return m_count; }
  Result<std::vector<Tensor>> read(std::size_t index, PipelineStages& stages) override {
    reads.fetch_add(1);
    if (bad.contains(index)) return makeError(ErrorCode::InputRejected, "damaged", "item " + std::to_string(index));
    stages.readNs += 1;
    stages.decodeNs += 20;
    Tensor tensor = Tensor::zeros({DataType::Float32, {1, m_width}});
    for (float& value : tensor.mutableAs<float>()) value = static_cast<float>(index);
    return std::vector{tensor};
  }

  std::unordered_set<std::size_t> bad; ///< before start()
  std::atomic<int> reads{0};

 private:
  std::size_t m_count;
  std::int64_t m_width;
};

/// The same, one read at a time, each when the test allows it. For pipelines of one thread.
class GatedSource : public NumberSource {
 public:
  using NumberSource::NumberSource;
  Result<std::vector<Tensor>> read(std::size_t index, PipelineStages& stages) override {
    m_entered.release();
    m_allowed.acquire();
    return NumberSource::read(index, stages);
  }
  void waitForRead() { m_entered.acquire(); } ///< until the next read has begun: what was read before is finished
  void allow(int times = 1) { m_allowed.release(times); }

 private:
  std::counting_semaphore<> m_entered{0}, m_allowed{0};
};

using Taken = Result<std::shared_ptr<const RequestData>>;

/// The next request, waited for.
inline Taken takeOne(InputPipeline& pipeline) {
  std::promise<Taken> promise;
  pipeline.take([&](Taken taken) { promise.set_value(std::move(taken)); });
  return promise.get_future().get();
}

/// The items of a request, by their numbers.
inline std::vector<int> numbersOf(const RequestData& data) {
  std::vector<int> numbers;
  const auto values = data.inputs.at(0).as<float>();
  const std::size_t width = values.size() / static_cast<std::size_t>(data.items);
  for (std::size_t i = 0; i < values.size(); i += width) numbers.push_back(static_cast<int>(values[i]));
  return numbers;
}

/// The items of the next `requests` requests.
inline std::vector<int> takeNumbers(InputPipeline& pipeline, int requests) {
  std::vector<int> all;
  for (int i = 0; i < requests; ++i) {
    const Taken taken = takeOne(pipeline);
    if (!taken) return all;
    for (int number : numbersOf(**taken)) all.push_back(number);
  }
  return all;
}

} // namespace tandem::test
