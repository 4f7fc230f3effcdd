// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/images/preprocess.hpp"
#include "engine/formats/text/word_piece.hpp"
#include "engine/serving/pipeline_statistics.hpp"
#include "engine/session/engine_state.hpp"
#include "engine/session/session.hpp"
#include "engine/session/state_pairs.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tandem::session {

/// What a request says about its inputs (README.md: predict).
struct InputOptions {
  /// Files, folders, lists of them ("@list.txt", see file_list.hpp), and synthetic data ("random:normal(0,1)",
  /// "zeros").
  std::vector<std::string> files;
  std::vector<std::string> texts; ///< for BERT-like models, one prediction each
  std::string textPair;           ///< the second sentence of each text
  std::string vocabulary;         ///< vocab.txt; empty: the one beside the model
  std::string casing;             ///< "cased", "uncased"; empty: guessed from the vocabulary
  std::int64_t maxLength = 0;     ///< tokens; 0: what the model takes
  std::string preprocess;         ///< PreprocessSpec text; empty: guessed
  std::string audio;              ///< AudioSpec text; empty: guessed
  int sampleRate = 0;             ///< of the model; 0: the model's own, else the recording's
  bool recurrent = true;          ///< states are fed back as guessStatePairs says
  std::uint64_t seed = 1;         ///< of synthetic data

  bool empty() const { return files.empty() && texts.empty(); }
};
Result<InputOptions> decodeInputOptions(const Json& params);

/// One prediction's input tensors (graph input order) and what they came from.
struct InputSet {
  std::string label; ///< file name, or several joined by ", "
  std::vector<Tensor> tensors;
  int pictureWidth = 0, pictureHeight = 0;  ///< of the picture, where it is one
  std::optional<PreprocessSpec> preprocess; ///< what was done to it
  std::vector<std::string> notes;           ///< assumptions, for people

  /// A recording or table that the model takes piece by piece: `steps` executions, in which input `steppedInput` is
  /// step(0), step(1), ...; tensors[steppedInput] is step(0).
  std::int64_t steps = 1;
  std::size_t steppedInput = 0;
  std::function<Tensor(std::int64_t)> step;
  double stepSeconds = 0; ///< of sound between two steps; 0 where steps are rows
  std::int64_t rows = 0;  ///< table rows in one batch, each with results of its own; 0 elsewhere
};

/// The inputs of a prediction, read one after another so that a folder of any size fits memory. What is const may be
/// called from several threads at once.
class InputReader {
 public:
  /// Lists what `options` name: each picture, archive, recording, table, line of a .txt file and made-up input is one
  /// prediction; tensor files (.npy, .pb) are taken in groups, one per model input. `document` must outlive the reader.
  /// Errors name the file and what the model wants.
  static Result<InputReader> create(const OpenDocument& document, InputOptions options);

  std::size_t count() const { return m_items.size(); }
  const std::string& label(std::size_t index) const { return m_items[index].label; }
  /// Every input is there: states start as zeros, the sampling rate is filled in. Adds to `stages`, where given, what
  /// reading, decoding, resizing and normalising took.
  Result<InputSet> read(std::size_t index, PipelineStages* stages = nullptr) const;
  /// The memory that is fed back; empty where switched off.
  const std::vector<StatePair>& states() const { return m_states; }

 private:
  enum class Kind { Nothing, Tensors, Archive, Picture, Sound, Table, Text, Synthetic };
  struct Item {
    Kind kind = Kind::Nothing;
    std::vector<std::string> sources; ///< paths, or the text itself
    std::string label;
  };

  explicit InputReader(const OpenDocument& document) : m_document(&document) {}
  const Graph& graph() const { return m_document->graph(); }
  Result<void> add(const std::string& file);
  Result<void> addFolder(const std::string& folder);
  Result<void> addLines(const std::string& file);
  Result<void> addList(const std::string& list);
  void prepareKinds();
  Result<void> addTensors(const std::vector<std::string>& files);
  bool isAutomatic(std::size_t input) const;
  Result<std::size_t> onlyInput(const std::string& file, const char* kind) const;
  Result<InputSet> complete(InputSet set, std::vector<Tensor> given) const;

  Result<InputSet> readKind(const Item& item, PipelineStages& stages) const;
  Result<InputSet> readTensors(const Item& item) const;
  Result<InputSet> readArchive(const Item& item) const;
  Result<InputSet> readPicture(const Item& item, PipelineStages& stages) const;
  Result<InputSet> readSound(const Item& item) const;
  Result<InputSet> readTable(const Item& item) const;
  Result<InputSet> readText(const Item& item) const;
  Result<InputSet> readSynthetic(const Item& item) const;

  const OpenDocument* m_document;
  InputOptions m_options;
  std::vector<StatePair> m_states;
  std::optional<std::size_t> m_rateInput;
  std::vector<std::size_t> m_required; ///< inputs that a file must give
  std::vector<Item> m_items;
  std::vector<std::string> m_tensorFiles;
  // What all items of a kind need, found once.
  std::optional<Result<PreprocessSpec>> m_pictureSpec;
  std::string m_vocabularyFile;
  std::shared_ptr<const Result<WordPiece>> m_words;
};

/// How a picture becomes the model's input, guessed from what the model says and the sizes that the user chose.
PreprocessSpec pictureSpec(const OpenDocument& document);

/// The kinds of input that the model takes, for people: "pictures", "sound", "text", "tables", "tensors".
std::vector<std::string> inputKinds(const OpenDocument& document);

/// All of them at once, for requests that need few. Fails where one cannot be read.
Result<std::vector<InputSet>> readInputs(const OpenDocument& document, InputOptions options);

/// A batch of `items` for a run: what `options` name, repeated to fill it, stacked along the first dimension into the
/// inputs of `bound`. `perItemMs` receives the mean time of reading and preprocessing one item.
Result<std::vector<Tensor>> batchFromFiles(const OpenDocument& document, const Graph& bound,
                                           const InputOptions& options, int items, double& perItemMs);

} // namespace tandem::session
