// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/atomic_file.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace tandem {
namespace {

namespace fs = std::filesystem;

class AtomicFile : public testing::Test {
 protected:
  void SetUp() override {
    m_folder = fs::path(testing::TempDir()) / ("tandem_atomic_" + std::to_string(::getpid()));
    fs::create_directories(m_folder);
  }
  void TearDown() override { fs::remove_all(m_folder); }
  static std::string read(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
  }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(m_folder), fs::directory_iterator()));
  }
  fs::path m_folder;
};

TEST_F(AtomicFile, ReplacesContentAndLeavesNothingElse) {
  const fs::path file = m_folder / "a.json";
  ASSERT_TRUE(writeFileAtomically(file, "old and longer").ok());
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  ASSERT_TRUE(writeFileAtomically(file, "new").ok());
  EXPECT_EQ(read(file), "new");
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0640));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(AtomicFile, KeepsSymbolicLinks) {
  const fs::path file = m_folder / "a.json";
  ASSERT_TRUE(writeFileAtomically(file, "old").ok());
  fs::create_symlink("a.json", m_folder / "link");
  ASSERT_TRUE(writeFileAtomically(m_folder / "link", "new").ok());
  EXPECT_TRUE(fs::is_symlink(m_folder / "link"));
  EXPECT_EQ(read(file), "new");
}

TEST_F(AtomicFile, WritesPipesInPlace) {
  const fs::path pipe = m_folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::fstream reader(pipe, std::ios::in | std::ios::out); // both ways, so that neither end waits for the other
  ASSERT_TRUE(writeFileAtomically(pipe, "text\n").ok());
  std::string line;
  std::getline(reader, line);
  EXPECT_EQ(line, "text");
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_TRUE(writeFileAtomically("/dev/null", "text").ok());
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(AtomicFile, FailsWithTheReason) {
  const Error missing = writeFileAtomically(m_folder / "no" / "a", "x").error();
  EXPECT_EQ(missing.code, ErrorCode::OutputFailed);
  EXPECT_NE(missing.hint.find("does not exist"), std::string::npos);
  EXPECT_EQ(writeFileAtomically(m_folder, "x").error().code, ErrorCode::OutputFailed);
  EXPECT_EQ(entries(), 0u);
}

} // namespace
} // namespace tandem
