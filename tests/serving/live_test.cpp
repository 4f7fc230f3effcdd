// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/live_placement.hpp"
#include "tests/serving/fake_backend.hpp"
#include "tests/serving/fixture.hpp"

#include <algorithm>
#include <random>

namespace tandem {
namespace {

using Step = Hysteresis::Step;

TEST(Hysteresis, AChangeTakesThreeTicksInARowThatLookBetterByTheMargin) {
  Hysteresis hysteresis(0.1);
  EXPECT_EQ(hysteresis.tick(10, 5), Step::Wait);
  EXPECT_EQ(hysteresis.tick(10, 5), Step::Wait);
  EXPECT_EQ(hysteresis.tick(10, 9.5), Step::TooLittle); // begins anew
  EXPECT_EQ(hysteresis.tick(10, 5), Step::Wait);
  EXPECT_EQ(hysteresis.tick(10, 5), Step::Wait);
  EXPECT_EQ(hysteresis.tick(10, 5), Step::Change);
  EXPECT_EQ(hysteresis.marginText(), "10 %");
}

TEST(Hysteresis, WhatDidNotPayIsTakenBackAndLookedAtHalfAsSoon) {
  Hysteresis hysteresis(0.1);
  const auto ticksUntil = [&](double now, double predicted, Step wanted) {
    int ticks = 1;
    while (hysteresis.tick(now, predicted) != wanted && ticks < 100) ++ticks;
    return ticks;
  };
  EXPECT_EQ(ticksUntil(10, 5, Step::Change), 3);
  hysteresis.changed();
  EXPECT_EQ(ticksUntil(11, 5, Step::Back), 3);
  EXPECT_EQ(ticksUntil(10, 5, Step::Change), 6);
  hysteresis.changed();
  EXPECT_EQ(ticksUntil(12, 5, Step::Back), 6);
  EXPECT_EQ(ticksUntil(10, 5, Step::Change), 12);
  hysteresis.changed();
  EXPECT_EQ(ticksUntil(6, 6, Step::Kept), 12);
  EXPECT_EQ(ticksUntil(10, 5, Step::Change), 6); // trusted more again
}

/// Four units on a host and a device, which is four times as fast.
LiveSubject subject() {
  LiveSubject made;
  made.name = "split";
  made.devices = {"CPU:0", "GPU:0"};
  made.problem.devices = 2;
  made.problem.hostMemory = {true, false};
  for (int unit = 0; unit < 4; ++unit) made.problem.units.push_back({{4, 1}, 1});
  for (int unit = -1; unit < 4; ++unit) {
    ReplanTensor& tensor = made.problem.tensors.emplace_back();
    tensor.producer = unit;
    if (unit < 3) tensor.readers = {unit + 1};
    tensor.toHost = unit == 3;
    tensor.ms = {0, 0.5, 0.5, 0};
  }
  made.unitOf = {0, 1, 2, 3};
  made.deviceOf = {0, 1, 1, 1};
  return made;
}

/// A replica that takes what the times say, times a factor per device.
class World {
 public:
  explicit World(LiveSubject subject, double margin = 0.1) : m_watch(std::move(subject), {.margin = margin}) {}

  /// One tick after four executions; does what the watch wants and returns what it said.
  std::string tick() {
    for (int run = 0; run < 4; ++run) m_watch.learn(1, events());
    const LiveWatch::Step step = m_watch.tick();
    if (step.kind == LiveWatch::Step::Kind::Nothing) return step.note;
    m_watch.done(step);
    ++(step.kind == LiveWatch::Step::Kind::Move ? moves : back);
    return step.text;
  }
  std::vector<std::string> ticks(int count) {
    std::vector<std::string> said;
    for (int i = 0; i < count; ++i)
      if (std::string text = tick(); !text.empty()) said.push_back(std::move(text));
    return said;
  }
  const std::vector<int>& deviceOf() const { return m_watch.subject().deviceOf; }

  std::vector<double> factors{1, 1};
  double noise = 0; ///< of each kernel, as a part of it
  /// Extra time of kernels on a device that only those see which are there: nothing that could be predicted.
  double surprise = 0;
  int surprised = 1;
  int moves = 0, back = 0;

 private:
  std::vector<TraceEvent> events() {
    std::uniform_real_distribution<double> spread(1 - noise, 1 + noise);
    std::vector<TraceEvent> all;
    for (std::uint32_t unit = 0; unit < 4; ++unit) {
      const int device = deviceOf()[unit];
      double ms = m_watch.subject().problem.units[unit].ms[static_cast<std::size_t>(device)] *
                  factors[static_cast<std::size_t>(device)] * spread(m_random);
      if (device == surprised) ms += surprise;
      TraceEvent event;
      event.endNs = static_cast<std::int64_t>(ms * 1e6);
      event.node = NodeId(unit);
      all.push_back(event);
    }
    const double copies = costOf(m_watch.subject().problem, deviceOf()).latencyMs - kernelsMs();
    TraceEvent copy;
    copy.kind = TraceKind::Transfer;
    copy.endNs = static_cast<std::int64_t>(copies * 1e6);
    all.push_back(copy);
    return all;
  }
  double kernelsMs() const {
    double sum = 0;
    for (std::size_t unit = 0; unit < 4; ++unit)
      sum += m_watch.subject().problem.units[unit].ms[static_cast<std::size_t>(deviceOf()[unit])];
    return sum;
  }
  LiveWatch m_watch;
  std::mt19937 m_random{7};
};

TEST(LiveWatch, ADeviceThatIsAHundredTimesSlowerLosesItsLayersAndTheEventSaysWhy) {
  LiveSubject best = subject();
  best.deviceOf = {1, 1, 1, 1};
  World world(best);
  EXPECT_TRUE(world.ticks(10).empty());
  world.factors[1] = 100;
  const auto said = world.ticks(10);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(
      said[0],
      "moved 4 layers of `split` from GPU:0 to CPU:0: predicted 16 ms instead of 401 ms, margin 10 %; GPU:0 takes "
      "100 times as long as alone");
  EXPECT_EQ(said[1], "the move of `split` paid: measured 16 ms, 401 ms before");
  EXPECT_EQ(world.deviceOf(), (std::vector<int>{0, 0, 0, 0}));
  EXPECT_EQ(world.moves, 1);
}

TEST(LiveWatch, NothingMovesBelowTheMarginAndThatIsSaidOnce) {
  World wide(subject(), 0.6), narrow(subject(), 0.1); // 8 ms as it is, 5 ms at best
  const auto said = wide.ticks(50);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("within the margin of 60 %"), std::string::npos) << said[0];
  EXPECT_EQ(wide.moves, 0);
  narrow.ticks(50);
  EXPECT_EQ(narrow.moves, 1);
  EXPECT_EQ(narrow.deviceOf(), (std::vector<int>{1, 1, 1, 1}));
}

TEST(LiveWatch, NoiseMovesNothingToAndFro) {
  LiveSubject even = subject(); // both take the same, so that noise alone decides which looks better
  for (ReplanUnit& unit : even.problem.units) unit.ms = {1, 1};
  for (ReplanTensor& tensor : even.problem.tensors) tensor.ms = {0, 0, 0, 0};
  even.deviceOf = {0, 0, 1, 1};
  World world(even);
  world.noise = 0.15;
  world.ticks(1000);
  EXPECT_LE(world.moves, 1);
}

TEST(LiveWatch, AMoveThatDoesNotPayIsTakenBackAndTriedEverMoreRarely) {
  LiveSubject onHost = subject();
  onHost.deviceOf = {0, 0, 0, 0};
  World surprised(onHost);
  surprised.surprise = 10; // on the device each kernel takes ten milliseconds more than it did alone
  const auto said = surprised.ticks(7);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].rfind("moved 4 layers of `split` from CPU:0 to GPU:0", 0), 0u) << said[0];
  EXPECT_EQ(
      said[1].rfind("took back 4 layers of `split` from GPU:0 to CPU:0: measured 45 ms, 16 ms before the move", 0), 0u)
      << said[1];
  EXPECT_EQ(surprised.deviceOf(), onHost.deviceOf);
  surprised.ticks(1000);
  EXPECT_EQ(surprised.moves, surprised.back);
  EXPECT_GE(surprised.moves, 2); // it may have become better
  EXPECT_LE(surprised.moves, 8);
}

TEST(LiveWatch, ADeviceThatRecoversGetsItsLayersBack) {
  LiveSubject best = subject();
  best.deviceOf = {1, 1, 1, 1};
  World world(best);
  world.factors[1] = 100;
  world.ticks(10);
  ASSERT_EQ(world.deviceOf(), (std::vector<int>{0, 0, 0, 0}));
  world.factors[1] = 1;
  world.ticks(100);
  EXPECT_EQ(world.deviceOf(), best.deviceOf);
}

TEST(LiveWatch, ExecutionsOfOtherSizesSayNothing) {
  LiveWatch watch(subject(), {});
  for (int i = 0; i < 20; ++i) watch.learn(2, {});
  std::string said;
  for (int i = 0; i < 20; ++i) said += watch.tick().note;
  EXPECT_EQ(said, "`split` stays as it is: no execution of 1 item, which its layers were measured with, comes along");
}

/// The tiny model on a CPU and a simulated device.
class LiveRunTest : public test::ServingTest {
 protected:
  std::vector<Device*> devices() { return {m_cpu.get(), m_gpu.get()}; }

  ReplicaPlan planOf(const std::vector<int>& deviceOfUnit, std::vector<int> unitOf) {
    ReplicaPlan made = plan(*m_cpu, {.name = "split"});
    made.deviceIds.clear();
    std::vector<Device*> deviceOf;
    for (int unit : unitOf)
      deviceOf.push_back(devices()[static_cast<std::size_t>(deviceOfUnit[static_cast<std::size_t>(unit)])]);
    for (Device* device : devices())
      if (std::find(deviceOf.begin(), deviceOf.end(), device) != deviceOf.end()) made.deviceIds.push_back(device->id());
    made.factory = [this, deviceOf](int items) -> Result<std::shared_ptr<const Executable>> {
      const Graph graph = test::diamond();
      CompileOptions compile;
      compile.threads = 1;
      return Executable::compile(TANDEM_TRY(bindInputs(graph, items)), deviceOf, *m_cpu, compile);
    };
    return made;
  }
  /// Times as the devices have them: a tenth of a millisecond each on the CPU, next to nothing on the other.
  LiveSubject subjectOf(std::vector<int> deviceOf) {
    const BoundGraph bound = *bindInputs(test::diamond(), 1);
    std::vector<std::vector<NodeId>> together;
    for (NodeId node : topologicalOrder(bound.graph)) together.push_back({node});
    LiveSubject made;
    made.name = "split";
    made.devices = {m_cpu->id(), m_gpu->id()};
    made.unitOf = unitsOf(bound.graph, together);
    made.problem = replanProblem(bound.graph, made.unitOf, devices(), *m_cpu);
    for (ReplanUnit& unit : made.problem.units) unit.ms = {0.1, 0.005};
    made.deviceOf = std::move(deviceOf);
    return made;
  }
  struct Outcome {
    RunOutcome run;
    int moves = 0;
  };
  Outcome serve(bool isLive, double slowness, double margin = 0.1) {
    LivePlacement live({.margin = margin, .tickS = 0.1});
    const LiveSubject subject = subjectOf({1, 1, 1, 1});
    std::vector<ReplicaPlan> plans{planOf(subject.deviceOf, subject.unitOf)};
    if (isLive)
      live.watch(
          subject,
          [this, unitOf = subject.unitOf](const std::vector<int>& deviceOf) -> Result<ReplicaPlan> {
            return planOf(deviceOf, unitOf);
          },
          plans[0]);
    auto deployment = *Deployment::create(std::move(plans), *Route::parse("round-robin"));
    ChangeQueue changes;
    RunSettings settings;
    settings.scenario = *Scenario::parse("single-stream");
    settings.data = {data(1)};
    settings.durationS = 30; // at most: it ends once what is waited for has happened
    settings.warmupS = 0;
    settings.changes = &changes;
    if (isLive) settings.live = &live;
    int ticks = 0;
    settings.snapshot = [&](const RunSnapshot& snapshot) {
      if (snapshot.phase != "measure") return;
      if (++ticks == 2) m_gpu->failures().slowDown(slowness);
      constexpr int kLong = 20;
      const bool paid = std::any_of(snapshot.events.begin(), snapshot.events.end(), [](const ServingEvent& event) {
        return event.text.find("paid") != std::string::npos;
      });
      if (paid || (ticks > kLong && (slowness == 1 || !isLive))) settings.cancel.cancel();
    };
    auto outcome = runDeployment(*deployment, settings);
    EXPECT_TRUE(outcome.ok()) << outcome.error().line();
    return {*std::move(outcome), live.moves()};
  }
};

TEST_F(LiveRunTest, LayersLeaveADeviceThatBecomesAHundredTimesSlowerInTheMiddleOfARun) {
  const Outcome outcome = serve(true, 1000);
  EXPECT_EQ(outcome.moves, 1);
  ASSERT_EQ(outcome.run.replicas.size(), 2u);
  EXPECT_EQ(outcome.run.replicas[0].state, ReplicaState::Gone);
  EXPECT_EQ(outcome.run.replicas[1].devices, m_cpu->id());
  EXPECT_GT(outcome.run.replicas[1].window.completed, 0u);
  EXPECT_EQ(outcome.run.all.failed, 0u);
  const auto isMove = [](const RunOutcome::Event& event) {
    return event.text.rfind("moved 4 layers of `split`", 0) == 0;
  };
  const auto move = std::find_if(outcome.run.events.begin(), outcome.run.events.end(), isMove);
  ASSERT_NE(move, outcome.run.events.end());
  EXPECT_NE(move->text.find("times as long as alone"), std::string::npos) << move->text;
}

TEST_F(LiveRunTest, ResultsStayTheSameWhereverLayersAreAndOnceTheyAreBack) {
  const LiveSubject subject = subjectOf({1, 1, 1, 1});
  std::vector<std::vector<std::byte>> results;
  for (const std::vector<int>& deviceOf : {subject.deviceOf, {0, 0, 1, 1}, {0, 0, 0, 0}, subject.deviceOf}) {
    const auto executable = planOf(deviceOf, subject.unitOf).factory(3);
    ASSERT_TRUE(executable.ok()) << executable.error().line();
    auto slot = *(*executable)->createSlot();
    auto* values = static_cast<float*>(slot->input(0).mutableData());
    for (int i = 0; i < 12; ++i) values[i] = 0.7F * static_cast<float>(i - 5);
    ASSERT_TRUE(slot->run().ok());
    const Tensor& output = slot->output(0);
    const auto* bytes = static_cast<const std::byte*>(output.data());
    results.emplace_back(bytes, bytes + output.bytes());
    EXPECT_EQ(results.back(), results.front()); // no layer of this model rounds
  }
}

TEST_F(LiveRunTest, NothingMovesWhereNothingChangesOrNobodyAsked) {
  EXPECT_EQ(serve(true, 1).moves, 0);
  const Outcome off = serve(false, 1000);
  EXPECT_EQ(off.run.replicas.size(), 1u);
  EXPECT_TRUE(off.run.events.empty());
}

/// A request of `n` items is said to take `n` times `ms`.
ReplicaPlan takes(const char* name, double ms) {
  return test::fakePlan(name, [ms](std::span<Request* const>, int items) -> Result<RunTimes> {
    return test::tookNs(static_cast<std::int64_t>(items * ms * 1e6));
  });
}

TEST(LiveThreshold, FollowsWhatIsMeasuredOnceItLooksBetterThreeSecondsInARow) {
  for (const double margin : {0.1, 0.0}) {
    SCOPED_TRACE(margin);
    auto deployment = *Deployment::create({takes("small", 1), takes("large", 10)}, *Route::parse("size:1"));
    deployment->setLiveMargin(margin);
    const RequestData one{1, {}}, eight{8, {}};
    ASSERT_TRUE(deployment->setUp({{1, 8}, {&one, &eight}, {}, nullptr}).ok());
    EXPECT_EQ(deployment->router().route().size, 1); // begins as asked for
    if (margin == 0) continue;                       // and stays, where nobody asked for more
    std::atomic<bool> told{false};
    deployment->setListener([&](const ServingEvent&) {
      told = true;
      told.notify_all();
    });
    deployment->start();
    told.wait(false);
    EXPECT_EQ(deployment->events().front().text,
              "size:1: up to 8 items go to small now, 1 before: predicted 9.00 ms instead of 81.00 ms for one of each "
              "size, margin 10 %");
    while (deployment->router().route().size != 8) std::this_thread::yield();
  }
}

TEST(LiveThreshold, AReplicaThatIsReplacedKeepsItsPlace) {
  auto deployment = test::deployFakes({takes("small", 1), takes("large", 10)}, "size:4");
  deployment->start();
  ASSERT_TRUE(deployment->replace("small", takes("", 2), {}).ok());
  ASSERT_EQ(deployment->present().size(), 2u);
  EXPECT_EQ(deployment->present()[0]->name(), "small");
}

} // namespace
} // namespace tandem
