// SPDX-License-Identifier: GPL-3.0-or-later
// Inputs that do not fit a model or hold odd numbers, and files that do not answer: I30, N5, N6 and N7 of the table in
// tests/formats/README.md.
#include "tests/session/hostile_run.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdarg>
#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <limits>
#include <string_view>

namespace {

/// A file of this name is on a network folder whose server is gone: opening it does not return.
constexpr std::string_view kSilent = "does_not_answer.onnx";
std::atomic<int> g_waiting{0};
std::atomic<bool> g_answers{false};

} // namespace

/// In place of the C library's, for the whole program.
extern "C" int open(const char* path, int flags, ...) { // NOLINT: the name is the point
  using Open = int (*)(const char*, int, mode_t);
  static const auto real = reinterpret_cast<Open>(::dlsym(RTLD_NEXT, "open"));
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  if (!std::string_view(path).ends_with(kSilent)) return real(path, flags, mode);
  ++g_waiting;
  g_waiting.notify_all();
  g_answers.wait(false);
  --g_waiting;
  g_waiting.notify_all();
  errno = EIO;
  return -1;
}

namespace tandem::session {
namespace {

using tandem::testing::ModelBuilder;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// Lets the file answer when the test ends, and waits until nobody is in it any more.
struct Network {
  Network() { g_answers = false; }
  ~Network() {
    g_answers = true;
    g_answers.notify_all();
    for (int waiting = g_waiting; waiting != 0; waiting = g_waiting) g_waiting.wait(waiting);
  }
  static void waitForOne() { g_waiting.wait(0); }
};

TEST_F(HostileRun, I30_OpeningAFileThatDoesNotAnswerHoldsNobodyUpAndCanBeCancelled) {
  const auto model = call(m_session, method::kOpen, {{"model", "sample:mnist"}});
  ASSERT_TRUE(model.ok()) << model.error().line();
  const Network network;
  const std::string path = write(std::string(kSilent), "never read");
  Awaited opening(m_session, method::kOpen, {{"model", path}});
  Network::waitForOne();
  // What is open stays usable, and other requests are answered.
  EXPECT_TRUE(call(m_session, method::kHello, Json::object()).ok());
  EXPECT_TRUE(call(m_session, method::kPlacement, {{"handle", model->at("handle")}, {"device", "CPU:0"}}).ok());
  EXPECT_TRUE(
      call(m_session, method::kProfile, {{"handle", model->at("handle")}, {"devices", {"CPU:0"}}, {"repeat", 1}}).ok());
  EXPECT_FALSE(opening.isDoneWithin(std::chrono::milliseconds(0)));
  opening.cancel();
  ASSERT_TRUE(opening.isDoneWithin(std::chrono::seconds(20)));
  const Result<Json> reply = opening.reply();
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::Cancelled);
  EXPECT_THAT(reply.error().line(), AllOf(HasSubstr("did not answer"), HasSubstr(path)));
  // Nothing of it stands in the way of the next file.
  EXPECT_TRUE(call(m_session, method::kOpen, {{"model", "sample:mnist"}}).ok());
}

TEST_F(HostileRun, I30_ASessionEndsAlthoughAFileDoesNotAnswer) {
  const Network network;
  const std::string path = write(std::string(kSilent), "never read");
  std::optional<Error> error;
  {
    LocalSession session;
    session.request(method::kOpen, {{"model", path}}, [&](Result<Json> reply) { error = reply.error(); }, {});
    Network::waitForOne();
  }
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, ErrorCode::Cancelled);
}

class HostileInput : public HostileRun {
 protected:
  /// y = Relu(image), [N, 3, 2, 2].
  std::string pictureModel() const {
    ModelBuilder builder;
    builder.input("image", {1, 3, 2, 2}).output("y").node("Relu", {"image"}, {"y"});
    builder.graph()
        .mutable_input(0)
        ->mutable_type()
        ->mutable_tensor_type()
        ->mutable_shape()
        ->mutable_dim(0)
        ->set_dim_param("N");
    return save(builder);
  }
  std::string refusal(const std::string& model, const std::string& device, const std::string& file) {
    auto result = predict(model, device, {file});
    EXPECT_FALSE(result.ok()) << file;
    return result.ok() ? std::string() : result.error().line();
  }
};

TEST_F(HostileInput, N5_WhatDoesNotFitIsToldBesideWhatWasExpected) {
  const std::string model = pictureModel();
  const std::vector<float> numbers(24, 1);
  for (const std::string& device : m_devices) {
    const auto refused = [&](const std::string& file) { return refusal(model, device, file); };
    const std::string wanted = "expected [N,3,2,2] float32, got ";
    EXPECT_THAT(refused(npy("rank.npy", "<f4", "(3, 2, 4)", numbers)),
                AllOf(HasSubstr(wanted + "[3,2,4] float32"), HasSubstr("image")));
    EXPECT_THAT(refused(npy("shape.npy", "<f4", "(1, 6, 2, 2)", numbers)), HasSubstr(wanted + "[1,6,2,2] float32"));
    EXPECT_THAT(refused(npy("scalar.npy", "<f4", "()", std::vector<float>(1))), HasSubstr(wanted + "[] float32"));
    EXPECT_THAT(refused(npy("type.npy", "<f8", "(1, 3, 2, 2)", std::vector<double>(12))),
                HasSubstr(wanted + "[1,3,2,2] float64"));
    EXPECT_THAT(refused(npy("whole.npy", "<i8", "(1, 3, 2, 2)", std::vector<std::int64_t>(12))),
                HasSubstr(wanted + "[1,3,2,2] int64"));
    EXPECT_TRUE(predict(model, device, {npy("right.npy", "<f4", "(2, 3, 2, 2)", numbers)}).ok()) << device;
  }
}

/// Files give symbols their sizes; two files that disagree about one are told so, not run.
TEST_F(HostileInput, N5_OneSymbolIsOneSize) {
  ModelBuilder builder;
  builder.input("a", {1, 2}).input("b", {1, 2}).output("y").node("Add", {"a", "b"}, {"y"}, "the_node");
  for (int i : {0, 1})
    builder.graph()
        .mutable_input(i)
        ->mutable_type()
        ->mutable_tensor_type()
        ->mutable_shape()
        ->mutable_dim(0)
        ->set_dim_param("N");
  const std::string model = save(builder);
  const std::string two = npy("two.npy", "<f4", "(2, 2)", std::vector<float>(4));
  const std::string three = npy("three.npy", "<f4", "(3, 2)", std::vector<float>(6));
  for (const std::string& device : m_devices) {
    EXPECT_TRUE(predict(model, device, {two, two}).ok()) << device;
    auto result = predict(model, device, {two, three});
    ASSERT_FALSE(result.ok()) << device;
    EXPECT_THAT(result.error().line(), AllOf(HasSubstr("2x2"), HasSubstr("3x2"), HasSubstr("the_node"))) << device;
  }
}

/// Where no file gives a symbol its size, a guess is said to be one, and a size that does not exist is refused.
TEST_F(HostileInput, N5_ASymbolWithoutASizeIsListedAsOpen) {
  ModelBuilder builder;
  builder.input("x", {1, 1}).output("y").node("Relu", {"x"}, {"y"});
  auto* shape = builder.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape->mutable_dim(1)->set_dim_param("length");
  const std::string model = save(builder);
  auto opened = call(m_session, method::kOpen, {{"model", model}});
  ASSERT_TRUE(opened.ok()) << opened.error().line();
  const Json open = opened->at("free_dims");
  ASSERT_EQ(open.size(), 1u);
  EXPECT_EQ(open[0]["key"], "length");
  EXPECT_EQ(open[0]["chosen"], false);
  for (const std::int64_t size : {std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()})
    EXPECT_FALSE(call(m_session, method::kProfile,
                      {{"model", model}, {"dims", {{"length", size}}}, {"devices", {"CPU:0"}}, {"repeat", 1}})
                     .ok())
        << size;
}

TEST_F(HostileInput, N5_ABatchOfNothingIsAnEmptyResultOrAnErrorAlikeOnEveryDevice) {
  const std::string model = pictureModel();
  const std::string empty = npy("empty.npy", "<f4", "(0, 3, 2, 2)", std::vector<float>());
  std::optional<std::string> first;
  for (const std::string& device : m_devices) {
    auto result = predict(model, device, {empty});
    const std::string text =
        result.ok() ? result->at("predictions")[0]["outputs"][0]["shape"].dump() : result.error().message;
    EXPECT_TRUE(!result.ok() || text == "[0,3,2,2]") << text;
    if (!first) first = text;
    EXPECT_EQ(text, *first) << device;
  }
}

TEST_F(HostileInput, N6_PicturesOfOtherKindsAreNamedAndRefusedUnopened) {
  const std::string model = pictureModel();
  const std::vector<std::pair<const char*, std::string>> pictures{
      {"frames.gif", "GIF89a"},
      {"entity.svg", "<!DOCTYPE svg [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><svg>&x;</svg>"},
      {"bomb.tiff", std::string("II*\0\xff\xff\xff\xff", 8)},
      {"bomb.tif", std::string("MM\0*\xff\xff\xff\xff", 8)},
      {"moving.webp", "RIFF\xff\xff\xff\xff"
                      "WEBPVP8X"}};
  for (const auto& [name, bytes] : pictures) {
    const std::string extension = std::filesystem::path(name).extension().string();
    EXPECT_THAT(refusal(model, "CPU:0", write(name, bytes)), AllOf(HasSubstr(extension), HasSubstr(name)));
    // A name that hides what it is: the bytes decide.
    EXPECT_THAT(refusal(model, "CPU:0", write("renamed.png", bytes)), HasSubstr("renamed.png")) << name;
  }
}

/// What `model` gives for `file`, from the output file.
class OddNumbers : public HostileInput {
 protected:
  std::string outputOf(const std::string& model, const std::string& device, const std::string& file) {
    const std::filesystem::path folder = m_root / "out";
    std::filesystem::remove_all(folder);
    auto result = call(m_session, method::kPredict,
                       {{"model", model}, {"device", device}, {"inputs", {file}}, {"output_dir", folder.string()}});
    if (!result) return result.error().message;
    std::ifstream in(folder / "0_y.npy", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(OddNumbers, N7_NanAndInfinityGoThroughAlikeOnEveryDevice) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const std::string file = npy("odd.npy", "<f4", "(1, 4)", std::vector<float>{nan, infinity, -infinity, 1});
  for (const char* type : {"Neg", "Abs", "Floor", "Sqrt"}) {
    ModelBuilder builder;
    builder.input("x", {1, 4}).output("y").node(type, {"x"}, {"y"});
    const std::string model = save(builder);
    for (const std::string& device : m_devices) {
      const std::string bytes = outputOf(model, device, file);
      ASSERT_GT(bytes.size(), 16u) << bytes;
      float values[4];
      bytes.copy(reinterpret_cast<char*>(values), 16, bytes.size() - 16);
      const std::string what = std::string(type) + " on " + device;
      EXPECT_TRUE(std::isnan(values[0])) << what;
      EXPECT_TRUE(std::isinf(values[1])) << what;
      EXPECT_EQ(std::signbit(values[1]), std::string(type) == "Neg") << what;
      EXPECT_EQ(std::isnan(values[2]), std::string(type) == "Sqrt") << what;
      EXPECT_EQ(std::abs(values[3]), 1) << what;
    }
  }
}

/// Classes are ranked, and NaN is in no order: it comes last, and the reply stays readable.
TEST_F(OddNumbers, N7_ClassesThatAreNotNumbersAreRankedLast) {
  ModelBuilder builder;
  builder.input("x", {1, 40}).output("y").node("Relu", {"x"}, {"y"});
  const std::string model = save(builder);
  std::vector<float> scores(40, std::numeric_limits<float>::quiet_NaN());
  scores[7] = 2;
  const std::string some = npy("some.npy", "<f4", "(1, 40)", scores);
  for (const std::string& device : m_devices) {
    auto result = predict(model, device, {some});
    ASSERT_TRUE(result.ok()) << result.error().line();
    const auto received = parseJson(result->dump(), "the reply"); // as a worker's client gets it
    ASSERT_TRUE(received.ok());
    auto predictions = decodePredictions(*received);
    ASSERT_TRUE(predictions.ok()) << device << ": " << predictions.error().line();
    EXPECT_EQ(predictions->front().top.size(), 5u);
  }
}

TEST_F(OddNumbers, N7_EmptyTensorsAndScalarsRunAlikeOnEveryDevice) {
  struct Case {
    std::vector<std::int64_t> dims;
    const char* shape; ///< as .npy files write it
    std::size_t count;
  };
  for (const Case& each : {Case{{}, "()", 1}, Case{{0}, "(0,)", 0}, Case{{2, 0, 3}, "(2,0,3,)", 0}}) {
    ModelBuilder builder;
    builder.input("x", each.dims).output("y").node("Neg", {"x"}, {"h"});
    builder.node("Add", {"h", "h"}, {"y"});
    const std::string model = save(builder);
    const std::string file = npy("x.npy", "<f4", each.shape, std::vector<float>(each.count, 3));
    std::string first;
    for (const std::string& device : m_devices) {
      const std::string bytes = outputOf(model, device, file);
      ASSERT_TRUE(bytes.starts_with("\x93NUMPY")) << each.shape << " on " << device << ": " << bytes;
      EXPECT_THAT(bytes, HasSubstr(each.shape)) << device;
      if (first.empty()) first = bytes;
      EXPECT_EQ(bytes, first) << each.shape << " on " << device;
    }
  }
}

} // namespace
} // namespace tandem::session
