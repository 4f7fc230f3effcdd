// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/placement.hpp"

#include <algorithm>
#include <array>
#include <regex>

namespace tandem {
namespace {

constexpr std::size_t kMaxPatternLength = 1000;
constexpr std::size_t kMaxRepetition = 1000;
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

/// The product of all counts in braces: "(a{9}){9}" is 81. What the compiled expression grows to, roughly.
std::size_t repetitions(std::string_view pattern) {
  std::size_t product = 1;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
      continue;
    }
    if (pattern[i] != '{') continue;
    std::size_t largest = 0, number = 0;
    for (++i; i < pattern.size() && pattern[i] != '}'; ++i) {
      number = pattern[i] >= '0' && pattern[i] <= '9' ? number * 10 + static_cast<std::size_t>(pattern[i] - '0') : 0;
      largest = std::max(largest, number);
      if (largest > kMaxRepetition) return largest;
    }
    product *= std::max<std::size_t>(largest, 1);
    if (product > kMaxRepetition) return product;
  }
  return product;
}

Error badPattern(std::string_view text, std::string what) {
  return makeError(ErrorCode::InputRejected, std::move(what), "rule '" + std::string(text.substr(0, 80)) + "'",
                   "use a glob such as \"layer1/*\", \"op:Conv\", \"scope:layer1\" or \"re:<regular expression>\"");
}

Result<std::regex> compileRegex(std::string_view whole, std::string_view expression) {
  if (repetitions(expression) > kMaxRepetition) return badPattern(whole, "the regular expression repeats too often");
  try {
    // The polynomial executor of libstdc++: a hostile expression such as "(a*)*b" cannot take exponential time. It
    // refuses back-references.
    return std::regex(expression.begin(), expression.end(),
                      std::regex::ECMAScript | std::regex::nosubs | std::regex_constants::__polynomial);
  } catch (const std::regex_error& error) {
    if (error.code() == std::regex_constants::error_complexity)
      return badPattern(whole, "back-references are not available in rules");
    return badPattern(whole, std::string("the regular expression is not valid: ") + error.what());
  }
}

} // namespace

struct NodePattern::Compiled {
  enum class Kind { Glob, Op, Scope, Regex };
  Kind kind = Kind::Glob;
  std::string text;
  std::regex regex;
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
      try {
        return std::regex_search(name.begin(), name.end(), compiled.regex);
      } catch (const std::regex_error&) {
        return false; // the library gave up on this name
      }
    });
  }
  return false;
}

} // namespace tandem
