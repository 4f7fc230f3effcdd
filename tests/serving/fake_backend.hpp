// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/deployment.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <latch>

namespace tandem::test {

/// What a fake replica does with a batch of so many items; returns what the execution is said to have taken.
using FakeRun = std::function<Result<RunTimes>(std::span<Request* const> batch, int items)>;

/// A replica that computes nothing, so that everything around it can be tested exactly.
class FakeBackend final : public ReplicaBackend {
 public:
  explicit FakeBackend(FakeRun run, std::vector<int> sizes = {}) : m_run(std::move(run)), m_sizes(std::move(sizes)) {}
  Result<void> prepare(const std::vector<int>&) override { return {}; }
  Result<void> compile(int items) override {
    compiled.push_back(items);
    return {};
  }
  Result<std::unique_ptr<Lane>> createLane() override {
    return Result<std::unique_ptr<Lane>>(std::make_unique<FakeLane>(*this));
  }
  void forget() override { ++forgotten; }
  std::map<int, std::shared_ptr<const Executable>> variants() const override { return {}; }

  std::vector<int> compiled;
  std::atomic<int> forgotten{0};

 private:
  class FakeLane final : public Lane {
   public:
    explicit FakeLane(FakeBackend& backend) : m_backend(backend) {}
    void attachCurrentThread() override {}
    Result<int> select(int items) override {
      m_items = items;
      for (int size : m_backend.m_sizes)
        if (size >= items) return size;
      return items;
    }
    void setTrace(TraceRecorder*, const std::string&, std::uint64_t) override {}
    Result<RunTimes> run(std::span<Request* const> batch, const CancelToken&) override {
      return m_backend.m_run(batch, m_items);
    }
    void forget() override {}

   private:
    FakeBackend& m_backend;
    int m_items = 0;
  };
  FakeRun m_run;
  std::vector<int> m_sizes;
};

inline RunTimes tookNs(std::int64_t ns) { return {ns, 0, 0, false}; }

inline ReplicaPlan fakePlan(std::string name, FakeRun run, ReplicaOptions options = {}) {
  ReplicaPlan plan;
  options.name = std::move(name);
  plan.options = std::move(options);
  plan.deviceIds = {"FAKE:0"};
  plan.backend = [run = std::move(run), sizes = plan.options.batching.sizes()](BusyMeters&) {
    return std::make_unique<FakeBackend>(run, sizes);
  };
  return plan;
}

/// Counts how requests ended, by id: each must end once.
class Tally final : public CompletionSink {
 public:
  explicit Tally(std::size_t requests) : m_ended(requests + 1) {}
  void completed(const Request& request, const Completion& completion) override {
    m_ended[request.id].fetch_add(1);
    m_byStatus[static_cast<std::size_t>(completion.status)].fetch_add(1);
    m_all.fetch_add(1);
    m_all.notify_all();
  }
  std::size_t all() const { return m_all.load(); }
  std::size_t count(Status status) const { return m_byStatus[static_cast<std::size_t>(status)].load(); }
  void waitFor(std::size_t count) const {
    for (std::size_t seen = m_all.load(); seen < count; seen = m_all.load()) m_all.wait(seen);
  }
  /// Requests that did not end exactly once.
  std::size_t wrong() const {
    std::size_t wrong = 0;
    for (std::size_t id = 1; id < m_ended.size(); ++id) wrong += m_ended[id].load() != 1;
    return wrong;
  }

 private:
  std::vector<std::atomic<int>> m_ended;
  std::array<std::atomic<std::size_t>, 4> m_byStatus{};
  std::atomic<std::size_t> m_all{0};
};

/// The place of a request is given back just after its sink was told.
inline void awaitEmpty(const RequestTable& table) {
  while (table.used() > 0) std::this_thread::yield();
}

inline Request requestOf(std::uint64_t id, const RequestData& data, CompletionSink& sink, Priority priority = {}) {
  Request request;
  request.id = id;
  request.data = &data;
  request.items = data.items;
  request.sink = &sink;
  request.priority = priority;
  return request;
}

inline std::unique_ptr<Deployment> deployFakes(std::vector<ReplicaPlan> plans, const char* route,
                                               const DeploymentOptions& options = {}) {
  auto deployment = Deployment::create(std::move(plans), *Route::parse(route), options);
  EXPECT_TRUE(deployment.ok()) << deployment.error().line();
  const Result<void> made = (*deployment)->setUp({});
  EXPECT_TRUE(made.ok());
  return *std::move(deployment);
}

} // namespace tandem::test
