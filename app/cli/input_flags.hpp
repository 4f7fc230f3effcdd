// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "app/cli/client.hpp"

namespace CLI {
class App;
}

namespace tandem::cli {

/// The options that say what a model is fed with; `predict` and `run` share them.
struct InputFlags {
  std::vector<std::string> files, texts;
  std::string textPair, vocabulary, casing, preprocess, audio;
  int sampleRate = 0;
  std::int64_t maxLength = 0;
  bool noState = false;

  void addOptions(CLI::App& command);
  void addTo(Json& params) const; ///< as the session's requests name them
};

} // namespace tandem::cli
