// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/einsum_equation.hpp"

#include "engine/ops/window.hpp"

#include <algorithm>
#include <cctype>

namespace tandem::ops {
namespace {

constexpr std::size_t kMaxLabels = 32;
constexpr char kEllipsis = '.';
/// Axes that an ellipsis stands for are labelled by their distance from its end: '0' is the last one.
constexpr char kFirstEllipsisLabel = '0';

/// One term with each "..." turned into a single kEllipsis; nullopt for characters that do not belong there.
std::optional<std::string> parseTerm(std::string_view text) {
  std::string term;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (text.substr(i, 3) == "..." && term.find(kEllipsis) == std::string::npos) {
      term += kEllipsis;
      i += 2;
    } else if (std::isalpha(static_cast<unsigned char>(text[i]))) {
      term += text[i];
    } else {
      return std::nullopt;
    }
  }
  return term;
}

struct Equation {
  std::vector<std::string> terms;
  std::optional<std::string> output;
};

std::optional<Equation> parseEquation(std::string_view text) {
  Equation equation;
  const std::size_t arrow = text.find("->");
  if (arrow != std::string_view::npos) {
    equation.output = parseTerm(text.substr(arrow + 2));
    if (!equation.output) return std::nullopt;
    text = text.substr(0, arrow);
  }
  while (true) {
    const std::size_t comma = text.find(',');
    const auto term = parseTerm(text.substr(0, comma));
    if (!term) return std::nullopt;
    equation.terms.push_back(*term);
    if (comma == std::string_view::npos) return equation;
    text = text.substr(comma + 1);
  }
}

std::string ellipsisLabels(std::size_t count) {
  std::string labels;
  for (std::size_t i = count; i-- > 0;) labels += static_cast<char>(kFirstEllipsisLabel + static_cast<char>(i));
  return labels;
}

void expandEllipsis(std::string& term, std::size_t count) {
  const std::size_t at = term.find(kEllipsis);
  if (at != std::string::npos) term.replace(at, 1, ellipsisLabels(count));
}

/// Without "->": the ellipsis, then the labels that occur once in all terms, in alphabetical order.
std::string implicitOutput(const std::vector<std::string>& terms, std::size_t ellipsisRank) {
  std::string once;
  for (const std::string& term : terms)
    for (char label : term) {
      std::size_t uses = 0;
      for (const std::string& other : terms)
        uses += static_cast<std::size_t>(std::count(other.begin(), other.end(), label));
      if (uses == 1 && std::isalpha(static_cast<unsigned char>(label))) once += label;
    }
  std::sort(once.begin(), once.end());
  return ellipsisLabels(ellipsisRank) + once;
}

/// Joins what one more axis says about the extent of a label. False where they contradict each other.
bool joinExtent(std::int64_t& known, std::int64_t extent, bool broadcasts) {
  if (extent == kUnknownDim) return true;
  if (known == kUnknownDim || (broadcasts && known == 1)) {
    known = extent;
    return true;
  }
  return known == extent || (broadcasts && extent == 1);
}

} // namespace

Shape EinsumPlan::outputShape() const {
  return Shape(std::vector<std::int64_t>(extents.begin(), extents.begin() + static_cast<std::ptrdiff_t>(outputLabels)));
}

Result<EinsumPlan> planEinsum(const Node& node, const std::vector<Shape>& shapes) {
  const std::string text(node.attributes.getString("equation", ""));
  auto equation = parseEquation(text);
  if (!equation) return nodeError(node, "equation '" + text + "' cannot be read");
  if (equation->terms.size() != shapes.size())
    return nodeError(node, "equation '" + text + "' does not have one term per operand");
  std::size_t ellipsisRank = 0;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    std::string& term = equation->terms[i];
    const bool hasEllipsis = term.find(kEllipsis) != std::string::npos;
    const std::size_t named = term.size() - (hasEllipsis ? 1 : 0);
    if (named > shapes[i].rank() || (!hasEllipsis && named != shapes[i].rank()))
      return nodeError(node, "term '" + term + "' does not describe an operand of shape " + shapes[i].toString());
    if (!hasEllipsis) continue;
    if (shapes[i].rank() - named > kMaxRank) return nodeError(node, "the operands have too many axes");
    expandEllipsis(term, shapes[i].rank() - named);
    ellipsisRank = std::max(ellipsisRank, shapes[i].rank() - named);
  }
  std::string labels = equation->output.value_or(implicitOutput(equation->terms, ellipsisRank));
  expandEllipsis(labels, ellipsisRank);
  EinsumPlan plan;
  plan.outputLabels = labels.size();
  for (const std::string& term : equation->terms)
    for (char label : term)
      if (labels.find(label) == std::string::npos) labels += label;
  if (labels.size() > kMaxLabels) return nodeError(node, "more than 32 labels");
  plan.extents.assign(labels.size(), kUnknownDim);
  std::vector<bool> used(labels.size(), false);
  for (std::size_t i = 0; i < shapes.size(); ++i)
    for (std::size_t axis = 0; axis < shapes[i].rank(); ++axis) {
      const std::size_t label = labels.find(equation->terms[i][axis]);
      used[label] = true;
      if (!joinExtent(plan.extents[label], shapes[i][axis], true))
        return nodeError(node, std::string("extents of label '") + labels[label] + "' differ");
    }
  for (std::size_t i = 0; i < plan.outputLabels; ++i)
    if (!used[i] || labels.find(labels[i]) != i)
      return nodeError(node, "the result of '" + text + "' has a label that is unknown or repeated");
  plan.outputStrides.assign(labels.size(), 0);
  TANDEM_TRY(checkAddressable(node, plan.outputShape()));
  plan.strides.assign(shapes.size(), std::vector<std::int64_t>(labels.size(), 0));
  if (std::find(plan.extents.begin(), plan.extents.end(), kUnknownDim) != plan.extents.end()) return plan;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (!shapes[i].isStatic()) continue;
    const std::vector<std::int64_t> strides = shapes[i].strides();
    for (std::size_t axis = 0; axis < shapes[i].rank(); ++axis)
      if (shapes[i][axis] != 1) plan.strides[i][labels.find(equation->terms[i][axis])] += strides[axis];
  }
  const std::vector<std::int64_t> strides = plan.outputShape().strides();
  std::copy(strides.begin(), strides.end(), plan.outputStrides.begin());
  return plan;
}

} // namespace tandem::ops
