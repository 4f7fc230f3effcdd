// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/layer_filter.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tandem::ui {
namespace {

LayerFacts conv() {
  LayerFacts layer;
  layer.name = QStringLiteral("/layer1/block0/Conv_12");
  layer.op = QStringLiteral("Conv");
  layer.scope = QStringLiteral("layer1/block0");
  layer.type = QStringLiteral("float32");
  layer.shape = QStringLiteral("1x64x56x56");
  layer.requested = QStringLiteral("GPU:1");
  layer.effective = QStringLiteral("CPU:0");
  layer.reason = QStringLiteral("unsupported op");
  layer.moved = true;
  layer.ms = 1.5;
  layer.share = 0.4;
  layer.bytes = 2e6;
  layer.flops = 3e8;
  return layer;
}

bool finds(const char* text, const LayerFacts& layer = conv()) {
  const LayerFilter filter(QString::fromUtf8(text));
  EXPECT_FALSE(filter.error()) << text << ": " << filter.error()->message.toStdString();
  return filter.matches(layer);
}

/// "place: what stands there".
std::string wrongPart(const char* text) {
  const QString filter = QString::fromUtf8(text);
  const auto error = LayerFilter(filter).error();
  if (!error) return "fine";
  EXPECT_FALSE(error->message.isEmpty());
  return std::to_string(error->position) + ": " + filter.mid(error->position, error->length).toStdString();
}

TEST(LayerFilter, FindsWordsInNameOperatorAndScopeWhateverTheirCase) {
  EXPECT_TRUE(finds("conv_12"));
  EXPECT_TRUE(finds("BLOCK0 layer1"));
  EXPECT_TRUE(finds("/layer1/block0/Conv_12")) << "a pasted name is no expression";
  EXPECT_FALSE(finds("conv block7"));
  EXPECT_TRUE(LayerFilter(QStringLiteral("   ")).isEmpty());
}

TEST(LayerFilter, ComparesTheBeginningOfOperatorsDevicesAndTypes) {
  EXPECT_TRUE(finds("op:con"));
  EXPECT_FALSE(finds("op:onv"));
  EXPECT_TRUE(finds("dev:CPU:0"));
  EXPECT_TRUE(finds("dev:cpu"));
  EXPECT_FALSE(finds("dev:GPU:1")) << "it was asked for, but does not run there";
  EXPECT_TRUE(finds("req:GPU:1"));
  EXPECT_TRUE(finds("type:float"));
  EXPECT_FALSE(finds("type:float16"));
  LayerFacts layer = conv();
  layer.requested = QStringLiteral("GPU:10");
  EXPECT_FALSE(finds("req:GPU:1", layer)) << "GPU:1 is another device than GPU:10";
  layer.effective.clear();
  EXPECT_TRUE(finds("dev:GPU:10", layer)) << "what is asked for counts while the engine has not answered";
}

TEST(LayerFilter, FindsScopesByTheBeginningOfAnyPart) {
  EXPECT_TRUE(finds("scope:layer1"));
  EXPECT_TRUE(finds("scope:block0"));
  EXPECT_TRUE(finds("scope:layer1/bl"));
  EXPECT_FALSE(finds("scope:lock0"));
  LayerFacts layer = conv();
  layer.scope = QStringLiteral("layer12/block0");
  EXPECT_FALSE(finds("scope:layer1", layer));
  EXPECT_TRUE(finds("scope:/^layer[0-9]+/", layer));
}

TEST(LayerFilter, ComparesNumbersWithUnits) {
  EXPECT_TRUE(finds("t>1ms"));
  EXPECT_TRUE(finds("t>=1500us t<=1.5ms"));
  EXPECT_TRUE(finds("t>1499\xc2\xb5s"));
  EXPECT_FALSE(finds("time>1s"));
  EXPECT_TRUE(finds("mem>1MB mem<2MiB"));
  EXPECT_FALSE(finds("mem>2000KB"));
  EXPECT_TRUE(finds("flops>=300M flops<1g"));
  EXPECT_TRUE(finds("peak<50%"));
  EXPECT_FALSE(finds("peak<0.3"));
}

TEST(LayerFilter, ALayerThatWasNotMeasuredIsNeitherFastNorSlow) {
  LayerFacts layer = conv();
  layer.ms = -1;
  EXPECT_FALSE(finds("t<1s", layer));
  EXPECT_FALSE(finds("t>0us", layer));
  EXPECT_TRUE(LayerFilter(QStringLiteral("t>1ms")).asksForTime());
  EXPECT_FALSE(LayerFilter(QStringLiteral("mem>1")).asksForTime());
}

TEST(LayerFilter, AMinusTurnsATermRound) {
  EXPECT_FALSE(finds("-op:Conv"));
  EXPECT_TRUE(finds("-op:Relu layer1"));
  EXPECT_FALSE(finds("-moved"));
  EXPECT_TRUE(finds("-/relu$/"));
}

TEST(LayerFilter, FindsMovedAndUnsupportedLayersShapesAndReasons) {
  EXPECT_TRUE(finds("moved"));
  EXPECT_TRUE(finds("moved:")) << "as it was written before";
  EXPECT_FALSE(finds("unsupported"));
  EXPECT_FALSE(finds("\"moved\"")) << "in quotes it is a word";
  EXPECT_TRUE(finds("shape:56x56 reason:\"unsupported op\""));
  LayerFacts layer = conv();
  layer.supported = false;
  EXPECT_TRUE(finds("unsupported", layer));
}

TEST(LayerFilter, TakesRegularExpressionsAndQuotes) {
  EXPECT_TRUE(finds("/conv_[0-9]+$/"));
  EXPECT_TRUE(finds("/^Conv$/")) << "on the operator";
  EXPECT_FALSE(finds("/^layer1/"));
  EXPECT_TRUE(finds("op:/^(Conv|Gemm)$/"));
  LayerFacts layer = conv();
  layer.name = QStringLiteral("two words:0");
  EXPECT_TRUE(finds("\"two words:0\"", layer));
  EXPECT_FALSE(finds("\"words two\"", layer));
  EXPECT_TRUE(finds("/two words/", layer));
}

TEST(LayerFilter, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(wrongPart("op:Conv foo:bar"), "8: foo:bar");
  EXPECT_EQ(wrongPart("op:"), "0: op:");
  EXPECT_EQ(wrongPart("relu t>1"), "7: 1");
  EXPECT_EQ(wrongPart("t>1parsec"), "3: parsec");
  EXPECT_EQ(wrongPart("t>"), "2: ");
  EXPECT_EQ(wrongPart("mem=1MB"), "0: mem=1MB");
  EXPECT_EQ(wrongPart("size>1MB"), "0: size>1MB");
  EXPECT_EQ(wrongPart("conv \"open"), "5: \"open");
  EXPECT_EQ(wrongPart("conv -"), "5: -");
  EXPECT_EQ(wrongPart("/con(v/"), "6: /");
  EXPECT_EQ(wrongPart("\"\""), "0: \"\"");
  EXPECT_EQ(wrongPart("conv"), "fine");
}

TEST(LayerFilter, AWrongTermDoesNotStopTheOthers) {
  const LayerFilter filter(QStringLiteral("op:Relu foo:bar"));
  EXPECT_TRUE(filter.error().has_value());
  EXPECT_FALSE(filter.matches(conv()));
  EXPECT_TRUE(LayerFilter(QStringLiteral("foo:bar")).isEmpty());
}

TEST(LayerFilter, AnExpressionThatBacktracksForeverGivesUp) {
  LayerFacts layer = conv();
  layer.name = QString(200, u'a') + u'b';
  layer.op = layer.name;
  EXPECT_FALSE(finds("/(a+)+$/", layer));
}

TEST(LayerFilter, HintsAreFiltersThatAreUnderstood) {
  for (const FilterHint& hint : LayerFilter::hints()) {
    EXPECT_FALSE(LayerFilter(hint.example).error()) << hint.example.toStdString();
    EXPECT_TRUE(hint.example.startsWith(hint.text)) << hint.example.toStdString();
    EXPECT_FALSE(hint.meaning.isEmpty());
  }
}

TEST(LayerFilter, AnyTextIsReadWithoutFailing) {
  const QString alphabet = QStringLiteral("op:t>1m s/\"-\\([é<=.dev:");
  std::uint32_t state = 12345;
  for (int round = 0; round < 3000; ++round) {
    QString text;
    for (int i = 0; i < 14; ++i) {
      state = state * 1664525 + 1013904223;
      text += alphabet[static_cast<qsizetype>((state >> 16U) % static_cast<std::uint32_t>(alphabet.size()))];
    }
    const LayerFilter filter(text);
    if (!filter.error()) continue;
    EXPECT_GE(filter.error()->position, 0) << text.toStdString();
    EXPECT_LE(filter.error()->position, text.size()) << text.toStdString();
  }
}

} // namespace
} // namespace tandem::ui
