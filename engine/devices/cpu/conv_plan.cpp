// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/conv_plan.hpp"

#include "engine/devices/cpu/conv_timing.hpp"
#include "engine/devices/cpu/label_cut.hpp"
#include "engine/devices/cpu/layout.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace tandem::cpu {
namespace {

// Measuring costs a few milliseconds per form; below this a run is over in microseconds whatever the form.
constexpr double kLeastFlops = 5e6;
// Weights of larger networks come from memory on every run, so they are measured that way.
constexpr std::int64_t kCachedBytes = std::int64_t{16} << 20;
// What is measured takes memory beside the program's own; beyond this it is left to oneDNN's choice.
constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;
constexpr double kMicrosecondsPerByte = 1e-4; // 10 GB/s, read and written

constexpr std::array<ConvForm, 4> kForms{ConvForm::ChannelsLast, ConvForm::DenseGroups, ConvForm::Blocked,
                                         ConvForm::Winograd};

bool isBlocked(ConvForm form) { return form == ConvForm::Blocked || form == ConvForm::Winograd; }

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

  Result<ConvChoices> plan(const CancelToken& cancel) {
    for (NodeId id : m_segment.nodes)
      if (auto problem = ConvProblem::of(m_graph, m_graph.node(id));
          problem && !problem->scalesChannels() && problem->input.bytes() + problem->output.bytes() <= kMostBytes)
        addProblem(id, std::move(*problem));
    if (m_flops < kLeastFlops) return ConvChoices{};
    m_timer.emplace(isCold(), m_threads);
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
  /// A convolution: the best choice and its time under each label, channels last and blocked.
  struct Item {
    NodeId node;
    ConvProblem problem;
    std::array<ConvChoice, 2> best{};
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
    std::vector<ConvChoice> choices;
    std::vector<Work> works;
    for (bool separate : {false, true}) {
      if (separate && !rowFunctionOf(item.problem.activation)) break;
      for (ConvForm form : kForms) {
        if (!suits(item.problem, form)) continue;
        choices.push_back({form, separate});
        works.push_back(convWork(item.problem, m_threads, isCold(), choices.back()));
      }
    }
    const std::vector<double> times = m_timings.microseconds(
        works, [&](std::span<const std::size_t> missing) { return measure(item.problem, choices, missing); });
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const std::size_t label = isBlocked(choices[i].form) ? 1 : 0;
      if (times[i] >= item.time[label]) continue;
      item.time[label] = times[i];
      item.best[label] = choices[i];
    }
    const Node& node = m_graph.node(id);
    connect(node.inputs[0], index);
    if (item.problem.residual) connect(node.inputs[3], index);
    m_labelOf[node.outputs[0]] = index;
  }

  bool isCold() const { return m_weightBytes > kCachedBytes; }

  std::vector<double> measure(const ConvProblem& problem, std::span<const ConvChoice> choices,
                              std::span<const std::size_t> which) {
    std::vector<ConvCode> contenders;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < which.size(); ++i)
      if (auto code = convCode(problem, choices[which[i]])) {
        contenders.push_back(std::move(*code));
        places.push_back(i);
      }
    std::vector<double> times(which.size(), kNever);
    const std::vector<double> raced = m_timer->race(problem, contenders);
    for (std::size_t i = 0; i < places.size(); ++i) times[places[i]] = raced[i];
    return times;
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
    const Work work{"reorder c" + std::to_string(desc.shape[1]) + " t" + std::to_string(m_threads),
                    desc.shape.toString(), desc.shape.elements()};
    return m_timings.microseconds({&work, 1}, [&](std::span<const std::size_t>) {
      return std::vector<double>{m_timer->reorder(last, blockedDesc(desc, 16))};
    })[0];
  }

  ConvChoices solve() const {
    LabelCut cut(m_items.size());
    for (std::size_t i = 0; i < m_items.size(); ++i) cut.addCosts(i, m_items[i].time[0], m_items[i].time[1]);
    for (const FollowerCost& each : m_followerCosts) cut.addCosts(each.label, each.last, each.blocked);
    for (const Difference& each : m_differences) cut.addDifference(each.a, each.b, each.cost);
    const std::vector<bool> blocked = cut.solve();
    ConvChoices choices;
    for (std::size_t i = 0; i < m_items.size(); ++i) choices[m_items[i].node] = m_items[i].best[blocked[i] ? 1 : 0];
    return choices;
  }

  struct FollowerCost {
    std::size_t label;
    double last, blocked;
  };

  const Graph& m_graph;
  const Segment& m_segment;
  int m_threads;
  TimingCache& m_timings;
  std::optional<ConvTimer> m_timer;
  std::vector<Item> m_items;
  std::unordered_map<NodeId, std::size_t> m_itemOf;
  std::unordered_map<ValueId, std::size_t> m_labelOf; ///< the item whose label a value's layout follows
  std::vector<Difference> m_differences;
  std::vector<FollowerCost> m_followerCosts;
  double m_flops = 0;
  std::int64_t m_weightBytes = 0;
};

} // namespace

Work convWork(const ConvProblem& problem, int threads, bool cold, const ConvChoice& choice) {
  Work work{problem.kindText(), problem.sizeText(), problem.output.shape.elements()};
  work.kind += " t" + std::to_string(threads) + (cold ? " cold " : " warm ") + std::string(toString(choice.form)) +
               (choice.separate ? ", separate" : "");
  return work;
}

Result<ConvChoices> planConvolutions(const Segment& segment, int threads, TimingCache& timings,
                                     const CancelToken& cancel) {
  return Planner(segment, threads, timings).plan(cancel);
}

} // namespace tandem::cpu
