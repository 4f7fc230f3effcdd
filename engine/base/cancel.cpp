// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/cancel.hpp"

namespace tandem {

Result<void> CancelToken::check() const {
  if (cancelled()) return makeError(ErrorCode::Cancelled, "cancelled");
  return {};
}

} // namespace tandem
