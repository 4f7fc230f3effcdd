// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/input_flags.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {

void InputFlags::addOptions(CLI::App& command) {
  command.add_option(
      "--input", files,
      "pictures (.png, .jpg), recordings (.wav), tables (.csv), texts (.txt, one per line), .npz with all "
      "inputs, one .npy/.pb file per model input, folders of these, @list.txt with one path per line, or made-up data: "
      "random, "
      "random:normal(0,1), random:uniform(0,1), random:integers(0,255), zeros, ones");
  command.add_option(
      "--preprocess", preprocess,
      "for pictures: preset or list like \"resize=256 crop=224 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 "
      "scale=1/255 order=rgb layout=nchw\"; guessed from the model otherwise");
  command.add_option("--text", texts, "a text for a BERT-like model; may be repeated");
  command.add_option("--text-pair", textPair, "the second sentence, for models that take two");
  command.add_option("--vocab", vocabulary, "the model's vocab.txt; found beside the model otherwise");
  command.add_option("--casing", casing, "cased or uncased; guessed from the vocabulary otherwise")
      ->check(CLI::IsMember({"cased", "uncased"}));
  command.add_option("--max-length", maxLength, "tokens at most")->check(CLI::Range(3, 1 << 20));
  command.add_option("--sample-rate", sampleRate, "of the model, for sound; recordings are resampled to it")
      ->check(CLI::Range(1, 768000));
  command.add_option("--audio", audio, "for sound: rate=16000,window=512,hop=128; guessed from the model otherwise");
  command.add_flag("--no-state", noState, "do not feed state outputs back into the inputs of the next step");
}

void InputFlags::addTo(Json& params) const {
  params["inputs"] = files;
  params["preprocess"] = preprocess;
  params["texts"] = texts;
  params["text_pair"] = textPair;
  params["vocab"] = vocabulary;
  params["casing"] = casing;
  params["max_length"] = maxLength;
  params["audio"] = audio;
  params["sample_rate"] = sampleRate;
  params["recurrent"] = !noState;
}

} // namespace tandem::cli
