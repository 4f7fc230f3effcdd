// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>
#include <hdf5.h>
#include <span>

namespace tandem::detail {

/// Opens the HDF5 file whose content is `bytes`, read-only, through a driver that knows these bytes and nothing else:
/// whatever the file refers to outside of itself (external links, virtual datasets) cannot be opened, as the driver
/// has no way to the file system. A negative id where the library finds no HDF5 file. Hold hdf5Mutex().
hid_t openHdf5Memory(std::span<const std::byte> bytes);

} // namespace tandem::detail
