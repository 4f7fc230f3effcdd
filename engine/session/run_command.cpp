// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/codec.hpp"
#include "engine/session/shell_quote.hpp"

#include <cstdio>

namespace tandem::session {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string replicaText(const ReplicaSpec& replica) {
  std::string text = replica.device.empty() ? replica.placementFile : replica.device;
  if (replica.threads > 0) text += ",threads=" + std::to_string(replica.threads);
  if (replica.streams != 1) text += ",streams=" + std::to_string(replica.streams);
  if (replica.batch > 0) text += ",batch=" + std::to_string(replica.batch);
  std::string sizes;
  for (int size : replica.preferred) sizes += (sizes.empty() ? "" : "/") + std::to_string(size);
  if (!sizes.empty()) text += ",preferred=" + sizes;
  if (replica.delayMs > 0) text += ",delay_ms=" + number(replica.delayMs);
  if (replica.targetMs > 0) text += ",target_ms=" + number(replica.targetMs);
  if (replica.precision != ReplicaSpec().precision) text += ",precision=" + replica.precision;
  for (std::size_t i = 0; i < replica.candidates.size(); ++i)
    text += (i == 0 ? ",candidates=" : "/") + replica.candidates[i];
  if (!replica.name.empty()) text += ",name=" + replica.name;
  return text;
}

} // namespace

std::string shellQuote(const std::string& text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=+@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string result = "'";
  for (char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string runCommand(const Document& document, const RunSpec& spec, const std::string& cores) {
  const RunSpec defaults;
  std::string command = "tandem run " + shellQuote(document.source);
  for (const FreeDimSummary& dim : document.freeDims)
    if (dim.chosen) command += " --dim " + shellQuote(dim.key + "=" + std::to_string(dim.size));
  if (!cores.empty()) command += " --cores " + shellQuote(cores);
  for (const ReplicaSpec& replica : spec.replicas) command += " --replica " + shellQuote(replicaText(replica));
  command += " --scenario " + shellQuote(spec.scenario) + " --route " + shellQuote(spec.route);
  std::string batches;
  for (int batch : spec.batches) batches += (batches.empty() ? "" : ",") + std::to_string(batch);
  command += " --batch " + batches + " --duration " + number(spec.durationS) + " --warmup " + number(spec.warmupS);
  if (spec.mode != defaults.mode) command += " --mode " + shellQuote(spec.mode);
  if (spec.seed != defaults.seed) command += " --seed " + std::to_string(spec.seed);
  if (spec.aloneS >= 0) command += " --alone " + number(spec.aloneS);
  if (spec.bulkShare > 0) command += " --bulk " + number(spec.bulkShare);
  if (spec.queueLimit > 0) command += " --queue-limit " + std::to_string(spec.queueLimit);
  if (spec.startOnCpu) command += " --start-on-cpu";
  if (spec.liveMargin > 0) command += " --live-placement=" + number(spec.liveMargin);
  if (spec.preprocessThreads > 0) {
    command += " --preprocess-threads " + std::to_string(spec.preprocessThreads);
    if (spec.prefetch > 0) command += " --prefetch " + std::to_string(spec.prefetch);
    if (!spec.preprocessCores.empty()) command += " --preprocess-cores " + shellQuote(spec.preprocessCores);
    if (spec.shuffle) command += " --shuffle";
  }
  if (!spec.traceFile.empty()) command += " --trace " + shellQuote(spec.traceFile);
  if (!spec.inputs.empty()) {
    command += " --input";
    for (const std::string& input : spec.inputs) command += " " + shellQuote(input);
  }
  return command;
}

} // namespace tandem::session
