// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/variant_cache.hpp"

#include <algorithm>

namespace tandem {

VariantCache::VariantCache(const Graph& opened, Compile compile, std::size_t limit)
    : m_opened(opened),
      m_compile(std::move(compile)),
      m_limit(std::max<std::size_t>(limit, 1)) {}

Result<ExecutionSlot*> VariantCache::slotFor(std::span<const Tensor> inputs) {
  std::string key = shapeKey(m_opened, inputs);
  auto found = std::find_if(m_variants.begin(), m_variants.end(), [&](const Variant& each) { return each.key == key; });
  if (found != m_variants.end()) {
    m_variants.splice(m_variants.begin(), m_variants, found);
    return m_variants.front().slot.get();
  }
  // Room first: two large models at once may not fit where one does.
  while (m_variants.size() >= m_limit) m_variants.pop_back();
  const auto executable = TANDEM_TRY(m_compile(inputs));
  auto slot = TANDEM_TRY(executable->createSlot());
  slot->attachCurrentThread();
  ++m_compiled;
  m_variants.push_front({std::move(key), std::move(slot)});
  return m_variants.front().slot.get();
}

} // namespace tandem
