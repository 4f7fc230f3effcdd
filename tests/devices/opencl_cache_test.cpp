// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/binary_cache.hpp"
#include "tests/devices/opencl_shim/opencl_shim.hpp"
#include "tests/devices/opencl_test_util.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace tandem::test {
namespace {

namespace fs = std::filesystem;
using opencl::BinaryCache;
using Bytes = std::vector<unsigned char>;

class OpenClCacheFolder : public testing::Test {
 protected:
  OpenClCacheFolder() {
    std::string pattern = testing::TempDir() + "tandem_cache_XXXXXX";
    m_folder = mkdtemp(pattern.data());
  }
  ~OpenClCacheFolder() override {
    std::error_code ignored;
    fs::permissions(m_folder, fs::perms::owner_all, ignored);
    fs::remove_all(m_folder, ignored);
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(m_folder)) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }
  /// Makes the entry look as if it had been used that long ago.
  void age(const fs::path& file, int hours) const {
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(hours));
  }
  fs::path m_folder;
};

TEST_F(OpenClCacheFolder, GivesBackWhatWasStoredUnderTheSameKeyOnly) {
  const BinaryCache cache(m_folder);
  const Bytes stored{1, 2, 3, 250};
  cache.store("key", stored);
  EXPECT_EQ(cache.load("key"), stored);
  EXPECT_EQ(cache.load("other key"), std::nullopt);
}

TEST_F(OpenClCacheFolder, DamagedCutOffAndForeignEntriesAreAbsent) {
  const BinaryCache cache(m_folder);
  const Bytes stored(1000, 7);
  cache.store("key", stored);
  const fs::path file = files().at(0);
  const auto size = fs::file_size(file);
  for (std::uintmax_t cut : {std::uintmax_t{0}, std::uintmax_t{5}, std::uintmax_t{20}, size - 1}) {
    cache.store("key", stored);
    ASSERT_TRUE(cache.load("key"));
    fs::resize_file(file, cut);
    EXPECT_EQ(cache.load("key"), std::nullopt) << cut;
  }
  for (std::uintmax_t at = 0; at < size; at += 13) {
    cache.store("key", stored);
    std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
    out.seekg(static_cast<std::streamoff>(at));
    const int old = out.get();
    out.seekp(static_cast<std::streamoff>(at));
    out.put(static_cast<char>(old ^ 1));
    out.close();
    EXPECT_EQ(cache.load("key"), std::nullopt) << "byte " << at;
  }
  // Another key's entry under this key's name, as a copied or colliding file would be.
  cache.store("key", stored);
  cache.store("other", Bytes(1000, 8));
  for (const fs::path& each : files())
    if (each != file) fs::copy_file(each, file, fs::copy_options::overwrite_existing);
  EXPECT_EQ(cache.load("key"), std::nullopt);
}

TEST_F(OpenClCacheFolder, KeepsWhatWasUsedLastWithinItsBound) {
  const BinaryCache cache(m_folder, 3500);
  for (const char* key : {"a", "b", "c", "d"}) {
    cache.store(key, Bytes(1000, 1));
    for (const fs::path& file : files()) age(file, 1 + static_cast<int>(files().size()));
  }
  EXPECT_TRUE(cache.load("a")); // used again: no longer the oldest
  const fs::path foreign = m_folder / "notes.txt";
  std::ofstream(foreign) << std::string(5000, 'x');
  const fs::path abandoned = m_folder / "0123.clbin.99.0", fresh = m_folder / "0123.clbin.99.1";
  std::ofstream(abandoned) << "x";
  std::ofstream(fresh) << "x";
  age(abandoned, 3);
  cache.shrink();
  EXPECT_TRUE(cache.load("a"));
  std::uintmax_t total = 0;
  int kept = 0;
  for (const fs::path& file : files())
    if (file.extension() == ".clbin") total += fs::file_size(file), ++kept;
  EXPECT_LE(total, 3500u);
  EXPECT_EQ(kept, 3);
  EXPECT_TRUE(fs::exists(foreign)) << "none of ours";
  EXPECT_FALSE(fs::exists(abandoned));
  EXPECT_TRUE(fs::exists(fresh)) << "its writer may be at work";
}

TEST_F(OpenClCacheFolder, SeveralWritersAndReadersShareAFolder) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const BinaryCache cache(m_folder, 6000);
      for (int i = 0; i < 100; ++i) {
        const auto value = static_cast<unsigned char>((t + i) % 8);
        const std::string key = "key " + std::to_string(value);
        cache.store(key, Bytes(1000, value));
        if (const auto read = cache.load(key); read && *read != Bytes(1000, value)) ++wrong;
        cache.shrink();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  for (const fs::path& file : files()) EXPECT_EQ(file.extension(), ".clbin") << file;
}

struct Lived {
  OpenClBuildCounts counts;
  std::optional<Tensor> output;
  std::string problem;
};

Lived live(const fs::path& folder) {
  Lived lived;
  OpenClOptions options;
  options.cacheDir = folder;
  const OpenClEnumeration found = enumerateOpenCl(options);
  if (found.devices.empty()) return lived;
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({4, 16}, 1));
  b.output(b.add("Softmax", {b.add("Add", {x, b.constant(randomTensor(Shape{16}, 2))})}));
  EXPECT_TRUE(inferShapes(b.graph).ok());
  auto run = DeviceRun::create(*found.devices[0], b.graph, b.feeds);
  auto outputs = run.ok() ? run->run() : run.error();
  if (!outputs.ok())
    lived.problem = outputs.error().line();
  else
    lived.output = (*outputs)[0];
  lived.counts = openClBuildCounts(*found.devices[0]);
  return lived;
}

class OpenClCacheFaults : public OpenClCacheFolder {
 protected:
  void SetUp() override {
    shim::setRules("");
    m_first = live(m_folder);
    if (!m_first.output && m_first.problem.empty()) GTEST_SKIP() << "no OpenCL platform on this machine";
    ASSERT_TRUE(m_first.output) << m_first.problem;
    ASSERT_GT(m_first.counts.built, 0);
  }
  void TearDown() override { shim::setRules(""); }
  void expectSame(const Lived& lived, int built, int loaded) const {
    ASSERT_TRUE(lived.output) << lived.problem;
    EXPECT_EQ(std::memcmp(lived.output->data(), m_first.output->data(), m_first.output->bytes()), 0);
    EXPECT_EQ(lived.counts.built, built);
    EXPECT_EQ(lived.counts.loaded, loaded);
  }
  Lived m_first;
};

TEST_F(OpenClCacheFaults, BinariesThatTheDriverRefusesAreBuiltAnewAndReplaced) {
  const int programs = m_first.counts.built;
  for (const char* fault : {"clCreateProgramWithBinary:1+=-42", "clBuildProgram:1=-11", "clCreateKernel:1=-46"}) {
    SCOPED_TRACE(fault);
    const bool all = std::string(fault).find('+') != std::string::npos;
    for (const fs::path& file : files()) age(file, 5);
    shim::setRules(fault);
    expectSame(live(m_folder), all ? programs : 1, all ? 0 : programs - 1);
    int replaced = 0;
    for (const fs::path& file : files())
      replaced += fs::last_write_time(file) > fs::file_time_type::clock::now() - std::chrono::hours(4);
    EXPECT_EQ(replaced, programs) << "loaded ones are marked as used, rebuilt ones are new";
    shim::setRules("");
    expectSame(live(m_folder), 0, programs);
  }
}

TEST_F(OpenClCacheFaults, AReadOnlyFolderIsReadAndOneWithoutRightsIsDoneWithout) {
  const int programs = m_first.counts.built;
  // The superuser may write everywhere, so that the folder is made one that nobody can write to, too.
  fs::permissions(m_folder, fs::perms::owner_read | fs::perms::owner_exec);
  expectSame(live(m_folder), 0, programs);
  fs::permissions(m_folder, fs::perms::owner_all);
  const fs::path file = m_folder / "not a folder";
  std::ofstream(file) << "x";
  expectSame(live(file), programs, 0);
  expectSame(live("/proc/tandem"), programs, 0);
  if (geteuid() == 0) return;
  fs::permissions(m_folder, fs::perms::none);
  expectSame(live(m_folder), programs, 0);
}

TEST_F(OpenClCacheFaults, WhereADriverDoesNotSayWhatItIsNothingIsReadOrKept) {
  std::size_t infos = 0;
  shim::setRules("");
  live(m_folder);
  for (std::size_t n = 1; n <= shim::calls(); ++n) infos += shim::nameOfCall(n) == "clGetPlatformInfo";
  ASSERT_GT(infos, 0u);
  shim::setRules("clGetPlatformInfo:" + std::to_string(infos) + "=-30");
  expectSame(live(m_folder), m_first.counts.built, 0);
}

} // namespace
} // namespace tandem::test
