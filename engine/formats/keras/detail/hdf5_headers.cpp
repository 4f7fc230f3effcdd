// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/hdf5_headers.hpp"

#include "engine/base/checked.hpp"
#include "engine/formats/keras/detail/keras_error.hpp"

#include <limits>
#include <vector>

// After the "HDF5 File Format Specification Version 3.0", IV.A (object headers) and IV.A.2.b, d, m, q (their messages),
// for addresses and lengths of eight bytes, as all of today's libraries write them.
namespace tandem::detail {
namespace {

constexpr std::uint64_t kDataspace = 0x01, kDatatype = 0x03, kAttribute = 0x0c, kContinuation = 0x10;
constexpr std::uint64_t kSharedMessage = 0x02;
constexpr std::uint64_t kReferenceBytes = 4 + 8 + 4;
constexpr std::size_t kMaxBlocks = 4096;
constexpr int kMaxTypeDepth = 8;

[[noreturn]] void damaged() { throw KerasError("damaged HDF5 file: an object header says more than it holds"); }

void require(bool holds) {
  if (!holds) damaged();
}

std::uint64_t roundedUp(std::uint64_t size) { return (size + 7) / 8 * 8; }

/// The bytes of the datatype at `at`; `depth` types may lie in each other.
std::uint64_t typeBytes(const Hdf5Bytes& bytes, std::uint64_t at, int depth = 0);

/// Names and values of an enumeration of `count` members behind its base type, which ends at `at`.
std::uint64_t enumerationEnd(const Hdf5Bytes& bytes, std::uint64_t at, std::uint64_t count, std::uint64_t valueBytes,
                             bool padded) {
  for (std::uint64_t i = 0; i < count; ++i) {
    require(at < bytes.size());
    const std::size_t length = bytes.text(at, bytes.size() - at).find('\0');
    require(length != std::string_view::npos);
    at += padded ? roundedUp(length + 1) : length + 1;
  }
  const auto values = checkedMul(static_cast<std::int64_t>(count), static_cast<std::int64_t>(valueBytes));
  require(values && bytes.has(at, static_cast<std::uint64_t>(*values)));
  return at + static_cast<std::uint64_t>(*values);
}

std::uint64_t typeBytes(const Hdf5Bytes& bytes, std::uint64_t at, int depth) {
  require(depth < kMaxTypeDepth && bytes.has(at, 8));
  const std::uint64_t kind = bytes.number(at, 1) & 15, version = bytes.number(at, 1) >> 4;
  const std::uint64_t bits = bytes.number(at + 1, 3), properties = at + 8;
  const auto fixed = [&](std::uint64_t size) {
    require(bytes.has(properties, size));
    return size + 8;
  };
  switch (kind) {
  case 0: // integers
  case 4: // bits
    return fixed(4);
  case 1: return fixed(12);          // floating point
  case 2: return fixed(2);           // times
  case 3:                            // texts
  case 7: return fixed(0);           // references
  case 5: return fixed(bits & 0xff); // opaque, with a tag
  case 8: {
    const std::uint64_t base = properties + typeBytes(bytes, properties, depth + 1);
    const std::uint64_t valueBytes = bytes.number(properties + 4, 4);
    return enumerationEnd(bytes, base, bits & 0xffff, valueBytes, version < 3) - at;
  }
  case 9: // variable length: length, address and number in the heap, whatever the file says; the library sizes its
          // buffer by what the file says and reads by what it is
    require(bytes.number(at + 4, 4) == kReferenceBytes);
    return 8 + typeBytes(bytes, properties, depth + 1);
  default: throw KerasError("the HDF5 file holds compound or array types, which no Keras model has");
  }
}

/// The number of elements of a dataspace that fills at most `bytes`.
std::uint64_t elementsOf(const Hdf5Bytes& bytes) {
  require(bytes.has(0, 4));
  const std::uint64_t version = bytes.number(0, 1), rank = bytes.number(1, 1), flags = bytes.number(2, 1);
  require((version == 1 || version == 2) && rank <= 32);
  const std::uint64_t header = version == 1 ? 8 : 4;
  require(bytes.has(0, header + rank * 8 * ((flags & 1) != 0 ? 2 : 1)));
  if (version == 2 && bytes.number(3, 1) == 2) return 0;
  std::int64_t elements = 1;
  for (std::uint64_t i = 0; i < rank; ++i) {
    const std::uint64_t extent = bytes.number(header + 8 * i, 8);
    require(extent <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    const auto product = checkedMul(elements, static_cast<std::int64_t>(extent));
    require(product.has_value());
    elements = *product;
  }
  return static_cast<std::uint64_t>(elements);
}

/// Name, type, extents and elements lie behind each other, in version 1 each from a multiple of eight bytes on.
void checkAttribute(const Hdf5Bytes& bytes) {
  require(bytes.has(0, 9));
  const std::uint64_t version = bytes.number(0, 1);
  require(version >= 1 && version <= 3);
  // Types and extents elsewhere in the file are what the library's users call committed; Keras has none.
  if (version > 1) require((bytes.number(1, 1) & 3) == 0);
  const auto padded = [&](std::uint64_t size) { return version == 1 ? roundedUp(size) : size; };
  const std::uint64_t nameBytes = bytes.number(2, 2), typeSize = bytes.number(4, 2), spaceBytes = bytes.number(6, 2);
  const std::uint64_t name = version == 3 ? 9 : 8, type = name + padded(nameBytes), space = type + padded(typeSize),
                      data = space + padded(spaceBytes);
  require(bytes.has(name, nameBytes) && bytes.has(type, typeSize) && bytes.has(space, spaceBytes) &&
          bytes.has(data, 0));
  require(bytes.text(name, nameBytes).find('\0') == nameBytes - 1);
  typeBytes(bytes.part(type, typeSize), 0);
  const auto elementBytes = static_cast<std::int64_t>(bytes.number(type + 4, 4));
  const auto needed = checkedMul(static_cast<std::int64_t>(elementsOf(bytes.part(space, spaceBytes))), elementBytes);
  require(needed && bytes.has(data, static_cast<std::uint64_t>(*needed)));
}

void checkMessage(std::uint64_t type, std::uint64_t flags, const Hdf5Bytes& bytes) {
  if (type != kDataspace && type != kDatatype && type != kAttribute) return;
  require((flags & kSharedMessage) == 0);
  if (type == kDataspace) elementsOf(bytes);
  if (type == kDatatype) typeBytes(bytes, 0);
  if (type == kAttribute) checkAttribute(bytes);
}

struct Block {
  std::uint64_t at = 0, size = 0;
};

/// The first messages of the header at `at`, and how long the header of a message is.
struct Prefix {
  Block messages;
  bool second = false; ///< version 2, whose blocks carry signature and checksum
  std::uint64_t messageHeader = 8;
};

Prefix prefixAt(const Hdf5Bytes& file, std::uint64_t at) {
  require(file.has(at, 16));
  if (file.text(at, 4) != "OHDR") return {{at + 16, file.number(at + 8, 4)}, false, 8};
  const std::uint64_t flags = file.number(at + 5, 1);
  const int sizeBytes = 1 << (flags & 3);
  const std::uint64_t size = at + 6 + ((flags & 0x20) != 0 ? 16 : 0) + ((flags & 0x10) != 0 ? 4 : 0);
  require(file.has(size, static_cast<std::uint64_t>(sizeBytes)));
  return {{size + static_cast<std::uint64_t>(sizeBytes), file.number(size, sizeBytes)},
          true,
          (flags & 4) != 0 ? std::uint64_t{6} : std::uint64_t{4}};
}

} // namespace

void Hdf5Headers::check(std::uint64_t address) {
  if (!m_checked.insert(address).second) return;
  require(address <= m_file.size());
  const Prefix prefix = prefixAt(m_file, m_base + address);
  std::vector<Block> blocks = {prefix.messages};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    require(blocks.size() <= kMaxBlocks && m_file.has(blocks[i].at, blocks[i].size));
    const Hdf5Bytes block = m_file.part(blocks[i].at, blocks[i].size);
    // What is too short for the header of a message at the end of a block is a gap.
    for (std::uint64_t at = 0; at + prefix.messageHeader <= block.size();) {
      const std::uint64_t type = block.number(at, prefix.second ? 1 : 2);
      const std::uint64_t size = block.number(at + (prefix.second ? 1 : 2), 2);
      const std::uint64_t flags = block.number(at + (prefix.second ? 3 : 4), 1);
      at += prefix.messageHeader;
      require(block.has(at, size));
      const Hdf5Bytes message = block.part(at, size);
      checkMessage(type, flags, message);
      if (type == kContinuation) {
        require(size >= 16 && message.number(0, 8) <= m_file.size());
        Block next{m_base + message.number(0, 8), message.number(8, 8)};
        if (prefix.second) {
          require(next.size >= 8);
          next = {next.at + 4, next.size - 8};
        }
        blocks.push_back(next);
      }
      at += size;
    }
  }
}

} // namespace tandem::detail
