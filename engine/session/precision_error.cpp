// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/precision_error.hpp"

#include "engine/runtime/tensor_difference.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

namespace tandem::session {
namespace {

Result<std::vector<Tensor>> runOnce(const Executable& executable, const RequestData& request,
                                    const CancelToken& cancel) {
  Result<std::vector<Tensor>> outputs = makeError(ErrorCode::Internal, "not run");
  const auto run = [&]() -> Result<std::vector<Tensor>> {
    auto slot = TANDEM_TRY(executable.createSlot());
    slot->attachCurrentThread();
    TANDEM_TRY(slot->setInputs(request.inputs));
    TANDEM_TRY(slot->run(cancel));
    std::vector<Tensor> results;
    for (std::size_t i = 0; i < slot->outputCount(); ++i) results.push_back(slot->output(i).clone());
    return results;
  };
  std::thread([&] { outputs = run(); }).join();
  return outputs;
}

bool isRandom(const Graph& graph) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(), [](const Node& node) {
    const OpDef* def = findOp(node);
    return def && def->has(OpTrait::Random);
  });
}

/// Of integers the difference itself: they have no digits to lose.
double relativeOf(const Difference& difference, DataType type) {
  return isFloating(type) || !difference.problem.empty() ? difference.worst : difference.maxRel;
}

Result<void> compare(const Replica& replica, const VariantFactory& exactFactory, const RequestData& request,
                     const CancelToken& cancel, ReplicaPrecision& result) {
  const auto variants = replica.variants();
  const auto found = variants.find(request.items);
  if (found == variants.end())
    return makeError(ErrorCode::Internal, "nothing was compiled for " + std::to_string(request.items) + " items",
                     replica.name());
  const Executable& rounded = *found->second;
  for (const KernelUse& kernel : rounded.kernels())
    result.anyHalves = result.anyHalves || kernel.kernel.find(" float16") != std::string::npos;
  for (const Device* device : rounded.devices())
    if (!device->info().halfWeights) result.exactOn.push_back(device->id());
  if (isRandom(rounded.graph())) return makeError(ErrorCode::Unsupported, "the model draws random numbers");
  const std::vector<Tensor> b = TANDEM_TRY(runOnce(rounded, request, cancel));
  const std::shared_ptr<const Executable> exact = TANDEM_TRY(exactFactory(request.items));
  const std::vector<Tensor> a = TANDEM_TRY(runOnce(*exact, request, cancel));
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!a[i].defined() || !b[i].defined()) continue;
    const Difference difference = differenceOf(a[i], b[i], {1, 0}, ErrorScale::Tensor);
    const double relative = relativeOf(difference, a[i].type());
    if (result.output.empty() || relative > result.maxRel) {
      result.output = exact->graph().value(exact->graph().outputs()[i]).name;
      result.maxRel = relative;
    }
    result.maxAbs = std::max(result.maxAbs, difference.special > 0 ? HUGE_VAL : difference.maxAbs);
  }
  result.measured = true;
  return {};
}

std::string shortNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2g", value);
  return text;
}

} // namespace

Result<std::vector<ReplicaPrecision>> measurePrecision(const Deployment& deployment, const RequestData& request,
                                                       const CancelToken& cancel) {
  std::vector<ReplicaPrecision> all(deployment.replicas().size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const VariantFactory& exact = deployment.entries()[i]->plan.exactFactory;
    if (!exact) continue;
    TANDEM_TRY(cancel.check());
    all[i].precision = Precision::Float16;
    const Result<void> compared = compare(*deployment.replicas()[i], exact, request, cancel, all[i]);
    if (compared.ok()) continue;
    if (compared.error().code == ErrorCode::Cancelled) return compared.error();
    all[i].problem = compared.error().line();
  }
  return all;
}

void addPrecision(Json& replica, const ReplicaPrecision& precision) {
  replica["precision"] = toString(precision.precision);
  if (precision.precision == Precision::Model) return;
  // JSON has no infinity.
  const auto figure = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
  replica["precision_error"] = precision.measured ? Json{{"max_abs", figure(precision.maxAbs)},
                                                         {"max_rel", figure(precision.maxRel)},
                                                         {"output", precision.output}}
                                                  : Json{{"problem", precision.problem}};
}

std::vector<std::string> precisionNotes(const std::string& replica, const ReplicaPrecision& precision) {
  if (precision.precision == Precision::Model) return {};
  std::vector<std::string> notes;
  const std::string head = replica + " runs in float16: ";
  if (!precision.measured)
    notes.push_back(head + "how far its outputs are from float32 was not measured: " + precision.problem);
  else if (!std::isfinite(precision.maxRel))
    notes.push_back(head + "output '" + precision.output + "' is not finite, or zero, where float32 gives a number");
  else if (precision.maxAbs == 0)
    notes.push_back(head + "outputs are the same as in float32");
  else
    notes.push_back(head + "outputs differ by at most " + shortNumber(precision.maxAbs) + " (relative " +
                    shortNumber(precision.maxRel) + ") from float32");
  for (const std::string& device : precision.exactOn)
    notes.push_back(replica + ": layers on " + device +
                    " compute in the model's precision; float16 is for OpenCL devices");
  if (!precision.anyHalves) notes.push_back(replica + ": none of its layers has weights to store in float16");
  return notes;
}

} // namespace tandem::session
