// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/layers/operation.hpp"

#include <array>
#include <nlohmann/json.hpp>

namespace tandem::detail {
namespace {

constexpr std::size_t kMaxConstant = 1 << 20;

struct TensorFlowName {
  std::string_view from; ///< the last part of TensorFlow's name
  const char* to;        ///< Keras's
};
constexpr std::array kTensorFlowNames{
    TensorFlowName{"sub", "subtract"},
    TensorFlowName{"mul", "multiply"},
    TensorFlowName{"truediv", "true_divide"},
    TensorFlowName{"div", "true_divide"},
    TensorFlowName{"divide", "true_divide"},
    TensorFlowName{"realdiv", "true_divide"},
    TensorFlowName{"pow", "power"},
    TensorFlowName{"neg", "negative"},
    TensorFlowName{"abs", "absolute"},
    TensorFlowName{"reduce_mean", "mean"},
    TensorFlowName{"reduce_sum", "sum"},
    TensorFlowName{"reduce_max", "max"},
    TensorFlowName{"reduce_min", "min"},
    TensorFlowName{"reduce_prod", "prod"},
    TensorFlowName{"reduce_variance", "var"},
    TensorFlowName{"reduce_std", "std"},
    TensorFlowName{"reduce_logsumexp", "logsumexp"},
    TensorFlowName{"concat", "concatenate"},
    TensorFlowName{"getitem", "get_item"},
    TensorFlowName{"clip_by_value", "clip"},
    TensorFlowName{"swish", "silu"},
    TensorFlowName{"reverse", "flip"},
    TensorFlowName{"gather", "take"},
    TensorFlowName{"add_v2", "add"},
    TensorFlowName{"l2_normalize", "normalize"},
    TensorFlowName{"addons", "add"},
    TensorFlowName{"where_v2", "where"},
    TensorFlowName{"equal_v2", "equal"},
    TensorFlowName{"ne", "not_equal"},
    TensorFlowName{"logical_and", "logical_and"},
    TensorFlowName{"bias_add", "add"},
    TensorFlowName{"add_n", "add_n"},
};

/// "math.reduce_mean" is "mean".
std::string keras3Name(const std::string& function) {
  std::string name = function.substr(function.rfind('.') == std::string::npos ? 0 : function.rfind('.') + 1);
  for (const TensorFlowName& known : kTensorFlowNames)
    if (name == known.from) return known.to;
  return name;
}

} // namespace

OperationCall::OperationCall(LayerCall& call, bool isTensorFlow) : b(call.b), tensorFlow(isTensorFlow), m_call(call) {}

const Argument* OperationCall::argument(std::size_t position, std::initializer_list<const char*> names) const {
  if (position < m_call.args.size()) return &m_call.args[position];
  for (const char* name : names)
    if (const auto it = m_call.kwargs.find(name); it != m_call.kwargs.end()) return &it->second;
  return nullptr;
}

const Json* OperationCall::constant(std::size_t position, std::initializer_list<const char*> names) const {
  if (const Argument* given = argument(position, names)) {
    if (!given->json) throw KerasError(std::string("the argument '") + *names.begin() + "' must be a constant");
    return given->json->is_null() ? nullptr : given->json;
  }
  for (const char* name : names)
    if (const Json* option = m_call.options.find(name)) return option;
  return nullptr;
}

TensorPtr OperationCall::constantTensor(const Json& json) {
  // {"class_name": "__tensor__", "config": {"value": [...], "dtype": "float32"}}
  const Json* value = &json;
  if (json.is_object() && json.contains("config") && json.at("config").contains("value"))
    value = &json.at("config").at("value");
  Ints shape;
  for (const Json* at = value; at->is_array(); at = &at->at(0)) {
    shape.push_back(static_cast<std::int64_t>(at->size()));
    if (at->empty() || shape.size() > kMaxRank) throw KerasError("a constant has an unexpected form");
  }
  std::vector<float> floats;
  bool whole = true, boolean = true;
  std::vector<const Json*> open{value};
  while (!open.empty()) {
    const Json& at = *open.back();
    open.pop_back();
    if (at.is_array()) {
      for (std::size_t i = at.size(); i-- > 0;) open.push_back(&at[i]);
    } else if (at.is_number() || at.is_boolean()) {
      boolean = boolean && at.is_boolean();
      whole = whole && (at.is_number_integer() || at.is_boolean());
      floats.push_back(at.is_boolean() ? (at.get<bool>() ? 1.0f : 0.0f) : at.get<float>());
    } else {
      throw KerasError("a constant is no number");
    }
    if (floats.size() > kMaxConstant) throw KerasError("a constant has too many elements");
  }
  const Shape dims(shape);
  if (dims.checkedElements() != static_cast<std::int64_t>(floats.size()))
    throw KerasError("a constant has rows of different lengths");
  if (shape.empty() && !boolean) {
    TensorPtr scalar = b.plain(b.scalar(floats[0]), {});
    if (whole) scalar->type = DataType::Int32; // told apart below: a whole number has the type of what it is used with
    if (whole) scalar->plain = b.intScalar(static_cast<std::int64_t>(floats[0]), DataType::Int32);
    return scalar;
  }
  const std::string name = "constant" + std::to_string(b.graph().values().size());
  TensorPtr tensor =
      b.plain(b.weight(name, [&] { return Tensor::of<float>(dims, std::span<const float>(floats)); }), shape);
  if (boolean) {
    tensor->plain = b.cast(tensor->plain, DataType::Bool);
    tensor->type = DataType::Bool;
  }
  return tensor;
}

TensorPtr OperationCall::tensor(std::size_t position, std::initializer_list<const char*> names) {
  const Argument* given = argument(position, names);
  if (given && given->tensor) return given->tensor;
  if (given && given->isList && given->items.size() == 1 && given->items[0].tensor) return given->items[0].tensor;
  if (given && given->json && !given->json->is_null()) return constantTensor(*given->json);
  throw KerasError(std::string("the argument '") + *names.begin() + "' is missing");
}

Outputs OperationCall::tensors(std::size_t position, std::initializer_list<const char*> names) {
  const Argument* given = argument(position, names);
  if (!given) throw KerasError(std::string("the argument '") + *names.begin() + "' is missing");
  if (given->tensor) return {given->tensor};
  Outputs list;
  for (const Argument& item : given->items) {
    if (item.tensor)
      list.push_back(item.tensor);
    else if (item.json)
      list.push_back(constantTensor(*item.json));
  }
  if (list.empty()) throw KerasError(std::string("the argument '") + *names.begin() + "' is no list of tensors");
  return list;
}

Ints OperationCall::integers(std::size_t position, std::initializer_list<const char*> names) const {
  // A shape may be a list with a number in each place.
  const Json* json = constant(position, names);
  if (!json) return {};
  if (!json->is_array()) return {integerOf(*json, std::string("the argument '") + *names.begin() + "'")};
  Ints numbers;
  for (const Json& element : *json)
    numbers.push_back(integerOf(element, std::string("the argument '") + *names.begin() + "'"));
  return numbers;
}

std::int64_t OperationCall::integer(std::size_t position, std::initializer_list<const char*> names,
                                    std::int64_t otherwise) const {
  const Ints numbers = integers(position, names);
  if (numbers.size() > 1) throw KerasError(std::string("the argument '") + *names.begin() + "' has several numbers");
  return numbers.empty() ? otherwise : numbers[0];
}

double OperationCall::number(std::size_t position, std::initializer_list<const char*> names, double otherwise) const {
  const Json* json = constant(position, names);
  if (!json) return otherwise;
  if (!json->is_number()) throw KerasError(std::string("the argument '") + *names.begin() + "' is no number");
  return json->get<double>();
}

bool OperationCall::flag(std::size_t position, std::initializer_list<const char*> names, bool otherwise) const {
  const Json* json = constant(position, names);
  if (!json) return otherwise;
  if (!json->is_boolean())
    throw KerasError(std::string("the argument '") + *names.begin() + "' is neither true nor false");
  return json->get<bool>();
}

std::string OperationCall::text(std::size_t position, std::initializer_list<const char*> names,
                                const std::string& otherwise) const {
  const Json* json = constant(position, names);
  if (!json) return otherwise;
  if (!json->is_string()) throw KerasError(std::string("the argument '") + *names.begin() + "' is no text");
  return json->get<std::string>();
}

Outputs buildOperation(LayerCall& call) {
  const bool tensorFlow = call.spec.className == "TFOpLambda" || call.spec.className == "SlicingOpLambda";
  if (call.spec.className == "TensorFlowOpLayer")
    throw KerasError(
        "functions of TensorFlow 2.3 and older (TensorFlowOpLayer) are not supported: save the model with a newer one");
  const std::string full =
      tensorFlow ? call.options.text("function", "") : "keras.ops." + toSnakeCase(call.spec.className);
  const std::string name = tensorFlow ? keras3Name(full) : toSnakeCase(call.spec.className);
  OperationCall operation(call, tensorFlow);
  if (const BuildOperation build = findArithmetic(name)) return build(operation);
  if (const BuildOperation build = findRearranging(name)) return build(operation);
  if (!tensorFlow && call.spec.module.empty())
    throw KerasError("unsupported: contains code, or a function that is not supported: '" + full.substr(0, 80) + "'");
  throw KerasError("the function '" + full.substr(0, 80) + "' is not supported");
}

} // namespace tandem::detail
