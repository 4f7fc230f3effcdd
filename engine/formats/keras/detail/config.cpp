// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/config.hpp"

#include "engine/formats/keras/detail/layer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

namespace tandem::detail {
namespace {

constexpr std::size_t kMaxConfigBytes = 32 << 20;
constexpr std::size_t kMaxValues = 2'000'000;
constexpr std::size_t kMaxDepth = 200;
constexpr std::size_t kMaxCodeProblems = 20;

/// Walks through the text without building anything, to refuse what would cost too much to build.
class LimitsCheck : public nlohmann::json_sax<Json> {
 public:
  std::string problem;

  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool key(string_t&) override { return count(); }
  bool start_object(std::size_t) override { return enter(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_object() override { return --m_depth, true; }
  bool end_array() override { return --m_depth, true; }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    problem = "is no valid JSON in UTF-8 (at byte " + std::to_string(position) + ")";
    return false;
  }

 private:
  bool count() {
    if (++m_values <= kMaxValues) return true;
    problem = "has more than " + std::to_string(kMaxValues) + " values";
    return false;
  }
  bool enter() {
    if (++m_depth > kMaxDepth) {
      problem = "is nested deeper than " + std::to_string(kMaxDepth) + " levels";
      return false;
    }
    return count();
  }
  std::size_t m_values = 0;
  std::size_t m_depth = 0;
};

bool startsWithAny(std::string_view text, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(), [&](std::string_view s) {
    return text == s || (text.starts_with(s) && text.size() > s.size() && text[s.size()] == '.');
  });
}

std::string textAt(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

/// "my_dense: Custom>MyDense" in a form fit for messages.
std::string shortened(const std::string& text) { return text.size() > 80 ? text.substr(0, 80) + "..." : text; }

/// Also those that exist and cannot be imported.
bool isActivationOfKeras(const std::string& name) {
  return isKnownActivation(name) || name == "sparsemax" || name == "threshold" || name.starts_with("keras>");
}

std::string problemOf(const std::string& layer, const std::string& code) {
  return "unsupported: contains code: " + (layer.empty() ? "" : "layer '" + shortened(layer) + "': ") + code;
}

/// What of this object's own fields needs code to be understood; "" for nothing.
std::string codeIn(const Json& object) {
  const std::string className = textAt(object, "class_name"), module = textAt(object, "module");
  const std::string registered = textAt(object, "registered_name");
  if (className.empty() && module.empty()) return {};
  if (className == "Lambda" || className == "__lambda__") return "a Lambda with Python code";
  if (!module.empty() && !startsWithAny(module, {"keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras",
                                                 "tensorflow.python.trackable", "builtins"}))
    return "'" + shortened(className) + "' of the module '" + shortened(module) + "'";
  if (const std::size_t mark = registered.find('>'); mark != std::string::npos) {
    const std::string package = registered.substr(0, mark);
    if (package != "keras" && package != "Keras") return "the custom class '" + shortened(registered) + "'";
  }
  // Functions of Keras are written as their name alone, or as {"class_name": "function", "config": "relu"}.
  if (className == "function" && !startsWithAny(module, {"keras", "tf_keras"}))
    if (const std::string function = textAt(object, "config"); !isActivationOfKeras(function))
      return "the custom function '" + shortened(function) + "'";
  return {};
}

} // namespace

Json parseConfig(std::string_view text, const std::string& what) {
  if (text.size() > kMaxConfigBytes)
    throw KerasError(what + " has " + std::to_string(text.size()) + " bytes, more than " +
                     std::to_string(kMaxConfigBytes));
  LimitsCheck limits;
  if (!Json::sax_parse(text.begin(), text.end(), &limits)) throw KerasError(what + " " + limits.problem);
  Json parsed = Json::parse(text.begin(), text.end(), nullptr, false);
  if (!parsed.is_object()) throw KerasError(what + " is no JSON object");
  return parsed;
}

std::vector<std::string> findCode(const Json& config) {
  std::vector<std::string> problems;
  struct Place {
    const Json* json;
    std::string layer; ///< name of the innermost layer around it
  };
  std::vector<Place> open{{&config, {}}};
  while (!open.empty() && problems.size() < kMaxCodeProblems) {
    const Place place = std::move(open.back());
    open.pop_back();
    std::string layer = place.layer;
    if (place.json->is_object()) {
      if (const auto it = place.json->find("config"); it != place.json->end() && it->is_object())
        if (const std::string name = textAt(*it, "name"); !name.empty()) layer = name;
      for (const char* option : {"activation", "recurrent_activation"})
        if (const std::string name = textAt(*place.json, option); !name.empty() && !isActivationOfKeras(name))
          problems.push_back(problemOf(textAt(*place.json, "name"), "the activation '" + shortened(name) + "'"));
      if (const std::string code = codeIn(*place.json); !code.empty()) {
        problems.push_back(
            "unsupported: contains code: " + (layer.empty() ? "" : "layer '" + shortened(layer) + "': ") + code);
        continue; // what is inside of it belongs to it
      }
    }
    std::vector<Place> inside;
    for (const auto& [key, value] : place.json->items())
      if (value.is_structured() && key != "compile_config" && key != "shared_object_id")
        inside.push_back({&value, layer});
    open.insert(open.end(), std::make_move_iterator(inside.rbegin()), std::make_move_iterator(inside.rend()));
  }
  return problems;
}

bool Options::has(const char* name) const { return find(name) != nullptr; }

const Json* Options::find(const char* name) const {
  if (!m_config.is_object()) return nullptr;
  const auto it = m_config.find(name);
  if (it == m_config.end() || it->is_null()) return nullptr;
  // Tuples and TensorFlow's own lists: {"class_name": "__tuple__", "items": [...]}.
  if (it->is_object())
    if (const auto items = it->find("items"); items != it->end() && items->is_array()) return &*items;
  return &*it;
}

std::int64_t integerOf(const Json& value, const std::string& what) {
  constexpr std::int64_t limit = std::int64_t{1} << 31;
  if (value.is_number_integer()) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() < static_cast<std::uint64_t>(limit)) {
      const auto number = value.get<std::int64_t>();
      if (number > -limit && number < limit) return number;
    }
  } else if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::abs(number) < static_cast<double>(limit) && std::floor(number) == number)
      return static_cast<std::int64_t>(number);
  }
  throw KerasError(what + " is no integer of 32 bits");
}

std::int64_t Options::integer(const char* name) const {
  const Json* value = find(name);
  if (!value) throw KerasError(std::string("the option '") + name + "' is missing");
  return integerOf(*value, std::string("the option '") + name + "'");
}

std::int64_t Options::integer(const char* name, std::int64_t fallback) const {
  return has(name) ? integer(name) : fallback;
}

double Options::number(const char* name, double fallback) const {
  const Json* value = find(name);
  if (!value) return fallback;
  // Keras 3 stores numpy numbers as {"class_name": "__numpy__"...} or as plain numbers; only the latter are options.
  if (!value->is_number()) throw KerasError(std::string("the option '") + name + "' is no number");
  return value->get<double>();
}

bool Options::flag(const char* name, bool fallback) const {
  const Json* value = find(name);
  if (!value) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  if (value->is_number_integer()) return value->get<std::int64_t>() != 0;
  throw KerasError(std::string("the option '") + name + "' is neither true nor false");
}

std::string Options::text(const char* name, const std::string& fallback) const {
  const Json* value = find(name);
  if (!value) return fallback;
  if (!value->is_string()) throw KerasError(std::string("the option '") + name + "' is no text");
  return value->get<std::string>();
}

std::vector<std::int64_t> Options::list(const char* name) const {
  const Json* value = find(name);
  if (!value) return {};
  const std::string what = std::string("the option '") + name + "'";
  if (!value->is_array()) return {integerOf(*value, what)};
  std::vector<std::int64_t> numbers;
  for (const Json& element : *value) numbers.push_back(integerOf(element, what));
  return numbers;
}

std::vector<std::int64_t> Options::integers(const char* name, std::size_t count) const {
  if (!has(name)) throw KerasError(std::string("the option '") + name + "' is missing");
  std::vector<std::int64_t> numbers = list(name);
  if (numbers.size() == 1) numbers.resize(count, numbers[0]);
  if (numbers.size() != count)
    throw KerasError(std::string("the option '") + name + "' has " + std::to_string(numbers.size()) +
                     " numbers in place of " + std::to_string(count));
  return numbers;
}

std::vector<std::int64_t> Options::integers(const char* name, std::size_t count, std::int64_t fallback) const {
  return has(name) ? integers(name, count) : std::vector<std::int64_t>(count, fallback);
}

std::optional<std::vector<std::int64_t>> shapeOf(const Json& value) {
  const Json* list = &value;
  // Keras 3 may wrap tuples: {"class_name": "__tuple__", "items": [...]}.
  if (value.is_object())
    if (const auto it = value.find("items"); it != value.end()) list = &*it;
  if (!list->is_array()) return std::nullopt;
  std::vector<std::int64_t> dims;
  for (const Json& element : *list) {
    const std::int64_t dim = element.is_null() ? -1 : integerOf(element, "a dimension");
    if (dim < -1) throw KerasError("a dimension is negative");
    dims.push_back(dim);
  }
  return dims;
}

std::optional<std::vector<std::int64_t>> Options::shape(const char* name) const {
  const Json* value = find(name);
  return value ? shapeOf(*value) : std::nullopt;
}

bool LayerSpec::isModel() const {
  return className == "Functional" || className == "Model" || className == "Sequential";
}

namespace {

/// The .h5 files of Keras 3 do not say which module a class comes from. A layer has the option "trainable", the
/// object of a function has not; and only Keras 3 writes calls with "args".
bool isNamelessOperation(const LayerSpec& spec) {
  if (spec.isModel() || spec.isInput() || !spec.module.empty() || !spec.inboundNodes || spec.inboundNodes->empty() ||
      !spec.config->is_object())
    return false;
  const Json& call = spec.inboundNodes->front();
  return call.is_object() && call.contains("args") && !spec.config->contains("trainable");
}

} // namespace

bool LayerSpec::isOperation() const {
  return className == "TFOpLambda" || className == "SlicingOpLambda" || className == "TensorFlowOpLayer" ||
         startsWithAny(module, {"keras.src.ops", "keras.ops"}) || isNamelessOperation(*this);
}

LayerSpec layerSpec(const Json& entry) {
  if (!entry.is_object()) throw KerasError("a layer in the configuration is no JSON object");
  LayerSpec spec;
  spec.className = textAt(entry, "class_name");
  spec.module = textAt(entry, "module");
  if (spec.className.empty()) throw KerasError("a layer in the configuration has no class_name");
  if (const auto it = entry.find("config"); it != entry.end() && it->is_structured()) spec.config = &*it;
  if (!spec.config) throw KerasError("a layer of class '" + shortened(spec.className) + "' has no configuration");
  spec.name = textAt(entry, "name");
  if (spec.config->is_object())
    if (const std::string name = textAt(*spec.config, "name"); !name.empty() && spec.name.empty()) spec.name = name;
  if (spec.name.size() > 1024) throw KerasError("a layer has a name of " + std::to_string(spec.name.size()) + " bytes");
  if (const auto it = entry.find("inbound_nodes"); it != entry.end() && it->is_array()) spec.inboundNodes = &*it;
  return spec;
}

std::vector<LayerSpec> layersOf(const LayerSpec& model) {
  const Json* list = model.config;
  if (list->is_object()) {
    const auto it = list->find("layers");
    if (it == list->end()) throw KerasError("the model '" + model.name + "' has no list of layers");
    list = &*it;
  }
  if (!list->is_array()) throw KerasError("the model '" + model.name + "' has no list of layers");
  std::vector<LayerSpec> layers;
  for (const Json& entry : *list) layers.push_back(layerSpec(entry));
  return layers;
}

namespace {

struct Rename {
  const char* from;
  const char* to;
};
constexpr std::array kKeras1Options{
    Rename{"nb_filter", "filters"},
    Rename{"border_mode", "padding"},
    Rename{"subsample", "strides"},
    Rename{"subsample_length", "strides"},
    Rename{"filter_length", "kernel_size"},
    Rename{"bias", "use_bias"},
    Rename{"dim_ordering", "data_format"},
    Rename{"p", "rate"},
    Rename{"atrous_rate", "dilation_rate"},
    Rename{"pool_length", "pool_size"},
    Rename{"stride", "strides"},
    Rename{"inner_activation", "recurrent_activation"},
};
constexpr std::array kKeras1Classes{
    Rename{"Convolution1D", "Conv1D"},       Rename{"Convolution2D", "Conv2D"},
    Rename{"Convolution3D", "Conv3D"},       Rename{"SeparableConvolution2D", "SeparableConv2D"},
    Rename{"AtrousConvolution2D", "Conv2D"}, Rename{"AtrousConvolution1D", "Conv1D"},
};

void modernizeLayer(Json& entry) {
  auto& className = entry["class_name"];
  if (className.is_string())
    for (const Rename& rename : kKeras1Classes)
      if (className == rename.from) className = rename.to;
  if (!entry.contains("config") || !entry["config"].is_object()) return;
  Json& config = entry["config"];
  for (const Rename& rename : kKeras1Options)
    if (config.contains(rename.from) && !config.contains(rename.to)) config[rename.to] = config[rename.from];
  if (config.contains("nb_row") && config.contains("nb_col"))
    config["kernel_size"] = Json::array({config["nb_row"], config["nb_col"]});
  if (config.contains("output_dim") && className != "Embedding") config["units"] = config["output_dim"];
  if (config.contains("data_format") && config["data_format"].is_string()) {
    if (config["data_format"] == "tf") config["data_format"] = "channels_last";
    if (config["data_format"] == "th") config["data_format"] = "channels_first";
  }
}

} // namespace

void modernize(Json& model) {
  std::vector<Json*> open{&model};
  while (!open.empty()) {
    Json& at = *open.back();
    open.pop_back();
    if (at.is_object() && at.contains("class_name") && at.contains("config")) modernizeLayer(at);
    if (at.is_structured())
      for (Json& child : at)
        if (child.is_structured()) open.push_back(&child);
  }
}

} // namespace tandem::detail
