// SPDX-License-Identifier: GPL-3.0-or-later
// How each kind of input becomes tensors; which kind it is and in what order is decided in input_files.cpp.
#include "engine/base/clock.hpp"
#include "engine/formats/audio/audio_spec.hpp"
#include "engine/formats/tensors/csv.hpp"
#include "engine/formats/tensors/mapped_file.hpp"
#include "engine/formats/tensors/npy.hpp"
#include "engine/formats/tensors/npz.hpp"
#include "engine/formats/tensors/tensor_pb.hpp"
#include "engine/session/input_files.hpp"
#include "engine/session/synthetic.hpp"
#include "engine/session/text_input.hpp"
#include "engine/tensor/visit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace tandem::session {
namespace {

/// "input:0", "input.0" and "input_0" are one name: archives cannot hold every character.
std::string plainName(std::string name) {
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

std::string namesOf(const Graph& graph, const std::vector<std::size_t>& inputs) {
  std::string text;
  for (std::size_t i : inputs) text += (text.empty() ? "" : ", ") + graph.value(graph.inputs()[i]).name;
  return text;
}

/// Row `first` and the `count - 1` after it as `type`, under `shape`.
Result<Tensor> rowsAs(const CsvTable& table, std::int64_t first, std::int64_t count, DataType type, Shape shape,
                      const std::string& where) {
  Tensor tensor = Tensor::uninitialized({type, std::move(shape)});
  bool fits = true;
  const double* values = table.values.data() + first * table.columns;
  const auto size = static_cast<std::size_t>(count * table.columns);
  const bool known = visitType(type, [&]<class T>(TypeTag<T>) {
    auto out = tensor.mutableAs<T>();
    for (std::size_t i = 0; i < size; ++i) {
      if constexpr (std::is_same_v<T, bool>) {
        fits = fits && (values[i] == 0 || values[i] == 1);
        out[i] = values[i] != 0;
      } else if constexpr (std::is_integral_v<T>) {
        const bool whole = values[i] == std::floor(values[i]) &&
                           values[i] >= static_cast<double>(std::numeric_limits<T>::lowest()) &&
                           values[i] < static_cast<double>(std::numeric_limits<T>::max()) + (sizeof(T) < 8 ? 1 : 0);
        fits = fits && whole;
        out[i] = whole ? static_cast<T>(values[i]) : T{};
      } else {
        out[i] = static_cast<T>(static_cast<ComputeTypeOf<T>>(values[i]));
      }
    }
  });
  if (!known || !fits)
    return makeError(ErrorCode::InputRejected,
                     "the table holds numbers that the model's " + std::string(toString(type)) + " input cannot", where,
                     "whole numbers in range are needed");
  return tensor;
}

Error tableMismatch(const CsvTable& table, const Value& input, const std::string& where) {
  return makeError(ErrorCode::InputRejected,
                   "the table has " + std::to_string(table.rows) + " row(s) of " + std::to_string(table.columns) +
                       " number(s), the model wants " + input.desc.toString(),
                   where, "one row per item, with as many columns as the model's last dimension");
}

/// What the model takes of a table at once: the shape for `rows` rows, or nothing where it does not fit.
struct TablePlan {
  Shape shape;
  bool whole = false;   ///< the whole table is one item
  bool batched = false; ///< all rows in one batch
};

std::optional<TablePlan> planTable(const CsvTable& table, const Shape& want) {
  const std::size_t rank = want.rank();
  TablePlan plan{want, false, false};
  std::vector<std::size_t> open;
  std::int64_t known = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (want[axis] == kUnknownDim && axis > 0) open.push_back(axis);
    if (want[axis] != kUnknownDim) known *= want[axis];
  }
  if (rank == 1) {
    if (want[0] != kUnknownDim && want[0] != table.columns && want[0] != table.rows * table.columns)
      return std::nullopt;
    plan.whole = want[0] != table.columns;
    plan.shape[0] = plan.whole ? table.rows * table.columns : table.columns;
    return plan;
  }
  const bool batchOpen = want[0] == kUnknownDim;
  if (rank == 3 && open == std::vector<std::size_t>{1} && (want[2] == table.columns)) { // a sequence of rows
    plan.whole = true;
    plan.shape[0] = 1;
    plan.shape[1] = table.rows;
    return batchOpen || want[0] == 1 ? std::optional(plan) : std::nullopt;
  }
  if (open.size() == 1 && known > 0 && table.columns % known == 0 && (batchOpen || want[0] == 1)) {
    plan.shape[open[0]] = table.columns / known;
    known = table.columns;
  } else if (!open.empty()) {
    return std::nullopt;
  }
  if (known == table.columns && (batchOpen || want[0] == 1)) { // a row is an item
    plan.batched = batchOpen;
    plan.shape[0] = batchOpen ? table.rows : 1;
    return plan;
  }
  if (known == table.rows * table.columns) { // the table is the item
    plan.whole = true;
    if (batchOpen) plan.shape[0] = 1;
    return plan;
  }
  return std::nullopt;
}

} // namespace

Result<InputSet> InputReader::readTensors(const Item& item) const {
  InputSet set;
  set.label = item.label;
  std::vector<Tensor> given(graph().inputs().size());
  const bool all = item.sources.size() == given.size();
  for (std::size_t i = 0; i < item.sources.size(); ++i) {
    const std::string& file = item.sources[i];
    given[all ? i : m_required[i]] = TANDEM_TRY(file.ends_with(".pb") ? readTensorPb(file) : readNpy(file));
  }
  return complete(std::move(set), std::move(given));
}

Result<InputSet> InputReader::readArchive(const Item& item) const {
  const std::vector<NamedTensor> arrays = TANDEM_TRY(readNpz(item.sources[0]));
  InputSet set;
  set.label = item.label;
  std::map<std::string, const Tensor*> byName;
  for (const NamedTensor& array : arrays) byName[plainName(array.name)] = &array.tensor;
  std::vector<Tensor> given(graph().inputs().size());
  std::size_t found = 0;
  for (std::size_t i = 0; i < given.size(); ++i)
    if (auto it = byName.find(plainName(graph().value(graph().inputs()[i]).name)); it != byName.end())
      given[i] = *it->second, ++found;
  const bool named =
      std::all_of(m_required.begin(), m_required.end(), [&](std::size_t i) { return given[i].defined(); });
  if (named && found > 0) return complete(std::move(set), std::move(given));

  std::vector<std::size_t> order(given.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (arrays.size() != order.size()) order = m_required;
  std::string names;
  for (const NamedTensor& array : arrays) names += (names.empty() ? "" : ", ") + array.name;
  if (arrays.size() != order.size() || found > 0)
    return makeError(ErrorCode::InputRejected,
                     "the archive holds " + names + "; the model's inputs are " + namesOf(graph(), order),
                     item.sources[0], "save it with the inputs' names: numpy.savez(file, name=array)");
  for (std::size_t i = 0; i < order.size(); ++i) {
    given[order[i]] = arrays[i].tensor;
    set.notes.push_back("taken in order: " + arrays[i].name + " is " + graph().value(graph().inputs()[order[i]]).name);
  }
  return complete(std::move(set), std::move(given));
}

void InputReader::prepareKinds() {
  const auto has = [&](Kind kind) {
    return std::any_of(m_items.begin(), m_items.end(), [&](const Item& item) { return item.kind == kind; });
  };
  if (has(Kind::Picture)) {
    PreprocessSpec spec = pictureSpec(*m_document);
    m_pictureSpec =
        m_options.preprocess.empty() ? Result<PreprocessSpec>(spec) : parsePreprocess(m_options.preprocess, spec);
  }
  if (!has(Kind::Text)) return;
  m_vocabularyFile = m_options.vocabulary.empty() ? findVocabulary(m_document->path).string() : m_options.vocabulary;
  if (m_vocabularyFile.empty()) return;
  Result<WordPiece> words = WordPiece::read(m_vocabularyFile);
  if (words && !m_options.casing.empty()) {
    words->setLowerCase(m_options.casing == "uncased");
    words->setStripAccents(m_options.casing == "uncased" && words->stripAccents());
  }
  m_words = std::make_shared<const Result<WordPiece>>(std::move(words));
}

Result<InputSet> InputReader::readPicture(const Item& item, PipelineStages& stages) const {
  const std::string& file = item.sources[0];
  const std::size_t index = TANDEM_TRY(onlyInput(file, "a picture"));
  if (!m_pictureSpec->ok()) return m_pictureSpec->error();
  const PreprocessSpec& spec = **m_pictureSpec;
  if (m_options.preprocess.empty() && !spec.takesPicture()) {
    const Value& input = graph().value(graph().inputs()[index]);
    return makeError(ErrorCode::InputRejected, "the model's input " + input.desc.toString() + " is not a picture",
                     input.name, "give the input as .npy or .pb");
  }
  std::int64_t since = nowNs();
  const auto endStage = [&](std::int64_t& stage) {
    const std::int64_t now = nowNs();
    stage += now - since;
    since = now;
  };
  const auto bytes = TANDEM_TRY(openImage(file));
  endStage(stages.readNs);
  const Image image = TANDEM_TRY(decodeImage(bytes->bytes(), file));
  endStage(stages.decodeNs);
  ResizedPicture resized = TANDEM_TRY(resizePicture(image, spec));
  endStage(stages.resizeNs);
  std::vector<Tensor> given(graph().inputs().size());
  given[index] = TANDEM_TRY(pictureTensor(std::move(resized)));
  endStage(stages.normalizeNs);
  InputSet set;
  set.label = item.label;
  set.pictureWidth = image.width;
  set.pictureHeight = image.height;
  set.preprocess = spec;
  set.notes.push_back("preprocess " + tandem::toString(spec) + (spec.certain ? "" : " (a guess)"));
  return complete(std::move(set), std::move(given));
}

Result<InputSet> InputReader::readSound(const Item& item) const {
  const std::string& file = item.sources[0];
  const std::size_t index = TANDEM_TRY(onlyInput(file, "a recording"));
  const Value& input = graph().value(graph().inputs()[index]);
  const auto guess = guessAudio(graph(), m_options.sampleRate);
  if (!guess || index != 0)
    return makeError(ErrorCode::InputRejected, "the model's input " + input.desc.toString() + " takes no samples",
                     input.name, "give the input as .npy or .pb");
  AudioSpec spec = TANDEM_TRY(parseAudio(m_options.audio, *guess));
  AudioClip clip = TANDEM_TRY(readWav(file));
  InputSet set;
  set.label = item.label;
  if (clip.channels > 1) set.notes.push_back(std::to_string(clip.channels) + " channels mixed to one");
  if (spec.sampleRate == 0) {
    spec.sampleRate = clip.sampleRate;
    set.notes.push_back("the model does not say its rate: the recording's " + std::to_string(clip.sampleRate) +
                        " Hz are used");
  } else if (spec.sampleRate != clip.sampleRate) {
    set.notes.push_back("resampled from " + std::to_string(clip.sampleRate) + " to " + std::to_string(spec.sampleRate) +
                        " Hz");
    clip = TANDEM_TRY(resampled(clip, spec.sampleRate));
  }
  set.notes.push_back("sound " + tandem::toString(spec) + (spec.certain ? "" : " (a guess)"));
  set.steps = frameCount(static_cast<std::int64_t>(clip.samples.size()), spec);
  set.steppedInput = index;
  set.stepSeconds = spec.window == 0 ? static_cast<double>(clip.samples.size()) / spec.sampleRate
                                     : static_cast<double>(spec.hop) / spec.sampleRate;
  auto shared = std::make_shared<const AudioClip>(std::move(clip));
  set.step = [shared, spec, type = input.desc.type](std::int64_t i) { return frameOf(*shared, spec, i, type); };
  std::vector<Tensor> given(graph().inputs().size());
  given[index] = set.step(0);
  if (m_rateInput && *m_rateInput < given.size()) {
    const Value& rate = graph().value(graph().inputs()[*m_rateInput]);
    const Shape shape = rate.desc.shape.rank() == 0 ? Shape{} : Shape{1};
    if (rate.desc.type == DataType::Int64) given[*m_rateInput] = Tensor::of<std::int64_t>(shape, {spec.sampleRate});
    if (rate.desc.type == DataType::Int32) given[*m_rateInput] = Tensor::of<std::int32_t>(shape, {spec.sampleRate});
  }
  return complete(std::move(set), std::move(given));
}

Result<InputSet> InputReader::readTable(const Item& item) const {
  const std::string& file = item.sources[0];
  const std::size_t index = TANDEM_TRY(onlyInput(file, "a table"));
  const Value& input = graph().value(graph().inputs()[index]);
  auto table = std::make_shared<CsvTable>(TANDEM_TRY(readCsv(file)));
  const auto plan = input.rankKnown && input.desc.shape.rank() > 0
                        ? planTable(*table, input.desc.shape)
                        : std::optional(TablePlan{{table->rows, table->columns}, false, true});
  if (!plan) return tableMismatch(*table, input, file);
  InputSet set;
  set.label = item.label;
  std::vector<Tensor> given(graph().inputs().size());
  const bool stepped = !plan->whole && !plan->batched;
  const DataType type = input.desc.type == DataType::Undefined ? DataType::Float32 : input.desc.type;
  // The whole table is converted once, so that a number out of range is found before anything runs.
  const Shape shape = stepped ? Shape{table->rows, table->columns} : plan->shape;
  Tensor all = TANDEM_TRY(rowsAs(*table, 0, table->rows, type, shape, file));
  given[index] = all;
  if (plan->batched) set.rows = table->rows;
  if (stepped) {
    set.steps = table->rows;
    set.steppedInput = index;
    const std::size_t bytes = all.bytes() / static_cast<std::size_t>(table->rows);
    set.step = [all, bytes, rowShape = plan->shape](std::int64_t row) {
      auto* at =
          const_cast<std::byte*>(static_cast<const std::byte*>(all.data())) + static_cast<std::size_t>(row) * bytes;
      return Tensor::wrap({all.type(), rowShape}, at, std::make_shared<Tensor>(all)).clone();
    };
    given[index] = set.step(0);
  }
  if (!table->header.empty()) {
    std::string names;
    for (const std::string& name : table->header) names += (names.empty() ? "" : ", ") + name;
    set.notes.push_back("columns: " + names.substr(0, 200));
  }
  set.notes.push_back(std::to_string(table->rows) + " rows of " + std::to_string(table->columns) + " numbers" +
                      (plan->batched ? " in one batch"
                       : plan->whole ? " as one item"
                                     : ", one after another"));
  return complete(std::move(set), std::move(given));
}

Result<InputSet> InputReader::readText(const Item& item) const {
  const auto inputs = guessTextInputs(graph());
  if (!inputs) {
    const Value& first = graph().value(graph().inputs().front());
    return makeError(ErrorCode::InputRejected, "the model's input " + first.desc.toString() + " takes no text tokens",
                     first.name, "a text needs an input like input_ids of whole numbers, [batch, tokens]");
  }
  if (!m_words)
    return makeError(ErrorCode::InputRejected, "the model's vocabulary is not known", item.label,
                     "put its vocab.txt beside the model or give it: --vocab, in the window Vocabulary...");
  if (!m_words->ok()) return m_words->error();
  const WordPiece& words = **m_words;
  TextTensors text =
      TANDEM_TRY(textTensors(graph(), *inputs, words, item.sources[0], m_options.textPair, m_options.maxLength));
  InputSet set;
  set.label = item.label;
  set.notes = std::move(text.notes);
  set.notes.push_back(std::filesystem::path(m_vocabularyFile).filename().string() + " with " +
                      std::to_string(words.size()) + " tokens, " + (words.lowerCase() ? "lower case" : "case kept") +
                      (words.stripAccents() ? ", accents removed" : ", accents kept") +
                      (m_options.casing.empty() ? " (a guess)" : ""));
  return complete(std::move(set), std::move(text.tensors));
}

Result<InputSet> InputReader::readSynthetic(const Item& item) const {
  const Distribution distribution = TANDEM_TRY(parseDistribution(item.sources[0]));
  InputSet set;
  set.label = item.label;
  std::vector<Tensor> given(graph().inputs().size());
  constexpr std::int64_t kOpenLength = 16; ///< where nothing else is known; the batch is 1
  const auto audio = guessAudio(graph());
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (isAutomatic(i)) continue;
    const Value& input = graph().value(graph().inputs()[i]);
    if (!input.rankKnown || byteSize(input.desc.type) == 0)
      return makeError(ErrorCode::InputRejected, "the model does not say the shape of this input", input.name,
                       "give an input tensor");
    TensorDesc desc = input.desc;
    // The sizes that the document shows, chosen or guessed.
    const Value& shown = m_document->view.value(m_document->view.inputs()[i]);
    for (std::size_t axis = 0; axis < desc.shape.rank(); ++axis) {
      if (desc.shape[axis] != kUnknownDim) continue;
      desc.shape[axis] = axis == 0 ? 1 : shown.isStatic() ? shown.desc.shape[axis] : kOpenLength;
      const bool last = axis > 0 && axis + 1 == desc.shape.rank();
      if (i == 0 && last && audio && audio->window > 0) desc.shape[axis] = audio->window;
    }
    const auto bytes = desc.checkedBytes();
    if (!bytes || *bytes > std::int64_t{4} << 30)
      return makeError(ErrorCode::InputRejected, "the input is too large to make up", input.name,
                       "give an input tensor");
    SyntheticInput made = TANDEM_TRY(makeSynthetic(graph(), i, desc, distribution, m_options.seed + i));
    set.notes.push_back(input.name + " " + desc.toString() + ": " + made.distribution + ", seed " +
                        std::to_string(m_options.seed + i));
    given[i] = std::move(made.tensor);
  }
  return complete(std::move(set), std::move(given));
}

} // namespace tandem::session
