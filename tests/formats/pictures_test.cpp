// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/formats/conformance_data.hpp"

#include "engine/formats/images/detection.hpp"
#include "engine/formats/images/labels.hpp"
#include "engine/formats/images/preprocess.hpp"
#include "engine/formats/onnx/onnx_reader.hpp"
#include "engine/formats/tensors/tensor_pb.hpp"
#include "engine/ops/shape_inference.hpp"

#include <cmath>
#include <gmock/gmock.h>

namespace tandem {
namespace {

namespace fs = std::filesystem;

/// The picture fills the input, so that parts of the input are parts of the picture.
PreprocessSpec stretched() {
  PreprocessSpec spec;
  spec.resize = ResizeMode::Stretch;
  return spec;
}

/// Mean and largest difference of what our pipeline makes of `picture` and what the test data holds.
std::pair<double, double> difference(const fs::path& model, const fs::path& picture, const fs::path& expected) {
  auto read = readOnnx(model);
  EXPECT_TRUE(read.ok());
  auto image = readImage(picture);
  EXPECT_TRUE(image.ok()) << image.error().line();
  auto want = readTensorPb(expected);
  EXPECT_TRUE(want.ok());
  const PreprocessSpec spec = guessPreprocess(read->graph);
  EXPECT_TRUE(spec.certain) << model;
  auto have = preprocess(*image, spec);
  EXPECT_TRUE(have.ok()) << have.error().line();
  EXPECT_EQ(have->desc(), want->desc());
  double sum = 0;
  double largest = 0;
  for (std::int64_t i = 0; i < have->elements(); ++i) {
    const double delta = std::abs(have->asDouble(i) - want->asDouble(i));
    sum += delta;
    largest = std::max(largest, delta);
  }
  return {sum / static_cast<double>(have->elements()), largest};
}

TEST(RealPictures, BecomeTheReferenceInputs) {
  TANDEM_NEED_CONFORMANCE("models");
  struct Case {
    const char* model;
    const char* picture;
    int set;
    double oneStep; ///< what a difference of one in a pixel makes in the tensor
  };
  for (const Case& each : {
           Case{"squeezenet-imagenet/squeezenet_fp32.onnx", "kitten_224.png", 0, 1},
           Case{"squeezenet-imagenet/squeezenet_fp16.onnx", "kitten_224.png", 0, 1},
           Case{"squeezenet-imagenet/squeezenet_fp32.onnx", "hummingbird.jpg", 1, 1},
           Case{"squeezenet-imagenet/squeezenet_fp32.onnx", "fish.png", 2, 1},
           Case{"ultraface-rfb-320/version-RFB-320.onnx", "two_men.jpg", 0, 1.0 / 128},
           Case{"ultraface-rfb-320/version-RFB-320.onnx", "family.jpg", 1, 1.0 / 128},
           Case{"ultraface-rfb-320/version-RFB-320.onnx", "group.jpg", 2, 1.0 / 128},
           Case{"fastestdet-coco/FastestDet.onnx", "frisbee.jpg", 0, 1.0 / 255},
           Case{"fastestdet-coco/FastestDet.onnx", "wii.jpg", 1, 1.0 / 255},
           Case{"mnist-8-cntk/mnist-8.onnx", "digit8.png", 0, 1},
           Case{"mnist-8-cntk/mnist-8.onnx", "two.png", 1, 1},
           Case{"mnist-8-cntk/mnist-8.onnx", "three.png", 2, 1},
       }) {
    const fs::path model = folder / each.model;
    const fs::path set =
        model.parent_path() / "test_data" / model.stem() / ("test_data_set_" + std::to_string(each.set)) / "input_0.pb";
    const auto [mean, largest] = difference(model, model.parent_path() / "samples" / each.picture, set);
    // The reference resized with another program, so a pixel may be rounded the other way here and there.
    EXPECT_LE(mean, 0.01 * each.oneStep) << each.model << " " << each.picture;
    EXPECT_LE(largest, 1.001 * each.oneStep) << each.model << " " << each.picture;
  }
}

std::vector<Tensor> outputsOf(const fs::path& set) {
  std::vector<Tensor> outputs;
  for (int i = 0; fs::exists(set / ("output_" + std::to_string(i) + ".pb")); ++i) {
    auto tensor = readTensorPb(set / ("output_" + std::to_string(i) + ".pb"));
    EXPECT_TRUE(tensor.ok());
    outputs.push_back(*tensor);
  }
  return outputs;
}

void expectBox(const Detection& have, std::array<float, 4> want, float score) {
  EXPECT_NEAR(have.x0, want[0], 1.01f);
  EXPECT_NEAR(have.y0, want[1], 1.01f);
  EXPECT_NEAR(have.x1, want[2], 1.01f);
  EXPECT_NEAR(have.y1, want[3], 1.01f);
  EXPECT_NEAR(have.score, score, 0.0011f);
}

TEST(RealDetections, FindTheFacesOfTheReference) {
  TANDEM_NEED_CONFORMANCE("models/ultraface-rfb-320");
  auto model = readOnnx(folder / "version-RFB-320.onnx");
  ASSERT_TRUE(model.ok());
  ASSERT_EQ(guessDetector(model->graph), DetectorKind::UltraFace);
  // Counts and boxes of expected.json.
  const std::size_t counts[] = {2, 5, 44};
  const int sizes[][2] = {{450, 344}, {1024, 754}, {720, 478}};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto outputs = outputsOf(folder / "test_data/version-RFB-320" / ("test_data_set_" + std::to_string(i)));
    auto faces = decodeDetections(DetectorKind::UltraFace, outputs, stretched(), sizes[i][0], sizes[i][1]);
    ASSERT_TRUE(faces.ok()) << faces.error().line();
    EXPECT_EQ(faces->size(), counts[i]);
    if (i == 0) expectBox(faces->at(0), {91, 18, 155, 103}, 1);
    if (i == 2) expectBox(faces->at(0), {251, 55, 273, 84}, 0.999f);
  }
}

TEST(RealDetections, FindTheObjectsOfTheReference) {
  TANDEM_NEED_CONFORMANCE("models/fastestdet-coco");
  auto model = readOnnx(folder / "FastestDet.onnx");
  ASSERT_TRUE(model.ok());
  ASSERT_EQ(guessDetector(model->graph), DetectorKind::FastestDet);
  auto labels = readLabels(folder / "labels.txt");
  ASSERT_TRUE(labels.ok());
  EXPECT_EQ(labels->size(), 80u);
  auto frisbee = decodeDetections(DetectorKind::FastestDet, outputsOf(folder / "test_data/FastestDet/test_data_set_0"),
                                  stretched(), 500, 335);
  ASSERT_TRUE(frisbee.ok());
  ASSERT_EQ(frisbee->size(), 4u);
  expectBox(frisbee->at(0), {41, 63, 178, 294}, 0.899f);
  expectBox(frisbee->at(3), {230, 139, 324, 277}, 0.785f);
  EXPECT_EQ(labels->at(static_cast<std::size_t>(frisbee->at(0).label)), "person");
  auto wii = decodeDetections(DetectorKind::FastestDet, outputsOf(folder / "test_data/FastestDet/test_data_set_1"),
                              stretched(), 640, 480);
  ASSERT_TRUE(wii.ok());
  ASSERT_EQ(wii->size(), 3u);
  expectBox(wii->at(1), {79, 80, 222, 468}, 0.867f);
}

/// Runs the graph on the reference kernels of engine/ops.
std::vector<Tensor> runReference(const Graph& graph, const Tensor& input) {
  std::vector<Tensor> tensors(graph.values().size());
  for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i] = graph.values()[i].constant;
  tensors[graph.inputs()[0].index()] = input;
  for (NodeId id : topologicalOrder(graph)) {
    const Node& node = graph.node(id);
    std::vector<Tensor> inputs;
    for (ValueId each : node.inputs) inputs.push_back(each.valid() ? tensors[each.index()] : Tensor());
    auto outputs = evaluate(node, inputs);
    if (!outputs.ok()) {
      ADD_FAILURE() << outputs.error().line();
      return {};
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      if (node.outputs[i].valid()) tensors[node.outputs[i].index()] = (*outputs)[i];
  }
  std::vector<Tensor> results;
  for (ValueId output : graph.outputs()) results.push_back(tensors[output.index()]);
  return results;
}

std::vector<Tensor> answer(const fs::path& model, const fs::path& picture) {
  auto read = readOnnx(model);
  EXPECT_TRUE(read.ok());
  auto image = readImage(picture);
  EXPECT_TRUE(image.ok());
  auto input = preprocess(*image, guessPreprocess(read->graph));
  EXPECT_TRUE(input.ok());
  return runReference(read->graph, *input);
}

std::int64_t best(const Tensor& scores) {
  std::int64_t at = 0;
  for (std::int64_t i = 1; i < scores.elements(); ++i)
    if (scores.asDouble(i) > scores.asDouble(at)) at = i;
  return at;
}

TEST(RealPictures, GiveTheRightAnswersOnTheReferenceKernels) {
  TANDEM_NEED_CONFORMANCE("models");
  const fs::path digits = folder / "mnist-8-cntk";
  for (auto [picture, digit] : {std::pair{"digit8.png", 8}, {"two.png", 2}, {"three.png", 3}}) {
    const auto outputs = answer(digits / "mnist-8.onnx", digits / "samples" / picture);
    ASSERT_EQ(outputs.size(), 1u);
    EXPECT_EQ(best(outputs[0]), digit);
  }
  const fs::path squeezenet = folder / "squeezenet-imagenet";
  const auto kitten = answer(squeezenet / "squeezenet_fp32.onnx", squeezenet / "samples/kitten_224.png");
  ASSERT_EQ(kitten.size(), 1u);
  EXPECT_EQ(best(kitten[0]), 281); // tabby
  EXPECT_NEAR(kitten[0].asDouble(281), 0.9315, 0.001);
  const fs::path faces = folder / "ultraface-rfb-320";
  const auto men = answer(faces / "version-RFB-320.onnx", faces / "samples/two_men.jpg");
  auto found = decodeDetections(DetectorKind::UltraFace, men, stretched(), 450, 344);
  ASSERT_TRUE(found.ok()) << found.error().line();
  EXPECT_EQ(found->size(), 2u);
}

TEST(Detections, SuppressWhatOverlapsAndRefuseOtherShapes) {
  const Tensor scores = Tensor::of<float>({1, 3, 2}, {0.1f, 0.9f, 0.05f, 0.95f, 0.2f, 0.8f});
  const Tensor boxes = Tensor::of<float>({1, 3, 4}, {0, 0, 0.5f, 0.5f, 0, 0, 0.5f, 0.52f, 0.6f, 0.6f, 1.2f, 1.2f});
  const std::vector<Tensor> outputs{boxes, scores};
  auto faces = decodeDetections(DetectorKind::UltraFace, outputs, stretched(), 100, 100);
  ASSERT_TRUE(faces.ok());
  ASSERT_EQ(faces->size(), 2u);
  EXPECT_EQ(faces->at(0).score, 0.95f);
  EXPECT_EQ(faces->at(1).x1, 100);
  const std::vector<Tensor> one{scores};
  EXPECT_EQ(decodeDetections(DetectorKind::UltraFace, one, stretched(), 9, 9).error().code, ErrorCode::Mismatch);
  EXPECT_EQ(decodeDetections(DetectorKind::FastestDet, outputs, stretched(), 9, 9).error().code, ErrorCode::Mismatch);
}

} // namespace
} // namespace tandem
