// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/tensor_pb.hpp"
#include "engine/runtime/executable.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "engine/session/service.hpp"
#include "engine/session/verify_cases.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

struct Comparison {
  bool same = true;
  double maxAbs = 0, maxRel = 0;
  std::string problem;
};

bool close(double got, double want, const Tolerance& limits, Comparison& comparison) {
  if (std::isnan(got) && std::isnan(want)) return true;
  if (got == want) return true; // equal infinities too
  const double difference = std::abs(got - want);
  if (std::isfinite(difference)) {
    comparison.maxAbs = std::max(comparison.maxAbs, difference);
    if (want != 0) comparison.maxRel = std::max(comparison.maxRel, difference / std::abs(want));
  }
  return difference <= limits.atol + limits.rtol * std::abs(want);
}

void compare(const Tensor& got, const Tensor& want, const std::string& name, const VerifyCase& each,
             Comparison& comparison) {
  if (got.desc() != want.desc()) {
    comparison.same = false;
    comparison.problem = name + " is " + got.desc().toString() + ", expected " + want.desc().toString();
    return;
  }
  const bool exact = !isFloating(want.type());
  const Tolerance usual = toleranceFor(want.type());
  const Tolerance limits{each.rtol.value_or(usual.rtol), each.atol.value_or(usual.atol)};
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < want.elements(); ++i) {
    const bool fits =
        exact ? got.asInt(i) == want.asInt(i) : close(got.asDouble(i), want.asDouble(i), limits, comparison);
    if (!fits) ++wrong;
  }
  if (wrong == 0) return;
  comparison.same = false;
  comparison.problem =
      std::to_string(wrong) + " of " + std::to_string(want.elements()) + " elements of " + name + " differ";
}

Result<std::vector<Tensor>> readNumbered(const std::filesystem::path& folder, const std::string& prefix) {
  std::vector<Tensor> tensors;
  for (int i = 0;; ++i) {
    const std::filesystem::path file = folder / (prefix + std::to_string(i) + ".pb");
    if (!std::filesystem::exists(file)) return tensors;
    tensors.push_back(TANDEM_TRY(readTensorPb(file)));
  }
}

struct Ran {
  Comparison comparison;
  std::string summary;
};

Result<Ran> runCase(const Job& job, const VerifyCase& each, const OpenDocument& document,
                    const DeviceRegistry& registry) {
  TANDEM_TRY(requireRunnable(document));
  const std::vector<Tensor> inputs = TANDEM_TRY(readNumbered(each.dataSet, "input_"));
  const std::vector<Tensor> expected = TANDEM_TRY(readNumbered(each.dataSet, "output_"));
  const Placement placement = TANDEM_TRY(placementOf(job.params, registry));
  BoundGraph bound = TANDEM_TRY(bindTensors(document.graph(), inputs));
  PlacedGraph placed = TANDEM_TRY(place(std::move(bound), placement, registry, job.params.value("strict", false)));

  CompileOptions options;
  options.compiled = job.params.value("mode", std::string("compiled")) != "eager";
  options.cancel = job.cancel;
  auto executable =
      TANDEM_TRY(Executable::compile(std::move(placed.bound), std::move(placed.deviceOf), registry.host(), options));
  auto slot = TANDEM_TRY(executable->createSlot());
  slot->attachCurrentThread();
  TANDEM_TRY(slot->setInputs(inputs));
  TANDEM_TRY(slot->run(job.cancel));

  Ran ran;
  ran.summary = placed.effective.summary;
  if (expected.size() > slot->outputCount())
    return makeError(ErrorCode::InputRejected, "the case expects more outputs than the model has", each.name, {});
  for (std::size_t i = 0; i < expected.size() && ran.comparison.same; ++i)
    compare(slot->output(i), expected[i], document.graph().value(document.graph().outputs()[i]).name, each,
            ran.comparison);
  return ran;
}

} // namespace

Result<Json> verifyCases(const Job& job) {
  const auto registry = job.state.registry();
  std::vector<VerifyCase> cases;
  for (const Json& folder : job.params.at("dirs")) {
    auto found = TANDEM_TRY(findCases(folder.get<std::string>()));
    cases.insert(cases.end(), found.begin(), found.end());
  }
  TANDEM_TRY(placementOf(job.params, *registry)); // a wrong device fails once, not once per case

  int passed = 0, failed = 0, unsupported = 0;
  Json list = Json::array();
  std::shared_ptr<const OpenDocument> document;
  std::filesystem::path opened;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    TANDEM_TRY(job.cancel.check());
    VerifyCase& each = cases[i];
    if (job.params.contains("rtol") && !job.params["rtol"].is_null()) each.rtol = job.params["rtol"].get<double>();
    if (job.params.contains("atol") && !job.params["atol"].is_null()) each.atol = job.params["atol"].get<double>();
    job.progress(static_cast<std::int64_t>(i), static_cast<std::int64_t>(cases.size()), each.name);

    Result<Ran> ran = makeError(ErrorCode::Internal, "not run");
    if (opened != each.model) {
      document.reset();
      opened = each.model;
      auto result = job.state.open(each.model.string(), {}, job.cancel);
      if (result) {
        document = *result;
        job.state.close(document->handle);
      } else {
        ran = result.error();
        opened.clear();
      }
    }
    if (document) ran = runCase(job, each, *document, *registry);

    Json entry{{"name", each.name}};
    if (ran && ran->comparison.same) {
      ++passed;
      entry["status"] = "passed";
    } else if (!ran && (ran.error().code == ErrorCode::Unsupported || ran.error().code == ErrorCode::ModelRejected)) {
      ++unsupported;
      entry["status"] = "unsupported";
    } else {
      if (!ran && ran.error().code == ErrorCode::Cancelled) return ran.error();
      ++failed;
      entry["status"] = "failed";
    }
    entry["max_abs_error"] = ran ? ran->comparison.maxAbs : 0.0;
    entry["max_rel_error"] = ran ? ran->comparison.maxRel : 0.0;
    entry["reason"] = ran ? ran->comparison.problem : ran.error().line();
    entry["summary"] = ran ? ran->summary : "";
    list.push_back(std::move(entry));
  }
  return Json{{"passed", passed}, {"failed", failed}, {"unsupported", unsupported}, {"cases", std::move(list)}};
}

} // namespace tandem::session
