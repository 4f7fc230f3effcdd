// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/input_files.hpp"

#include "engine/base/clock.hpp"
#include "engine/formats/images/preprocess.hpp"
#include "engine/formats/tensors/npy.hpp"
#include "engine/formats/tensors/tensor_pb.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>

namespace tandem::session {
namespace {

std::string extensionOf(const std::string& file) {
  std::string extension = std::filesystem::path(file).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

Result<Tensor> readTensor(const std::string& file) {
  const std::string extension = extensionOf(file);
  if (extension == ".npy") return readNpy(file);
  if (extension == ".pb") return readTensorPb(file);
  return makeError(ErrorCode::InputRejected, "the kind of file is not known by its name", file,
                   "give .png, .jpg, .npy or .pb files");
}

Result<PreprocessSpec> specFor(const Graph& graph, const std::string& text) {
  const PreprocessSpec guessed = guessPreprocess(graph);
  if (!text.empty()) return parsePreprocess(text, guessed);
  if (!guessed.takesPicture()) {
    const Value& input = graph.value(graph.inputs().front());
    return makeError(ErrorCode::InputRejected, "the model's input " + input.desc.toString() + " is not a picture",
                     input.name, "give the input as .npy or .pb");
  }
  return guessed;
}

Result<InputSet> readPicture(const Graph& graph, const std::string& file, const std::string& preprocessText) {
  if (graph.inputs().size() != 1)
    return makeError(ErrorCode::InputRejected,
                     "the model has " + std::to_string(graph.inputs().size()) + " inputs, so a picture is not enough",
                     file, "give one .npy or .pb file per input");
  const PreprocessSpec spec = TANDEM_TRY(specFor(graph, preprocessText));
  const Image image = TANDEM_TRY(readImage(file));
  InputSet set;
  set.label = std::filesystem::path(file).filename().string();
  set.pictureWidth = image.width;
  set.pictureHeight = image.height;
  set.tensors.push_back(TANDEM_TRY(preprocess(image, spec)));
  return set;
}

} // namespace

bool isPicture(const std::string& file) {
  const std::string extension = extensionOf(file);
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

Result<std::vector<InputSet>> readInputs(const Graph& graph, const std::vector<std::string>& files,
                                         const std::string& preprocessText) {
  if (graph.inputs().empty()) return std::vector<InputSet>(1);
  std::vector<InputSet> sets;
  InputSet group;
  for (const std::string& file : files) {
    if (isPicture(file)) {
      sets.push_back(TANDEM_TRY(readPicture(graph, file, preprocessText)));
      continue;
    }
    group.tensors.push_back(TANDEM_TRY(readTensor(file)));
    group.label += (group.label.empty() ? "" : ", ") + std::filesystem::path(file).filename().string();
    if (group.tensors.size() == graph.inputs().size()) {
      sets.push_back(std::move(group));
      group = {};
    }
  }
  if (group.tensors.empty() && !sets.empty()) return sets;
  const ValueId missing = graph.inputs()[group.tensors.size()];
  return makeError(ErrorCode::InputRejected,
                   "no file was given for this input, which is " + graph.value(missing).desc.toString(),
                   graph.value(missing).name,
                   "give " + std::to_string(graph.inputs().size()) + " file(s) with --input, in the model's order");
}

Result<std::vector<Tensor>> batchFromFiles(const Graph& graph, const std::vector<std::string>& files, int items,
                                           const std::string& preprocessText, double& perItemMs) {
  const std::int64_t start = nowNs();
  const std::vector<InputSet> sets = TANDEM_TRY(readInputs(graph, files, preprocessText));
  perItemMs = toMs(nowNs() - start) / static_cast<double>(sets.size());

  std::vector<Tensor> batch;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const Value& input = graph.value(graph.inputs()[i]);
    Tensor stacked = Tensor::uninitialized(input.desc);
    std::size_t filled = 0;
    for (std::size_t next = 0; filled < stacked.bytes(); next = (next + 1) % sets.size()) {
      const Tensor& item = sets[next].tensors[i];
      if (item.type() != input.desc.type || item.bytes() == 0 || stacked.bytes() % item.bytes() != 0)
        return makeError(ErrorCode::InputRejected,
                         "the input is " + item.desc().toString() + ", a batch of " + std::to_string(items) +
                             " needs " + input.desc.toString(),
                         sets[next].label, "give inputs of one item each");
      const std::size_t bytes = std::min(item.bytes(), stacked.bytes() - filled);
      std::memcpy(static_cast<std::byte*>(stacked.mutableData()) + filled, item.data(), bytes);
      filled += bytes;
    }
    batch.push_back(std::move(stacked));
  }
  return batch;
}

} // namespace tandem::session
