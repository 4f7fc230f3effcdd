// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/error.hpp"

#include "engine/base/cancel.hpp"
#include "engine/base/problems.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <thread>

namespace tandem {
namespace {

TEST(Error, LineHasMessagePlaceAndHint) {
  EXPECT_EQ(makeError(ErrorCode::Usage, "no device 'X'", "--device", "one of CPU:0").line(),
            "no device 'X' (--device): one of CPU:0");
  EXPECT_EQ(makeError(ErrorCode::Usage, "broken").line(), "broken");
  EXPECT_EQ(makeError(ErrorCode::Usage, "broken", "a.onnx").line(), "broken (a.onnx)");
  EXPECT_EQ(makeError(ErrorCode::Usage, "broken", {}, "mend it").line(), "broken: mend it");
}

TEST(Error, LineIsOneLineWithoutControlCharacters) {
  const std::string line = makeError(ErrorCode::Usage, "a\nb\x1b[31m", "c\td", "e\x7f").line();
  EXPECT_EQ(line, "a b [31m (c d): e ");
}

TEST(ProblemList, OneProblemStaysWhatItIs) {
  ProblemList problems;
  EXPECT_TRUE(problems.empty());
  problems.add(makeError(ErrorCode::ModelRejected, "broken", "node 'a'", "mend it"));
  const Error error = problems.toError("the model", "m.onnx");
  EXPECT_EQ(error.line(), "broken (m.onnx, node 'a'): mend it");
  EXPECT_TRUE(error.problems.empty());
}

TEST(ProblemList, SeveralAreListedEachOnOneLine) {
  ProblemList problems;
  problems.add(makeError(ErrorCode::ModelRejected, "bad name 'a\n- forged'", "m.onnx", "export again"));
  problems.add(makeError(ErrorCode::ModelRejected, "cycle", "node 'b'", "another hint"));
  const Error error = problems.toError("the model", "m.onnx");
  EXPECT_EQ(error.line(), "the model has 2 problems (m.onnx): export again");
  EXPECT_EQ(error.problems, (std::vector<std::string>{"bad name 'a - forged'", "cycle (node 'b')"}));
  ProblemList outer;
  outer.addAll(error);
  EXPECT_EQ(outer.count(), 2u);
}

TEST(ProblemList, KeepsFiftyAndCountsTheRest) {
  ProblemList problems;
  for (int i = 0; i < 1000; ++i) problems.add(makeError(ErrorCode::ModelRejected, std::to_string(i)));
  const Error error = problems.toError("the file", "f");
  EXPECT_EQ(error.message, "the file has 1000 problems");
  EXPECT_EQ(error.problems.size(), 51u);
  EXPECT_EQ(error.problems.back(), "and 950 more");
}

TEST(Error, ExitCodesAreThoseOfTheDesign) {
  const std::vector<std::pair<ErrorCode, int>> expected{
      {ErrorCode::Usage, 2},       {ErrorCode::ModelRejected, 3}, {ErrorCode::InputRejected, 3},
      {ErrorCode::Unsupported, 3}, {ErrorCode::DeviceFailed, 4},  {ErrorCode::OutputFailed, 1},
      {ErrorCode::Cancelled, 5},   {ErrorCode::WorkerLost, 4},    {ErrorCode::Mismatch, 1},
      {ErrorCode::Internal, 1},
  };
  for (const auto& [code, exit] : expected) {
    EXPECT_EQ(exitCode(code), exit) << toString(code);
    EXPECT_EQ(errorCodeFrom(toString(code)), code);
  }
  EXPECT_EQ(toString(ErrorCode::ModelRejected), "model-rejected");
  EXPECT_FALSE(errorCodeFrom("no-such-code"));
}

Result<int> half(int number) {
  if (number % 2 != 0) return makeError(ErrorCode::InputRejected, "odd");
  return number / 2;
}
Result<void> check(int number) {
  if (number > 100) return makeError(ErrorCode::InputRejected, "large");
  return {};
}
Result<std::unique_ptr<int>> quarter(int number) {
  TANDEM_TRY(check(number));
  const int once = TANDEM_TRY(half(number));
  return std::make_unique<int>(TANDEM_TRY(half(once)));
}

TEST(Result, TryUnwrapsValuesAndReturnsTheFirstError) {
  auto good = quarter(12);
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(**good, 3);
  const std::unique_ptr<int> moved = *std::move(good);
  EXPECT_EQ(*moved, 3);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_EQ(quarter(101).error().message, "large");
  EXPECT_FALSE(quarter(101));
}

TEST(Result, TakingTheValueOfAnErrorIsABug) {
#ifdef TANDEM_ASSERTS
  EXPECT_DEATH(half(1).value(), "internal error");
  EXPECT_DEATH(check(1).error(), "internal error");
#else
  EXPECT_FALSE(half(1).ok());
#endif
}

TEST(CancelToken, CopiesShareTheRequest) {
  const CancelToken token;
  const CancelToken copy = token;
  const CancelToken other;
  EXPECT_TRUE(copy.check().ok());
  std::thread([&] { token.cancel(); }).join();
  EXPECT_TRUE(copy.cancelled());
  EXPECT_EQ(copy.check().error().code, ErrorCode::Cancelled);
  EXPECT_FALSE(other.cancelled());
}

} // namespace
} // namespace tandem
