// SPDX-License-Identifier: GPL-3.0-or-later
// Models that open and go wrong when they run: I21, I23, I25 and I29 of the table in tests/formats/README.md, on every
// device there is.
#include "engine/session/codec.hpp"
#include "engine/session/local_session.hpp"
#include "tests/formats/proto_builder.hpp"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

namespace tandem::session {
namespace {

namespace fs = std::filesystem;
using tandem::testing::ModelBuilder;
using ::testing::HasSubstr;

class HostileRun : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    m_root = fs::path(::testing::TempDir()) / (std::string("tandem_hostile_run_") + test->name());
    fs::remove_all(m_root);
    fs::create_directories(m_root);
    auto list = decodeDevices(*call(m_session, method::kDevices, Json::object()));
    ASSERT_TRUE(list.ok()) << list.error().line();
    for (const DeviceSummary& device : list->devices) m_devices.push_back(device.id);
  }
  void TearDown() override { fs::remove_all(m_root); }

  std::string save(const ModelBuilder& builder) const {
    const fs::path path = m_root / "m.onnx";
    std::ofstream(path, std::ios::binary) << builder.bytes();
    return path.string();
  }
  /// Without input files a model without inputs runs once.
  Result<Json> predict(const std::string& model, const std::string& device) {
    return call(m_session, method::kPredict, {{"model", model}, {"device", device}, {"inputs", Json::array()}});
  }

  LocalSession m_session;
  std::vector<std::string> m_devices;
  fs::path m_root;
};

onnx::TensorProto& wholeNumbers(ModelBuilder& builder, const std::string& name, std::vector<std::int64_t> values,
                                bool scalar = false) {
  auto& tensor = builder.weight(name, {}, {});
  if (!scalar) tensor.add_dims(static_cast<std::int64_t>(values.size()));
  tensor.set_data_type(onnx::TensorProto::INT64);
  for (std::int64_t value : values) tensor.add_int64_data(value);
  return tensor;
}

TEST_F(HostileRun, I21_TensorsThatCannotFitAreRefusedBeforeTheRunWithTheirSize) {
  constexpr std::int64_t kHuge = 1'000'000'000'000;
  const auto expand = [](ModelBuilder& builder) {
    builder.weight("w", {1}, {1});
    wholeNumbers(builder, "shape", {kHuge});
    builder.node("Expand", {"w", "shape"}, {"y"}, "bomb");
  };
  const auto tile = [](ModelBuilder& builder) {
    builder.weight("w", {1}, {1});
    wholeNumbers(builder, "repeats", {kHuge});
    builder.node("Tile", {"w", "repeats"}, {"y"}, "bomb");
  };
  const auto constant = [](ModelBuilder& builder) {
    wholeNumbers(builder, "shape", {kHuge});
    builder.node("ConstantOfShape", {"shape"}, {"y"}, "bomb");
  };
  const auto range = [](ModelBuilder& builder) {
    wholeNumbers(builder, "start", {0}, true);
    wholeNumbers(builder, "limit", {kHuge}, true);
    wholeNumbers(builder, "delta", {1}, true);
    builder.node("Range", {"start", "limit", "delta"}, {"y"}, "bomb");
  };
  const auto pad = [](ModelBuilder& builder) {
    builder.weight("w", {1}, {1});
    wholeNumbers(builder, "pads", {0, kHuge});
    builder.node("Pad", {"w", "pads"}, {"y"}, "bomb");
  };
  const std::vector<std::pair<const char*, std::function<void(ModelBuilder&)>>> bombs{
      {"Expand", expand}, {"Tile", tile}, {"ConstantOfShape", constant}, {"Range", range}, {"Pad", pad}};
  for (const auto& [type, build] : bombs)
    for (const std::string& device : m_devices) {
      ModelBuilder builder;
      builder.output("y");
      build(builder);
      const auto started = std::chrono::steady_clock::now();
      auto result = predict(save(builder), device);
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
      ASSERT_FALSE(result.ok()) << type << " on " << device;
      const std::string text = result.error().line();
      EXPECT_THAT(text, ::testing::ContainsRegex("[0-9.]+ ?(bytes|[KMGT]i?B)"))
          << type << " on " << device << ": " << text;
      EXPECT_LT(seconds, 10) << type << " on " << device;
    }
}

TEST_F(HostileRun, I23_IndicesOutsideAreTheSameErrorOnEveryDevice) {
  const auto gather = [](ModelBuilder& builder) { builder.node("Gather", {"data", "at"}, {"y"}, "the_node"); };
  const auto elements = [](ModelBuilder& builder) {
    builder.node("GatherElements", {"data", "at"}, {"y"}, "the_node");
  };
  const auto scatter = [](ModelBuilder& builder) {
    builder.node("ScatterElements", {"data", "at", "data"}, {"y"}, "the_node");
  };
  for (const auto& [type, build] : std::vector<std::pair<const char*, std::function<void(ModelBuilder&)>>>{
           {"Gather", gather}, {"GatherElements", elements}, {"ScatterElements", scatter}})
    for (std::int64_t index : {std::int64_t{100}, std::int64_t{-101}, std::numeric_limits<std::int64_t>::max(),
                               std::numeric_limits<std::int64_t>::min()}) {
      std::string first;
      for (const std::string& device : m_devices) {
        ModelBuilder builder;
        builder.output("y").weight("data", {2}, {1, 2});
        wholeNumbers(builder, "at", {0, index});
        build(builder);
        auto result = predict(save(builder), device);
        ASSERT_FALSE(result.ok()) << type << " with " << index << " on " << device;
        EXPECT_THAT(result.error().line(), HasSubstr("the_node")) << device;
        if (first.empty()) first = result.error().message;
        EXPECT_EQ(result.error().message, first) << device;
      }
    }
}

/// A loop whose condition stays true, for 2^63-1 rounds.
ModelBuilder endless() {
  ModelBuilder builder;
  builder.output("y").weight("start", {1}, {1});
  wholeNumbers(builder, "trips", {std::numeric_limits<std::int64_t>::max()}, true);
  auto& condition = builder.weight("condition", {}, {});
  condition.set_data_type(onnx::TensorProto::BOOL);
  condition.add_int32_data(1);
  auto& node = builder.node("Loop", {"trips", "condition", "start"}, {"y"}, "the_loop");
  auto* attribute = node.add_attribute();
  attribute->set_name("body");
  attribute->set_type(onnx::AttributeProto::GRAPH);
  auto* body = attribute->mutable_g();
  ModelBuilder::describe(*body->add_input(), "round", {}, onnx::TensorProto::INT64);
  ModelBuilder::describe(*body->add_input(), "go_on", {}, onnx::TensorProto::BOOL);
  ModelBuilder::describe(*body->add_input(), "state", {1});
  ModelBuilder::node(*body, "Identity", {"go_on"}, {"still"});
  ModelBuilder::node(*body, "Neg", {"state"}, {"next"});
  body->add_output()->set_name("still");
  body->add_output()->set_name("next");
  return builder;
}

TEST_F(HostileRun, I25_ALoopWithoutEndStopsWhenToldTo) {
  const std::string model = save(endless());
  for (const std::string& device : m_devices) {
    std::mutex mutex;
    std::condition_variable changed;
    bool started = false;
    std::optional<Error> error;
    bool done = false;
    const std::uint64_t id = m_session.request(
        method::kPredict, {{"model", model}, {"device", device}, {"inputs", Json::array()}},
        [&](Result<Json> reply) {
          const std::lock_guard lock(mutex);
          if (!reply) error = reply.error();
          done = true;
          changed.notify_all();
        },
        [&](const std::string&, const Json&) {
          const std::lock_guard lock(mutex);
          started = true;
          changed.notify_all();
        });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return started || done; });
    // It computes: without a stop, nothing comes back.
    EXPECT_FALSE(changed.wait_for(lock, std::chrono::milliseconds(300), [&] { return done; })) << device;
    lock.unlock();
    const auto asked = std::chrono::steady_clock::now();
    m_session.cancel(id);
    lock.lock();
    changed.wait(lock, [&] { return done; });
    const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - asked).count();
    ASSERT_TRUE(error.has_value()) << device;
    EXPECT_EQ(error->code, ErrorCode::Cancelled) << error->line();
    std::printf("%s: stopped %.1f ms after it was asked to\n", device.c_str(), ms);
    EXPECT_LT(ms, 2000) << device; // 200 ms on a machine that is not busy
  }
}

TEST_F(HostileRun, I29_WeightsThatChangeUnderARunningModelFailTheRunOnly) {
  constexpr std::int64_t kElements = 1 << 20;
  const fs::path data = m_root / "w.bin";
  std::ofstream(data, std::ios::binary) << std::string(4 * kElements, '\0');
  ModelBuilder builder;
  builder.input("x", {kElements}).output("y");
  auto& weight = builder.weight("w", {kElements}, {});
  weight.set_data_location(onnx::TensorProto::EXTERNAL);
  auto* entry = weight.add_external_data();
  entry->set_key("location");
  entry->set_value("w.bin");
  builder.node("Add", {"x", "w"}, {"y"});
  auto opened = call(m_session, method::kOpen, {{"model", save(builder)}});
  ASSERT_TRUE(opened.ok()) << opened.error().line();
  fs::resize_file(data, 1000);
  for (const std::string& device : m_devices) {
    auto result =
        call(m_session, method::kProfile, {{"handle", opened->at("handle")}, {"devices", {device}}, {"repeat", 1}});
    ASSERT_FALSE(result.ok()) << device;
    EXPECT_EQ(result.error().code, ErrorCode::ModelRejected);
    EXPECT_THAT(result.error().line(), HasSubstr("changed while")) << device;
  }
  EXPECT_TRUE(call(m_session, method::kHello, Json::object()).ok());
}

} // namespace
} // namespace tandem::session
