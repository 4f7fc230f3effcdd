// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/keras_reader.hpp"

#include "engine/formats/archive/zip_archive.hpp"
#include "engine/formats/keras/detail/functional.hpp"
#include "engine/formats/models/file_type.hpp"
#include "engine/formats/tensors/sha256.hpp"
#include "engine/graph/verify.hpp"
#include "engine/ops/shape_inference.hpp"

#include <cstdlib>
#include <new>
#include <nlohmann/json.hpp>

namespace tandem {
namespace {

using detail::Hdf5File;
using detail::Json;
using detail::KerasError;

constexpr int kOpset = 21;
constexpr std::size_t kMaxConfigBytes = 32 << 20;

/// A file taken apart: what the model is, and where its weights are.
struct KerasFile {
  Json config;
  std::string kerasVersion;
  std::string backend;
  std::unique_ptr<Hdf5File> hdf5;
  std::shared_ptr<detail::LayerWeights> weights;
  std::shared_ptr<const void> owner; ///< of the bytes that hdf5 views
};

Error rejected(const std::string& message, const std::string& where, const std::string& hint) {
  return makeError(ErrorCode::ModelRejected, message, where, hint);
}

/// Why an HDF5 file without model_config is no model.
[[noreturn]] void refuseWithoutConfig(Hdf5File& file) {
  if (file.hasAttribute("", "layer_names") || file.hasGroup("layers") ||
      file.hasGroup("_layer_checkpoint_dependencies") || file.hasGroup("model_weights"))
    throw KerasError(
        "the file holds weights but no architecture: save the whole model with model.save(\"my_model.keras\")");
  throw KerasError("the HDF5 file is no Keras model: it has no model_config");
}

KerasFile openHdf5(std::span<const std::byte> bytes) {
  KerasFile file;
  file.hdf5 = std::make_unique<Hdf5File>(bytes);
  const auto config = file.hdf5->text("", "model_config", kMaxConfigBytes);
  if (!config) refuseWithoutConfig(*file.hdf5);
  file.config = detail::parseConfig(*config, "model_config");
  file.kerasVersion = file.hdf5->text("", "keras_version", 256).value_or("");
  file.backend = file.hdf5->text("", "backend", 256).value_or("");
  if (!file.hdf5->hasGroup("model_weights")) throw KerasError("the file holds an architecture but no weights");
  file.weights = detail::legacyWeights(*file.hdf5, "model_weights");
  return file;
}

KerasFile openArchive(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::string& where) {
  auto opened = ZipArchive::open(bytes, std::move(owner), where, ErrorCode::ModelRejected);
  if (!opened) throw KerasError(opened.error().message);
  const ZipArchive& archive = *opened;
  const auto contentOf = [&](const char* name) {
    const auto index = archive.find(name);
    if (!index) throw KerasError(std::string("the archive has no ") + name);
    auto content = archive.read(*index);
    if (!content) throw KerasError(std::string(name) + ": " + content.error().message);
    return std::move(*content);
  };
  const auto textOf = [&](const char* name) {
    const auto index = archive.find(name);
    if (index && archive.entries()[*index].bytes > static_cast<std::int64_t>(kMaxConfigBytes))
      throw KerasError(std::string(name) + " has " + std::to_string(archive.entries()[*index].bytes) +
                       " bytes, too many");
    const ZipContent content = contentOf(name);
    return std::string(reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size());
  };
  KerasFile file;
  file.config = detail::parseConfig(textOf("config.json"), "config.json");
  if (archive.find("metadata.json")) {
    const Json metadata = detail::parseConfig(textOf("metadata.json"), "metadata.json");
    file.kerasVersion = detail::Options(metadata).text("keras_version", "");
  }
  ZipContent weights = contentOf("model.weights.h5");
  file.owner = weights.owner;
  file.hdf5 = std::make_unique<Hdf5File>(weights.bytes);
  file.weights = detail::archiveWeights(*file.hdf5);
  return file;
}

/// One error of all problems.
Error describeProblems(const std::vector<std::string>& problems, const std::string& where) {
  std::string message = problems.size() == 1 ? "" : std::to_string(problems.size()) + " problems: ";
  bool onlyUnsupported = true, code = false;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    message += (i == 0 ? "" : "; ") + problems[i];
    onlyUnsupported = onlyUnsupported && problems[i].find("not supported") != std::string::npos;
    code = code || problems[i].find("contains code") != std::string::npos;
  }
  const char* hint = "save the model again with model.save()";
  if (onlyUnsupported)
    hint = "convert the model to ONNX: python -m tf2onnx.convert, or keras.Model.export(format=\"onnx\")";
  if (code) hint = "code in a model file is never run; build the model from Keras's own layers, or convert it to ONNX";
  return makeError(onlyUnsupported ? ErrorCode::Unsupported : ErrorCode::ModelRejected, message, where, hint);
}

Result<ImportedModel> import(KerasFile file, const std::string& where, const CancelToken& cancel) {
  std::vector<std::string> problems = detail::findCode(file.config);
  const int major = file.kerasVersion.empty() ? 3 : std::max(1, std::atoi(file.kerasVersion.c_str()));
  if (major == 1) detail::modernize(file.config);
  const detail::LayerSpec spec = detail::layerSpec(file.config);
  if (!spec.isModel() && problems.empty())
    problems.push_back("unsupported: contains code: the model is of the class '" + spec.className.substr(0, 80) +
                       "', whose Python code is not in the file");
  ImportedModel model;
  model.graph.name = spec.name.empty() ? "model" : spec.name;
  model.graph.opset = kOpset;
  model.opsets[""] = kOpset;
  model.producer = "keras" + (file.kerasVersion.empty() ? "" : " " + file.kerasVersion);
  detail::ModelImporter importer(model.graph, cancel, major);
  if (spec.isModel()) importer.importModel(spec, *file.weights);
  TANDEM_TRY(cancel.check());
  for (const std::string& problem : importer.problems()) {
    // A layer of code is found twice: in the configuration as a whole, and when it should be built.
    const bool repeated = !problems.empty() && problem.find("contains code") != std::string::npos;
    if (!repeated) problems.push_back(problem);
  }
  if (!problems.empty()) return describeProblems(problems, where);
  model.warnings = importer.warnings();
  return model;
}

Result<ImportedModel> finish(ImportedModel model, std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                             const std::string& where) {
  model.sha256 = LazySha256(bytes, std::move(owner));
  model.graph.compact();
  if (auto verified = verify(model.graph); !verified) {
    Error error = verified.error();
    error.where = error.where.empty() ? where : where + ", " + error.where;
    return error;
  }
  if (auto inferred = inferShapes(model.graph); !inferred) model.warnings.push_back(inferred.error().line());
  return model;
}

} // namespace

Result<ImportedModel> readKeras(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                const std::string& name, const CancelToken& cancel) {
  try {
    const bool archive = detectFileType(bytes) != FileType::Hdf5;
    KerasFile file = archive ? openArchive(bytes, owner, name) : openHdf5(bytes);
    ImportedModel model = TANDEM_TRY(import(std::move(file), name, cancel));
    return finish(std::move(model), bytes, std::move(owner), name);
  } catch (const KerasError& error) {
    return rejected(error.what(), name, "save the model again with model.save()");
  } catch (const std::bad_alloc&) {
    return rejected("not enough memory to read the model", name, "close other programs");
  } catch (const std::exception& error) {
    return rejected(std::string("the file has an unexpected form: ") + error.what(), name,
                    "save the model again with model.save()");
  }
}

} // namespace tandem
