// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/models/file_type.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace tandem {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kZipTail = 64 << 10; ///< where the central directory of an archive of few entries lies

struct Signature {
  std::string_view start;
  FileType type;
};

constexpr std::array kSignatures{
    Signature{"\x89HDF\r\n\x1a\n"sv, FileType::Hdf5}, Signature{"version https://git-lfs"sv, FileType::GitLfsPointer},
    Signature{"\x93NUMPY"sv, FileType::NumpyArray},   Signature{"GGUF"sv, FileType::Gguf},
    Signature{"\x1f\x8b"sv, FileType::Gzip},          Signature{"\x89PNG"sv, FileType::Picture},
    Signature{"\xff\xd8\xff"sv, FileType::Picture},   Signature{"GIF8"sv, FileType::Picture},
    Signature{"\x80\x02"sv, FileType::Pickle},        Signature{"\x80\x03"sv, FileType::Pickle},
    Signature{"\x80\x04"sv, FileType::Pickle},        Signature{"\x80\x05"sv, FileType::Pickle},
};

/// HDF5 may have a user block in front: the signature then lies at 512, 1024, 2048, ... (format specification, II.A).
bool isHdf5WithUserBlock(std::string_view content) {
  for (std::size_t at = 512; at + 8 <= content.size() && at <= (64 << 10); at *= 2)
    if (content.substr(at).starts_with(kSignatures[0].start)) return true;
  return false;
}

FileType zipType(std::string_view content) {
  // The name of the first entry stands in its local header; all names stand in the directory at the end.
  const std::string_view head = content.substr(0, 512);
  const std::string_view tail = content.size() > kZipTail ? content.substr(content.size() - kZipTail) : content;
  auto names = [&](std::string_view name) {
    return head.find(name) != std::string_view::npos || tail.find(name) != std::string_view::npos;
  };
  if (names("model.weights.h5") || (names("config.json") && names("metadata.json"))) return FileType::KerasArchive;
  if (names("data.pkl") || names("constants.pkl")) return FileType::TorchArchive;
  if (names(".npy")) return FileType::NumpyArchive;
  return FileType::Zip;
}

/// The header of a SafeTensors file is JSON behind its length, a 64-bit number in little endian.
bool isSafeTensors(std::string_view content) {
  if (content.size() < 10 || content[8] != '{') return false;
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(content[static_cast<std::size_t>(i)]);
  return length >= 2 && length <= content.size() - 8;
}

/// The first field of a protobuf: SavedModel has its version (1) and then a meta graph, whose first field is a message
/// (saved_model.proto); GraphDef begins with a node, a message too (graph.proto). In ONNX field 1 is a number and
/// field 2 a text.
bool isTensorFlow(std::string_view content) {
  if (content.starts_with("\x08\x01\x12"sv)) {
    std::size_t at = 3;
    while (at < content.size() && at < 13 && (static_cast<unsigned char>(content[at]) & 0x80)) ++at;
    return at + 1 < content.size() && content[at + 1] == '\x0a';
  }
  const std::string_view head = content.substr(0, 4096);
  return head.starts_with("\x0a"sv) && (head.find("Placeholder") != head.npos || head.find("Const") != head.npos) &&
         head.find("dtype") != head.npos;
}

FileType textType(std::string_view content) {
  std::string_view head = content.substr(0, 1024);
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  while (!head.empty() && std::isspace(static_cast<unsigned char>(head.front()))) head.remove_prefix(1);
  if (head.starts_with("<")) return FileType::Html;
  if (head.starts_with("{") || head.starts_with("[")) return FileType::Json;
  return FileType::Unknown;
}

struct Description {
  FileType type;
  std::string_view what;
  std::string_view hint; ///< "" where the file is simply damaged
};

constexpr std::string_view kFromTorch = "export the model with torch.onnx.export and open the .onnx file";
constexpr std::string_view kNotAModel = "choose an .onnx, .keras or .h5 file";

constexpr std::array kDescriptions{
    Description{FileType::Unknown, "not an ONNX or Keras model, or it is cut off",
                "check that the file is complete, or export it again"},
    Description{FileType::Empty, "an empty file", kNotAModel},
    Description{FileType::Hdf5, "an HDF5 file (Keras)", "save the model again with model.save()"},
    Description{FileType::KerasArchive, "a Keras archive", "save the model again with model.save()"},
    Description{FileType::NumpyArchive, "a numpy archive (.npz)",
                "tensors are inputs: open a model, then give it this"},
    Description{FileType::NumpyArray, "a numpy array (.npy)", "tensors are inputs: open a model, then give it this"},
    Description{FileType::TorchArchive, "a PyTorch file (zip archive of Python pickles)", kFromTorch},
    Description{FileType::Zip, "a zip archive", "unpack it and open the model inside"},
    Description{FileType::Pickle, "a Python pickle (PyTorch, scikit-learn)", kFromTorch},
    Description{FileType::SafeTensors, "a SafeTensors file: weights without a network",
                "load it in PyTorch and export the model with torch.onnx.export"},
    Description{FileType::TensorFlowLite, "a TensorFlow Lite model, which is not supported yet",
                "convert it: python -m tf2onnx.convert --tflite FILE --output model.onnx"},
    Description{FileType::TensorFlowGraph, "a TensorFlow graph (SavedModel or frozen), which is not supported yet",
                "convert its folder: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx"},
    Description{FileType::Gguf, "a GGUF file (llama.cpp), which is not supported yet",
                "export the original model: optimum-cli export onnx --model NAME FOLDER"},
    Description{FileType::GitLfsPointer, "a Git LFS pointer, not the model itself", "run: git lfs pull"},
    Description{FileType::Gzip, "a gzip archive", "unpack it and open the model inside"},
    Description{FileType::Picture, "a picture", "pictures are inputs: open a model, then give it this"},
    Description{FileType::Html, "a web page or XML text", "check the download"},
    Description{FileType::Json, "a JSON text, without weights", kNotAModel},
};

const Description& descriptionOf(FileType type) {
  return *std::find_if(kDescriptions.begin(), kDescriptions.end(),
                       [&](const Description& d) { return d.type == type; });
}

} // namespace

FileType detectFileType(std::span<const std::byte> bytes) {
  const std::string_view content(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (content.empty()) return FileType::Empty;
  for (const Signature& signature : kSignatures)
    if (content.starts_with(signature.start)) return signature.type;
  if (content.starts_with("PK\x03\x04"sv) || content.starts_with("PK\x05\x06"sv)) return zipType(content);
  if (content.size() > 8 && content.substr(4, 4) == "TFL3") return FileType::TensorFlowLite;
  if (isSafeTensors(content)) return FileType::SafeTensors;
  if (isTensorFlow(content)) return FileType::TensorFlowGraph;
  if (isHdf5WithUserBlock(content)) return FileType::Hdf5;
  return textType(content);
}

std::string_view describe(FileType type) { return descriptionOf(type).what; }

Error unsuitableModelFile(FileType type, const std::string& where) {
  const Description& description = descriptionOf(type);
  return makeError(ErrorCode::ModelRejected, "this is " + std::string(description.what), where,
                   std::string(description.hint));
}

Error unsuitableModelFolder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder / "saved_model.pb", ignored))
    return makeError(
        ErrorCode::ModelRejected, "this is a TensorFlow SavedModel folder, which is not supported yet", folder.string(),
        "convert it: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx, or save the model "
        "as .keras");
  return makeError(ErrorCode::ModelRejected, "this is a folder", folder.string(), std::string(kNotAModel));
}

} // namespace tandem
