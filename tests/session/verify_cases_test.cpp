// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/verify_cases.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace tandem::session {
namespace {

namespace fs = std::filesystem;

class VerifyCases : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    m_root = fs::path(testing::TempDir()) / (std::string("tandem_verify_cases_") + test->name());
    fs::remove_all(m_root);
  }
  void touch(const fs::path& file, const std::string& text = "") {
    fs::create_directories((m_root / file).parent_path());
    std::ofstream(m_root / file) << text;
  }
  fs::path m_root;
};

TEST_F(VerifyCases, FindsBothLayoutsBelowAFolder) {
  touch("node/test_add/model.onnx");
  touch("node/test_add/test_data_set_0/input_0.pb");
  touch("real/net.onnx");
  touch("real/test_data/net/test_data_set_0/input_0.pb");
  touch("real/test_data/net/test_data_set_1/input_0.pb");
  const auto cases = findCases(m_root);
  ASSERT_TRUE(cases.ok()) << cases.error().line();
  ASSERT_EQ(cases->size(), 3u);
  EXPECT_EQ((*cases)[0].name, "node/test_add/test_data_set_0");
  EXPECT_EQ((*cases)[2].model.filename(), "net.onnx");
  EXPECT_FALSE((*cases)[0].rtol.has_value());
}

TEST_F(VerifyCases, TakesTolerancesAndTierFromAManifestAbove) {
  touch("manifest.csv", "id,note,rtol,atol,tier\nnode/test_add,\"a, b\",0.5,0.25,2\n");
  touch("node/test_add/model.onnx");
  touch("node/test_add/test_data_set_0/input_0.pb");
  const auto cases = findCases(m_root / "node");
  ASSERT_TRUE(cases.ok());
  EXPECT_EQ((*cases)[0].rtol, 0.5);
  EXPECT_EQ((*cases)[0].atol, 0.25);
  EXPECT_EQ((*cases)[0].tier, 2);
}

TEST_F(VerifyCases, AMissingFolderAndAnEmptyOneAreErrors) {
  EXPECT_EQ(findCases(m_root / "nowhere").error().code, ErrorCode::InputRejected);
  fs::create_directories(m_root);
  EXPECT_EQ(findCases(m_root).error().code, ErrorCode::InputRejected);
}

} // namespace
} // namespace tandem::session
