// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/onnx_reader.hpp"
#include "engine/formats/tensors/tensor_pb.hpp"
#include "engine/ops/op_def.hpp"
#include "tests/conformance/case_walker.hpp"
#include "tests/conformance/host_evaluator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

namespace tandem::conformance {
namespace {

/// Cases that the reference kernels passed when this was written. Raise it with the coverage; it must never fall.
constexpr std::size_t kLeastCovered = 1437;

/// Why a case failed; nullopt where it passed.
std::optional<std::string> runDataSet(const Graph& graph, const Case& testCase, const DataSet& data) {
  std::vector<Tensor> inputs;
  for (const auto& path : data.inputs) {
    auto tensor = readTensorPb(path);
    if (!tensor.ok()) return tensor.error().line();
    inputs.push_back(std::move(*tensor));
  }
  auto evaluation = evaluateGraph(graph, inputs);
  if (!evaluation.ok()) return evaluation.error().line();
  if (!evaluation->inferenceErrors.empty()) return evaluation->inferenceErrors.front();
  for (std::size_t i = 0; i < data.outputs.size(); ++i) {
    if (data.outputs[i].empty()) continue;
    auto expected = readTensorPb(data.outputs[i]);
    if (!expected.ok()) return expected.error().line();
    if (i >= evaluation->outputs.size()) return "the graph has no output " + std::to_string(i);
    if (auto wrong = difference(evaluation->outputs[i], *expected, testCase.rtol, testCase.atol))
      return "output " + std::to_string(i) + ": " + *wrong;
  }
  return std::nullopt;
}

struct Tally {
  std::size_t passed = 0, failed = 0, uncovered = 0;
};

void print(const std::map<std::string, Tally>& tallies) {
  std::cout << "operator: cases passed / failed / not covered (a case counts for each of its operators)\n";
  for (const auto& [type, tally] : tallies)
    std::cout << "  " << type << ": " << tally.passed << " / " << tally.failed << " / " << tally.uncovered << "\n";
}

TEST(ReferenceKernels, AgreeWithEveryOperatorCaseTheyCover) {
  const auto root = findConformanceData();
  if (!root) GTEST_SKIP() << "no conformance data; set TANDEM_CONFORMANCE_DIR";
  std::map<std::string, Tally> tallies;
  std::map<std::string, std::size_t> missing;
  Tally total;
  for (const Case& testCase : operatorCases(*root)) {
    if (testCase.id.rfind("light/", 0) == 0) continue; // below, with weights that mean something
    const std::set<std::string> types(testCase.operators.begin(), testCase.operators.end());
    const auto count = [&](std::size_t Tally::*member) {
      for (const std::string& type : types) ++(tallies[type].*member);
      ++(total.*member);
    };
    auto model = readOnnx(testCase.model());
    if (model.ok() && !model->unsupportedOperators.empty()) {
      for (const std::string& type : model->unsupportedOperators) ++missing[type.substr(0, type.find(' '))];
      count(&Tally::uncovered);
      continue;
    }
    std::optional<std::string> wrong;
    if (!model.ok()) wrong = model.error().line();
    for (std::size_t i = 0; !wrong && i < testCase.dataSets.size(); ++i)
      wrong = runDataSet(model->graph, testCase, testCase.dataSets[i]);
    if (wrong) ADD_FAILURE() << testCase.id << ": " << *wrong;
    count(wrong ? &Tally::failed : &Tally::passed);
  }
  print(tallies);
  std::cout << "operators we do not have, with the cases that need them:\n";
  for (const auto& [type, cases] : missing) std::cout << "  " << type << ": " << cases << "\n";
  std::cout << total.passed << " passed, " << total.failed << " failed, " << total.uncovered << " not covered\n";
  EXPECT_GE(total.passed, kLeastCovered);
}

} // namespace
} // namespace tandem::conformance
