// SPDX-License-Identifier: GPL-3.0-or-later
// What router, queues and metrics cost a request, with replicas that compute nothing. Prints JSON.
//   path     one client on one core: every completion issues the next request on the same thread
//   rate     requests per second through the router, one submitting thread and one replica
//   routes   the same for every routing rule over four replicas
//   cancel   from cancel() until the request has ended, while its replica is busy and others wait before it
#include "engine/base/clock.hpp"
#include "engine/base/cpu_set.hpp"
#include "engine/serving/deployment.hpp"
#include "engine/serving/load_generator.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace tandem::bench {
namespace {

class NothingLane final : public Lane {
 public:
  void attachCurrentThread() override {}
  Result<int> select(int items) override { return items; }
  void setTrace(TraceRecorder*, const std::string&, std::uint64_t) override {}
  Result<RunTimes> run(std::span<Request* const>, const CancelToken&) override { return RunTimes(); }
  void forget() override {}
};

class NothingBackend final : public ReplicaBackend {
 public:
  Result<void> prepare(const std::vector<int>&) override { return {}; }
  Result<void> compile(int) override { return {}; }
  Result<std::unique_ptr<Lane>> createLane() override {
    return Result<std::unique_ptr<Lane>>(std::make_unique<NothingLane>());
  }
  void forget() override {}
  std::map<int, std::shared_ptr<const Executable>> variants() const override { return {}; }
};

std::unique_ptr<Deployment> deploy(int replicas, const char* route) {
  std::vector<ReplicaPlan> plans(static_cast<std::size_t>(replicas));
  for (std::size_t i = 0; i < plans.size(); ++i) {
    plans[i].options.name = "r" + std::to_string(i);
    plans[i].backend = [](BusyMeters&) { return std::make_unique<NothingBackend>(); };
  }
  auto deployment = Deployment::create(std::move(plans), *Route::parse(route));
  if (!deployment || !(*deployment)->setUp({})) std::exit(1);
  return *std::move(deployment);
}

struct Figures {
  double perS = 0, p50Us = 0, p99Us = 0, p999Us = 0;
};

const RequestData kOne{1, {}};

Figures closedLoop(const char* scenario, double seconds) {
  auto deployment = deploy(1, "predicted-finish");
  LoadGenerator generator(*Scenario::parse(scenario), deployment->router(), {.sizes = {&kOne}});
  deployment->start();
  generator.start();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds / 4));
  const std::int64_t from = nowNs();
  generator.log().beginMeasuring(from);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const std::int64_t to = nowNs();
  generator.log().endMeasuring(to);
  generator.stop();
  while (!generator.waitIdle(1000)) {}
  const SampleWindow all = generator.log().measured();
  return {static_cast<double>(all.completed) / (static_cast<double>(to - from) * 1e-9), all.latency.p50Ms * 1e3,
          all.latency.p99Ms * 1e3, all.latency.p999Ms * 1e3};
}

class Count final : public CompletionSink {
 public:
  void completed(const Request&, const Completion& completion) override {
    lastNs.store(completion.endNs, std::memory_order_relaxed);
    ended.fetch_add(1, std::memory_order_release);
  }
  std::atomic<std::uint64_t> ended{0};
  std::atomic<std::int64_t> lastNs{0};
};

/// One thread submits as fast as the queue takes; times of single submit() calls.
Figures submitted(int replicas, const char* route, double seconds) {
  auto deployment = deploy(replicas, route);
  deployment->start();
  Count count;
  LatencyHistogram calls;
  const std::int64_t start = nowNs();
  std::uint64_t sent = 0;
  while (nowNs() - start < static_cast<std::int64_t>(seconds * 1e9)) {
    for (int i = 0; i < 64; ++i) {
      while (sent - count.ended.load(std::memory_order_acquire) > 4000) std::this_thread::yield();
      Request request;
      request.id = ++sent;
      request.data = &kOne;
      request.sink = &count;
      const std::int64_t before = nowNs();
      request.scheduledNs = before;
      deployment->router().submit(std::move(request));
      calls.record(nowNs() - before);
    }
  }
  while (count.ended.load() < sent) std::this_thread::yield();
  const double all = static_cast<double>(nowNs() - start) * 1e-9;
  const auto us = [&](double p) { return static_cast<double>(calls.quantileNs(p)) * 1e-3; };
  return {static_cast<double>(sent) / all, us(0.5), us(0.99), us(0.999)};
}

Figures cancelled() {
  auto deployment = deploy(1, "round-robin"); // not started: everything waits
  Count count;
  LatencyHistogram times;
  std::vector<Ticket> tickets;
  for (std::uint64_t id = 1; id <= 10'000; ++id) {
    Request request;
    request.id = id;
    request.data = &kOne;
    request.sink = &count;
    tickets.push_back(deployment->router().submit(std::move(request)));
  }
  const std::int64_t start = nowNs();
  for (std::size_t i = tickets.size(); i > 0; --i) {
    const std::int64_t before = nowNs();
    if (!deployment->router().cancel(tickets[i - 1])) std::exit(1);
    times.record(nowNs() - before);
  }
  const double all = static_cast<double>(nowNs() - start) * 1e-9;
  const auto us = [&](double p) { return static_cast<double>(times.quantileNs(p)) * 1e-3; };
  return {static_cast<double>(tickets.size()) / all, us(0.5), us(0.99), us(0.999)};
}

void print(const char* name, const Figures& figures, bool last = false) {
  std::printf("  \"%s\": {\"per_s\": %.0f, \"p50_us\": %.3f, \"p99_us\": %.3f, \"p999_us\": %.3f}%s\n", name,
              figures.perS, figures.p50Us, figures.p99Us, figures.p999Us, last ? "" : ",");
}

int run(double seconds) {
  std::printf("{\n");
  {
    const CpuSet all = CpuSet::available();
    pinCurrentThread(CpuSet({all.cpus().front()})); // threads made from here on stay there, too
    print("path_one_core", closedLoop("single-stream", seconds));
    print("path_one_core_8_clients", closedLoop("closed:8", seconds));
    pinCurrentThread(all);
  }
  print("rate", submitted(1, "predicted-finish", seconds));
  for (const char* route : {"round-robin", "least-loaded", "predicted-finish", "slo:1000"})
    print(route, submitted(4, route, seconds));
  print("cancel", cancelled(), true);
  std::printf("}\n");
  return 0;
}

} // namespace
} // namespace tandem::bench

int main(int argc, char** argv) { return tandem::bench::run(argc > 1 ? std::atof(argv[1]) : 2); }
