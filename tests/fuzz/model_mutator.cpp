// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/fuzz/model_mutator.hpp"

#include "engine/ops/op_def.hpp"

#include <array>
#include <cstring>
#include <google/protobuf/message.h>
#include <limits>
#include <random>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t maxSize);

namespace tandem::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kMaxElements = 200; // per repeated field: the inputs stay small and the executions many
constexpr int kMaxSteps = 20;     // on the way down from the model

class Mutation {
 public:
  Mutation(onnx::ModelProto& model, unsigned seed) : m_model(model), m_random(seed) {}

  void apply() {
    Message* at = &m_model;
    for (int step = 0; step < kMaxSteps; ++step) {
      std::vector<Message*> parts = partsOf(*at);
      if (parts.empty() || (step > 0 && chance(3))) break;
      at = parts[below(parts.size())];
    }
    change(*at);
  }

 private:
  std::size_t below(std::size_t bound) { return m_random() % bound; }
  bool chance(unsigned oneIn) { return m_random() % oneIn == 0; }

  static std::vector<Message*> partsOf(Message& message) {
    const Reflection* reflection = message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection->ListFields(message, &fields);
    std::vector<Message*> parts;
    for (const FieldDescriptor* field : fields) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      if (!field->is_repeated()) parts.push_back(reflection->MutableMessage(&message, field));
      for (int i = 0; field->is_repeated() && i < reflection->FieldSize(message, field); ++i)
        parts.push_back(reflection->MutableRepeatedMessage(&message, field, i));
    }
    return parts;
  }

  void change(Message& message) {
    const auto* descriptor = message.GetDescriptor();
    const Reflection* reflection = message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection->ListFields(message, &fields);
    // Mostly a field that is there; now and then one that is not.
    const FieldDescriptor* field =
        fields.empty() || chance(4)
            ? descriptor->field(static_cast<int>(below(static_cast<std::size_t>(descriptor->field_count()))))
            : fields[below(fields.size())];
    if (field->is_repeated())
      changeList(message, *reflection, field);
    else if (chance(6))
      reflection->ClearField(&message, field);
    else if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE)
      setScalar(message, *reflection, field, -1);
    else
      reflection->MutableMessage(&message, field);
  }

  void changeList(Message& message, const Reflection& reflection, const FieldDescriptor* field) {
    const int size = reflection.FieldSize(message, field);
    const int at = size == 0 ? 0 : static_cast<int>(below(static_cast<std::size_t>(size)));
    switch (below(4)) {
    case 0:
      if (size > 0) {
        reflection.SwapElements(&message, field, at, size - 1);
        reflection.RemoveLast(&message, field);
      }
      break;
    case 1:
      if (size > 1)
        reflection.SwapElements(&message, field, at, static_cast<int>(below(static_cast<std::size_t>(size))));
      break;
    case 2: addElement(message, reflection, field, size, at); break;
    default:
      if (size > 0 && field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE)
        setScalar(message, reflection, field, at);
      else
        addElement(message, reflection, field, size, at);
    }
  }

  void addElement(Message& message, const Reflection& reflection, const FieldDescriptor* field, int size, int at) {
    if (size >= kMaxElements) return;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Message* added = reflection.AddMessage(&message, field);
      if (size > 0) added->CopyFrom(reflection.GetRepeatedMessage(message, field, at));
      return;
    }
    switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      reflection.AddInt32(&message, field, static_cast<std::int32_t>(integer()));
      break;
    case FieldDescriptor::CPPTYPE_INT64: reflection.AddInt64(&message, field, integer()); break;
    case FieldDescriptor::CPPTYPE_UINT64:
      reflection.AddUInt64(&message, field, static_cast<std::uint64_t>(integer()));
      break;
    case FieldDescriptor::CPPTYPE_FLOAT: reflection.AddFloat(&message, field, real()); break;
    case FieldDescriptor::CPPTYPE_DOUBLE: reflection.AddDouble(&message, field, double{real()}); break;
    case FieldDescriptor::CPPTYPE_STRING: reflection.AddString(&message, field, text(field)); break;
    default: break;
    }
  }

  /// `at` is the place in a list; -1 sets the field itself.
  void setScalar(Message& message, const Reflection& reflection, const FieldDescriptor* field, int at) {
    const auto set = [&](auto single, auto repeated, auto value) {
      if (at < 0)
        (reflection.*single)(&message, field, value);
      else
        (reflection.*repeated)(&message, field, at, value);
    };
    switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      set(&Reflection::SetInt32, &Reflection::SetRepeatedInt32, static_cast<std::int32_t>(integer()));
      break;
    case FieldDescriptor::CPPTYPE_INT64: set(&Reflection::SetInt64, &Reflection::SetRepeatedInt64, integer()); break;
    case FieldDescriptor::CPPTYPE_UINT64:
      set(&Reflection::SetUInt64, &Reflection::SetRepeatedUInt64, static_cast<std::uint64_t>(integer()));
      break;
    case FieldDescriptor::CPPTYPE_FLOAT: set(&Reflection::SetFloat, &Reflection::SetRepeatedFloat, real()); break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      set(&Reflection::SetDouble, &Reflection::SetRepeatedDouble, double{real()});
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      set(&Reflection::SetEnumValue, &Reflection::SetRepeatedEnumValue, static_cast<int>(below(16)));
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      set(&Reflection::SetString, &Reflection::SetRepeatedString, text(field));
      break;
    default: break;
    }
  }

  std::int64_t integer() {
    constexpr std::array<std::int64_t, 14> kOdd{-1,
                                                0,
                                                1,
                                                2,
                                                -2,
                                                3,
                                                65536,
                                                1 << 20,
                                                1 << 30,
                                                -5,
                                                std::int64_t{1} << 31,
                                                std::int64_t{1} << 40,
                                                std::numeric_limits<std::int64_t>::max(),
                                                std::numeric_limits<std::int64_t>::min()};
    return chance(2) ? kOdd[below(kOdd.size())] : static_cast<std::int64_t>(below(24)) - 2;
  }
  float real() {
    constexpr std::array<float, 9> kOdd{0.0F,
                                        -0.0F,
                                        1.0F,
                                        -1.0F,
                                        1e-40F,
                                        1e38F,
                                        std::numeric_limits<float>::infinity(),
                                        std::numeric_limits<float>::quiet_NaN(),
                                        2.5F};
    return kOdd[below(kOdd.size())];
  }

  /// Another name of the same model, an operator's name, or some bytes.
  std::string text(const FieldDescriptor* field) {
    if (field->name() == "op_type" && !chance(8)) {
      const auto all = allOps();
      return std::string(all[below(all.size())]->type);
    }
    if (field->type() == FieldDescriptor::TYPE_BYTES) return std::string(below(64), static_cast<char>(m_random()));
    const auto& graph = m_model.graph();
    if (graph.node_size() > 0 && !chance(4)) {
      const auto& node = graph.node(static_cast<int>(below(static_cast<std::size_t>(graph.node_size()))));
      const auto& names = chance(2) ? node.output() : node.input();
      if (!names.empty()) return names.Get(static_cast<int>(below(static_cast<std::size_t>(names.size()))));
    }
    constexpr std::array<const char*, 12> kTexts{"",         "axis",   "SAME_UPPER", "bilinear",      "../w.bin",
                                                 "location", "offset", "\x1b[31m",   "com.microsoft", "ij,jk->ik",
                                                 "value",    "a/b/c"};
    return kTexts[below(kTexts.size())];
  }

  onnx::ModelProto& m_model;
  std::minstd_rand m_random;
};

} // namespace

void mutateModel(onnx::ModelProto& model, unsigned seed) { Mutation(model, seed + 1).apply(); }

std::size_t mutateModelBytes(std::uint8_t* data, std::size_t size, std::size_t maxSize, unsigned seed) {
  onnx::ModelProto model;
  if (seed % 4 != 0 && model.ParseFromArray(data, static_cast<int>(size))) {
    std::minstd_rand random(seed + 1);
    for (unsigned i = 0, changes = 1 + random() % 4; i < changes; ++i)
      mutateModel(model, static_cast<unsigned>(random()));
    const std::string bytes = model.SerializeAsString();
    if (!bytes.empty() && bytes.size() <= maxSize) {
      std::memcpy(data, bytes.data(), bytes.size());
      return bytes.size();
    }
  }
  return LLVMFuzzerMutate(data, size, maxSize);
}

} // namespace tandem::fuzz
