// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/input_flags.hpp"
#include "app/cli/output.hpp"
#include "app/cli/specs.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

struct PredictOptions {
  std::string model, device, placement, labels, output, detector, mode = "compiled", precision = "model";
  InputFlags inputs;
  int top = 5;
  bool strict = false;
};

/// Long recordings have thousands of steps: the first ones on the terminal, all of them with --json and --output.
constexpr std::size_t kShownRows = 40;

void printRows(const session::Prediction& prediction) {
  for (std::size_t i = 0; i < std::min(prediction.rows.size(), kShownRows); ++i) {
    const session::Prediction::Row& row = prediction.rows[i];
    std::printf("  %-10s", row.label.c_str());
    for (const auto& each : row.top) std::printf("  %6.2f %%  %d %s", each.score * 100, each.index, each.label.c_str());
    if (row.top.empty())
      for (double value : row.values) std::printf("  %.4g", value);
    std::printf("\n");
  }
  if (prediction.rowCount > static_cast<std::int64_t>(kShownRows))
    std::printf("  ... %lld in all; --json lists them, --output FOLDER writes them as .npy\n",
                static_cast<long long>(prediction.rowCount));
}

void print(const session::Prediction& prediction, bool notes) {
  if (!prediction.error.empty()) {
    std::printf("%s  FAILED: %s\n", prediction.input.c_str(), prediction.error.c_str());
    return;
  }
  std::printf("%s  (%s%s, %s)\n", prediction.input.c_str(), formatMs(prediction.latencyMs).c_str(),
              prediction.cold ? " cold" : "", prediction.summary.c_str());
  for (const std::string& note : prediction.notes)
    if (notes) std::printf("  (%s)\n", note.c_str());
  for (const auto& each : prediction.top)
    std::printf("  %6.2f %%  %d %s\n", each.score * 100, each.index, each.label.c_str());
  if (prediction.isText) std::printf("  %6.2f %%  %s\n", prediction.textScore * 100, prediction.text.c_str());
  printRows(prediction);
  for (const auto& box : prediction.boxes)
    std::printf("  %6.2f %%  %s at %.0f,%.0f - %.0f,%.0f\n", box.score * 100, box.label.c_str(), box.x0, box.y0, box.x1,
                box.y1);
  if (prediction.isDetector && prediction.boxes.empty()) std::printf("  nothing detected\n");
  if (!prediction.isDetector && !prediction.isText && prediction.top.empty() && prediction.rows.empty())
    for (const auto& output : prediction.outputs)
      std::printf("  %s: %s %s\n", output.name.c_str(), output.type.c_str(), formatShape(output.shape).c_str());
  for (const std::string& file : prediction.outputFiles) std::printf("  wrote %s\n", file.c_str());
}

int predict(const CommonOptions& common, const PredictOptions& options) {
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  Json params{{"model", options.model},   {"labels", options.labels},      {"top", options.top},
              {"mode", options.mode},     {"output_dir", options.output},  {"detector", options.detector},
              {"strict", options.strict}, {"precision", options.precision}};
  options.inputs.addTo(params);
  if (auto added = addPlacement(params, options.device, options.placement); !added)
    return fail(added.error(), common.json);
  auto reply = (*client)->call(session::method::kPredict, params);
  if (!reply) return fail(reply.error(), common.json);
  const bool failed = reply->value("failed", 0) > 0;
  if (common.json) return printJson(*reply), failed ? 1 : 0;
  auto predictions = session::decodePredictions(*reply);
  if (!predictions) return fail(predictions.error(), common.json);
  for (const session::Prediction& each : *predictions) print(each, !common.quiet);
  // Every set of input sizes is compiled on its own: worth knowing where there are several.
  if (const int variants = reply->value("variants", 0); variants > 1 && !common.quiet)
    std::printf("%d variants compiled for the sizes of %zu inputs\n", variants, predictions->size());
  return failed ? 1 : 0;
}

} // namespace

void addPredict(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("predict", "run a model on pictures, sound, text, tables or tensors");
  auto options = std::make_shared<PredictOptions>();
  sub->add_option("MODEL", options->model, "model file or sample:NAME")->required();
  options->inputs.addOptions(*sub);
  sub->add_option("--device", options->device, "put everything on this device");
  sub->add_option("--placement", options->placement, "placement file");
  sub->add_option("--labels", options->labels, "file with one class name per line");
  sub->add_option("--top", options->top, "classes to show")->check(CLI::Range(1, 1000));
  sub->add_option("--output", options->output, "folder for the output tensors as .npy");
  sub->add_option("--detector", options->detector,
                  "how outputs become boxes: ultraface, fastestdet, yolov5, yolov8, tinyyolov2, ssd or none; guessed "
                  "from the model otherwise");
  sub->add_option("--precision", options->precision, "model or float16: weights as halves (OpenCL)")
      ->check(CLI::IsMember({"model", "float16"}));
  sub->add_option("--mode", options->mode, "compiled or eager")->check(CLI::IsMember({"compiled", "eager"}));
  sub->add_flag("--strict", options->strict, "fail where a layer cannot run on the device asked for");
  sub->callback([&common, &command, options] { command = [&common, options] { return predict(common, *options); }; });
}

} // namespace tandem::cli
