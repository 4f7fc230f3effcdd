// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/output.hpp"
#include "app/cli/specs.hpp"
#include "engine/session/comparison.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

/// A report of twenty replicas is some hundred kilobytes.
constexpr std::size_t kLargestReport = std::size_t{64} << 20;

struct CompareFlags {
  std::string a, b;
};

std::string formatFigure(const session::ComparedFigure& figure, double value) {
  if (figure.unit == "ms") return formatMs(value);
  if (figure.unit == "bytes") return formatBytes(static_cast<std::int64_t>(value));
  return formatNumber(value) + " " + figure.unit;
}

void print(const Json& printable, const session::Comparison& comparison) {
  std::printf("A: %s\nB: %s\n\n", printable.at("a").get<std::string>().c_str(),
              printable.at("b").get<std::string>().c_str());
  Table table({"", "A", "B", "B / A", "95 % confidence", ""}, {false, true, true, true, true, false});
  for (const session::ComparedFigure& figure : comparison.figures) {
    std::string interval = "-";
    if (figure.low && figure.high) interval = formatNumber(*figure.low, 3) + " to " + formatNumber(*figure.high, 3);
    table.add({figure.name, formatFigure(figure, figure.a), formatFigure(figure, figure.b),
               figure.ratio > 0 ? formatNumber(figure.ratio, 3) : "-", interval,
               figure.outcome == session::ComparedFigure::Outcome::Unknown ? figure.why
                                                                           : std::string(toString(figure.outcome))});
  }
  table.print();
  if (!comparison.settings.empty()) {
    std::printf("\nNot the same in both:\n");
    for (const Json& setting : printable.at("settings"))
      std::printf("  %s\n    A: %s\n    B: %s\n", setting.at("name").get<std::string>().c_str(),
                  setting.at("a").get<std::string>().c_str(), setting.at("b").get<std::string>().c_str());
  }
  std::printf("\n%s\n", comparison.summary.c_str());
  for (const std::string& note : comparison.notes) std::printf("note: %s\n", note.c_str());
}

int compare(const CommonOptions& common, const CompareFlags& flags) {
  const auto a = readFile(flags.a, kLargestReport);
  if (!a) return fail(a.error(), common.json);
  const auto b = readFile(flags.b, kLargestReport);
  if (!b) return fail(b.error(), common.json);
  const auto comparison = session::compareReports(*a, *b, flags.a, flags.b);
  if (!comparison) return fail(comparison.error(), common.json);
  Json json = session::encodeComparison(*comparison);
  json["a"] = flags.a;
  json["b"] = flags.b;
  if (common.json) return printJson(json), 0;
  makePrintable(json);
  print(json, *comparison);
  return 0;
}

} // namespace

void addCompare(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("compare", "what differs between two runs, and whether more than noise");
  auto flags = std::make_shared<CompareFlags>();
  sub->add_option("A", flags->a, "report of the first run, from tandem run --json")->required();
  sub->add_option("B", flags->b, "report of the second run")->required();
  sub->callback([&common, &command, flags] { command = [&common, flags] { return compare(common, *flags); }; });
}

} // namespace tandem::cli
