// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/fuzz/keras_fixtures.hpp"

#include "engine/formats/archive/zip_archive.hpp"
#include "engine/formats/keras/detail/hdf5_file.hpp"
#include "tests/formats/zip_builder.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <hdf5.h>

namespace tandem::fuzz {
namespace {

// Old and new Keras, both containers, nested models, masks, recurrent layers, and functions that stand as layers.
constexpr std::array<const char*, kKerasFixtures> kNames = {
    "k2_op_arithmetic.h5",         "k2_text_bilstm.h5",      "k2_transformer_masked.keras", "k3_residual_mixed.h5",
    "k3_transformer_masked.keras", "k3_nested_models.keras", "k3_squeeze_excite.keras",     "k3_encoder_decoder.h5",
};

bool isArchive(const std::string& file) { return file.starts_with("PK"); }

ZipArchive archiveOf(const std::string& file) {
  auto archive = ZipArchive::open(std::as_bytes(std::span(file)), nullptr, "fixture", ErrorCode::ModelRejected);
  if (!archive) std::abort();
  return std::move(*archive);
}

std::string entryOf(const ZipArchive& archive, std::size_t index) {
  const auto content = archive.read(index);
  if (!content) std::abort();
  return {reinterpret_cast<const char*>(content->bytes.data()), content->bytes.size()};
}

std::string archiveWithConfig(const std::string& file, const std::string& config) {
  const ZipArchive archive = archiveOf(file);
  testing::ZipBuilder builder;
  for (std::size_t i = 0; i < archive.entries().size(); ++i) {
    const std::string& name = archive.entries()[i].name;
    builder.add({.name = name, .content = name == "config.json" ? config : entryOf(archive, i)});
  }
  return builder.finish();
}

std::string hdf5WithConfig(std::string file, const std::string& config) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS), space = H5Screate(H5S_SCALAR), type = H5Tcopy(H5T_C_S1);
  H5Pset_fapl_core(access, 1 << 16, 0);
  H5Pset_file_image(access, file.data(), file.size());
  const hid_t image = H5Fopen("fixture", H5F_ACC_RDWR, access);
  H5Tset_size(type, H5T_VARIABLE);
  H5Adelete(image, "model_config");
  const hid_t attribute = H5Acreate2(image, "model_config", type, space, H5P_DEFAULT, H5P_DEFAULT);
  const char* text = config.c_str();
  if (H5Awrite(attribute, type, &text) < 0) std::abort();
  H5Aclose(attribute), H5Fflush(image, H5F_SCOPE_GLOBAL);
  file.resize(static_cast<std::size_t>(H5Fget_file_image(image, nullptr, 0)));
  H5Fget_file_image(image, file.data(), file.size());
  H5Fclose(image), H5Tclose(type), H5Sclose(space), H5Pclose(access);
  return file;
}

} // namespace

std::string kerasFixture(std::size_t index) {
  const std::string path = std::string(TANDEM_SOURCE_DIR "/tests/formats/keras/data/") + kNames[index % kNames.size()];
  std::ifstream stream(path, std::ios::binary);
  std::string file{std::istreambuf_iterator<char>(stream), {}};
  if (file.empty()) std::fprintf(stderr, "%s: cannot be read\n", path.c_str()), std::abort();
  return file;
}

std::string configOf(std::size_t index) {
  const std::string file = kerasFixture(index);
  if (!isArchive(file))
    return detail::Hdf5File(std::as_bytes(std::span(file))).text("", "model_config", file.size()).value_or("");
  const ZipArchive archive = archiveOf(file);
  return entryOf(archive, *archive.find("config.json"));
}

std::string fixtureWithConfig(std::size_t index, const std::string& config) {
  static const auto files = [] {
    std::array<std::string, kKerasFixtures> all;
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = kerasFixture(i);
    return all;
  }();
  const std::string& file = files[index % files.size()];
  return isArchive(file) ? archiveWithConfig(file, config) : hdf5WithConfig(file, config);
}

} // namespace tandem::fuzz
