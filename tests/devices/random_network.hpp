// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "tests/devices/cpu_support.hpp"

#include <random>

namespace tandem::test {

/// A convolutional network of random settings and random joints, the same for the same seed: 1 to 3 spatial axes;
/// strides, dilations, pads on one side only, auto_pad, groups that leave odd rests; normalisations, activations,
/// residuals, parts joined and cut; extents of one, of primes and below the kernel's. One or two outputs. With
/// `large`, some of its convolutions are worth planning.
Graph randomNetwork(unsigned seed, bool large);

} // namespace tandem::test
