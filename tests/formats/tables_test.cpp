// SPDX-License-Identifier: GPL-3.0-or-later
// Tables of numbers (.csv) and archives of arrays (.npz), and the headers of arrays (.npy).
#include "engine/formats/tensors/csv.hpp"
#include "engine/formats/tensors/npy.hpp"
#include "engine/formats/tensors/npz.hpp"
#include "tests/formats/zip_builder.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ZipBuilder;

std::span<const std::byte> bytesOf(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

Result<CsvTable> csv(const std::string& text) { return readCsv(bytesOf(text), "t.csv"); }
std::string csvRefusal(const std::string& text) {
  auto table = csv(text);
  EXPECT_FALSE(table.ok()) << text;
  return table.ok() ? std::string() : table.error().line();
}

TEST(Csv, ReadsNumbersWithAndWithoutAHeader) {
  auto table = csv("width, height ,\"depth, in m\"\r\n1,2,3\r\n-1.5,+2e3,nan\r\n");
  ASSERT_TRUE(table.ok()) << table.error().line();
  EXPECT_THAT(table->header, ElementsAre("width", "height", "depth, in m"));
  EXPECT_EQ(table->rows, 2);
  EXPECT_EQ(table->columns, 3);
  EXPECT_DOUBLE_EQ(table->values[4], 2000);
  EXPECT_TRUE(std::isnan(table->values[5]));
  table = csv("1,2\n\n3,4");
  ASSERT_TRUE(table.ok()) << table.error().line();
  EXPECT_TRUE(table->header.empty());
  EXPECT_THAT(table->values, ElementsAre(1, 2, 3, 4));
}

TEST(Csv, FindsTheSeparator) {
  EXPECT_THAT(csv("a;b\n1,5;2\n")->values, ElementsAre(1.5, 2));
  EXPECT_THAT(csv("1\t2\n3\t4\n")->values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(csv("\xef\xbb\xbf"
                  "7\n8\n")
                  ->values,
              ElementsAre(7, 8));
  EXPECT_THAT(csv("\"1\",\"2\"\n")->values, ElementsAre(1, 2));
}

TEST(Csv, KeepsQuotesAndLineBreaksInsideQuotedFields) {
  auto table = csv("\"say \"\"hi\"\"\nthere\",b\n1,x\n");
  ASSERT_FALSE(table.ok());
  EXPECT_THAT(table.error().line(), HasSubstr("'x' is not a number (t.csv line 3 column 2)"));
  table = csv("\"say \"\"hi\"\"\nthere\",b\n1,2\n");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->header[0], "say \"hi\"\nthere");
}

TEST(Csv, SaysWhereItIsWrong) {
  EXPECT_THAT(csvRefusal("a,b\n1,2\n3\n"), HasSubstr("1 fields, the first one has 2 (t.csv line 3"));
  EXPECT_THAT(csvRefusal("1,2\n3,\n"), HasSubstr("empty (t.csv line 2 column 2)"));
  EXPECT_THAT(csvRefusal("1,2\n3,four\n"), HasSubstr("'four' is not a number (t.csv line 2 column 2)"));
  EXPECT_THAT(csvRefusal("1,2\n3,\"4\n"), HasSubstr("does not end"));
  EXPECT_THAT(csvRefusal("1,2\n3,\"4\"x\n"), HasSubstr("'4x' is not a number"));
  EXPECT_THAT(csvRefusal("1,2\n3,1e999\n"), HasSubstr("'1e999' is not a number"));
  EXPECT_THAT(csvRefusal("a,b\n"), HasSubstr("no row of numbers"));
  EXPECT_THAT(csvRefusal(""), HasSubstr("no row of numbers"));
  EXPECT_THAT(csvRefusal(std::string("\xff\xfe"
                                     "1\0,\0",
                                     6)),
              HasSubstr("not a text"));
}

std::string npy(const std::string& dict, const std::string& data, char version = 1) {
  std::string file("\x93NUMPY", 6);
  file += version;
  file += '\0';
  return file + ZipBuilder::number(dict.size(), version == 1 ? 2 : 4) + dict + data;
}

std::string npyOf(const std::string& shape, const std::string& data, const std::string& descr = "<f4") {
  return npy("{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n", data);
}

std::string npyRefusal(const std::string& file) {
  auto tensor = readNpy(bytesOf(file), "t.npy");
  EXPECT_FALSE(tensor.ok());
  return tensor.ok() ? std::string() : tensor.error().line();
}

TEST(Npy, ConvertsBigEndianExactly) {
  auto tensor = readNpy(bytesOf(npyOf("(2,)", std::string("\x3f\x80\x00\x00\xc0\x00\x00\x00", 8), ">f4")), "t");
  ASSERT_TRUE(tensor.ok()) << tensor.error().line();
  EXPECT_EQ(tensor->type(), DataType::Float32);
  EXPECT_THAT(tensor->as<float>(), ElementsAre(1.f, -2.f));
  tensor = readNpy(bytesOf(npyOf("(2,)", std::string("\x12\x34\xff\xfe", 4), ">i2")), "t");
  EXPECT_THAT(tensor->toInts(), ElementsAre(0x1234, -2));
  tensor = readNpy(bytesOf(npy("{'descr': '>u2', 'fortran_order': True, 'shape': (2, 2)}",
                               std::string("\x00\x00\x00\x02\x00\x01\x00\x03", 8))),
                   "t");
  ASSERT_TRUE(tensor.ok()) << tensor.error().line();
  EXPECT_THAT(tensor->toInts(), ElementsAre(0, 1, 2, 3));
}

TEST(Npy, ReadsHeadersAsOtherProgramsWriteThem) {
  EXPECT_TRUE(readNpy(bytesOf(npy("{\"shape\":(1L,),\"descr\":\"<f4\",\"fortran_order\":False}", "1234")), "t").ok());
  EXPECT_TRUE(readNpy(bytesOf(npy("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "1234", 3)), "t").ok());
}

TEST(Npy, RefusesHostileHeaders) {
  EXPECT_THAT(npyRefusal(npyOf("__import__('os').system('x')", "1234")), HasSubstr("shape"));
  EXPECT_THAT(npyRefusal(npyOf("(1+1,)", "1234")), HasSubstr("shape"));
  EXPECT_THAT(npyRefusal(npyOf("(3)", "1234")), HasSubstr("shape"));
  EXPECT_THAT(npyRefusal(npyOf("(-1,)", "1234")), HasSubstr("negative"));
  EXPECT_THAT(npyRefusal(npyOf("(300000000,)", "1234")), HasSubstr("needs 1200000000 bytes, the file has 4"));
  EXPECT_THAT(npyRefusal(npyOf("(99999999999999999999,)", "1234")), HasSubstr("shape"));
  std::string dims = "(";
  for (int i = 0; i < 65; ++i) dims += "1,";
  EXPECT_THAT(npyRefusal(npyOf(dims + ")", "1234")), HasSubstr("more than 8 dimensions"));
  EXPECT_THAT(npyRefusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", "1234")),
              HasSubstr("dictionary"));
  EXPECT_THAT(npyRefusal(npy("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}", "1234")), HasSubstr("order"));
  EXPECT_THAT(npyRefusal(npy("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", "1234")),
              HasSubstr("twice"));
  EXPECT_THAT(npyRefusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': ()}", "1234")),
              HasSubstr("dictionary"));
  EXPECT_THAT(npyRefusal(npy("{'descr': '<f4', 'shape': (1,)}", "1234")), HasSubstr("lacks 'fortran_order'"));
  EXPECT_THAT(npyRefusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} or 1", "1234")),
              HasSubstr("dictionary"));
  EXPECT_THAT(npyRefusal(npy("{" + std::string(10000, ' '), "")), HasSubstr("10001 bytes"));
  EXPECT_THAT(npyRefusal(npy("", "", 9)), HasSubstr("version 9"));
  EXPECT_THAT(npyRefusal(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff{", 13)), HasSubstr("cut off"));
  EXPECT_THAT(npyRefusal("\x93NUMPX\x01 and more"), HasSubstr("not a .npy"));
}

TEST(Npz, ReadsArraysUnderTheirNames) {
  const std::string data = "\x01\x02";
  ZipBuilder zip;
  zip.add({.name = "input:0.npy", .content = npyOf("(2,)", data, "|u1")});
  zip.add({.name = "b.npy", .content = npyOf("(2, 1)", data, "|i1"), .deflate = true});
  auto arrays = readNpz(bytesOf(zip.finish()), "t.npz");
  ASSERT_TRUE(arrays.ok()) << arrays.error().line();
  ASSERT_EQ(arrays->size(), 2U);
  EXPECT_EQ((*arrays)[0].name, "input:0");
  EXPECT_THAT((*arrays)[0].tensor.toInts(), ElementsAre(1, 2));
  EXPECT_EQ((*arrays)[1].tensor.shape(), (Shape{2, 1}));
}

TEST(Npz, NamesTheArrayThatIsWrong) {
  const auto refusal = [](const std::string& file) {
    auto arrays = readNpz(bytesOf(file), "t.npz");
    EXPECT_FALSE(arrays.ok());
    return arrays.ok() ? std::string() : arrays.error().line();
  };
  EXPECT_THAT(refusal(ZipBuilder().add({.name = "a.npy", .content = npyOf("(9,)", "x")}).finish()),
              HasSubstr("(t.npz: a.npy)"));
  EXPECT_THAT(refusal(ZipBuilder().add({.name = "a.pkl", .content = "x"}).finish()), HasSubstr("no array"));
  EXPECT_THAT(refusal(ZipBuilder().finish()), HasSubstr("holds no array"));
  EXPECT_THAT(refusal("PK nothing"), HasSubstr("not a zip file"));
}

} // namespace
} // namespace tandem
