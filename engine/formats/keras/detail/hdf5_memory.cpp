// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/hdf5_memory.hpp"

#include <cstring>
#include <new>

// A virtual file driver as the "HDF5 Virtual File Layer" technical note describes it, for the interface of HDF5 1.10.
namespace tandem::detail {
namespace {

/// The library hands drivers a pointer to the public part and casts it back.
struct MemoryFile {
  H5FD_t base;
  const unsigned char* data;
  haddr_t size;
  haddr_t allocated; ///< end of the addresses that the library uses
};

/// What the next open() on this thread is to serve. Empty at all other times, so that an open() that the library makes
/// on the word of a file finds nothing.
thread_local std::span<const std::byte> pending;

MemoryFile* self(H5FD_t* file) { return reinterpret_cast<MemoryFile*>(file); }
const MemoryFile* self(const H5FD_t* file) { return reinterpret_cast<const MemoryFile*>(file); }

H5FD_t* open(const char*, unsigned flags, hid_t, haddr_t) {
  if (pending.empty() || (flags & (H5F_ACC_RDWR | H5F_ACC_CREAT | H5F_ACC_TRUNC))) return nullptr;
  auto* file = new (std::nothrow) MemoryFile{};
  if (!file) return nullptr;
  file->data = reinterpret_cast<const unsigned char*>(pending.data());
  file->size = pending.size();
  pending = {};
  return &file->base;
}

herr_t close(H5FD_t* file) {
  delete self(file);
  return 0;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  if (flags) *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA_READ;
  return 0;
}

haddr_t endOfAllocation(const H5FD_t* file, H5FD_mem_t) { return self(file)->allocated; }
herr_t setEndOfAllocation(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  self(file)->allocated = address;
  return 0;
}
haddr_t endOfFile(const H5FD_t* file, H5FD_mem_t) { return self(file)->size; }

herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size, void* buffer) {
  const MemoryFile& memory = *self(file);
  if (address > memory.size || size > memory.size - address) return -1;
  std::memcpy(buffer, memory.data + address, size);
  return 0;
}

herr_t refuseWrite(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, size_t, const void*) { return -1; }

H5FD_class_t makeDriver() {
  H5FD_class_t driver{};
  driver.name = "tandem_memory";
  driver.maxaddr = HADDR_MAX - 1;
  driver.fc_degree = H5F_CLOSE_STRONG;
  driver.open = open;
  driver.close = close;
  driver.query = query;
  driver.get_eoa = endOfAllocation;
  driver.set_eoa = setEndOfAllocation;
  driver.get_eof = endOfFile;
  driver.read = read;
  driver.write = refuseWrite;
  for (H5FD_mem_t& type : driver.fl_map) type = H5FD_MEM_DEFAULT;
  return driver;
}

} // namespace

hid_t openHdf5Memory(std::span<const std::byte> bytes) {
  static const H5FD_class_t description = makeDriver();
  static const hid_t driver = H5FDregister(&description);
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (driver < 0 || access < 0) return -1;
  H5Pset_driver(access, driver, nullptr);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  pending = bytes;
  const hid_t file = H5Fopen("model", H5F_ACC_RDONLY, access);
  pending = {};
  H5Pclose(access);
  return file;
}

} // namespace tandem::detail
