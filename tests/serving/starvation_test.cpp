// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/join_items.hpp"
#include "engine/serving/starvation.hpp"

#include <gmock/gmock.h>

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// Ten seconds of two threads that were always at work and made 41 pictures a second.
PipelineStatistics slow() {
  PipelineStatistics statistics;
  statistics.elapsedS = 10;
  statistics.threads = 2;
  statistics.prefetch = 4;
  statistics.processors = 16;
  statistics.items = 410;
  statistics.busyFraction = 1;
  statistics.stages = {1'000'000, 12'000'000'000, 5'000'000'000, 2'000'000'000, 100'000'000};
  statistics.starvedNs = 7'000'000'000;
  statistics.devices = {{"OPENCL-CPU:0", 6'200'000'000}};
  return statistics;
}

TEST(Starvation, SaysWhoWaitedHowLongAndWhatHelps) {
  const DeviceLoad loads[] = {{"OPENCL-CPU:0", 0.3727}};
  const StarvationVerdict verdict = judgeStarvation(slow(), 10, loads);
  EXPECT_EQ(verdict.sentence,
            "OPENCL-CPU:0 waited 62 % of the time for preprocessing: 2 threads deliver 41 items/s, the "
            "device could take 110/s; use 6 threads or smaller pictures");
  EXPECT_DOUBLE_EQ(verdict.fraction, 0.62);
  EXPECT_DOUBLE_EQ(verdict.deliveredItemsPerS, 41);
  EXPECT_NEAR(verdict.wantedItemsPerS, 110, 0.1);
  EXPECT_EQ(verdict.threadsNeeded, 6);
}

TEST(Starvation, SaysNothingBelowFivePercent) {
  PipelineStatistics statistics = slow();
  statistics.devices[0].idleNs = 490'000'000;
  const DeviceLoad loads[] = {{"OPENCL-CPU:0", 0.9}};
  EXPECT_EQ(judgeStarvation(statistics, 10, loads).sentence, "");
  EXPECT_NEAR(judgeStarvation(statistics, 10, loads).fraction, 0.049, 1e-9);
  statistics.devices[0].idleNs = 510'000'000;
  EXPECT_THAT(judgeStarvation(statistics, 10, loads).sentence, HasSubstr("waited 5 %"));
}

TEST(Starvation, NamesTheDevicesThatWaitedTheLongestFirst) {
  PipelineStatistics statistics = slow();
  statistics.devices = {
      {"CPU:0", 3'100'000'000}, {"GPU:0", 8'000'000'000}, {"GPU:1", 100'000'000}, {"GPU:2", 9'000'000'000}};
  const DeviceLoad loads[] = {{"GPU:0", 0.1}, {"CPU:0", 0.5}, {"GPU:1", 0.4}}; // GPU:2 took no part
  const StarvationVerdict verdict = judgeStarvation(statistics, 10, loads);
  EXPECT_THAT(verdict.sentence, HasSubstr("GPU:0 waited 80 % of the time, CPU:0 31 % for preprocessing"));
  EXPECT_THAT(verdict.sentence, HasSubstr("the devices could take 82/s")); // CPU:0 would be full at twice the rate
  EXPECT_THAT(verdict.sentence, Not(HasSubstr("GPU:1")));
  EXPECT_THAT(verdict.sentence, Not(HasSubstr("GPU:2")));
}

TEST(Starvation, DoesNotAdviseMoreThreadsThanProcessors) {
  PipelineStatistics statistics = slow();
  statistics.processors = 2;
  const DeviceLoad loads[] = {{"OPENCL-CPU:0", 0.3727}};
  EXPECT_THAT(judgeStarvation(statistics, 10, loads).sentence,
              HasSubstr("it would take 6 threads, and 2 processors are there for them; use smaller pictures"));
  statistics.processors = statistics.threads = 1;
  EXPECT_THAT(judgeStarvation(statistics, 10, loads).sentence,
              HasSubstr("1 thread delivers 41 items/s, the device could take 110/s; it would take 3 threads, and 1 "
                        "processor is there for them; use smaller pictures"));
  statistics.threads = 2;
  statistics.processors = 4;
  EXPECT_THAT(judgeStarvation(statistics, 10, loads).sentence,
              HasSubstr("use 4 threads, as many as there are processors for them, and smaller pictures"));
}

TEST(Starvation, AdvisesAsTheLongestStageSuggests) {
  const DeviceLoad loads[] = {{"OPENCL-CPU:0", 0.3727}};
  PipelineStatistics statistics = slow();
  statistics.stages.readNs = 60'000'000'000;
  EXPECT_THAT(judgeStarvation(statistics, 10, loads).sentence, HasSubstr("use 6 threads or faster storage"));
  statistics.stages = {0, 19'000'000'000, 0, 0, 0};
  EXPECT_THAT(judgeStarvation(statistics, 10, loads).sentence, HasSubstr("or inputs that are saved as tensors (.npy)"));
}

TEST(Starvation, AdvisesALongerPrefetchWhereTheThreadsHadTimeLeft) {
  PipelineStatistics statistics = slow();
  statistics.busyFraction = 0.2;
  const DeviceLoad loads[] = {{"OPENCL-CPU:0", 0.5}};
  EXPECT_THAT(judgeStarvation(statistics, 10, loads).sentence,
              HasSubstr("the threads were busy 20 % of the time; use a prefetch of more than 4"));
}

TEST(Starvation, AdvisesMoreThreadsWhereOneDeviceIsFullAndAnotherWaits) {
  PipelineStatistics statistics = slow();
  statistics.devices = {{"CPU:0", 0}, {"GPU:0", 6'000'000'000}};
  const DeviceLoad loads[] = {{"CPU:0", 1}, {"GPU:0", 0.4}};
  EXPECT_THAT(judgeStarvation(statistics, 10, loads).sentence, HasSubstr("use more threads or smaller pictures"));
}

TEST(Starvation, GuessesNothing) {
  const DeviceLoad loads[] = {{"OPENCL-CPU:0", 0.1}};
  PipelineStatistics statistics = slow();
  statistics.devices.clear(); // nobody watched the device
  EXPECT_EQ(judgeStarvation(statistics, 10, loads).sentence, "");
  EXPECT_EQ(judgeStarvation(slow(), 0, loads).sentence, "");
  EXPECT_EQ(judgeStarvation(slow(), 10, {}).sentence, "");
  const DeviceLoad never[] = {{"OPENCL-CPU:0", 0}};
  EXPECT_THAT(judgeStarvation(slow(), 10, never).sentence,
              HasSubstr("41 items/s; use more threads or smaller pictures"));
}

RequestData request(int items, std::vector<TensorDesc> descs) {
  RequestData data;
  data.items = items;
  for (TensorDesc& desc : descs) data.inputs.push_back(Tensor::zeros(std::move(desc)));
  return data;
}

TEST(JoinItems, JoinsAlongTheDimensionThatDiffers) {
  RequestData data = request(2, {{DataType::Float32, {2, 2, 2}}});
  const Tensor item = Tensor::of<float>({2, 1, 2}, {1, 2, 3, 4});
  ASSERT_TRUE(joinItem({{item}}, 1, data).ok());
  EXPECT_THAT(data.inputs[0].as<float>(), ElementsAre(0, 0, 1, 2, 0, 0, 3, 4));
}

TEST(JoinItems, AnItemOfSeveralPlacesFillsThemAndATensorOfTheRequestComesFromTheFirst) {
  RequestData data = request(4, {{DataType::Float32, {4}}, {DataType::Int64, {}}});
  const auto item = [](float value, std::int64_t rate) {
    return std::vector{Tensor::of<float>({2}, {value, value + 1}), Tensor::scalar<std::int64_t>(rate)};
  };
  for (int slot = 0; slot < 4; ++slot)
    ASSERT_TRUE(joinItem(item(static_cast<float>(slot * 10), slot + 16000), slot, data).ok());
  EXPECT_THAT(data.inputs[0].as<float>(), ElementsAre(0, 1, 10, 11)); // what is past the end is left out
  EXPECT_THAT(data.inputs[1].as<std::int64_t>(), ElementsAre(16000));
}

TEST(JoinItems, RefusesWhatDoesNotFitAndWritesNothing) {
  RequestData data = request(2, {{DataType::Float32, {2, 3}}, {DataType::Float32, {2, 3}}});
  const Tensor good = Tensor::of<float>({1, 3}, {1, 2, 3});
  for (const Tensor& bad : {Tensor::zeros({DataType::Float32, {1, 4}}), Tensor::zeros({DataType::Int64, {1, 3}}),
                            Tensor::zeros({DataType::Float32, {3}}), Tensor::zeros({DataType::Float32, {0, 3}}),
                            Tensor::zeros({DataType::Float32, {2, 1}}), Tensor::zeros({DataType::Float32, {4, 3}})})
    EXPECT_EQ(joinItem(std::vector{good, bad}, 0, data).error().code, ErrorCode::InputRejected)
        << bad.desc().toString();
  EXPECT_THAT(joinItem({{good}}, 0, data).error().message, HasSubstr("1 tensor(s), the model takes 2"));
  for (const Tensor& tensor : data.inputs)
    for (float value : tensor.as<float>()) EXPECT_EQ(value, 0);
}

TEST(JoinItems, MultipliesTheFirstDimensionAndChecksTheProduct) {
  const std::vector items{Tensor::zeros({DataType::Float32, {1, 3}}), Tensor::scalar<float>(1)};
  const auto shapes = joinedShapes(5, items);
  ASSERT_TRUE(shapes.ok());
  EXPECT_EQ(shapes->at(0).shape, (Shape{5, 3}));
  EXPECT_EQ(shapes->at(1).shape, Shape{});
  const std::vector huge{Tensor::zeros({DataType::Float32, {std::int64_t{1} << 62, 0}})};
  EXPECT_EQ(joinedShapes(4, huge).error().code, ErrorCode::InputRejected);
}

} // namespace
} // namespace tandem
