// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/placement.hpp"

#include <algorithm>
#include <array>
#include <re2/re2.h>

namespace tandem {
namespace {

constexpr std::size_t kMaxPatternLength = 1000;
// A name longer than this is matched by its beginning; real exporters stay far below.
constexpr std::size_t kMaxSubjectLength = 4096;

/// '*' and '?' only. Linear memory, no recursion: after a mismatch the last '*' takes one character more.
bool globMatches(std::string_view glob, std::string_view text) {
  std::size_t g = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

std::string_view withoutSlash(std::string_view name) { return name.starts_with('/') ? name.substr(1) : name; }

/// Calls `test` with the names a person may mean: name, name without the leading slash, scope, scope/name.
template <class Test> bool anyName(const Node& node, Test test) {
  const std::string_view name = std::string_view(node.name).substr(0, kMaxSubjectLength);
  if (test(name)) return true;
  if (name.starts_with('/') && test(name.substr(1))) return true;
  if (node.scope.empty()) return false;
  const std::string scope = node.scope.substr(0, kMaxSubjectLength);
  return test(std::string_view(scope)) ||
         (!withoutSlash(name).starts_with(scope + "/") && test(std::string_view(scope + "/" + node.name)));
}

Error badPattern(std::string_view text, std::string what) {
  return makeError(ErrorCode::InputRejected, std::move(what), "rule '" + std::string(text.substr(0, 80)) + "'",
                   "use a glob such as \"layer1/*\", \"op:Conv\", \"scope:layer1\" or \"re:<regular expression>\"");
}

/// RE2 takes linear time and bounded memory, whatever the expression: it comes from files of strangers.
Result<std::shared_ptr<const re2::RE2>> compileRegex(std::string_view whole, std::string_view expression) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  auto regex = std::make_shared<const re2::RE2>(re2::StringPiece(expression.data(), expression.size()), options);
  if (!regex->ok()) return badPattern(whole, "the regular expression is not valid: " + regex->error());
  return regex;
}

} // namespace

struct NodePattern::Compiled {
  enum class Kind { Glob, Op, Scope, Regex };
  Kind kind = Kind::Glob;
  std::string text;
  std::shared_ptr<const re2::RE2> regex;
};

Result<NodePattern> NodePattern::parse(std::string_view text) {
  using Kind = Compiled::Kind;
  struct Prefix {
    std::string_view text;
    Kind kind;
  };
  constexpr std::array<Prefix, 3> kPrefixes{{{"op:", Kind::Op}, {"scope:", Kind::Scope}, {"re:", Kind::Regex}}};
  auto compiled = std::make_shared<Compiled>();
  std::string_view rest = text;
  for (const Prefix& prefix : kPrefixes)
    if (text.starts_with(prefix.text)) {
      compiled->kind = prefix.kind;
      rest = text.substr(prefix.text.size());
      break;
    }
  if (text.empty()) return badPattern(text, "a rule without a pattern");
  // "scope:" alone is the root: every node.
  if (rest.empty() && compiled->kind != Kind::Scope) return badPattern(text, "nothing follows the prefix");
  if (rest.size() > kMaxPatternLength) return badPattern(text, "the pattern is longer than 1,000 characters");
  if (compiled->kind == Kind::Regex) compiled->regex = TANDEM_TRY(compileRegex(text, rest));
  if (compiled->kind == Kind::Scope) {
    rest = withoutSlash(rest);
    while (rest.ends_with('/')) rest.remove_suffix(1);
  }
  compiled->text = rest;
  NodePattern pattern;
  pattern.m_compiled = std::move(compiled);
  return pattern;
}

bool NodePattern::matches(const Node& node) const {
  if (!m_compiled) return false;
  const Compiled& compiled = *m_compiled;
  switch (compiled.kind) {
  case Compiled::Kind::Glob:
    return anyName(node, [&](std::string_view name) { return globMatches(compiled.text, name); });
  case Compiled::Kind::Op:
    return globMatches(compiled.text, node.type) ||
           (!node.domain.empty() && globMatches(compiled.text, node.domain + "." + node.type));
  case Compiled::Kind::Scope: {
    const std::string_view scope = withoutSlash(node.scope);
    if (compiled.text.empty()) return true;
    return scope == compiled.text || (scope.starts_with(compiled.text) && scope[compiled.text.size()] == '/');
  }
  case Compiled::Kind::Regex:
    return anyName(node, [&](std::string_view name) {
      return re2::RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *compiled.regex);
    });
  }
  return false;
}

} // namespace tandem
