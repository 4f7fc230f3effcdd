// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/chain_text.hpp"

#include "engine/devices/opencl/kernels/emit.hpp"

#include <algorithm>
#include <array>

namespace tandem::opencl {
namespace {

bool isHalf(DataType type) { return type == DataType::Float16 || type == DataType::BFloat16; }

bool hasVectorType(DataType type) {
  return type == DataType::Float32 || type == DataType::Int32 || type == DataType::Bool || isHalf(type);
}

/// Macros that are written for scalars only, or count on the width of the type.
bool isScalarOnly(std::string_view expression) {
  constexpr std::array<std::string_view, 4> kScalar{"IsInf", "PowAs", "ShiftLeft", "ShiftRight"};
  return std::find(kScalar.begin(), kScalar.end(), expression) != kScalar.end();
}

/// Takes tens of instructions.
bool isFunction(std::string_view expression) {
  constexpr std::array<std::string_view, 30> kFunctions{
      "Sigmoid", "Tanh", "Elu",   "Celu",  "Selu",  "Softplus", "Mish", "Swish",    "Gelu", "GeluTanh",
      "Exp",     "Log",  "Sqrt",  "Erf",   "Sin",   "Cos",      "Tan",  "Asin",     "Acos", "Atan",
      "Sinh",    "Cosh", "Asinh", "Acosh", "Atanh", "Pow",      "Fmod", "FloorMod", "Div",  "Reciprocal"};
  return std::find(kFunctions.begin(), kFunctions.end(), expression) != kFunctions.end();
}

/// Of a register: 16-bit floats are floats there.
std::string scalarType(DataType type) { return isHalf(type) ? "float" : std::string(clType(type)); }
std::string vectorType(DataType type) {
  return type == DataType::Int32 || type == DataType::Bool ? "int16" : "float16";
}

/// As the macros of numbers.cl and chain.cl call it.
std::string storedName(DataType type, bool vector) {
  return vector && type == DataType::Bool ? "bool" : std::string(clNumber(type));
}

std::string number(std::string_view prefix, std::size_t i) { return std::string(prefix) + std::to_string(i); }

class Writer {
 public:
  Writer(const ChainFormula& formula, const ChainLoops& loops) : m_formula(formula), m_loops(loops) {}

  std::string write() {
    m_text = "__kernel __attribute__((reqd_work_group_size(" + std::string(m_loops.gpuStyle ? "64" : "1") +
             ", 1, 1))) void chain(\n";
    arguments();
    if (m_loops.gpuStyle)
      gpuLoops();
    else
      cpuLoops();
    m_text += "}\n";
    return std::move(m_text);
  }

 private:
  std::size_t count() const { return m_formula.tensors.size() + m_formula.results.size(); }
  bool isResult(std::size_t i) const { return i >= m_formula.tensors.size(); }
  std::size_t registerOf(std::size_t i) const {
    return isResult(i) ? m_formula.results[i - m_formula.tensors.size()] : i;
  }
  DataType storedType(std::size_t i) const { return m_formula.typeOf(registerOf(i)); }
  std::size_t firstStep() const { return m_formula.tensors.size() + m_formula.scalars.size(); }
  std::size_t outerDims() const {
    const std::size_t inner = m_loops.gpuStyle ? 1 : 2;
    return m_loops.dims > inner ? m_loops.dims - inner : 0;
  }

  void arguments() {
    for (std::size_t i = 0; i < count(); ++i) {
      m_text += "    __global " + std::string(isResult(i) ? "" : "const ") + storedName(storedType(i), false) +
                "* restrict x" + std::to_string(i) + ", int8 s" + std::to_string(i) + ", int m" + std::to_string(i) +
                ", int n" + std::to_string(i) + ", int b" + std::to_string(i) + ",\n";
    }
    for (std::size_t i = 0; i < m_formula.scalars.size(); ++i)
      m_text += "    " + scalarType(m_formula.scalars[i]) + number(" k", m_formula.tensors.size() + i) + ",\n";
    for (std::size_t i = 0; i < m_formula.steps.size(); ++i)
      if (m_formula.steps[i].hasParameters)
        m_text += "    float" + number(" p", i) + ", float" + number(" q", i) + ",\n";
    m_text += m_loops.gpuStyle ? "    int8 dims, int inner, int total) {\n"
                               : "    int8 dims, int middle, int inner, int middleStep, int innerStep) {\n";
  }

  /// Takes the outer dims from `rest`, the last first, and moves every offset along.
  void outerOffsets() {
    for (std::size_t i = 0; i < count(); ++i) m_text += "  int" + number(" o", i) + " =" + number(" b", i) + ";\n";
    for (std::size_t k = outerDims(); k-- > 0;) {
      const std::string dim = "dims.s" + std::to_string(k);
      const bool isFirst = k == 0;
      m_text += "  {\n    const int at = " + (isFirst ? std::string("rest") : "rest % " + dim) + ";\n";
      if (!isFirst) m_text += "    rest /= " + dim + ";\n";
      for (std::size_t i = 0; i < count(); ++i)
        m_text += "    " + number("o", i) + " += at *" + number(" s", i) + ".s" + std::to_string(k) + ";\n";
      m_text += "  }\n";
    }
  }

  void gpuLoops() {
    m_text += "  int rest = get_global_id(0);\n  if (rest >= total) return;\n";
    if (outerDims() == 0) {
      m_text += "  const int i = rest;\n";
    } else {
      m_text += "  const int i = rest % inner;\n  rest /= inner;\n";
    }
    outerOffsets();
    body(false, "  ");
  }

  void cpuLoops() {
    m_text += "  int rest = get_group_id(0);\n"
              "  const int innerParts = (inner + innerStep - 1) / innerStep;\n"
              "  const int first = rest % innerParts * innerStep;\n"
              "  rest /= innerParts;\n"
              "  const int last = min(first + innerStep, inner);\n";
    if (m_loops.dims > 1)
      m_text += "  const int middleParts = (middle + middleStep - 1) / middleStep;\n"
                "  const int firstRow = rest % middleParts * middleStep;\n"
                "  rest /= middleParts;\n"
                "  const int lastRow = min(firstRow + middleStep, middle);\n";
    outerOffsets();
    if (m_loops.dims > 1) {
      for (std::size_t i = 0; i < count(); ++i)
        m_text += "  " + number("o", i) + " += firstRow *" + number(" m", i) + ";\n";
      m_text += "  for (int row = firstRow; row < lastRow; ++row) {\n";
    }
    m_text += "  int i = first;\n";
    if (m_loops.vector) {
      if (const int together = vectorsTogether(); together > 1) vectorLoop(together);
      vectorLoop(1);
    }
    m_text += "  for (; i < last; ++i) {\n";
    body(false, "    ");
    m_text += "  }\n";
    if (m_loops.dims > 1) {
      for (std::size_t i = 0; i < count(); ++i) m_text += "  " + number("o", i) + " +=" + number(" m", i) + ";\n";
      m_text += "  }\n";
    }
  }

  /// A function is a long wait, which the work on a second vector fills.
  int vectorsTogether() const {
    const auto isSlow = [](const ChainStep& step) { return isFunction(step.expression); };
    return std::any_of(m_formula.steps.begin(), m_formula.steps.end(), isSlow) ? 2 : 1;
  }

  void vectorLoop(int together) {
    const std::string width = std::to_string(16 * together);
    m_text += "  for (; i + " + width + " <= last; i += " + width + ") {\n";
    m_together = together;
    body(true, "    ");
    m_together = 1;
    m_text += "  }\n";
  }

  /// Where the element at i (or 16 elements on, for the second vector) of tensor or result t lies.
  std::string place(std::size_t t) const {
    const std::string further = m_which > 0 ? " + " + std::to_string(16 * m_which) : "";
    switch (m_loops.innerStrides[t]) {
    case 0: return number("o", t);
    case 1: return number("o", t) + " + i" + further;
    default: return number("o", t) + " + i *" + number(" n", t);
    }
  }

  std::string reg(std::size_t i) const { return number("r", i) + (m_which > 0 ? "_" + std::to_string(m_which) : ""); }

  /// Writes a statement for every vector of the loop's body.
  template <class Write> void forEachVector(Write write) {
    for (m_which = 0; m_which < m_together; ++m_which) write();
    m_which = 0;
  }

  void body(bool vector, const std::string& indent) {
    const auto typeName = [&](DataType type) { return vector ? vectorType(type) : scalarType(type); };
    for (std::size_t t = 0; t < m_formula.tensors.size(); ++t)
      forEachVector([&] {
        const std::string load = !vector ? "load_" : m_loops.innerStrides[t] == 1 ? "load16_" : "fill16_";
        m_text += indent + "const " + typeName(storedType(t)) + " " + reg(t) + " = " + load +
                  storedName(storedType(t), vector) + "(" + number("x", t) + ", " + place(t) + ");\n";
      });
    for (std::size_t s = 0; s < m_formula.scalars.size(); ++s)
      forEachVector([&] {
        const std::size_t i = m_formula.tensors.size() + s;
        const std::string type = typeName(m_formula.scalars[s]);
        m_text += indent + "const " + type + " " + reg(i) + " = (" + type + ")(" + number("k", i) + ");\n";
      });
    for (std::size_t s = 0; s < m_formula.steps.size(); ++s) forEachVector([&] { step(s, vector, indent); });
    for (std::size_t i = m_formula.tensors.size(); i < count(); ++i)
      forEachVector([&] {
        m_text += indent + (vector ? "store16_" : "store_") + storedName(storedType(i), vector) + "(" + number("x", i) +
                  ", " + place(i) + ", " + reg(registerOf(i)) + ");\n";
      });
  }

  void step(std::size_t s, bool vector, const std::string& indent) {
    const ChainStep& step = m_formula.steps[s];
    const DataType from = m_formula.typeOf(step.operands[0]);
    const std::string result = vector ? vectorType(step.result) : scalarType(step.result);
    const std::string name = reg(firstStep() + s);
    std::string value;
    if (step.expression == ChainStep::kCast) {
      value = vector ? vectorCast(reg(step.operands[0]), from, step.result)
                     : scalarCast(reg(step.operands[0]), from, step.result);
    } else {
      value = "expr_" + std::string(step.expression) + "(" + (vector ? vectorType(from) : scalarType(from));
      for (std::size_t i = 0; i < 3; ++i)
        value += ", " + (i < step.operands.size() ? reg(step.operands[i]) : std::string("0"));
      value += ")";
      if (!vector) value = "(" + result + ")(" + value + ")";
    }
    if (isHalf(step.result))
      value = "round_" + std::string(clNumber(step.result)) + (vector ? "16(" : "(") + value + ")";
    m_text += indent + result + " " + name + ";\n" + indent + "{ ";
    if (step.hasParameters) m_text += "const float p =" + number(" p", s) + ", q =" + number(" q", s) + "; ";
    m_text += name + " = " + value + "; }\n";
  }

  /// As ops::convert does it.
  static std::string scalarCast(const std::string& x, DataType from, DataType to) {
    const std::string type = scalarType(to);
    if (to == DataType::Bool) return "(uchar)(" + x + " != 0)";
    if (isFloating(from) && isInteger(to))
      return "(" + x + " != " + x + " ? (" + type + ")0 : convert_" + type + "_sat_rtz(" + x + "))";
    return "(" + type + ")(" + x + ")";
  }

  static std::string vectorCast(const std::string& x, DataType from, DataType to) {
    const std::string number = from == DataType::Bool ? "(-" + x + ")" : x;
    if (to == DataType::Bool) return from == DataType::Bool ? x : "(" + x + " != 0)";
    if (to == DataType::Int32)
      return isFloating(from) ? "select(convert_int16_sat_rtz(" + x + "), (int16)(0), " + x + " != " + x + ")" : number;
    return isFloating(from) ? x : "convert_float16(" + number + ")";
  }

  const ChainFormula& m_formula;
  const ChainLoops& m_loops;
  std::string m_text;
  int m_together = 1; ///< vectors in the body of the loop
  int m_which = 0;    ///< that a statement is written for
};

} // namespace

DataType ChainFormula::typeOf(std::size_t reg) const {
  if (reg < tensors.size()) return tensors[reg];
  reg -= tensors.size();
  return reg < scalars.size() ? scalars[reg] : steps[reg - scalars.size()].result;
}

bool ChainFormula::hasVectorForm() const {
  for (std::size_t reg = 0; reg < tensors.size() + scalars.size() + steps.size(); ++reg)
    if (!hasVectorType(typeOf(reg))) return false;
  return std::none_of(steps.begin(), steps.end(), [](const ChainStep& step) { return isScalarOnly(step.expression); });
}

std::string chainText(const ChainFormula& formula, const ChainLoops& loops) { return Writer(formula, loops).write(); }

} // namespace tandem::opencl
