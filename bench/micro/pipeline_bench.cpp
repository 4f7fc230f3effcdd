// SPDX-License-Identifier: GPL-3.0-or-later
// Times the input pipeline alone: inputs are prepared for a model of 224x224 pixels, as `tandem run` prepares them, and
// thrown away. Usage:
//   pipeline_bench INPUT... [--preprocess SPEC] [--threads N] [--batch N] [--seconds S] [--warmup S] [--save FILE]
// Prints one line of JSON. --save writes the first item's elements (float32) to FILE and stops.
#include "engine/session/pipeline_options.hpp"
#include "engine/session/pipeline_source.hpp"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

namespace tandem::bench {
namespace {

using session::PipelineSource;

struct Options {
  session::InputOptions inputs;
  session::PipelineSpec pipeline;
  int batch = 1;
  double seconds = 1, warmup = 0.2;
  std::string save;
};

std::optional<Options> parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (!name.starts_with("--")) {
      options.inputs.files.push_back(name);
      continue;
    }
    if (++i == argc) return std::nullopt;
    const std::string value = argv[i];
    if (name == "--preprocess")
      options.inputs.preprocess = value;
    else if (name == "--threads")
      options.pipeline.threads = std::atoi(value.c_str());
    else if (name == "--batch")
      options.batch = std::atoi(value.c_str());
    else if (name == "--seconds")
      options.seconds = std::atof(value.c_str());
    else if (name == "--warmup")
      options.warmup = std::atof(value.c_str());
    else if (name == "--save")
      options.save = value;
    else
      return std::nullopt;
  }
  const bool good = options.pipeline.threads >= 1 && options.batch >= 1 && options.seconds > 0 && options.warmup >= 0;
  return good ? std::optional(options) : std::nullopt;
}

Result<void> save(const Tensor& tensor, const std::string& file) {
  std::ofstream out(file, std::ios::binary);
  out.write(static_cast<const char*>(tensor.data()), static_cast<std::streamsize>(tensor.bytes()));
  if (out) return {};
  return makeError(ErrorCode::OutputFailed, "cannot be written", file, "choose another file");
}

void waitFor(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

Result<void> measure(const Options& options) {
  session::EngineState state;
  const auto document = TANDEM_TRY(state.open("sample:squeezenet", {}, CancelToken()));
  const auto source = TANDEM_TRY(PipelineSource::create(document, options.inputs));
  if (!options.save.empty()) return save(source->first().tensors.at(0), options.save);

  InputPipeline pipeline(*source, {options.batch}, TANDEM_TRY(session::pipelineOptions(options.pipeline)));
  pipeline.start();
  InputPipeline::Taker again = [&](const Result<std::shared_ptr<const RequestData>>& taken) {
    if (taken) pipeline.take(again);
  };
  pipeline.take(again);
  waitFor(options.warmup);
  pipeline.resetStatistics();
  waitFor(options.seconds);
  const PipelineStatistics statistics = pipeline.statistics();
  pipeline.stop();

  const double items = static_cast<double>(std::max<std::uint64_t>(statistics.items, 1));
  const auto ms = [&](std::int64_t ns) { return static_cast<double>(ns) * 1e-6 / items; };
  const PipelineStages& stages = statistics.stages;
  const nlohmann::json json{{"count", statistics.items},
                            {"items_per_s", items / statistics.elapsedS},
                            {"per_thread_s", statistics.itemsPerThreadS()},
                            {"busy_fraction", statistics.busyFraction},
                            {"read_ms", ms(stages.readNs)},
                            {"decode_ms", ms(stages.decodeNs)},
                            {"resize_ms", ms(stages.resizeNs)},
                            {"normalize_ms", ms(stages.normalizeNs)},
                            {"batch_ms", ms(stages.batchNs)},
                            {"failed", statistics.failedItems}};
  std::printf("%s\n", json.dump().c_str());
  return {};
}

} // namespace
} // namespace tandem::bench

int main(int argc, char** argv) {
  const auto options = tandem::bench::parse(argc, argv);
  if (!options) {
    std::fprintf(stderr, "pipeline_bench INPUT... [--preprocess SPEC] [--threads N] [--batch N] [--seconds S] "
                         "[--warmup S] [--save FILE]\n");
    return 2;
  }
  if (auto done = tandem::bench::measure(*options); !done) {
    std::fprintf(stderr, "pipeline_bench: %s\n", done.error().line().c_str());
    return tandem::exitCode(done.error().code);
  }
  return 0;
}
