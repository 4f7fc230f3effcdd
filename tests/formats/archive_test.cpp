// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/archive/zip_archive.hpp"
#include "tests/formats/zip_builder.hpp"

#include <gmock/gmock.h>

#include <random>

namespace tandem {
namespace {

using ::testing::HasSubstr;
using testing::ZipBuilder;

Result<ZipArchive> openZip(const std::string& file, const ZipLimits& limits = {}) {
  auto owner = std::make_shared<std::string>(file);
  return ZipArchive::open(std::as_bytes(std::span(owner->data(), owner->size())), owner, "a.zip",
                          ErrorCode::InputRejected, limits);
}

std::string text(const ZipContent& content) {
  return {reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()};
}

/// The message that refuses `file`; empty where it opens.
std::string refusal(const std::string& file) {
  auto archive = openZip(file);
  return archive.ok() ? std::string() : archive.error().line();
}

std::string noise(std::size_t size) {
  std::mt19937 random(7);
  std::string result(size, '\0');
  for (char& c : result) c = static_cast<char>(random());
  return result;
}

TEST(ZipArchive, ReadsStoredAndDeflatedEntries) {
  const std::string large = noise(3000) + std::string(2000, 'x');
  auto archive = openZip(ZipBuilder()
                             .add({.name = "a.npy", .content = "hello"})
                             .add({.name = "folder/", .mode = 040755})
                             .add({.name = "folder/input:0.npy", .content = large, .deflate = true})
                             .add({.name = "empty", .deflate = true})
                             .finish());
  ASSERT_TRUE(archive.ok()) << archive.error().line();
  ASSERT_EQ(archive->entries().size(), 3U);
  EXPECT_EQ(archive->entries()[0].name, "a.npy");
  EXPECT_EQ(archive->entries()[1].bytes, 5000);
  EXPECT_EQ(text(*archive->read(0)), "hello");
  EXPECT_EQ(text(*archive->read(1)), large);
  EXPECT_EQ(text(*archive->read(2)), "");
  EXPECT_EQ(archive->find("folder/input:0.npy"), 1U);
  EXPECT_EQ(archive->find("b"), std::nullopt);
}

TEST(ZipArchive, AStoredEntryIsAViewThatOutlivesTheArchive) {
  ZipContent content;
  {
    auto archive = openZip(ZipBuilder().add({.name = "a", .content = "still here"}).finish());
    ASSERT_TRUE(archive.ok());
    content = *archive->read(0);
  }
  EXPECT_EQ(text(content), "still here");
}

TEST(ZipArchive, OpensAnEmptyArchiveAndOneWithAComment) {
  EXPECT_EQ(refusal(ZipBuilder().finish()), "");
  std::string file = ZipBuilder().add({.name = "a", .content = "x"}).finish();
  file[file.size() - 2] = 4;
  EXPECT_EQ(refusal(file + "note"), "");
}

TEST(ZipArchive, ReadsAZip64Directory) {
  ZipBuilder zip;
  zip.add({.name = "a", .content = "x"});
  const std::string file = zip.finish64(1, zip.central().size(), zip.file().size());
  auto archive = openZip(file);
  ASSERT_TRUE(archive.ok()) << archive.error().line();
  EXPECT_EQ(text(*archive->read(0)), "x");
}

TEST(ZipArchive, RefusesZip64LiesBeforeAllocating) {
  ZipBuilder zip;
  zip.add({.name = "a", .content = "x"});
  const std::uint64_t size = zip.central().size();
  const std::uint64_t offset = zip.file().size();
  EXPECT_THAT(refusal(zip.finish64(~0ULL, size, offset)), HasSubstr("more than the 65535 allowed"));
  EXPECT_THAT(refusal(zip.finish64(1000, size, offset)), HasSubstr("too short for its entries"));
  EXPECT_THAT(refusal(zip.finish64(1, ~0ULL, offset)), HasSubstr("not where the archive says"));
  EXPECT_THAT(refusal(zip.finish64(1, size, ~0ULL)), HasSubstr("not where the archive says"));
  EXPECT_THAT(refusal(zip.finish64(1, size, offset + 1)), HasSubstr("not where the archive says"));
  std::string file = zip.finish64(1, size, offset);
  file.replace(file.size() - 22 - 12, 8, ZipBuilder::number(~0ULL - 10, 8)); // where the zip64 record is
  EXPECT_THAT(refusal(file), HasSubstr("contradicts"));
  file = zip.finish();
  file.replace(file.size() - 12, 2, ZipBuilder::number(0xffff, 2)); // saturated, but there is no zip64 record
  file.replace(file.size() - 14, 2, ZipBuilder::number(0xffff, 2));
  EXPECT_THAT(refusal(file), HasSubstr("zip64 directory is missing"));
}

TEST(ZipArchive, RefusesAMillionEntries) {
  ZipBuilder zip;
  for (int i = 0; i < 1'000'000; ++i) zip.central() += std::string(46, 'x');
  EXPECT_THAT(refusal(zip.finish64(1'000'000, zip.central().size(), 0)), HasSubstr("1000000 entries, more than"));
}

TEST(ZipArchive, RefusesWhatExpandsTooFar) {
  const std::string zeros(20 << 20, '\0');
  EXPECT_THAT(refusal(ZipBuilder().add({.name = "a", .content = zeros, .deflate = true}).finish()),
              HasSubstr("claims to expand"));
  // Each entry alone is within the free size; together they are not.
  ZipBuilder zip;
  for (int i = 0; i < 40; ++i)
    zip.add({.name = std::to_string(i), .content = zeros.substr(0, 4 << 20), .deflate = true});
  EXPECT_THAT(refusal(zip.finish()), HasSubstr("claims to expand"));
  // A picture of zeros is genuine.
  auto small = openZip(ZipBuilder().add({.name = "a", .content = zeros.substr(0, 602112), .deflate = true}).finish());
  ASSERT_TRUE(small.ok()) << small.error().line();
  EXPECT_EQ(small->read(0)->bytes.size(), 602112U);
}

TEST(ZipArchive, RefusesSizesThatTheBytesContradict) {
  const std::string content = noise(500);
  for (std::uint64_t claimed : {499, 501, 5000}) {
    ZipBuilder zip;
    zip.add({.name = "a", .content = content, .deflate = true});
    zip.file().replace(22, 4, ZipBuilder::number(claimed, 4));
    zip.central().replace(24, 4, ZipBuilder::number(claimed, 4));
    auto archive = openZip(zip.finish());
    ASSERT_TRUE(archive.ok()) << archive.error().line();
    auto read = archive->read(0);
    ASSERT_FALSE(read.ok());
    EXPECT_THAT(read.error().line(), HasSubstr("damaged"));
  }
  ZipBuilder zip;
  zip.add({.name = "a", .content = content, .deflate = true});
  zip.central().replace(24, 4, ZipBuilder::number(501, 4));
  EXPECT_THAT(refusal(zip.finish()), HasSubstr("contradicts the directory"));
}

TEST(ZipArchive, RefusesOverlappingEntries) {
  ZipBuilder zip;
  zip.add({.name = "a", .content = std::string(200, 'x')});
  const std::string first = zip.central();
  ZipBuilder inner; // a second header inside the first entry's bytes
  inner.add({.name = "b", .content = "y"});
  zip.file().replace(100, inner.file().size(), inner.file());
  std::string second = inner.central();
  second.replace(42, 4, ZipBuilder::number(100, 4));
  zip.central() = first + second;
  EXPECT_THAT(refusal(zip.finish(2)), HasSubstr("share bytes"));
  zip.central() = second + first;
  EXPECT_THAT(refusal(zip.finish(2)), HasSubstr("share bytes"));
}

TEST(ZipArchive, RefusesNamesThatLeaveTheArchive) {
  for (const char* name :
       {"../a", "a/../../b", "/etc/passwd", "C:/a", "a\\b", "a//b", "./a", "a/..", "..", ".", "new\nline", "\xff\xfe"})
    EXPECT_NE(refusal(ZipBuilder().add({.name = name, .content = "x"}).finish()), "") << name;
  EXPECT_NE(refusal(ZipBuilder().add({.name = std::string("a\0b", 3), .content = "x"}).finish()), "");
  EXPECT_NE(refusal(ZipBuilder().add({.name = "", .content = "x"}).finish()), "");
  EXPECT_EQ(refusal(ZipBuilder().add({.name = "..a/b..", .content = "x"}).finish()), "");
  EXPECT_EQ(refusal(ZipBuilder().add({.name = "\xc3\xa4/\xe6\x96\x87.npy", .content = "x"}).finish()), "");
}

TEST(ZipArchive, RefusesLinksEncryptionDuplicatesAndOtherMethods) {
  EXPECT_THAT(refusal(ZipBuilder().add({.name = "a", .content = "/etc/passwd", .mode = 0120777}).finish()),
              HasSubstr("link"));
  EXPECT_THAT(refusal(ZipBuilder().add({.name = "a", .mode = 0020666}).finish()), HasSubstr("special file"));
  EXPECT_THAT(refusal(ZipBuilder().add({.name = "a", .content = "x", .flags = 1}).finish()), HasSubstr("encrypted"));
  EXPECT_THAT(refusal(ZipBuilder().add({.name = "a"}).add({.name = "a"}).finish()), HasSubstr("same name"));
  EXPECT_THAT(refusal(ZipBuilder().add({.name = "a", .content = "x", .localName = "b"}).finish()),
              HasSubstr("contradicts"));
  ZipBuilder zip;
  zip.add({.name = "a", .content = "x"});
  zip.file().replace(8, 2, ZipBuilder::number(12, 2));
  zip.central().replace(10, 2, ZipBuilder::number(12, 2));
  EXPECT_THAT(refusal(zip.finish()), HasSubstr("other than deflate"));
}

TEST(ZipArchive, RefusesAWrongChecksum) {
  for (bool deflate : {false, true}) {
    auto archive =
        openZip(ZipBuilder().add({.name = "a", .content = noise(50), .deflate = deflate, .crcError = 1}).finish());
    ASSERT_TRUE(archive.ok()) << archive.error().line();
    auto read = archive->read(0);
    ASSERT_FALSE(read.ok());
    EXPECT_THAT(read.error().line(), HasSubstr("checksum (a.zip: a)"));
  }
}

TEST(ZipArchive, SurvivesCuttingAndFlippingEveryByte) {
  const std::string file = ZipBuilder()
                               .add({.name = "a", .content = noise(60), .deflate = true})
                               .add({.name = "b/c", .content = "stored"})
                               .finish();
  for (std::size_t size = 0; size < file.size(); ++size) EXPECT_NE(refusal(file.substr(0, size)), "") << size;
  int read = 0;
  for (std::size_t at = 0; at < file.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
      auto archive = openZip(changed);
      for (std::size_t i = 0; archive.ok() && i < archive->entries().size(); ++i) {
        auto content = archive->read(i);
        if (!content.ok()) continue;
        ++read;
        EXPECT_TRUE(text(*content) == noise(60) || text(*content) == "stored") << at;
      }
    }
  EXPECT_GT(read, 0); // changes of dates and the like do not matter
}

} // namespace
} // namespace tandem
