// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/conv_plan.hpp"

#include "engine/base/clock.hpp"
#include "engine/devices/cpu/label_cut.hpp"
#include "engine/devices/cpu/weights.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <set>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tandem::cpu {
namespace {

// Measuring costs a few milliseconds per form; below this a run is over in microseconds whatever the form.
constexpr double kLeastFlops = 5e6;
// Weights of larger networks come from memory on every run, so they are measured that way.
constexpr std::int64_t kCachedBytes = std::int64_t{16} << 20;
// What is measured takes memory beside the program's own; beyond this it is left to oneDNN's choice.
constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;
constexpr double kMicrosecondsPerByte = 1e-4; // 10 GB/s, read and written
constexpr int kRuns = 5;
constexpr std::int64_t kEnoughNs = 20'000'000;

constexpr std::array<ConvForm, 4> kForms{ConvForm::ChannelsLast, ConvForm::DenseGroups, ConvForm::Blocked,
                                         ConvForm::Winograd};

bool isBlocked(ConvForm form) { return form == ConvForm::Blocked || form == ConvForm::Winograd; }

/// Memory for one argument, filled with numbers that arithmetic is quick with.
struct Operand {
  explicit Operand(const dnnl::memory::desc& desc) : bytes(desc.get_size()) {
    if (!bytes.data()) throw std::bad_alloc();
    std::fill_n(static_cast<float*>(bytes.data()), bytes.bytes() / sizeof(float), 0.01f);
    memory = dnnl::memory(desc, engine(), bytes.data());
  }
  void evict() const {
#if defined(__SSE2__)
    const auto* data = static_cast<const std::byte*>(bytes.data());
    for (std::size_t i = 0; i < bytes.bytes(); i += 64) _mm_clflush(data + i);
#endif
  }
  AlignedMemory bytes;
  dnnl::memory memory;
};

/// Microseconds of the fastest of a few runs: the least disturbed one.
double fastestRun(const dnnl::primitive& primitive, const std::unordered_map<int, dnnl::memory>& arguments,
                  const std::function<void()>& before) {
  const dnnl::stream stream(engine());
  primitive.execute(stream, arguments);
  std::int64_t best = INT64_MAX, total = 0;
  for (int i = 0; i < kRuns && total < kEnoughNs; ++i) {
    before();
    const std::int64_t start = nowNs();
    primitive.execute(stream, arguments);
    const std::int64_t taken = nowNs() - start;
    best = std::min(best, taken);
    total += taken;
  }
  return static_cast<double>(best) * 1e-3;
}

double measureConv(const ConvProblem& problem, const dnnl::convolution_forward::primitive_desc& desc, bool cold) {
  const Operand src(desc.src_desc()), weights(desc.weights_desc()), dst(desc.dst_desc());
  const Operand scratch(desc.scratchpad_desc());
  std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, src.memory},
                                                  {DNNL_ARG_WEIGHTS, weights.memory},
                                                  {DNNL_ARG_DST, dst.memory},
                                                  {DNNL_ARG_SCRATCHPAD, scratch.memory}};
  std::optional<Operand> bias;
  if (problem.bias) arguments[DNNL_ARG_BIAS] = bias.emplace(desc.bias_desc()).memory;
  return fastestRun(dnnl::convolution_forward(desc), arguments, [&] {
    if (cold) weights.evict();
  });
}

double measureReorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  const Operand src(from), dst(to);
  const dnnl::reorder::primitive_desc desc(engine(), from, engine(), to);
  // In a program the source was written just before, and the target is memory that other layers used meanwhile.
  return fastestRun(dnnl::reorder(desc), {{DNNL_ARG_FROM, src.memory}, {DNNL_ARG_TO, dst.memory}},
                    [&] { dst.evict(); });
}

/// Operators that leave a value's elements in the layout they find them in.
bool keepsLayout(const Node& node) {
  static const std::set<std::string, std::less<>> kTypes{"Abs",         "Add",      "AveragePool", "BatchNormalization",
                                                         "Clip",        "Concat",   "Div",         "Dropout",
                                                         "Elu",         "Exp",      "Gelu",        "GlobalAveragePool",
                                                         "HardSwish",   "Identity", "LRN",         "LeakyRelu",
                                                         "MaxPool",     "Max",      "Min",         "Mul",
                                                         "Relu",        "Sigmoid",  "Softplus",    "Sub",
                                                         "Sum",         "Swish",    "Tanh",        "GlobalMaxPool",
                                                         "HardSigmoid", "Resize",   "Upsample"};
  if (node.type == "Gather") return node.attributes.getInt("axis", 0) == 1;
  const bool conv = node.type == "Conv" || node.type == "FusedConv"; // that scales channels
  return (node.domain.empty() || node.domain == "tandem") && (conv || kTypes.contains(node.type));
}

class Planner {
 public:
  Planner(const Segment& segment, int threads, TimingCache& timings)
      : m_graph(*segment.graph),
        m_segment(segment),
        m_threads(threads),
        m_timings(timings) {}

  Result<ConvForms> plan(const CancelToken& cancel) {
    for (NodeId id : m_segment.nodes)
      if (auto problem = ConvProblem::of(m_graph, m_graph.node(id));
          problem && !problem->scalesChannels() && problem->input.bytes() + problem->output.bytes() <= kMostBytes)
        addProblem(id, std::move(*problem));
    if (m_flops < kLeastFlops) return ConvForms{};
    for (NodeId id : m_segment.nodes) {
      TANDEM_TRY(cancel.check());
      if (auto found = m_itemOf.find(id); found != m_itemOf.end())
        addConv(id, found->second);
      else
        addFollower(m_graph.node(id));
    }
    m_timings.save();
    return solve();
  }

 private:
  /// A convolution: the best form and its time under each label, channels last and blocked.
  struct Item {
    NodeId node;
    ConvProblem problem;
    std::array<ConvForm, 2> best{ConvForm::Any, ConvForm::Any};
    std::array<double, 2> time{kNever, kNever};
  };
  struct Difference {
    std::size_t a, b;
    double cost;
  };
  static constexpr double kNever = 1e12; // more than any sum of real times, and still exact beside them

  void addProblem(NodeId id, ConvProblem problem) {
    m_flops += ops::convFlops(m_graph, m_graph.node(id));
    std::int64_t count = 1;
    for (dnnl::memory::dim size : problem.weights) count *= size;
    m_weightBytes += count * 4;
    m_itemOf.emplace(id, m_items.size());
    m_items.push_back({id, std::move(problem)});
  }

  void addConv(NodeId id, std::size_t index) {
    Item& item = m_items[index];
    const bool cold = m_weightBytes > kCachedBytes;
    for (ConvForm form : kForms) {
      if (!suits(item.problem, form)) continue;
      const double time = m_timings.microseconds(convWork(item.problem, m_threads, cold, form), [&] {
        const auto desc = convPrimitive(item.problem, form);
        return desc ? measureConv(item.problem, *desc, cold) : kNever;
      });
      const std::size_t label = isBlocked(form) ? 1 : 0;
      if (time >= item.time[label]) continue;
      item.time[label] = time;
      item.best[label] = form;
    }
    const Node& node = m_graph.node(id);
    connect(node.inputs[0], index);
    if (item.problem.residual) connect(node.inputs[3], index);
    m_labelOf[node.outputs[0]] = index;
  }

  /// The result lies as the first input that a convolution made does.
  void addFollower(const Node& node) {
    if (!keepsLayout(node) || node.outputs.empty()) return;
    std::optional<std::size_t> label;
    for (ValueId input : node.inputs) {
      const auto found = input.valid() ? m_labelOf.find(input) : m_labelOf.end();
      if (found == m_labelOf.end()) continue;
      if (label)
        connect(input, *label);
      else
        label = found->second;
    }
    if (!label) return;
    m_labelOf[node.outputs[0]] = *label;
    if (node.type == "Concat") addConcat(node, *label);
    if (node.type == "Gather") addDetour(node, *label);
  }

  /// Blocks of one item join where they were written; everything else is copied.
  void addConcat(const Node& node, std::size_t label) {
    const TensorDesc& whole = m_graph.value(node.outputs[0]).desc;
    if (whole.shape.rank() != 4) return;
    const bool fits = std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
      return m_graph.value(id).desc.shape.rank() == 4 && m_graph.value(id).desc.shape[1] % 16 == 0;
    });
    const double copy = reorderTime(whole);
    m_followerCosts.push_back({label, copy, fits ? (whole.shape[0] == 1 ? 0 : copy) : 4 * copy});
  }

  /// There is fast code for channels last only.
  void addDetour(const Node& node, std::size_t label) {
    const auto time = [&](ValueId id) { return reorderTime(m_graph.value(id).desc); };
    m_followerCosts.push_back({label, 0, time(node.inputs[0]) + time(node.outputs[0])});
  }

  void connect(ValueId value, std::size_t reader) {
    const auto found = m_labelOf.find(value);
    if (found == m_labelOf.end() || found->second == reader) return;
    m_differences.push_back({found->second, reader, reorderTime(m_graph.value(value).desc)});
  }

  double reorderTime(const TensorDesc& desc) {
    // Broadcasting and Gather make values that no convolution reads.
    if (desc.shape.rank() < 3 || desc.shape.rank() > 5 || desc.type != DataType::Float32) return 0;
    if (desc.bytes() > kMostBytes / 2) return static_cast<double>(desc.bytes()) * kMicrosecondsPerByte;
    const dnnl::memory::desc last = channelsLastDesc(desc);
    const std::string work = "reorder " + desc.shape.toString() + " t" + std::to_string(m_threads);
    return m_timings.microseconds(work, [&] { return measureReorder(last, blockedDesc(desc, 16)); });
  }

  ConvForms solve() const {
    LabelCut cut(m_items.size());
    for (std::size_t i = 0; i < m_items.size(); ++i) cut.addCosts(i, m_items[i].time[0], m_items[i].time[1]);
    for (const FollowerCost& each : m_followerCosts) cut.addCosts(each.label, each.last, each.blocked);
    for (const Difference& each : m_differences) cut.addDifference(each.a, each.b, each.cost);
    const std::vector<bool> blocked = cut.solve();
    ConvForms forms;
    for (std::size_t i = 0; i < m_items.size(); ++i) forms[m_items[i].node] = m_items[i].best[blocked[i] ? 1 : 0];
    return forms;
  }

  struct FollowerCost {
    std::size_t label;
    double last, blocked;
  };

  const Graph& m_graph;
  const Segment& m_segment;
  int m_threads;
  TimingCache& m_timings;
  std::vector<Item> m_items;
  std::unordered_map<NodeId, std::size_t> m_itemOf;
  std::unordered_map<ValueId, std::size_t> m_labelOf; ///< the item whose label a value's layout follows
  std::vector<Difference> m_differences;
  std::vector<FollowerCost> m_followerCosts;
  double m_flops = 0;
  std::int64_t m_weightBytes = 0;
};

} // namespace

std::string convWork(const ConvProblem& problem, int threads, bool cold, ConvForm form) {
  return problem.text() + " t" + std::to_string(threads) + (cold ? " cold " : " warm ") + std::string(toString(form));
}

Result<ConvForms> planConvForms(const Segment& segment, int threads, TimingCache& timings, const CancelToken& cancel) {
  return Planner(segment, threads, timings).plan(cancel);
}

} // namespace tandem::cpu
