// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/tuning/tuning_database.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace tandem::opencl {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kVariants{"tile 14x2", "tile 8x2", "winograd 4"};

class TuningDatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    m_folder = fs::path(::testing::TempDir()) / (std::string("tandem_tuning_") + test->name());
    fs::remove_all(m_folder);
    fs::create_directories(m_folder);
  }
  void TearDown() override { fs::remove_all(m_folder); }

  fs::path m_folder;
};

fs::path onlyFile(const fs::path& folder) {
  fs::path found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    EXPECT_TRUE(found.empty()) << entry.path() << " beside " << found;
    found = entry.path();
  }
  return found;
}

std::string contentOf(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST_F(TuningDatabaseTest, WhatWasMeasuredIsTakenByALaterProcess) {
  {
    TuningDatabase database(m_folder, "PoCL\n2 units", {});
    database.store("conv 3x3", {"winograd 4", 12.5});
    EXPECT_TRUE(database.save());
  }
  TuningDatabase later(m_folder, "PoCL\n2 units", {});
  DatabasePolicy policy(later);
  EXPECT_EQ(policy.pick("conv 3x3", kVariants), 2u);
  EXPECT_TRUE(later.isMeasured("conv 3x3"));
  EXPECT_DOUBLE_EQ(later.find("conv 3x3")->microseconds, 12.5);
}

TEST_F(TuningDatabaseTest, WithoutKnowledgeTheLikeliestVariantIsTaken) {
  TuningDatabase database({}, "device", {});
  database.store("known", {"a variant of an older version", 3});
  DatabasePolicy policy(database);
  EXPECT_EQ(policy.pick("unknown", kVariants), 0u);
  EXPECT_EQ(policy.pick("known", kVariants), 0u);
}

TEST_F(TuningDatabaseTest, AMeasurementWinsOverAPresetAndForgettingBringsThePresetBack) {
  TuningDatabase database({}, "device", "0\ttile 8x2\tconv 3x3\n");
  DatabasePolicy policy(database);
  EXPECT_EQ(policy.pick("conv 3x3", kVariants), 1u);
  EXPECT_FALSE(database.isMeasured("conv 3x3"));
  database.store("conv 3x3", {"winograd 4", 2});
  EXPECT_EQ(policy.pick("conv 3x3", kVariants), 2u);
  database.clear();
  EXPECT_EQ(policy.pick("conv 3x3", kVariants), 1u);
}

TEST_F(TuningDatabaseTest, AnotherDeviceHasAFileOfItsOwn) {
  TuningDatabase one(m_folder, "driver 1", {});
  one.store("key", {"tile 8x2", 1});
  EXPECT_TRUE(one.save());
  TuningDatabase other(m_folder, "driver 2", {});
  EXPECT_FALSE(other.find("key"));
}

TEST_F(TuningDatabaseTest, DamagedLinesAreLeftOutAndTheRestIsKept) {
  TuningDatabase database(m_folder, "device", {});
  for (int i = 0; i < 20; ++i) database.store("key " + std::to_string(i), {"tile 8x2", 1.5});
  ASSERT_TRUE(database.save());
  const fs::path file = onlyFile(m_folder);
  const std::string whole = contentOf(file);
  // Cut anywhere: whatever is read was written.
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    std::ofstream(file, std::ios::trunc) << whole.substr(0, length);
    TuningDatabase cut(m_folder, "device", {});
    for (int i = 0; i < 20; ++i)
      if (const auto entry = cut.find("key " + std::to_string(i))) {
        EXPECT_EQ(entry->variant, "tile 8x2");
        EXPECT_DOUBLE_EQ(entry->microseconds, 1.5);
      }
  }
  std::ofstream(file, std::ios::trunc) << whole
                                       << "nan\tv\tnot a number\n-1\tv\tnegative\nx\n1\t\tno variant\n2\tv\t\n";
  TuningDatabase damaged(m_folder, "device", {});
  EXPECT_TRUE(damaged.find("key 19"));
  for (const char* key : {"not a number", "negative", "no variant", ""}) EXPECT_FALSE(damaged.find(key)) << key;
}

TEST_F(TuningDatabaseTest, AFileOfAnotherFormatIsNotReadButReplacedOnlyByAFind) {
  TuningDatabase first(m_folder, "device", {});
  first.store("key", {"tile 8x2", 1});
  ASSERT_TRUE(first.save());
  const fs::path file = onlyFile(m_folder);
  std::ofstream(file, std::ios::trunc) << "tandem-tuning 99 device\n1\ttile 8x2\tkey\n";
  TuningDatabase later(m_folder, "device", {});
  EXPECT_FALSE(later.find("key"));
  EXPECT_TRUE(later.save());
  EXPECT_EQ(contentOf(file).substr(0, 16), "tandem-tuning 99");
}

TEST_F(TuningDatabaseTest, TwoProcessesKeepEachOthersFindings) {
  TuningDatabase one(m_folder, "device", {});
  TuningDatabase two(m_folder, "device", {});
  one.store("a", {"tile 8x2", 1});
  two.store("b", {"winograd 4", 2});
  EXPECT_TRUE(one.save());
  EXPECT_TRUE(two.save());
  TuningDatabase later(m_folder, "device", {});
  EXPECT_EQ(later.find("a")->variant, "tile 8x2");
  EXPECT_EQ(later.find("b")->variant, "winograd 4");
}

TEST_F(TuningDatabaseTest, WhereNothingCanBeWrittenTheFindHoldsInTheProcess) {
  const fs::path occupied = m_folder / "file";
  std::ofstream(occupied) << "no folder";
  TuningDatabase database(occupied, "device", {});
  database.store("key", {"tile 8x2", 1});
  EXPECT_FALSE(database.save());
  EXPECT_TRUE(database.find("key"));
}

} // namespace
} // namespace tandem::opencl
