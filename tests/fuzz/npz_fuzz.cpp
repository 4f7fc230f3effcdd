// SPDX-License-Identifier: GPL-3.0-or-later
// Zip archives, and the arrays in them.
#include "engine/formats/archive/zip_archive.hpp"
#include "engine/formats/tensors/npz.hpp"
#include "tests/fuzz/tensor_check.hpp"

#include <algorithm>
#include <filesystem>

using namespace tandem;

namespace {

/// A name like "b/c../d" does not leave its folder.
bool staysInside(const std::filesystem::path& name) {
  return name.is_relative() && std::find(name.begin(), name.end(), "..") == name.end();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::bytesOf(data, size);
  const ZipLimits limits{.entries = 100, .ratio = 100, .freeEntryBytes = 1 << 20, .freeTotalBytes = 4 << 20};
  auto archive = ZipArchive::open(bytes, nullptr, "fuzz.zip", ErrorCode::InputRejected, limits);
  for (std::size_t i = 0; archive && i < archive->entries().size(); ++i) {
    const ZipEntry& entry = archive->entries()[i];
    fuzz::require(staysInside(entry.name), "an entry stays inside");
    auto content = archive->read(i);
    fuzz::require(!content || static_cast<std::int64_t>(content->bytes.size()) == entry.bytes,
                  "an entry has the bytes it states");
  }
  auto arrays = readNpz(bytes, "fuzz.npz");
  for (std::size_t i = 0; arrays && i < arrays->size(); ++i) fuzz::checkTensor((*arrays)[i].tensor);
  return 0;
}
