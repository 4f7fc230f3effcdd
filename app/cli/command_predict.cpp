// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "app/cli/specs.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

struct PredictOptions {
  std::string model, device, placement, labels, output, preprocess, mode = "compiled";
  std::vector<std::string> inputs;
  int top = 5;
  bool strict = false;
};

void print(const session::Prediction& prediction) {
  std::printf("%s  (%s, %s)\n", prediction.input.c_str(), formatMs(prediction.latencyMs).c_str(),
              prediction.summary.c_str());
  for (const auto& each : prediction.top)
    std::printf("  %6.2f %%  %d %s\n", each.score * 100, each.index, each.label.c_str());
  for (const auto& box : prediction.boxes)
    std::printf("  %6.2f %%  %s at %.0f,%.0f - %.0f,%.0f\n", box.score * 100, box.label.c_str(), box.x0, box.y0, box.x1,
                box.y1);
  if (prediction.isDetector && prediction.boxes.empty()) std::printf("  nothing detected\n");
  if (!prediction.isDetector && prediction.top.empty())
    for (const auto& output : prediction.outputs)
      std::printf("  %s: %s %s\n", output.name.c_str(), output.type.c_str(), formatShape(output.shape).c_str());
  for (const std::string& file : prediction.outputFiles) std::printf("  wrote %s\n", file.c_str());
}

int predict(const CommonOptions& common, const PredictOptions& options) {
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  Json params{{"model", options.model}, {"inputs", options.inputs},         {"labels", options.labels},
              {"top", options.top},     {"preprocess", options.preprocess}, {"output_dir", options.output},
              {"mode", options.mode},   {"strict", options.strict}};
  if (auto added = addPlacement(params, options.device, options.placement); !added)
    return fail(added.error(), common.json);
  auto reply = (*client)->call(session::method::kPredict, params);
  if (!reply) return fail(reply.error(), common.json);
  if (common.json) return printJson(*reply), 0;
  auto predictions = session::decodePredictions(*reply);
  if (!predictions) return fail(predictions.error(), common.json);
  for (const session::Prediction& each : *predictions) print(each);
  return 0;
}

} // namespace

void addPredict(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("predict", "run a model on pictures or tensors");
  auto options = std::make_shared<PredictOptions>();
  sub->add_option("MODEL", options->model, "model file or sample:NAME")->required();
  sub->add_option("--input", options->inputs, "pictures (.png, .jpg), or one .npy/.pb file per model input")
      ->required();
  sub->add_option("--device", options->device, "put everything on this device");
  sub->add_option("--placement", options->placement, "placement file");
  sub->add_option("--labels", options->labels, "file with one class name per line");
  sub->add_option("--top", options->top, "classes to show")->check(CLI::Range(1, 1000));
  sub->add_option("--output", options->output, "folder for the output tensors as .npy");
  sub->add_option("--preprocess", options->preprocess, "preset or key=value list; guessed from the model otherwise");
  sub->add_option("--mode", options->mode, "compiled or eager")->check(CLI::IsMember({"compiled", "eager"}));
  sub->add_flag("--strict", options->strict, "fail where a layer cannot run on the device asked for");
  sub->callback([&common, &command, options] { command = [&common, options] { return predict(common, *options); }; });
}

} // namespace tandem::cli
