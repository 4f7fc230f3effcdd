// SPDX-License-Identifier: GPL-3.0-or-later
// Traces come from files that anybody may have written.
#include "ui/models/json_scanner.hpp"
#include "ui/models/trace_file.hpp"

#include <QBuffer>
#include <QTemporaryDir>

#include <gtest/gtest.h>

namespace tandem::ui {
namespace {

Result<TraceFile> read(QByteArray text, const TraceLimits& limits = {}, const std::atomic<bool>* cancel = nullptr) {
  QBuffer buffer(&text);
  buffer.open(QIODevice::ReadOnly);
  return readTrace(buffer, "t.json", limits, cancel);
}

QByteArray events(const QByteArray& list) { return "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[" + list + "]}"; }

const QByteArray kKernel =
    R"({"name":"Conv a","cat":"kernel","ph":"X","pid":1,"tid":2,"ts":10.5,"dur":2.25,"args":{"request":7,"node":3,"bytes":90}})";

TEST(TraceFile, ReadsSpansTheirRequestsAndTheirTracks) {
  const auto file = read(events(
      R"({"name":"thread_name","ph":"M","pid":1,"tid":2,"args":{"name":"CPU:0 CPU:0"}},)" + kKernel +
      R"(,{"name":"queue","cat":"request","id":4,"pid":1,"tid":0,"ts":10,"ph":"b"},{"name":"queue","cat":"request","id":4,"pid":1,"tid":0,"ts":12,"ph":"e"},)"
      R"({"name":"5 older events dropped","ph":"i","s":"t","pid":1,"ts":0,"tid":2,"args":{"dropped":5}})"));
  ASSERT_TRUE(file.ok()) << file.error().line();
  ASSERT_EQ(file->tracks.size(), 2u);
  const TraceTrack& cpu = file->tracks[0];
  EXPECT_EQ(cpu.name, QStringLiteral("CPU:0 CPU:0"));
  EXPECT_EQ(cpu.dropped, 5u);
  ASSERT_EQ(cpu.events.size(), 1u);
  EXPECT_EQ(cpu.events[0].startNs, 500);
  EXPECT_EQ(cpu.events[0].endNs, 2750);
  EXPECT_EQ(cpu.events[0].request, 7u);
  EXPECT_EQ(cpu.events[0].node, 3);
  EXPECT_EQ(cpu.events[0].bytes, 90);
  EXPECT_EQ(cpu.events[0].kind, TraceKind::Kernel);
  ASSERT_EQ(file->tracks[1].events.size(), 1u);
  EXPECT_EQ(file->tracks[1].events[0].kind, TraceKind::Queue);
  EXPECT_EQ(file->tracks[1].events[0].request, 4u);
  EXPECT_EQ(file->tracks[1].events[0].endNs, 2000);
}

TEST(TraceFile, ReadsWhatOtherProgramsWrite) {
  const auto file = read(
      R"([{"ph":"B","name":"outer","ts":1,"pid":"p","tid":"t"},{"ph":"B","name":"inner","ts":2,"pid":"p","tid":"t"},
    {"ph":"E","ts":3,"pid":"p","tid":"t"},{"ph":"E","ts":5,"pid":"p","tid":"t"},{"ph":"C","name":"counter","ts":1,"args":{"a":[1,{"b":2}]}},
    {"ph":"E","ts":9,"pid":"p","tid":"t"},{"ph":"B","ts":9,"pid":"p","tid":"t"}])");
  ASSERT_TRUE(file.ok()) << file.error().line();
  ASSERT_EQ(file->count(), 2u);
  EXPECT_EQ(file->labels[static_cast<int>(file->tracks[0].events[0].label)], QStringLiteral("inner"));
  EXPECT_EQ(file->tracks[0].events[1].endNs - file->tracks[0].events[1].startNs, 4000);
  EXPECT_EQ(file->unusable, 2u) << "an end without a beginning and the other way round";
}

TEST(TraceFile, NamesAreTextWhateverIsInThem) {
  const auto file = read(events(
      R"({"name":"<b>&\"\\\u0041\ud83d\ude00\ud800x\n","ph":"X","pid":1,"tid":2,"ts":1,"dur":1,"cat":"kernel"})"));
  ASSERT_TRUE(file.ok()) << file.error().line();
  EXPECT_EQ(file->labels[0], QString::fromUtf8("<b>&\"\\A\xF0\x9F\x98\x80\xEF\xBF\xBDx\n"));
  const auto longName =
      read(events(R"({"ph":"X","ts":1,"dur":1,"name":")" + QByteArray("\xc3\xa9").repeated(50000) + "\"}"));
  ASSERT_TRUE(longName.ok());
  EXPECT_LE(longName->labels[0].size(), 4096);
  EXPECT_GT(longName->labels[0].size(), 1000);
}

TEST(TraceFile, EveryCutOffFileIsRefusedWithWhereAndWhatToDo) {
  const QByteArray whole = events(kKernel + "," + kKernel);
  for (qsizetype size = 0; size < whole.size(); ++size) {
    const auto file = read(whole.left(size));
    ASSERT_FALSE(file.ok()) << "of " << size << " bytes";
    EXPECT_FALSE(file.error().hint.empty());
    EXPECT_EQ(file.error().where, "t.json");
  }
  EXPECT_TRUE(read(whole).ok());
}

TEST(TraceFile, WhatIsNoTraceIsRefused) {
  for (const char* text : {"{}", "null", "[1]", "{\"traceEvents\":{}}", "hello", "[{\"name\":nonsense}]", "[] []",
                           "[{\"ts\" 1}]", "[{\"name\":\"\\q\"}]", "{\"format\":\"tandem-placement\"}", "[{}", "\x01"})
    EXPECT_FALSE(read(text).ok()) << text;
  EXPECT_FALSE(readTraceFile(QStringLiteral("/nowhere/t.json")).ok());
  EXPECT_FALSE(readTraceFile(QStringLiteral("/dev/zero")).ok());
}

TEST(TraceFile, NestingOfAnyDepthNeitherCrashesNorIsTaken) {
  EXPECT_FALSE(read(events(R"({"x":)" + QByteArray("[").repeated(1'000'000))).ok());
  const QByteArray deep = QByteArray("[").repeated(900) + QByteArray("]").repeated(900);
  EXPECT_TRUE(read(events(R"({"x":)" + deep + R"(,"ph":"X","ts":1,"dur":1})")).ok());
}

TEST(TraceFile, SpansWithoutAUsableTimeAreCountedAndLeftOut) {
  const auto file = read(events(
      R"({"ph":"X","ts":1e308,"dur":1},{"ph":"X","ts":1,"dur":1e300},{"ph":"X","ts":1,"dur":-5},{"ph":"X","dur":1},)"
      R"({"ph":"X","ts":"x","dur":1},{"ph":"X","ts":-4e15,"dur":8e15},{"ph":"X","ts":99999999999999999999999999,"dur":1},)"
      R"({"ph":"X","ts":2,"dur":3,"args":{"bytes":1e40,"request":-1,"node":99999999999}})"));
  ASSERT_TRUE(file.ok()) << file.error().line();
  EXPECT_EQ(file->count(), 2u);
  EXPECT_EQ(file->unusable, 6u);
  EXPECT_EQ(file->tracks[0].events[0].startNs, 0);
  EXPECT_GT(file->tracks[0].events[0].endNs, 0);
  EXPECT_EQ(file->tracks[0].events[1].bytes, 0);
  EXPECT_EQ(file->tracks[0].events[1].node, -1);
}

TEST(TraceFile, LimitsAreKeptAndNamed) {
  QByteArray many;
  for (int i = 0; i < 50; ++i) many += (i ? "," : "") + kKernel;
  TraceLimits limits;
  limits.events = 40;
  const auto file = read(events(many), limits);
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().message.find("40 events"), std::string::npos);
  QTemporaryDir folder;
  QFile big(folder.filePath(QStringLiteral("big.json")));
  ASSERT_TRUE(big.open(QIODevice::WriteOnly));
  ASSERT_TRUE(big.resize(3 << 20));
  big.close();
  limits.bytes = 1 << 20;
  const auto refused = readTraceFile(big.fileName(), limits);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("3 MiB"), std::string::npos);
}

TEST(TraceFile, ReadingCanBeStopped) {
  const std::atomic<bool> cancel{true};
  const auto file = read(events(kKernel), {}, &cancel);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, ErrorCode::Cancelled);
}

TEST(TraceFile, TellsTracesFromOtherJson) {
  QTemporaryDir folder;
  const auto write = [&](const char* name, const QByteArray& text) {
    QFile file(folder.filePath(QLatin1String(name)));
    EXPECT_TRUE(file.open(QIODevice::WriteOnly));
    file.write(text);
    return file.fileName();
  };
  EXPECT_TRUE(looksLikeTrace(write("a.json", events(kKernel))));
  EXPECT_TRUE(looksLikeTrace(write("b.json", "[" + kKernel + "]")));
  EXPECT_FALSE(looksLikeTrace(write("c.json", "{\"format\":\"tandem-placement\"}")));
  EXPECT_FALSE(looksLikeTrace(folder.filePath(QStringLiteral("none.json"))));
}

TEST(TraceFile, TracksOfDevicesAreNamedAsPeopleCallThem) {
  EXPECT_EQ(deviceOfTrack(QStringLiteral("CPU:0 OPENCL-CPU:0 transfers")), QStringLiteral("OPENCL-CPU:0"));
  EXPECT_EQ(deviceOfTrack(QStringLiteral("CPU:0 requests")), QString());
  EXPECT_EQ(trackTitle(QStringLiteral("CPU:0 CPU:0")), QStringLiteral("CPU:0"));
  EXPECT_EQ(trackTitle(QStringLiteral("my copy GPU:0")), QStringLiteral("my copy on GPU:0"));
  EXPECT_EQ(trackTitle(QStringLiteral("GPU:0 GPU:0 transfers")), QStringLiteral("GPU:0 transfers"));
  EXPECT_EQ(trackTitle(QStringLiteral("preprocess 1")), QStringLiteral("preprocess 1"));
}

} // namespace
} // namespace tandem::ui
