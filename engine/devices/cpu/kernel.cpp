// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"

#include <algorithm>

namespace tandem::cpu {

#include "cpu_kernels/kernel_declarations.inc"

namespace {

struct Entry {
  std::string_view domain;
  std::string_view type;
  KernelFactory factory;
};

// One line per tandem_cpu_kernel() of kernels.cmake, in its order.
constexpr Entry kKernels[] = {
#include "cpu_kernels/kernel_table.inc"
};

struct Table {
  std::vector<Entry> entries;
  std::vector<KernelFactory> factories;
};

bool before(const Entry& a, const Entry& b) { return a.domain != b.domain ? a.domain < b.domain : a.type < b.type; }

const Table& table() {
  static const Table sorted = [] {
    Table made;
    made.entries.assign(std::begin(kKernels), std::end(kKernels));
    std::stable_sort(made.entries.begin(), made.entries.end(), before);
    for (const Entry& entry : made.entries) made.factories.push_back(entry.factory);
    return made;
  }();
  return sorted;
}

} // namespace

std::span<const KernelFactory> kernelsFor(std::string_view domain, std::string_view type) {
  const Entry key{domain, type, nullptr};
  const Table& known = table();
  auto [first, last] = std::equal_range(known.entries.begin(), known.entries.end(), key, before);
  const auto offset = static_cast<std::size_t>(first - known.entries.begin());
  return std::span(known.factories).subspan(offset, static_cast<std::size_t>(last - first));
}

bool NodeView::allFloat() const {
  auto good = [&](ValueId id) {
    if (!id.valid()) return true;
    const TensorDesc& desc = m_graph.value(id).desc;
    return desc.type == DataType::Float32 && desc.shape.elements() > 0;
  };
  return std::all_of(node().inputs.begin(), node().inputs.end(), good) &&
         std::all_of(node().outputs.begin(), node().outputs.end(), good);
}

KernelPlan NodeView::plainPlan(std::string name) const {
  KernelPlan plan;
  plan.name = std::move(name);
  plan.inputs.resize(inputCount());
  plan.outputs.resize(outputCount());
  return plan;
}

} // namespace tandem::cpu
