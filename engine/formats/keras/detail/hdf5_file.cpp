// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/hdf5_file.hpp"

#include "engine/base/checked.hpp"
#include "engine/formats/keras/detail/hdf5_memory.hpp"
#include "engine/formats/keras/detail/keras_error.hpp"

#include <algorithm>

namespace tandem::detail {
namespace {

constexpr std::size_t kMaxLinks = 65'536;
constexpr std::size_t kMaxNameBytes = 4096;
constexpr std::int64_t kMaxTexts = 65'536;
constexpr std::int64_t kMaxHeapSteps = 20'000'000; ///< a real file needs a few hundred for each text
constexpr std::int64_t kMaxTextListBytes = 16 << 20;
/// Weights hardly compress; what claims to be more than this many times its stored bytes is counted as made up.
constexpr std::int64_t kBackedRatio = 8;

std::mutex& hdf5Mutex() {
  static std::mutex mutex;
  return mutex;
}

/// Closes an id at the end of the block.
class Id {
 public:
  Id(hid_t id, herr_t (*close)(hid_t)) : m_id(id), m_close(close) {}
  ~Id() {
    if (m_id >= 0) m_close(m_id);
  }
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  operator hid_t() const { return m_id; }

 private:
  hid_t m_id;
  herr_t (*m_close)(hid_t);
};

[[noreturn]] void damaged(const std::string& what) { throw KerasError("damaged HDF5 file: " + what); }

/// Every part of the path is a hard link to an object whose header is right; false where one does not exist, an error
/// where one leads elsewhere.
bool existsInside(hid_t file, Hdf5Headers& headers, const std::string& path) {
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin), sofar = path.substr(0, end);
    if (part.empty() || part == "." || part == "..") {
      if (path.empty()) return true;
      throw KerasError("the HDF5 path '" + path + "' is not allowed");
    }
    H5L_info_t info{};
    if (H5Lexists(file, sofar.c_str(), H5P_DEFAULT) <= 0) return false;
    if (H5Lget_info(file, sofar.c_str(), &info, H5P_DEFAULT) < 0) damaged("link '" + sofar + "'");
    if (info.type == H5L_TYPE_SOFT)
      throw KerasError("the HDF5 file has a soft link at '" + sofar + "', which is refused");
    if (info.type != H5L_TYPE_HARD)
      throw KerasError("the HDF5 file has a link to another file at '" + sofar + "', which is refused");
    headers.check(info.u.address);
    begin = end + 1;
  }
  return true;
}

const char* nameOrRoot(const std::string& path) { return path.empty() ? "/" : path.c_str(); }

H5O_type_t objectType(hid_t file, const std::string& path) {
  H5O_info_t info{};
  if (H5Oget_info_by_name2(file, nameOrRoot(path), &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
    damaged("object '" + path + "'");
  return info.type;
}

std::uint64_t rootAddress(hid_t file) {
  H5O_info_t info{};
  if (H5Oget_info_by_name2(file, "/", &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) damaged("the root group");
  return info.addr;
}

herr_t collectName(hid_t, const char* name, const H5L_info_t* info, void* data) {
  auto& found = *static_cast<std::vector<std::pair<std::string, H5L_type_t>>*>(data);
  // Exceptions must not cross the library.
  try {
    if (found.size() > kMaxLinks) return -1;
    found.emplace_back(std::string(name).substr(0, kMaxNameBytes), info->type);
  } catch (...) {
    return -1;
  }
  return 0;
}

std::vector<std::int64_t> extentsOf(hid_t space, const std::string& what) {
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || H5Sget_simple_extent_type(space) == H5S_NULL) damaged(what + " has no extents");
  if (rank > static_cast<int>(kMaxRank)) throw KerasError(what + " has " + std::to_string(rank) + " dimensions");
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank) + 1);
  if (H5Sget_simple_extent_dims(space, dims.data(), nullptr) < 0) damaged(what + " has no extents");
  std::vector<std::int64_t> extents;
  for (int i = 0; i < rank; ++i) {
    const hsize_t dim = dims[static_cast<std::size_t>(i)];
    if (dim > static_cast<hsize_t>(INT64_MAX)) throw KerasError(what + " is too large");
    extents.push_back(static_cast<std::int64_t>(dim));
  }
  return extents;
}

// --- texts of variable length
// -----------------------------------------------------------------------------------------
//
// An element is a reference: length, address of a global heap collection, index of an object in it (file format
// specification, IV.B and III.E). The library copies the object into a buffer of that length without comparing the two,
// and makes a copy for each of many references to one object; so the references are asked for, and followed here.

constexpr std::size_t kReferenceBytes = 16;

/// A conversion that converts nothing, so that the library hands out the references.
herr_t keepReferences(hid_t, hid_t, H5T_cdata_t* data, size_t, size_t, size_t, void*, void*, hid_t) {
  if (data->command == H5T_CONV_INIT) data->need_bkg = H5T_BKG_NO;
  return 0;
}

std::vector<unsigned char> referencesIn(hid_t attribute, hid_t type, std::int64_t elements, const std::string& what) {
  if (H5Tget_size(type) > kReferenceBytes) damaged(what);
  const Id opaque(H5Tcreate(H5T_OPAQUE, kReferenceBytes), H5Tclose);
  H5Tregister(H5T_PERS_SOFT, "tandem_references", type, opaque, keepReferences);
  std::vector<unsigned char> references(static_cast<std::size_t>(elements) * kReferenceBytes);
  const bool read = H5Aread(attribute, opaque, references.data()) >= 0;
  H5Tunregister(H5T_PERS_SOFT, "tandem_references", type, opaque, keepReferences);
  if (!read) damaged(what);
  return references;
}

/// Object `index` of the global heap collection at `address`; nullopt where there is none. Addresses and lengths have
/// eight bytes in all files that today's libraries write.
/// `steps` counts down with every object looked at.
std::optional<std::string_view> heapObject(const Hdf5Bytes& bytes, std::uint64_t address, std::uint64_t index,
                                           std::int64_t& steps) {
  constexpr std::uint64_t header = 16;
  if (!bytes.has(address, header) || bytes.text(address, 4) != "GCOL") return std::nullopt;
  const std::uint64_t size = bytes.number(address + 8, 8);
  if (!bytes.has(address, size)) return std::nullopt;
  for (std::uint64_t at = header; at + header <= size && --steps > 0;) {
    const std::uint64_t number = bytes.number(address + at, 2), length = bytes.number(address + at + 8, 8);
    if (number == 0 || length > size - at - header) return std::nullopt; // free space is the last object
    if (number == index) return bytes.text(address + at + header, length);
    at += header + (length + 7) / 8 * 8;
  }
  return std::nullopt;
}

std::string cleaned(std::string_view text) { return std::string(text.substr(0, text.find('\0'))); }

/// Texts whose sum of lengths is at most `limit`. `base`: where the file's addresses begin.
std::vector<std::string> followReferences(const std::vector<unsigned char>& references, std::span<const std::byte> file,
                                          std::uint64_t base, std::int64_t limit, const std::string& what) {
  const Hdf5Bytes table(std::as_bytes(std::span(references))), bytes(file);
  std::vector<std::string> texts;
  std::int64_t total = 0, steps = kMaxHeapSteps;
  for (std::uint64_t at = 0; at < references.size(); at += kReferenceBytes) {
    const std::uint64_t length = table.number(at, 4), address = table.number(at + 4, 8),
                        index = table.number(at + 12, 4);
    if (length == 0 && address == 0) {
      texts.emplace_back();
      continue;
    }
    if (address > file.size()) damaged(what);
    const auto object = heapObject(bytes, base + address, index, steps);
    if (!object || length > object->size()) damaged(what);
    total += static_cast<std::int64_t>(length);
    if (total > limit) throw KerasError(what + " is too large");
    texts.push_back(cleaned(object->substr(0, length)));
  }
  return texts;
}

/// The offset of the superblock, which a user block may stand before.
std::uint64_t baseAddress(std::span<const std::byte> file) {
  const Hdf5Bytes bytes(file);
  for (std::uint64_t at = 0; bytes.has(at, 8); at = at == 0 ? 512 : 2 * at)
    if (bytes.text(at, 4) == "\x89HDF") return at;
  return 0;
}

/// Where the elements lie, and how many bytes of the file stand for them. Refuses what is stored elsewhere.
std::int64_t storedBytes(hid_t dataset, const std::string& what, std::int64_t bytes) {
  const Id plist(H5Dget_create_plist(dataset), H5Pclose);
  if (plist < 0) damaged(what);
  const H5D_layout_t layout = H5Pget_layout(plist);
  if (layout == H5D_VIRTUAL) throw KerasError(what + " is a virtual dataset (data of other files), which is refused");
  if (H5Pget_external_count(plist) != 0) throw KerasError(what + " is stored in another file, which is refused");
  const int filters = H5Pget_nfilters(plist);
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0, config = 0;
    std::size_t count = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(plist, static_cast<unsigned>(i), &flags, &count, nullptr, 0, nullptr, &config);
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
      throw KerasError(what + " is compressed with HDF5 filter " + std::to_string(filter) + ", which is not supported");
  }
  if (layout == H5D_CHUNKED) {
    hsize_t dims[kMaxRank + 1] = {};
    const int rank = H5Pget_chunk(plist, static_cast<int>(kMaxRank), dims);
    if (rank < 0 || rank > static_cast<int>(kMaxRank)) damaged(what);
    std::int64_t chunk = 8;
    for (int i = 0; i < rank; ++i) {
      const auto next = checkedMul(chunk, static_cast<std::int64_t>(std::min<hsize_t>(dims[i], INT64_MAX)));
      chunk = next ? *next : INT64_MAX;
    }
    // The library decompresses whole chunks.
    if (chunk > kUnbackedAllocationLimit && chunk / 4 > bytes)
      throw KerasError(what + " has chunks that are too large");
  }
  return static_cast<std::int64_t>(std::min<hsize_t>(H5Dget_storage_size(dataset), INT64_MAX));
}

struct MemoryType {
  DataType type;
  hid_t id;
};

/// How h5py stores bool: an enumeration FALSE, TRUE of 8-bit integers.
MemoryType memoryTypeFor(hid_t stored, const std::string& what) {
  const H5T_class_t kind = H5Tget_class(stored);
  if (kind == H5T_FLOAT) return {DataType::Float32, H5T_NATIVE_FLOAT};
  if (kind == H5T_INTEGER)
    return H5Tget_size(stored) > 4 ? MemoryType{DataType::Int64, H5T_NATIVE_INT64}
                                   : MemoryType{DataType::Int32, H5T_NATIVE_INT32};
  throw KerasError(what + " holds no numbers");
}

} // namespace

/// All texts of an attribute, at most `limit` bytes.
std::vector<std::string> Hdf5File::readTexts(std::int64_t attribute, const std::string& what, std::int64_t limit) {
  const Id type(H5Aget_type(attribute), H5Tclose);
  const Id space(H5Aget_space(attribute), H5Sclose);
  if (type < 0 || space < 0) damaged(what);
  if (H5Sget_simple_extent_type(space) == H5S_NULL) return {};
  const auto elements = Shape(extentsOf(space, what)).checkedElements();
  if (!elements || *elements > kMaxTexts) throw KerasError(what + " is too large");
  if (*elements == 0) return {}; // an empty list may have any type (numpy's default is float64)
  if (H5Tget_class(type) != H5T_STRING) throw KerasError(what + " is not a text");
  if (H5Tis_variable_str(type) > 0)
    return followReferences(referencesIn(attribute, type, *elements, what), m_bytes, baseAddress(m_bytes), limit, what);
  const auto size = static_cast<std::int64_t>(H5Tget_size(type));
  const auto bytes = checkedMul(*elements, size);
  if (size <= 0 || !bytes || *bytes > limit || *bytes > kUnbackedAllocationLimit + m_fileBytes)
    throw KerasError(what + " is too large");
  std::string raw(static_cast<std::size_t>(*bytes), '\0');
  if (H5Aread(attribute, type, raw.data()) < 0) damaged(what);
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < *elements; ++i)
    texts.push_back(
        cleaned(std::string_view(raw).substr(static_cast<std::size_t>(i * size), static_cast<std::size_t>(size))));
  return texts;
}

Hdf5File::Hdf5File(std::span<const std::byte> bytes)
    : m_lock(hdf5Mutex()),
      m_bytes(bytes),
      m_headers(bytes, baseAddress(bytes)),
      m_fileBytes(static_cast<std::int64_t>(bytes.size())) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0); // no plug-in of the machine takes part
  m_file = openHdf5Memory(bytes);
  if (m_file < 0) throw KerasError("damaged HDF5 file, or it is cut off");
  try {
    m_headers.check(rootAddress(m_file));
  } catch (const KerasError&) {
    H5Fclose(m_file);
    throw;
  }
}

Hdf5File::~Hdf5File() {
  if (m_file >= 0) H5Fclose(m_file);
}

bool Hdf5File::hasGroup(const std::string& path) {
  return existsInside(m_file, m_headers, path) && objectType(m_file, path) == H5O_TYPE_GROUP;
}

bool Hdf5File::hasDataset(const std::string& path) {
  return existsInside(m_file, m_headers, path) && objectType(m_file, path) == H5O_TYPE_DATASET;
}

std::vector<Hdf5File::Link> Hdf5File::links(const std::string& path) {
  if (!hasGroup(path)) throw KerasError("the HDF5 group '" + path + "' is missing");
  const Id group(H5Gopen2(m_file, nameOrRoot(path), H5P_DEFAULT), H5Gclose);
  std::vector<std::pair<std::string, H5L_type_t>> found;
  hsize_t at = 0;
  if (group < 0 || H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, collectName, &found) < 0)
    damaged("group '" + path + "', or it has too many entries");
  std::vector<Link> links;
  for (const auto& [name, kind] : found) {
    const std::string full = path.empty() ? name : path + "/" + name;
    if (!existsInside(m_file, m_headers, full)) damaged("link '" + full + "'");
    const H5O_type_t type = objectType(m_file, full);
    links.push_back({name, type == H5O_TYPE_GROUP, type == H5O_TYPE_DATASET});
  }
  return links;
}

bool Hdf5File::hasAttribute(const std::string& path, const std::string& name) {
  if (!existsInside(m_file, m_headers, path)) return false;
  return H5Aexists_by_name(m_file, nameOrRoot(path), name.c_str(), H5P_DEFAULT) > 0;
}

std::optional<std::string> Hdf5File::text(const std::string& path, const std::string& name, std::size_t maxBytes) {
  if (!hasAttribute(path, name)) return std::nullopt;
  const std::string what = "the HDF5 attribute '" + name + "'";
  const Id attribute(H5Aopen_by_name(m_file, nameOrRoot(path), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (attribute < 0) damaged(what);
  std::vector<std::string> texts = readTexts(attribute, what, static_cast<std::int64_t>(maxBytes));
  if (texts.size() != 1) throw KerasError(what + " is not a text");
  return std::move(texts.front());
}

std::optional<std::vector<std::string>> Hdf5File::texts(const std::string& path, const std::string& name) {
  if (!hasAttribute(path, name)) return std::nullopt;
  const std::string what = "the HDF5 attribute '" + name + "' of '" + path + "'";
  const Id attribute(H5Aopen_by_name(m_file, nameOrRoot(path), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (attribute < 0) damaged(what);
  return readTexts(attribute, what, kMaxTextListBytes);
}

std::int64_t Hdf5File::openDataset(const std::string& path) {
  if (!hasDataset(path)) throw KerasError("the weight '" + path + "' is missing");
  const hid_t dataset = H5Dopen2(m_file, path.c_str(), H5P_DEFAULT);
  if (dataset < 0) damaged("dataset '" + path + "'");
  return dataset;
}

Shape Hdf5File::shape(const std::string& path) {
  const Id dataset(openDataset(path), H5Dclose);
  const Id space(H5Dget_space(dataset), H5Sclose);
  return Shape(extentsOf(space, "the weight '" + path + "'"));
}

Tensor Hdf5File::read(const std::string& path) {
  const std::string what = "the weight '" + path + "'";
  const Id dataset(openDataset(path), H5Dclose);
  const Id type(H5Dget_type(dataset), H5Tclose);
  if (type < 0) damaged(what);
  const MemoryType memory = memoryTypeFor(type, what);
  // The storage is checked before the extents are asked for: those of a virtual dataset depend on its sources.
  const std::int64_t storedWithoutSize = storedBytes(dataset, what, INT64_MAX);
  const Id space(H5Dget_space(dataset), H5Sclose);
  if (space < 0) damaged(what);
  const TensorDesc desc{memory.type, Shape(extentsOf(space, what))};
  const auto bytes = desc.checkedBytes();
  if (!bytes || *bytes > INT64_MAX / 16) throw KerasError(what + " is too large");
  storedBytes(dataset, what, *bytes); // now with the size known, for the chunks
  const std::int64_t stored = std::min(storedWithoutSize, m_fileBytes);
  if (*bytes > 0 && stored == 0) throw KerasError(what + " has no data in the file");
  // Several names may lead to the same stored bytes, so the sum counts as well as each.
  m_total += *bytes;
  m_unbacked += std::max<std::int64_t>(0, *bytes - kBackedRatio * stored);
  if (m_unbacked > kUnbackedAllocationLimit || m_total > kBackedRatio * m_fileBytes + kUnbackedAllocationLimit)
    throw KerasError(what + " declares " + std::to_string(*bytes) + " bytes and stores " + std::to_string(stored) +
                     ": refused");
  Tensor tensor = Tensor::zeros(desc);
  if (*bytes > 0 && H5Dread(dataset, memory.id, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.mutableData()) < 0) damaged(what);
  return tensor;
}

} // namespace tandem::detail
