// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <functional>
#include <hdf5.h>
#include <string>
#include <vector>

namespace tandem::testing {

/// Writes HDF5 files as Keras does, and wrong ones, in memory.
class KerasFileBuilder {
 public:
  KerasFileBuilder() {
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 1 << 16, 0);
    m_file = H5Fcreate("built", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
  }
  ~KerasFileBuilder() {
    if (m_file >= 0) H5Fclose(m_file);
  }
  KerasFileBuilder(const KerasFileBuilder&) = delete;
  KerasFileBuilder& operator=(const KerasFileBuilder&) = delete;

  hid_t file() const { return m_file; }

  /// A text of variable length, as h5py writes one.
  KerasFileBuilder& text(const std::string& group, const std::string& name, const std::string& value) {
    const hid_t type = stringType(), space = H5Screate(H5S_SCALAR), object = H5Oopen(m_file, path(group), H5P_DEFAULT);
    const hid_t attribute = H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT);
    const char* data = value.c_str();
    H5Awrite(attribute, type, &data);
    H5Aclose(attribute), H5Oclose(object), H5Sclose(space), H5Tclose(type);
    return *this;
  }

  KerasFileBuilder& texts(const std::string& group, const std::string& name, const std::vector<std::string>& values) {
    const hsize_t count = values.size();
    const hid_t type = stringType(), space = H5Screate_simple(1, &count, nullptr);
    const hid_t object = H5Oopen(m_file, path(group), H5P_DEFAULT);
    const hid_t attribute = H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT);
    std::vector<const char*> data;
    for (const std::string& value : values) data.push_back(value.c_str());
    if (count > 0) H5Awrite(attribute, type, data.data());
    H5Aclose(attribute), H5Oclose(object), H5Sclose(space), H5Tclose(type);
    return *this;
  }

  KerasFileBuilder& group(const std::string& name) {
    const hid_t create = parents();
    H5Gclose(H5Gcreate2(m_file, name.c_str(), create, H5P_DEFAULT, H5P_DEFAULT));
    H5Pclose(create);
    return *this;
  }

  /// Elements 0.01, 0.02, ...; `change` may alter how they are stored, and gets the list of creation properties.
  KerasFileBuilder& dataset(const std::string& name, const std::vector<hsize_t>& dims,
                            const std::function<void(hid_t)>& change = {}, bool write = true) {
    hsize_t elements = 1;
    for (const hsize_t dim : dims) elements *= dim;
    const hid_t links = parents(), create = H5Pcreate(H5P_DATASET_CREATE);
    if (change) change(create);
    const hid_t space = H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
    const hid_t dataset = H5Dcreate2(m_file, name.c_str(), H5T_IEEE_F32LE, space, links, create, H5P_DEFAULT);
    if (write && dataset >= 0) {
      std::vector<float> data(elements);
      for (std::size_t i = 0; i < data.size(); ++i) data[i] = 0.01f * static_cast<float>(i % 100 + 1);
      H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data());
    }
    if (dataset >= 0) H5Dclose(dataset);
    H5Sclose(space), H5Pclose(create), H5Pclose(links);
    return *this;
  }

  /// A layer of a .h5 file: its group, and the names of its weights.
  KerasFileBuilder& layer(const std::string& name, const std::vector<std::string>& weights) {
    group("model_weights/" + name);
    m_layers.push_back(name);
    return texts("model_weights/" + name, "weight_names", weights);
  }

  /// The bytes of the file; the builder is used up.
  std::string finish() {
    if (H5Lexists(m_file, "model_weights", H5P_DEFAULT) > 0) texts("model_weights", "layer_names", m_layers);
    return bytes();
  }
  /// The same without the list of layers.
  std::string bytes() {
    H5Fflush(m_file, H5F_SCOPE_GLOBAL);
    std::string image(static_cast<std::size_t>(H5Fget_file_image(m_file, nullptr, 0)), '\0');
    H5Fget_file_image(m_file, image.data(), image.size());
    H5Fclose(m_file);
    m_file = -1;
    return image;
  }

 private:
  static hid_t stringType() {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
  }
  static hid_t parents() {
    const hid_t create = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(create, 1);
    return create;
  }
  static const char* path(const std::string& group) { return group.empty() ? "/" : group.c_str(); }

  hid_t m_file = -1;
  std::vector<std::string> m_layers;
};

} // namespace tandem::testing
