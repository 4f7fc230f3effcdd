// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::detail {

using Json = nlohmann::json;

/// Parses configuration text within limits: 32 MB, 2 million values, 200 levels, UTF-8. Throws KerasError; `what` names
/// the text.
Json parseConfig(std::string_view text, const std::string& what);

/// Everything below `config` that only code could explain, each as a problem for people: Lambda layers, functions that
/// are not Keras's, classes of other packages. Nothing of it is ever evaluated: there is nothing here that could.
/// Training settings (compile_config) are left out, as nothing reads them. Iterative.
std::vector<std::string> findCode(const Json& config);

/// The options of one layer, with Keras's names. The getters throw KerasError where an option has another type than
/// they ask for; null counts as absent.
class Options {
 public:
  explicit Options(const Json& config) : m_config(config) {}

  bool has(const char* name) const;
  const Json* find(const char* name) const; ///< nullptr where absent or null
  std::int64_t integer(const char* name) const;
  std::int64_t integer(const char* name, std::int64_t fallback) const;
  double number(const char* name, double fallback) const;
  bool flag(const char* name, bool fallback) const;
  std::string text(const char* name, const std::string& fallback) const;
  /// A list of integers; a single integer stands for `count` equal ones. Throws where there are not `count`.
  std::vector<std::int64_t> integers(const char* name, std::size_t count, std::int64_t fallback) const;
  std::vector<std::int64_t> integers(const char* name, std::size_t count) const; ///< required
  /// One integer or a list of any length; empty where absent.
  std::vector<std::int64_t> list(const char* name) const;
  /// A shape that may hold null for unknown (-1); nullopt where absent.
  std::optional<std::vector<std::int64_t>> shape(const char* name) const;
  const Json& json() const { return m_config; }

 private:
  const Json& m_config;
};

/// As Options::shape, for a value.
std::optional<std::vector<std::int64_t>> shapeOf(const Json& value);
/// A number that is exactly an integer of at most 32 bits; throws KerasError with `what` otherwise.
std::int64_t integerOf(const Json& value, const std::string& what);

/// One layer as a configuration states it: {"class_name", "config", "module", "registered_name", "inbound_nodes"}.
struct LayerSpec {
  std::string name;
  std::string className;
  std::string module;           ///< "" in old files
  const Json* config = nullptr; ///< an object; for old Sequential models a list of layers
  const Json* inboundNodes = nullptr;

  bool isModel() const; ///< a Sequential or Functional model
  bool isInput() const { return className == "InputLayer"; }
  bool isOperation() const; ///< a function of keras.ops, or TensorFlow, that stands as a layer
};

/// Throws KerasError where `entry` has not that form.
LayerSpec layerSpec(const Json& entry);
/// The layers of a Sequential or Functional model, in file order; throws KerasError.
std::vector<LayerSpec> layersOf(const LayerSpec& model);

/// Makes the options of Keras 1 files those of today (nb_filter is filters, border_mode is padding, ...).
void modernize(Json& model);

} // namespace tandem::detail
