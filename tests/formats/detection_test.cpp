// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/detection.hpp"
#include "engine/formats/text/ctc.hpp"

#include <gmock/gmock.h>

#include <cmath>

namespace tandem {
namespace {

constexpr DataType kFloat = DataType::Float32;

Graph graphOf(const Shape& input, const std::vector<std::pair<std::string, TensorDesc>>& outputs) {
  Graph graph;
  graph.value(graph.addInput("images", {kFloat, input})).rankKnown = true;
  for (const auto& [name, desc] : outputs) {
    Value value;
    value.name = name;
    value.desc = desc;
    value.rankKnown = true;
    graph.addOutput(graph.addValue(std::move(value)));
  }
  return graph;
}

std::string guessed(const Shape& input, const std::vector<std::pair<std::string, TensorDesc>>& outputs) {
  const auto kind = guessDetector(graphOf(input, outputs));
  return kind ? std::string(detectorName(*kind)) : "none";
}

PreprocessSpec specOf(int width, int height, ResizeMode mode) {
  PreprocessSpec spec;
  spec.width = width;
  spec.height = height;
  spec.resize = mode;
  return spec;
}

TEST(Detector, IsKnownByShapesThatNothingElseHas) {
  const Shape square{1, 3, 640, 640};
  EXPECT_EQ(guessed(square, {{"output0", {kFloat, {1, 25200, 85}}}}), "yolov5");
  EXPECT_EQ(guessed(square, {{"output0", {kFloat, {1, 84, 8400}}}}), "yolov8");
  EXPECT_EQ(guessed({1, 3, 416, 416}, {{"output0", {kFloat, {1, 6, 3549}}}}), "yolov8");
  EXPECT_EQ(guessed({1, 3, 416, 416}, {{"grid", {kFloat, {1, 125, 13, 13}}}}), "tinyyolov2");
  EXPECT_EQ(guessed({1, 300, 300, 3}, {{"detection_boxes:0", {kFloat, {1, 100, 4}}},
                                       {"detection_classes:0", {kFloat, {1, 100}}},
                                       {"detection_scores:0", {kFloat, {1, 100}}},
                                       {"num_detections:0", {kFloat, {1}}}}),
            "ssd");
  EXPECT_EQ(guessed({3, 480, 640},
                    {{"boxes", {kFloat, {-1, 4}}}, {"labels", {DataType::Int64, {-1}}}, {"scores", {kFloat, {-1}}}}),
            "ssd");
}

TEST(Detector, SaysNothingAboutUnknownShapes) {
  const Shape square{1, 3, 640, 640};
  EXPECT_EQ(guessed(square, {{"output", {kFloat, {1, 8400, 85}}}}), "none"); // YOLOX: offsets not applied
  EXPECT_EQ(guessed(square, {{"output", {kFloat, {1, 1000}}}}), "none");
  EXPECT_EQ(guessed(square, {{"output0", {kFloat, {1, 116, 8400}}}, {"output1", {kFloat, {1, 32, 160, 160}}}}), "none");
  EXPECT_EQ(guessed({1, 3, 224, 224}, {{"features", {kFloat, {1, 197, 768}}}}), "none");
}

TEST(Detector, DecodesYoloV5ThroughALetterbox) {
  // Input 64 x 64, picture 200 x 100: it lies in rows 16 to 48 of the input.
  Tensor rows = Tensor::zeros({kFloat, {1, 3, 7}});
  auto at = rows.mutableAs<float>();
  const float first[] = {32, 32, 16, 8, 0.9f, 0.1f, 0.8f};
  const float same[] = {33, 32, 16, 8, 0.9f, 0.1f, 0.7f}; // overlaps the first
  std::copy(std::begin(first), std::end(first), at.begin());
  std::copy(std::begin(same), std::end(same), at.begin() + 7);
  auto found =
      decodeDetections(DetectorKind::YoloV5, std::span(&rows, 1), specOf(64, 64, ResizeMode::Letterbox), 200, 100);
  ASSERT_TRUE(found.ok()) << found.error().line();
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().label, 1);
  EXPECT_NEAR(found->front().score, 0.72, 1e-6);
  EXPECT_NEAR(found->front().x0, 75, 1e-3);
  EXPECT_NEAR(found->front().x1, 125, 1e-3);
  EXPECT_NEAR(found->front().y0, 37.5, 1e-3);
  EXPECT_NEAR(found->front().y1, 62.5, 1e-3);
}

TEST(Detector, DecodesYoloV8AndKeepsOverlapsOfOtherClasses) {
  Tensor columns = Tensor::zeros({kFloat, {1, 6, 2}});
  auto at = columns.mutableAs<float>();
  const float boxes[] = {32, 32, 32, 32, 16, 16, 16, 16, 0.9f, 0, 0, 0.6f}; // two equal boxes, field by field
  std::copy(std::begin(boxes), std::end(boxes), at.begin());
  auto found =
      decodeDetections(DetectorKind::YoloV8, std::span(&columns, 1), specOf(64, 64, ResizeMode::Stretch), 64, 64);
  ASSERT_TRUE(found.ok()) << found.error().line();
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ((*found)[0].label, 0);
  EXPECT_EQ((*found)[1].label, 1);
  EXPECT_NEAR((*found)[0].x0, 24, 1e-4);
  at[8] = 17; // key points in pixels, not a score
  EXPECT_EQ(decodeDetections(DetectorKind::YoloV8, std::span(&columns, 1), specOf(64, 64, ResizeMode::Stretch), 64, 64)
                .error()
                .code,
            ErrorCode::Mismatch);
}

TEST(Detector, DecodesTinyYoloV2) {
  Tensor grid = Tensor::zeros({kFloat, {1, 125, 13, 13}});
  auto at = grid.mutableAs<float>();
  for (float& value : at) value = -10;
  const auto set = [&](int channel, float value) {
    at[static_cast<std::size_t>(channel * 169 + 6 * 13 + 3)] = value; // row 6, column 3
  };
  set(0, 0), set(1, 0), set(2, 0), set(3, 0), set(4, 10), set(5 + 7, 10); // anchor 0, class 7
  auto found =
      decodeDetections(DetectorKind::TinyYoloV2, std::span(&grid, 1), specOf(416, 416, ResizeMode::Stretch), 130, 130);
  ASSERT_TRUE(found.ok()) << found.error().line();
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().label, 7);
  EXPECT_NEAR(found->front().x0, 35 - 5.4, 1e-3); // centre 3.5 cells of 10 pixels, 1.08 cells wide
  EXPECT_NEAR(found->front().y1, 65 + 5.95, 1e-3);
}

TEST(Detector, DecodesBothKindsOfSsd) {
  const std::vector<Tensor> tensorflow{Tensor::of<float>({1, 2, 4}, {0.1f, 0.2f, 0.3f, 0.4f, 0, 0, 1, 1}),
                                       Tensor::of<float>({1, 2}, {17, 3}), Tensor::of<float>({1, 2}, {0.8f, 0.2f}),
                                       Tensor::of<float>({1}, {2})};
  auto found = decodeDetections(DetectorKind::Ssd, tensorflow, specOf(300, 300, ResizeMode::Stretch), 100, 200);
  ASSERT_TRUE(found.ok()) << found.error().line();
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().label, 17);
  EXPECT_NEAR(found->front().x0, 20, 1e-4);
  EXPECT_NEAR(found->front().y0, 20, 1e-4);
  const std::vector<Tensor> torch{Tensor::of<float>({1, 4}, {10, 20, 30, 40}), Tensor::of<std::int64_t>({1}, {5}),
                                  Tensor::of<float>({1}, {0.9f})};
  found = decodeDetections(DetectorKind::Ssd, torch, specOf(100, 100, ResizeMode::Stretch), 200, 100);
  ASSERT_TRUE(found.ok()) << found.error().line();
  ASSERT_EQ(found->size(), 1U);
  EXPECT_NEAR(found->front().x1, 60, 1e-4);
  EXPECT_EQ(found->front().label, 5);
}

TEST(Preprocess, ReadsTheWordsOfTrainingScripts) {
  auto spec = parsePreprocess(
      "resize=256 crop=224 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 scale=1/255 order=rgb layout=nchw");
  ASSERT_TRUE(spec.ok()) << spec.error().line();
  EXPECT_EQ(spec->shortSide, 256);
  EXPECT_EQ(spec->width, 224);
  EXPECT_FLOAT_EQ(spec->mean[2], 0.406f);
  auto again = parsePreprocess(toString(*spec));
  ASSERT_TRUE(again.ok()) << again.error().line();
  EXPECT_EQ(*again, *spec);
  spec = parsePreprocess("resize=autox32,order=bgr");
  ASSERT_TRUE(spec.ok()) << spec.error().line();
  EXPECT_EQ(spec->resize, ResizeMode::FitHeight);
  EXPECT_EQ(toString(*parsePreprocess(toString(*spec))), toString(*spec));
  for (const char* wrong : {"resize=0", "crop=big", "resize=256x", "mean=1,2", "std=0", "resize=autox0", "order=cmyk"})
    EXPECT_FALSE(parsePreprocess(wrong).ok()) << wrong;
}

TEST(Preprocess, CutsTheMiddleOutOfAShrunkPictureAndFollowsItsWidth) {
  Image image{512, 256, std::vector<std::uint8_t>(512 * 256 * 3)};
  for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<std::uint8_t>(i / 3 % 512 / 2);
  PreprocessSpec spec = *parsePreprocess("resize=256 crop=224x224 order=gray");
  auto tensor = preprocess(image, spec);
  ASSERT_TRUE(tensor.ok()) << tensor.error().line();
  EXPECT_EQ(tensor->shape(), (Shape{1, 1, 224, 224}));
  EXPECT_NEAR(tensor->asDouble(0), 144 / 2, 1); // (512 - 224) / 2 columns are cut off
  const PictureMapping map = mappingOf(512, 256, spec);
  EXPECT_DOUBLE_EQ(map.x0, 144);
  EXPECT_DOUBLE_EQ(map.scaleX, 224);
  tensor = preprocess(image, *parsePreprocess("resize=autox32"));
  ASSERT_TRUE(tensor.ok()) << tensor.error().line();
  EXPECT_EQ(tensor->shape(), (Shape{1, 3, 32, 64}));
}

TEST(Ctc, JoinsRepeatsAndDropsNothing) {
  Tensor scores = Tensor::zeros({kFloat, {1, 7, 4}});
  const int best[] = {1, 1, 0, 1, 2, 2, 3};
  for (std::size_t step = 0; step < 7; ++step)
    scores.mutableAs<float>()[step * 4 + static_cast<std::size_t>(best[step])] = 0.5f;
  const RecognizedText read = decodeCtc(scores, {"a", "\xc3\xa4", " "});
  EXPECT_EQ(read.text, "aa\xc3\xa4 ");
  EXPECT_NEAR(read.score, 0.5, 1e-6);
  EXPECT_EQ(decodeCtc(Tensor::zeros({kFloat, {1, 0, 4}}), {}).text, "");
}

TEST(Picture, OtherFormatsAreNamed) {
  const auto refusal = [](const std::string& bytes) {
    return decodeImage(std::as_bytes(std::span(bytes.data(), bytes.size())), "p").error().message;
  };
  EXPECT_THAT(refusal("GIF89a..."), ::testing::HasSubstr("GIF"));
  EXPECT_THAT(refusal(std::string("II*\0....", 8)), ::testing::HasSubstr("TIFF"));
  EXPECT_THAT(refusal("RIFF....WEBPVP8 "), ::testing::HasSubstr("WebP"));
  EXPECT_THAT(refusal("<?xml version='1.0'?><svg><image href='file:///etc/passwd'/></svg>"),
              ::testing::HasSubstr("SVG"));
}

} // namespace
} // namespace tandem
