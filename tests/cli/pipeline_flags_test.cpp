// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/pipeline_flags.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

struct Parsed {
  PipelineFlags flags;
  bool accepted = false;
  Json params = Json::object();

  explicit Parsed(std::vector<std::string> arguments) {
    CLI::App app;
    flags.addOptions(app);
    std::reverse(arguments.begin(), arguments.end()); // as CLI11 takes them
    try {
      app.parse(arguments);
      accepted = true;
      flags.addTo(params);
      given = flags.given();
      flags.applyTo(spec);
    } catch (const CLI::ParseError&) {}
  }
  bool given = false;
  session::PipelineSpec spec{7, 9, "1", false}; ///< as a deployment file might have it
};

TEST(PipelineFlags, SayNothingWhereNoneIsGiven) {
  const Parsed parsed({});
  ASSERT_TRUE(parsed.accepted);
  EXPECT_FALSE(parsed.given);
  EXPECT_EQ(parsed.params, Json::object());
  EXPECT_EQ(parsed.spec, (session::PipelineSpec{7, 9, "1", false}));
}

TEST(PipelineFlags, BecomeWhatTheSessionReads) {
  const Parsed parsed({"--preprocess-threads", "2", "--prefetch", "6", "--preprocess-cores", "0", "--shuffle"});
  ASSERT_TRUE(parsed.accepted);
  EXPECT_EQ(parsed.params, Json::parse(R"({"pipeline":{"threads":2,"prefetch":6,"cores":"0","shuffle":true}})"));
  const auto spec = session::decodePipelineSpec(parsed.params);
  ASSERT_TRUE(spec.ok()) << spec.error().line();
  EXPECT_EQ(**spec, parsed.spec);
}

TEST(PipelineFlags, WinOverADeploymentFileOneByOne) {
  const Parsed parsed({"--prefetch", "6"});
  ASSERT_TRUE(parsed.accepted);
  EXPECT_EQ(parsed.spec, (session::PipelineSpec{7, 6, "1", false}));
  EXPECT_EQ(parsed.params, Json::parse(R"({"pipeline":{"threads":1,"prefetch":6}})"));
}

TEST(PipelineFlags, OutOfRangeAreRefused) {
  for (const char* threads : {"0", "257", "-1", "many"})
    EXPECT_FALSE(Parsed({"--preprocess-threads", threads}).accepted);
  for (const char* prefetch : {"0", "4097"}) EXPECT_FALSE(Parsed({"--prefetch", prefetch}).accepted);
}

} // namespace
} // namespace tandem::cli
