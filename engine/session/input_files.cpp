// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/input_files.hpp"

#include "engine/base/clock.hpp"
#include "engine/formats/audio/audio_spec.hpp"
#include "engine/formats/images/labels.hpp"
#include "engine/session/file_list.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/synthetic.hpp"
#include "engine/session/text_input.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

std::string extensionOf(const std::string& file) {
  std::string extension = std::filesystem::path(file).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

std::string fileName(const std::string& file) { return std::filesystem::path(file).filename().string(); }

bool isOneOf(const std::string& text, std::initializer_list<const char*> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

Error unknownKind(const std::string& file) {
  const std::string extension = extensionOf(file);
  const char* hint = "give .png, .jpg, .npy, .npz, .pb, .csv, .wav or .txt files";
  if (isOneOf(extension, {".gif", ".tif", ".tiff", ".svg", ".webp", ".bmp", ".heic", ".avif"}))
    return makeError(ErrorCode::InputRejected, "pictures of the kind " + extension + " are not read", file,
                     "convert it to .png or .jpg");
  if (isOneOf(extension, {".mp3", ".flac", ".ogg", ".m4a", ".aac", ".opus"}))
    return makeError(ErrorCode::InputRejected, "sound of the kind " + extension + " is not read", file,
                     "convert it to .wav");
  return makeError(ErrorCode::InputRejected, "the kind of file is not known by its name", file, hint);
}

} // namespace

Result<InputOptions> decodeInputOptions(const Json& params) {
  InputOptions options;
  options.files = params.value("inputs", std::vector<std::string>());
  options.texts = params.value("texts", std::vector<std::string>());
  options.textPair = params.value("text_pair", std::string());
  options.vocabulary = params.value("vocab", std::string());
  options.casing = params.value("casing", std::string());
  options.maxLength = readOr(params, "max_length", std::int64_t{0});
  options.preprocess = params.value("preprocess", std::string());
  options.audio = params.value("audio", std::string());
  options.sampleRate = readOr(params, "sample_rate", 0);
  options.recurrent = params.value("recurrent", true);
  options.seed = readOr(params, "seed", std::uint64_t{1});
  if (!options.casing.empty() && options.casing != "cased" && options.casing != "uncased")
    return makeError(ErrorCode::Usage, "unknown casing '" + options.casing + "'", "--casing", "cased or uncased");
  if (options.maxLength < 0 || (options.maxLength > 0 && options.maxLength < 3))
    return makeError(ErrorCode::Usage, "a text of " + std::to_string(options.maxLength) + " tokens is too short",
                     "--max-length", "at least 3");
  return options;
}

Result<InputReader> InputReader::create(const OpenDocument& document, InputOptions options) {
  InputReader reader(document);
  reader.m_options = std::move(options);
  const Graph& graph = reader.graph();
  if (reader.m_options.recurrent) reader.m_states = guessStatePairs(graph);
  reader.m_rateInput = sampleRateInput(graph);
  for (std::size_t i = 0; i < graph.inputs().size(); ++i)
    if (!reader.isAutomatic(i)) reader.m_required.push_back(i);
  if (graph.inputs().empty()) {
    reader.m_items.push_back({});
    return reader;
  }
  for (const std::string& file : reader.m_options.files) TANDEM_TRY(reader.add(file));
  for (const std::string& text : reader.m_options.texts)
    reader.m_items.push_back({Kind::Text, {text}, text.substr(0, 60)});
  TANDEM_TRY(reader.addTensors(reader.m_tensorFiles));
  reader.prepareKinds();
  if (reader.m_items.empty()) {
    const Value& first = graph.value(graph.inputs().front());
    return makeError(ErrorCode::InputRejected, "no file was given for this input, which is " + first.desc.toString(),
                     first.name, "give " + std::to_string(reader.m_required.size()) + " file(s) with --input");
  }
  return reader;
}

bool InputReader::isAutomatic(std::size_t input) const {
  return m_rateInput == input ||
         std::any_of(m_states.begin(), m_states.end(), [&](const StatePair& pair) { return pair.input == input; });
}

Result<void> InputReader::add(const std::string& file) {
  std::error_code ignored;
  if (file.starts_with('@')) return addList(file.substr(1));
  if (isSynthetic(file)) {
    TANDEM_TRY(parseDistribution(file));
    m_items.push_back({Kind::Synthetic, {file}, file});
    return {};
  }
  if (std::filesystem::is_directory(file, ignored)) return addFolder(file);
  const std::string extension = extensionOf(file);
  const auto item = [&](Kind kind) { m_items.push_back({kind, {file}, fileName(file)}); };
  if (isOneOf(extension, {".png", ".jpg", ".jpeg"}))
    item(Kind::Picture);
  else if (extension == ".npz")
    item(Kind::Archive);
  else if (extension == ".wav")
    item(Kind::Sound);
  else if (isOneOf(extension, {".csv", ".tsv"}))
    item(Kind::Table);
  else if (extension == ".txt")
    return addLines(file);
  else if (isOneOf(extension, {".npy", ".pb"}))
    m_tensorFiles.push_back(file);
  else
    return unknownKind(file);
  return {};
}

Result<void> InputReader::addFolder(const std::string& folder) {
  std::error_code problem;
  std::vector<std::string> files;
  for (std::filesystem::directory_iterator it(folder, problem), end; !problem && it != end; it.increment(problem)) {
    const std::string extension = extensionOf(it->path().string());
    if (isOneOf(extension, {".png", ".jpg", ".jpeg", ".npz", ".wav", ".csv", ".tsv", ".npy", ".pb"}))
      files.push_back(it->path().string());
  }
  if (problem)
    return makeError(ErrorCode::InputRejected, "the folder cannot be read: " + problem.message(), folder,
                     "check its permissions");
  if (files.empty())
    return makeError(ErrorCode::InputRejected, "the folder holds nothing that can be an input", folder,
                     "put .png, .jpg, .npy, .npz, .pb, .csv or .wav files there");
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) TANDEM_TRY(add(file));
  return {};
}

Result<void> InputReader::addLines(const std::string& file) {
  const std::vector<std::string> lines = TANDEM_TRY(readLines(file));
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (!lines[i].empty())
      m_items.push_back({Kind::Text, {lines[i]}, fileName(file) + " line " + std::to_string(i + 1)});
  return {};
}

Result<void> InputReader::addList(const std::string& list) {
  for (const ListedFile& each : TANDEM_TRY(readFileList(list)))
    if (auto added = add(each.path); !added) {
      Error error = std::move(added).error();
      error.where = list + " line " + std::to_string(each.line) + (error.where.empty() ? "" : ": " + error.where);
      return error;
    }
  return {};
}

Result<void> InputReader::addTensors(const std::vector<std::string>& files) {
  if (files.empty()) return {};
  const std::size_t all = graph().inputs().size();
  // Who gives as many files as the model has inputs gives them all, states included.
  const std::size_t group = files.size() % all == 0 || m_required.empty() ? all : m_required.size();
  if (files.size() % group != 0) {
    const auto& order = group == all ? std::vector<std::size_t>() : m_required;
    const std::size_t next = files.size() % group;
    const Value& missing = graph().value(graph().inputs()[group == all ? next : order[next]]);
    return makeError(ErrorCode::InputRejected, "no file was given for this input, which is " + missing.desc.toString(),
                     missing.name, "give " + std::to_string(group) + " file(s) with --input, in the model's order");
  }
  for (std::size_t begin = 0; begin < files.size(); begin += group) {
    Item item{Kind::Tensors, {}, {}};
    for (std::size_t i = begin; i < begin + group; ++i) {
      item.sources.push_back(files[i]);
      item.label += (item.label.empty() ? "" : ", ") + fileName(files[i]);
    }
    m_items.push_back(std::move(item));
  }
  return {};
}

Result<InputSet> InputReader::read(std::size_t index, PipelineStages* stages) const {
  const Item& item = m_items[index];
  PipelineStages own;
  const std::int64_t start = nowNs();
  Result<InputSet> set = readKind(item, own);
  // Pictures tell their stages; tensor files are little more than their bytes, everything else is decoding.
  const bool isTensors = item.kind == Kind::Tensors || item.kind == Kind::Archive;
  if (item.kind != Kind::Picture) (isTensors ? own.readNs : own.decodeNs) += nowNs() - start;
  if (stages) *stages += own;
  return set;
}

Result<InputSet> InputReader::readKind(const Item& item, PipelineStages& stages) const {
  switch (item.kind) {
  case Kind::Nothing: return InputSet{};
  case Kind::Tensors: return readTensors(item);
  case Kind::Archive: return readArchive(item);
  case Kind::Picture: return readPicture(item, stages);
  case Kind::Sound: return readSound(item);
  case Kind::Table: return readTable(item);
  case Kind::Text: return readText(item);
  case Kind::Synthetic: return readSynthetic(item);
  }
  return InputSet{};
}

Result<std::size_t> InputReader::onlyInput(const std::string& file, const char* kind) const {
  if (m_required.size() == 1) return m_required.front();
  return makeError(ErrorCode::InputRejected,
                   "the model has " + std::to_string(graph().inputs().size()) + " inputs, so " + kind +
                       " is not enough",
                   file, "give one .npy or .pb file per input, or one .npz with all of them");
}

Result<InputSet> InputReader::complete(InputSet set, std::vector<Tensor> given) const {
  given.resize(graph().inputs().size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i].defined()) continue;
    const Value& input = graph().value(graph().inputs()[i]);
    if (m_rateInput == i) {
      int rate = m_options.sampleRate;
      if (rate == 0) {
        const auto spec = guessAudio(graph());
        rate = spec && spec->sampleRate > 0 ? spec->sampleRate : 16000;
      }
      Tensor scalar = Tensor::zeros({DataType::Int64, Shape{}});
      scalar.mutableAs<std::int64_t>()[0] = rate;
      const Shape shape = input.desc.shape.rank() == 0 ? Shape{} : Shape{1};
      if (input.desc.type == DataType::Int64)
        given[i] = scalar.reshaped(shape);
      else if (input.desc.type == DataType::Int32)
        given[i] = Tensor::of<std::int32_t>(shape, {rate});
      if (given[i].defined()) {
        set.notes.push_back(input.name + " is " + std::to_string(rate));
        continue;
      }
    }
    for (const StatePair& pair : m_states)
      if (pair.input == i) {
        given[i] = initialState(graph(), pair);
        set.notes.push_back(input.name + " starts as zeros (" + given[i].shape().toString() + ") and continues with " +
                            graph().value(graph().outputs()[pair.output]).name + ", guessed " + pair.reason);
      }
    if (!given[i].defined())
      return makeError(ErrorCode::InputRejected, "no file was given for this input, which is " + input.desc.toString(),
                       input.name,
                       "give " + std::to_string(m_required.size()) + " file(s) with --input, in the model's order");
  }
  set.tensors = std::move(given);
  return set;
}

PreprocessSpec pictureSpec(const OpenDocument& document) {
  const bool chosen =
      std::any_of(document.freeDims.begin(), document.freeDims.end(), [](const FreeDim& dim) { return dim.chosen; });
  return guessPreprocess(chosen ? document.view : document.graph());
}

std::vector<std::string> inputKinds(const OpenDocument& document) {
  const Graph& graph = document.graph();
  std::vector<std::string> kinds;
  if (graph.inputs().empty()) return kinds;
  std::size_t required = graph.inputs().size() - guessStatePairs(graph).size() - (sampleRateInput(graph) ? 1 : 0);
  if (required == 1) {
    const Value& first = graph.value(graph.inputs()[0]);
    const bool picture = pictureSpec(document).takesPicture();
    if (picture) kinds.push_back("pictures");
    if (guessAudio(graph)) kinds.push_back("sound");
    if (!picture && first.rankKnown && first.desc.shape.rank() >= 1 && first.desc.shape.rank() <= 3)
      kinds.push_back("tables");
  }
  if (guessTextInputs(graph)) kinds.push_back("text");
  kinds.push_back("tensors");
  return kinds;
}

Result<std::vector<InputSet>> readInputs(const OpenDocument& document, InputOptions options) {
  const InputReader reader = TANDEM_TRY(InputReader::create(document, std::move(options)));
  std::vector<InputSet> sets;
  for (std::size_t i = 0; i < reader.count(); ++i) sets.push_back(TANDEM_TRY(reader.read(i)));
  return sets;
}

Result<std::vector<Tensor>> batchFromFiles(const OpenDocument& document, const Graph& bound,
                                           const InputOptions& options, int items, double& perItemMs) {
  const std::int64_t start = nowNs();
  const InputReader reader = TANDEM_TRY(InputReader::create(document, options));
  std::vector<InputSet> sets;
  const std::size_t wanted = std::min(reader.count(), static_cast<std::size_t>(std::max(items, 1)));
  for (std::size_t i = 0; i < wanted; ++i) sets.push_back(TANDEM_TRY(reader.read(i)));
  perItemMs = toMs(nowNs() - start) / static_cast<double>(sets.size());

  std::vector<Tensor> batch;
  for (std::size_t i = 0; i < bound.inputs().size(); ++i) {
    const Value& input = bound.value(bound.inputs()[i]);
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
