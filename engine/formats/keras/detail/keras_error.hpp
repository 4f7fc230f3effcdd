// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdexcept>

namespace tandem::detail {

/// A problem of a Keras file, in words that make sense after the layer's name. A layer may find one anywhere deep in
/// its options, and the import goes on with the next layer to report all problems at once: so it is thrown, caught
/// where a layer is built (functional.cpp) or the file is opened, and never leaves this folder.
class KerasError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

} // namespace tandem::detail
