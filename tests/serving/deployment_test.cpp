// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/serving/fake_backend.hpp"
#include "tests/serving/fixture.hpp"

#include <cstring>
#include <random>

namespace tandem {
namespace {

using test::deployFakes;
using test::fakePlan;
using test::requestOf;
using test::Tally;
using test::tookNs;

class DeploymentTest : public test::ServingTest {
 protected:
  ReplicaSetup setupFor(const RequestData& data) { return {{data.items}, {&data}, {}, nullptr}; }
  bool noted(const Deployment& deployment, std::string_view text) {
    for (const ServingEvent& event : deployment.events())
      if (event.text.find(text) != std::string::npos) return true;
    return false;
  }
};

TEST_F(DeploymentTest, ReplicasComeAndGoUnderLoadAndNoRequestIsLost) {
  auto deployment = deploy("least-loaded", {{.name = "a"}}, {1});
  const RequestData one = data(1);
  LoadGenerator generator(*Scenario::parse("closed:6"), deployment->router(), {.sizes = {&one}});
  start(*deployment);
  generator.start();
  for (int round = 0; round < 5; ++round) {
    const auto added = deployment->add(plan(*m_cpu, {.name = "b"}), setupFor(one));
    ASSERT_TRUE(added.ok()) << added.error().line();
    Replica* fresh = deployment->present().back();
    while (fresh->log().completed() < 20) std::this_thread::yield();
    ASSERT_TRUE(deployment->remove(*added).ok());
    EXPECT_EQ(fresh->state(), ReplicaState::Gone);
    EXPECT_TRUE(fresh->variants().empty()); // its memory is given back
  }
  generator.stop();
  ASSERT_TRUE(generator.waitIdle(20'000));
  EXPECT_EQ(generator.log().failed() + generator.log().rejected() + generator.log().cancelled(), 0u);
  test::awaitEmpty(deployment->table());
  EXPECT_EQ(deployment->present().size(), 1u);
}

TEST_F(DeploymentTest, AReplicaIsReplacedUnderItsName) {
  auto deployment = deploy("pinned:a", {{.name = "a"}}, {1});
  const RequestData one = data(1);
  LoadGenerator generator(*Scenario::parse("closed:3"), deployment->router(), {.sizes = {&one}});
  start(*deployment);
  generator.start();
  const Result<void> replaced = deployment->replace("a", plan(*m_gpu), setupFor(one));
  ASSERT_TRUE(replaced.ok()) << replaced.error().line();
  Replica* fresh = deployment->present().front();
  while (fresh->log().completed() < 20) std::this_thread::yield();
  generator.stop();
  ASSERT_TRUE(generator.waitIdle(20'000));
  EXPECT_EQ(generator.log().failed(), 0u);
  EXPECT_EQ(fresh->name(), "a");
  EXPECT_TRUE(noted(*deployment, "a is served by " + m_gpu->id()));
}

TEST_F(DeploymentTest, TheLastReplicaStaysAndUnknownNamesAreRefused) {
  auto deployment = deploy("round-robin", {{.name = "a"}}, {1});
  EXPECT_EQ(deployment->remove("a").error().code, ErrorCode::Usage);
  EXPECT_EQ(deployment->remove("b").error().code, ErrorCode::Usage);
  EXPECT_EQ(deployment->setRoute(*Route::parse("size:4")).error().code, ErrorCode::Usage);
  EXPECT_EQ(deployment->router().route().toString(), "round-robin");
}

TEST_F(DeploymentTest, AReplicaThatCannotBeCompiledDoesNotJoin) {
  auto deployment = deploy("round-robin", {{.name = "a"}}, {1});
  const RequestData one = data(1);
  m_gpu->failures().loseDevice();
  EXPECT_FALSE(deployment->add(plan(*m_gpu), setupFor(one)).ok());
  EXPECT_EQ(deployment->present().size(), 1u);
}

TEST_F(DeploymentTest, ResultsUnderLoadAndInSplitsAreThoseOfTheSameRequestAlone) {
  const auto fill = [](RequestData& made, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> value(-1, 1);
    auto* to = static_cast<float*>(made.inputs[0].mutableData());
    for (std::int64_t i = 0; i < made.inputs[0].desc().shape.elements(); ++i) to[i] = value(random);
  };
  constexpr int kItems = 5;
  std::vector<RequestData> inputs;
  for (unsigned i = 0; i < 32; ++i) fill(inputs.emplace_back(data(kItems)), i);
  const auto outputsFor = [&](Deployment& deployment, std::size_t from, std::size_t to) {
    const auto& variants = deployment.replicas()[0]->variants();
    const Graph& graph = variants.begin()->second->graph();
    std::vector<RequestOutputs> results(to - from);
    Tally tally(to - from);
    for (std::size_t i = from; i < to; ++i) {
      for (const ValueId output : graph.outputs()) {
        TensorDesc desc = graph.value(output).desc;
        desc.shape[0] = kItems;
        results[i - from].tensors.push_back(Tensor::zeros(desc));
      }
      Request request = requestOf(i - from + 1, inputs[i], tally);
      request.outputs = &results[i - from];
      deployment.router().submit(request);
    }
    tally.waitFor(to - from);
    EXPECT_EQ(tally.count(Status::Done), to - from);
    return results;
  };
  auto alone = deploy("round-robin", {{.name = "a"}}, {kItems});
  start(*alone);
  std::vector<RequestOutputs> expected;
  for (std::size_t i = 0; i < inputs.size(); ++i) expected.push_back(std::move(outputsFor(*alone, i, i + 1).front()));
  for (const char* route : {"least-loaded", "split"}) {
    auto loaded = deploy(route, {{.name = "a", .streams = 2}, {.name = "b"}}, {kItems});
    start(*loaded);
    const std::vector<RequestOutputs> found = outputsFor(*loaded, 0, inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i)
      for (std::size_t o = 0; o < found[i].tensors.size(); ++o)
        EXPECT_EQ(std::memcmp(found[i].tensors[o].data(), expected[i].tensors[o].data(), found[i].tensors[o].bytes()),
                  0)
            << route << " " << i;
  }
}

TEST_F(DeploymentTest, AHungDeviceIsLeftAndItsRequestsAreDoneElsewhere) {
  CancelToken release;
  std::vector<ReplicaPlan> plans;
  plans.push_back(plan(*m_cpu, {.name = "cpu"}));
  plans.push_back(plan(*m_gpu, {.name = "gpu", .patienceMs = 50}));
  auto deployment = *Deployment::create(std::move(plans), *Route::parse("round-robin"));
  const RequestData one = data(1);
  ASSERT_TRUE(deployment->setUp(setupFor(one)).ok());
  m_gpu->failures().hangAfter(10, release);
  deployment->start();
  Replica& gpu = *deployment->replicas()[1];
  LoadGenerator generator(*Scenario::parse("closed:4"), deployment->router(), {.sizes = {&one}});
  generator.start();
  while (gpu.state() != ReplicaState::Hung) std::this_thread::yield();
  const std::uint64_t before = generator.log().completed();
  while (generator.log().completed() < before + 50) std::this_thread::yield(); // the other one goes on
  EXPECT_TRUE(noted(*deployment, "gpu is hung"));
  m_gpu->failures().clear();
  release.cancel();
  while (!noted(*deployment, "gpu came back")) std::this_thread::yield();
  EXPECT_EQ(gpu.state(), ReplicaState::Serving);
  generator.stop();
  ASSERT_TRUE(generator.waitIdle(20'000));
  EXPECT_EQ(generator.log().failed(), 0u); // what hung was done by the other one
  test::awaitEmpty(deployment->table());
}

TEST_F(DeploymentTest, ARequestThatHangsWithNobodyToTakeItFailsAndIsReported) {
  CancelToken release;
  std::vector<ReplicaPlan> plans;
  plans.push_back(plan(*m_gpu, {.name = "gpu", .patienceMs = 50}));
  auto deployment = *Deployment::create(std::move(plans), {});
  const RequestData one = data(1);
  ASSERT_TRUE(deployment->setUp(setupFor(one)).ok());
  m_gpu->failures().hangAfter(0, release);
  deployment->start();
  Tally tally(1);
  deployment->router().submit(requestOf(1, one, tally));
  tally.waitFor(1);
  EXPECT_EQ(tally.count(Status::Failed), 1u);
  ASSERT_TRUE(deployment->replicas()[0]->lastError());
  m_gpu->failures().clear();
  release.cancel();
}

TEST_F(DeploymentTest, SizeAutoFindsTheCrossoverByMeasuring) {
  // A launch costs the second replica more, an item less: at 6 items both take the same.
  auto small = [](auto, int items) -> Result<RunTimes> { return tookNs(1000 * items); };
  auto large = [](auto, int items) -> Result<RunTimes> { return tookNs(5000 + 200 * items); };
  std::vector<ReplicaPlan> plans;
  plans.push_back(fakePlan("small", small));
  plans.push_back(fakePlan("large", large));
  auto deployment = *Deployment::create(std::move(plans), *Route::parse("size:auto"));
  const RequestData sixteen{16, {}};
  ASSERT_TRUE(deployment->setUp(setupFor(sixteen)).ok());
  EXPECT_EQ(deployment->router().route().size, 6);
  EXPECT_TRUE(noted(*deployment, "up to 6 items go to small"));
}

TEST_F(DeploymentTest, SplitFindsItsSharesByMeasuring) {
  auto quick = [](auto, int items) -> Result<RunTimes> { return tookNs(1000 + 1000 * items); };
  auto slow = [](auto, int items) -> Result<RunTimes> { return tookNs(1000 + 3000 * items); };
  std::vector<ReplicaPlan> plans;
  plans.push_back(fakePlan("quick", quick));
  plans.push_back(fakePlan("slow", slow));
  auto deployment = *Deployment::create(std::move(plans), *Route::parse("split"));
  const RequestData sixteen{16, {}};
  ASSERT_TRUE(deployment->setUp(setupFor(sixteen)).ok());
  EXPECT_EQ(deployment->router().shares(16), (std::vector<int>{12, 4}));
}

TEST_F(DeploymentTest, SplitMovesItemsAwayFromAReplicaThatBecameSlow) {
  std::atomic<int> factor{1};
  auto steady = [](auto, int items) -> Result<RunTimes> { return tookNs(1000 * items); };
  auto throttled = [&](auto, int items) -> Result<RunTimes> { return tookNs(1000 * items * factor.load()); };
  std::vector<ReplicaPlan> plans;
  plans.push_back(fakePlan("steady", steady));
  plans.push_back(fakePlan("throttled", throttled));
  auto deployment = *Deployment::create(std::move(plans), *Route::parse("split"));
  const RequestData sixteen{16, {}};
  ASSERT_TRUE(deployment->setUp(setupFor(sixteen)).ok());
  EXPECT_EQ(deployment->router().shares(16), (std::vector<int>{8, 8}));
  deployment->start();
  factor = 7;
  LoadGenerator generator(*Scenario::parse("closed:1"), deployment->router(), {.sizes = {&sixteen}});
  generator.start();
  while (deployment->router().shares(16)[1] > 3) std::this_thread::yield();
  generator.stop();
  ASSERT_TRUE(generator.waitIdle(20'000));
  EXPECT_TRUE(noted(*deployment, "split of 16: 14 + 2 now, 8 + 8 before"));
  EXPECT_EQ(generator.log().failed(), 0u);
}

TEST_F(DeploymentTest, AReplicaThatGotNothingOfASplitIsAskedAgainAndComesBack) {
  std::atomic<int> factor{1000};
  auto steady = [](auto, int items) -> Result<RunTimes> { return tookNs(1000 * items); };
  auto late = [&](auto, int items) -> Result<RunTimes> { return tookNs(1000 * items * factor.load()); };
  std::vector<ReplicaPlan> plans;
  plans.push_back(fakePlan("steady", steady));
  plans.push_back(fakePlan("late", late));
  auto deployment = *Deployment::create(std::move(plans), *Route::parse("split"));
  const RequestData sixteen{16, {}};
  ASSERT_TRUE(deployment->setUp(setupFor(sixteen)).ok());
  EXPECT_EQ(deployment->router().shares(16), (std::vector<int>{16, 0}));
  deployment->start();
  factor = 1; // what disturbed it at set-up is over
  LoadGenerator generator(*Scenario::parse("closed:1"), deployment->router(), {.sizes = {&sixteen}});
  generator.start();
  while (deployment->router().shares(16) != std::vector<int>{8, 8}) std::this_thread::yield();
  generator.stop();
  ASSERT_TRUE(generator.waitIdle(20'000));
  EXPECT_TRUE(noted(*deployment, "for a moment"));
}

} // namespace
} // namespace tandem
