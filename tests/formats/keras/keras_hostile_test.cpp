// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/keras_reader.hpp"
#include "engine/formats/models/model_reader.hpp"
#include "tests/formats/keras/keras_file_builder.hpp"
#include "tests/formats/sanitized.hpp"
#include "tests/formats/zip_builder.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <random>
#include <sys/resource.h>

// Cases K1 to K5 of the test list: code, size bombs, links, configurations, weights.
namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::KerasFileBuilder;
using testing::ZipBuilder;

Result<ImportedModel> read(const std::string& bytes) { return readModel(std::as_bytes(std::span(bytes)), "model.h5"); }

/// What is wrong with the file; "" where nothing is.
std::string refusal(const std::string& bytes) {
  const auto model = read(bytes);
  if (model.ok()) return "";
  EXPECT_FALSE(model.error().where.empty());
  EXPECT_FALSE(model.error().hint.empty());
  return model.error().message;
}

/// A Sequential model of these layers behind an input of four features.
std::string sequential(const std::string& layers) {
  return R"({"class_name":"Sequential","config":{"name":"net","layers":[{"class_name":"InputLayer","config":)"
         R"({"batch_input_shape":[null,4],"dtype":"float32","name":"x"}},)" +
         layers + "]}}";
}

std::string denseConfig(const std::string& name, const std::string& more = "") {
  return R"({"class_name":"Dense","config":{"name":")" + name + R"(","units":3,"activation":"relu")" + more + "}}";
}

/// A right file: one Dense layer. `change` alters what is stored of its kernel.
std::string denseFile(const std::function<void(KerasFileBuilder&)>& weights = {}, const std::string& config = {}) {
  KerasFileBuilder builder;
  builder.text("", "model_config", config.empty() ? sequential(denseConfig("d")) : config)
      .text("", "keras_version", "2.15.0");
  builder.layer("d", {"d/kernel:0", "d/bias:0"});
  if (weights)
    weights(builder);
  else
    builder.dataset("model_weights/d/d/kernel:0", {4, 3}).dataset("model_weights/d/d/bias:0", {3});
  return builder.finish();
}

std::string refusedConfig(const std::string& config) { return refusal(denseFile({}, config)); }

/// A .keras archive with this configuration and without weights.
std::string archive(const std::string& config) {
  KerasFileBuilder weights;
  weights.group("layers");
  return ZipBuilder()
      .add({.name = "metadata.json", .content = R"({"keras_version":"3.5.0"})"})
      .add({.name = "config.json", .content = config})
      .add({.name = "model.weights.h5", .content = weights.bytes()})
      .finish();
}

TEST(HostileKeras, ARightFileIsRead) {
  const auto model = read(denseFile());
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_EQ(model->producer, "keras 2.15.0");
  EXPECT_EQ(model->graph.nodes().size(), 2u);
  EXPECT_EQ(model->graph.nodes()[0].name, "d/Gemm");
  EXPECT_EQ(model->graph.nodes()[0].scope, "d");
  EXPECT_EQ(model->graph.value(model->graph.inputs()[0]).name, "x");
  EXPECT_EQ(model->graph.value(model->graph.inputs()[0]).dimNames[0], "N");
  EXPECT_EQ(model->graph.value(model->graph.outputs()[0]).name, "d");
}

TEST(HostileKeras, AModelOfNothingButAnInputGivesItBack) {
  KerasFileBuilder builder;
  builder.text("", "model_config",
               R"({"class_name":"Sequential","config":{"name":"s","layers":[
                   {"class_name":"InputLayer","config":{"name":"x","batch_input_shape":[null,4],"dtype":"float32"}}]}})");
  builder.group("model_weights");
  const auto model = read(builder.finish());
  ASSERT_TRUE(model.ok()) << model.error().line();
  ASSERT_EQ(model->graph.outputs().size(), 1u);
  EXPECT_EQ(model->graph.value(model->graph.outputs()[0]).name, "s");
}

// --- K1 -------------------------------------------------------------------------------------------------------------

TEST(HostileKeras, K1_CodeIsNamedAndNeverRun) {
  const std::filesystem::path trap = std::filesystem::path(::testing::TempDir()) / "tandem_keras_trap";
  std::filesystem::remove(trap);
  const std::string command = "touch " + trap.string();
  const std::vector<std::string> entries = {
      R"({"class_name":"Lambda","config":{"name":"evil","function":["4wEAAAAAAAAA",null,null]}})",
      R"({"module":"keras.layers","class_name":"Lambda","config":{"name":"evil","function":{"class_name":"__lambda__","config":{"code":"4wEA"}}}})",
      R"({"module":"os","class_name":"system","registered_name":null,"config":{"name":"evil","command":")" + command +
          R"("}})",
      R"({"module":"my_package.layers","class_name":"MyDense","registered_name":"MyDense","config":{"name":"evil","units":3}})",
      R"({"module":null,"class_name":"MyDense","registered_name":"Custom>MyDense","config":{"name":"evil","units":3}})",
      R"({"class_name":"MyDense","config":{"name":"evil","units":3}})",
      R"({"class_name":"Dense","config":{"name":"evil","units":3,"activation":"my_activation"}})",
      R"({"class_name":"Dense","config":{"name":"evil","units":3,"activation":{"module":"builtins","class_name":"function","config":"my_activation","registered_name":"my_activation"}}})",
      // CVE-2025-1550: any function of any module by way of an initializer.
      R"({"module":"keras.layers","class_name":"Dense","config":{"name":"evil","units":3,"kernel_initializer":)"
      R"({"module":"subprocess","class_name":"function","config":"run","registered_name":"run"}}})",
  };
  for (const std::string& entry : entries) {
    for (const std::string& file : {denseFile({}, sequential(entry)), archive(sequential(entry))}) {
      const std::string message = refusal(file);
      EXPECT_THAT(message, HasSubstr("contains code")) << entry;
      EXPECT_THAT(message, HasSubstr("evil")) << entry;
    }
  }
  EXPECT_FALSE(std::filesystem::exists(trap));
}

TEST(HostileKeras, K1_AFunctionInTheCallsOfALayerIsCode) {
  const std::string config =
      R"({"module":"keras","class_name":"Functional","config":{"name":"m","layers":[)"
      R"({"module":"keras.layers","class_name":"InputLayer","config":{"batch_shape":[null,4],"name":"x"},"name":"x","inbound_nodes":[]},)"
      R"({"module":"keras.layers","class_name":"Dense","name":"d","config":{"name":"d","units":3},"inbound_nodes":[{"args":[)"
      R"({"class_name":"__keras_tensor__","config":{"shape":[null,4],"dtype":"float32","keras_history":["x",0,0]}},)"
      R"({"module":"os","class_name":"function","config":"system","registered_name":"system"}],"kwargs":{}}]}],)"
      R"("input_layers":[["x",0,0]],"output_layers":[["d",0,0]]}})";
  EXPECT_THAT(refusal(archive(config)), AllOf(HasSubstr("contains code"), HasSubstr("'os'")));
}

TEST(HostileKeras, K1_AModelOfAnotherClassIsCode) {
  EXPECT_THAT(refusedConfig(R"({"class_name":"MyModel","config":{"name":"m"}})"), HasSubstr("contains code"));
}

TEST(HostileKeras, AllProblemsAreNamedAtOnce) {
  const std::string message = refusedConfig(sequential(
      R"({"class_name":"Lambda","config":{"name":"first"}},{"class_name":"ConvLSTM2D","config":{"name":"second"}},)"
      R"({"class_name":"Hashing","config":{"name":"third"}})"));
  EXPECT_THAT(message,
              AllOf(HasSubstr("first"), HasSubstr("ConvLSTM2D"), HasSubstr("Hashing"), HasSubstr("3 problems")));
}

// --- K2 -------------------------------------------------------------------------------------------------------------

TEST(HostileKeras, K2_SizesThatNothingBacksAreRefused) {
  const auto kernel = [](const std::vector<hsize_t>& dims, const std::function<void(hid_t)>& change, bool write) {
    return [=](KerasFileBuilder& builder) {
      builder.dataset("model_weights/d/d/kernel:0", dims, change, write).dataset("model_weights/d/d/bias:0", {3});
    };
  };
  const auto compressed = [](hid_t create) {
    const hsize_t chunk[] = {1000, 1000};
    H5Pset_chunk(create, 2, chunk);
    H5Pset_deflate(create, 9);
  };
  // 50 million by 50 million elements of gzip, none of them stored (CVE-2026-0897).
  const std::string config = R"({"class_name":"Sequential","config":{"layers":[{"class_name":"InputLayer","config":)"
                             R"({"batch_input_shape":[null,50000000],"name":"x"}},)"
                             R"({"class_name":"Dense","config":{"name":"d","units":50000000}}]}})";
  EXPECT_THAT(refusal(denseFile(kernel({50'000'000, 50'000'000}, compressed, false), config)),
              AllOf(HasSubstr("kernel"), HasSubstr("no data")));
  // 400 MB of zeros in a few kilobytes.
  const std::string wide = R"({"class_name":"Sequential","config":{"layers":[{"class_name":"InputLayer","config":)"
                           R"({"batch_input_shape":[null,10000],"name":"x"}},)"
                           R"({"class_name":"Dense","config":{"name":"d","units":10000}}]}})";
  const auto zeros = [&](KerasFileBuilder& builder) {
    builder.dataset("model_weights/d/d/kernel:0", {10'000, 10'000}, compressed, false)
        .dataset("model_weights/d/d/bias:0", {3});
    const hid_t dataset = H5Dopen2(builder.file(), "model_weights/d/d/kernel:0", H5P_DEFAULT);
    const hsize_t begin[] = {0, 0}, extent[] = {1000, 1000};
    const hid_t part = H5Dget_space(dataset), memory = H5Screate_simple(2, extent, nullptr);
    H5Sselect_hyperslab(part, H5S_SELECT_SET, begin, nullptr, extent, nullptr);
    const std::vector<float> data(1'000'000);
    H5Dwrite(dataset, H5T_NATIVE_FLOAT, memory, part, H5P_DEFAULT, data.data());
    H5Sclose(part), H5Sclose(memory), H5Dclose(dataset);
  };
  EXPECT_THAT(refusal(denseFile(zeros, wide)), AllOf(HasSubstr("kernel"), HasSubstr("refused")));
  // A contiguous dataset that was never written.
  EXPECT_THAT(refusal(denseFile(kernel({10'000, 10'000}, {}, false), wide)), HasSubstr("no data"));
}

TEST(HostileKeras, K2_CompressedWeightsThatAreThereAreRead) {
  const auto compressed = [](hid_t create) {
    const hsize_t chunk[] = {2, 3};
    H5Pset_chunk(create, 2, chunk);
    H5Pset_shuffle(create);
    H5Pset_deflate(create, 4);
  };
  const auto model = read(denseFile([&](KerasFileBuilder& builder) {
    builder.dataset("model_weights/d/d/kernel:0", {4, 3}, compressed).dataset("model_weights/d/d/bias:0", {3});
  }));
  ASSERT_TRUE(model.ok()) << model.error().line();
}

// --- K3 -------------------------------------------------------------------------------------------------------------

TEST(HostileKeras, K3_NothingOutsideOfTheFileIsOpened) {
  // A file with the weights, in reach of every link; reading it would make the model right.
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "tandem_keras_links";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string other = (folder / "other.h5").string(), raw = (folder / "raw.bin").string();
  {
    KerasFileBuilder builder;
    builder.dataset("kernel", {4, 3});
    std::ofstream(other, std::ios::binary) << builder.bytes();
    std::ofstream(raw, std::ios::binary) << std::string(48, '\0');
  }
  const auto withKernel = [&](const std::function<void(KerasFileBuilder&)>& kernel) {
    return refusal(denseFile([&](KerasFileBuilder& builder) {
      builder.group("model_weights/d/d").dataset("model_weights/d/d/bias:0", {3});
      kernel(builder);
    }));
  };
  const char* name = "model_weights/d/d/kernel:0";
  EXPECT_THAT(withKernel([&](KerasFileBuilder& b) {
                H5Lcreate_external(other.c_str(), "/kernel", b.file(), name, H5P_DEFAULT, H5P_DEFAULT);
              }),
              AllOf(HasSubstr("another file"), HasSubstr("refused")));
  EXPECT_THAT(withKernel([&](KerasFileBuilder& b) {
                H5Lcreate_soft("/model_weights/d/d/bias:0", b.file(), name, H5P_DEFAULT, H5P_DEFAULT);
              }),
              AllOf(HasSubstr("soft link"), HasSubstr("refused")));
  EXPECT_THAT(withKernel([&](KerasFileBuilder& b) { H5Lcreate_soft(name, b.file(), name, H5P_DEFAULT, H5P_DEFAULT); }),
              HasSubstr("soft link"));
  EXPECT_THAT(withKernel([&](KerasFileBuilder& b) {
                b.dataset(
                    name, {4, 3}, [&](hid_t create) { H5Pset_external(create, raw.c_str(), 0, 48); }, false);
              }),
              HasSubstr("another file"));
  EXPECT_THAT(withKernel([&](KerasFileBuilder& b) {
                b.dataset(
                    name, {4, 3},
                    [&](hid_t create) {
                      const hsize_t dims[] = {4, 3};
                      const hid_t space = H5Screate_simple(2, dims, nullptr);
                      H5Pset_virtual(create, space, other.c_str(), "kernel", space);
                      H5Sclose(space);
                    },
                    false);
              }),
              HasSubstr("virtual dataset"));
  std::filesystem::remove_all(folder);
}

TEST(HostileKeras, K3_GroupsInACircleEnd) {
  KerasFileBuilder weights;
  weights.group("layers/dense/vars").dataset("layers/dense/vars/0", {4, 3}).dataset("layers/dense/vars/1", {3});
  H5Lcreate_hard(weights.file(), "/layers", weights.file(), "/layers/dense/again", H5P_DEFAULT, H5P_DEFAULT);
  const std::string file = ZipBuilder()
                               .add({.name = "metadata.json", .content = "{}"})
                               .add({.name = "config.json", .content = sequential(denseConfig("d"))})
                               .add({.name = "model.weights.h5", .content = weights.bytes()})
                               .finish();
  EXPECT_THAT(refusal(file), HasSubstr("layers/dense/again"));
}

// --- K4 -------------------------------------------------------------------------------------------------------------

TEST(HostileKeras, K4_ConfigurationsBeyondAllBoundsAreRefused) {
  const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
  EXPECT_THAT(refusedConfig(R"({"class_name":"Sequential","config":)" + deep + "}"), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal(archive(R"({"a":)" + deep + "}")), HasSubstr("nested deeper"));
  EXPECT_THAT(refusedConfig("{\"class_name\":\"\xff\xfe\"}"), HasSubstr("UTF-8"));
  EXPECT_THAT(refusedConfig("{\"class_name\":"), HasSubstr("no valid JSON"));
  EXPECT_THAT(refusedConfig("[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusedConfig(R"({"class_name":"Sequential"})"), HasSubstr("no configuration"));
  std::string many = R"({"a":[0)";
  for (int i = 0; i < 2'100'000; ++i) many += ",0";
  EXPECT_THAT(refusedConfig(many + "]}"), HasSubstr("values"));
  EXPECT_THAT(refusedConfig(R"({"a":")" + std::string(33 << 20, ' ') + "\"}"), HasSubstr("model_config"));
}

/// What this process has used at most, so that a test of its own can tell what reading took.
std::int64_t peakBytes() {
  struct rusage used {};
  ::getrusage(RUSAGE_SELF, &used);
  return std::int64_t{used.ru_maxrss} * 1024;
}

TEST(HostileKeras, K4_AConfigurationOfAGigabyteIsRefusedBeforeItIsAllocated) {
  constexpr std::int64_t kGigabyte = std::int64_t{1} << 30;
  constexpr std::int64_t kRoom = testing::kAddressSanitized ? kGigabyte : std::int64_t{300} << 20;
  const std::int64_t before = peakBytes();
  // Of spaces, deflated to a megabyte.
  ZipBuilder packed;
  packed.add({.name = "metadata.json", .content = "{}"}).addRepeated("config.json", std::string(1 << 20, ' '), 1024);
  EXPECT_THAT(refusal(packed.add({.name = "model.weights.h5", .content = "x"}).finish()),
              HasSubstr("expand to 1073741824 bytes"));
  // Stored as it is, in a file that is mostly a hole: nothing in the archive is out of proportion.
  ZipBuilder stored;
  stored.add({.name = "metadata.json", .content = "{}"}).addHeaderOnly("config.json", kGigabyte);
  const std::uint64_t end = stored.file().size() + static_cast<std::uint64_t>(kGigabyte);
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "tandem_gigabyte.keras";
  {
    std::ofstream out(path, std::ios::binary);
    out << stored.file();
    out.seekp(static_cast<std::streamoff>(end));
    out << stored.directoryAt(end);
  }
  const auto model = readModel(path);
  std::filesystem::remove(path);
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, AllOf(HasSubstr("config.json"), HasSubstr("1073741824 bytes")));
  EXPECT_LT(peakBytes() - before, kRoom);
}

TEST(HostileKeras, K4_LayersMustHaveNamesOfTheirOwnAndNoCycle) {
  const auto functional = [](const std::string& layers) {
    return R"({"class_name":"Functional","config":{"name":"m","layers":[{"class_name":"InputLayer","config":)"
           R"({"batch_input_shape":[null,4],"name":"x"},"name":"x","inbound_nodes":[]},)" +
           layers + R"(],"input_layers":[["x",0,0]],"output_layers":[["d",0,0]]}})";
  };
  const auto add = [](const std::string& name, const std::string& from) {
    return R"({"class_name":"Add","name":")" + name + R"(","config":{"name":")" + name +
           R"("},"inbound_nodes":[[["x",0,0,{}],[")" + from + R"(",0,0,{}]]]})";
  };
  EXPECT_THAT(refusedConfig(functional(add("d", "x") + "," + add("d", "x"))),
              HasSubstr("two layers have the name 'd'"));
  EXPECT_THAT(refusedConfig(functional(add("d", "e") + "," + add("e", "d"))),
              AllOf(HasSubstr("cycle"), HasSubstr("'d'"), HasSubstr("'e'")));
  EXPECT_THAT(refusedConfig(functional(add("d", "nobody"))), HasSubstr("'nobody', which does not exist"));
  EXPECT_THAT(refusedConfig(functional(add("d", "d"))), HasSubstr("cycle"));
}

// --- K5 -------------------------------------------------------------------------------------------------------------

TEST(HostileKeras, K5_WeightsThatDoNotFitNameTheLayer) {
  const auto with = [](const std::function<void(KerasFileBuilder&)>& weights) { return refusal(denseFile(weights)); };
  EXPECT_THAT(with([](KerasFileBuilder& b) {
                b.dataset("model_weights/d/d/kernel:0", {4, 3});
              }),
              AllOf(HasSubstr("'d'"), HasSubstr("bias"), HasSubstr("missing")));
  EXPECT_THAT(with([](KerasFileBuilder& b) {
                b.dataset("model_weights/d/d/kernel:0", {5, 3}).dataset("model_weights/d/d/bias:0", {3});
              }),
              AllOf(HasSubstr("'d'"), HasSubstr("5x3"), HasSubstr("4x3")));
  KerasFileBuilder extra;
  extra.text("", "model_config", sequential(denseConfig("d", R"(,"use_bias":false)")));
  extra.layer("d", {"d/kernel:0", "d/bias:0"});
  extra.dataset("model_weights/d/d/kernel:0", {4, 3}).dataset("model_weights/d/d/bias:0", {3});
  EXPECT_THAT(refusal(extra.finish()), AllOf(HasSubstr("'d'"), HasSubstr("bias")));
  KerasFileBuilder foreign;
  foreign.text("", "model_config", sequential(denseConfig("d")));
  foreign.layer("d", {"d/kernel:0", "d/bias:0"}).layer("ghost", {"ghost/kernel:0"});
  foreign.dataset("model_weights/d/d/kernel:0", {4, 3}).dataset("model_weights/d/d/bias:0", {3});
  foreign.dataset("model_weights/ghost/ghost/kernel:0", {4, 3});
  EXPECT_THAT(refusal(foreign.finish()), HasSubstr("ghost"));
}

TEST(HostileKeras, K5_OlderVersionsAreReadOrTheirLayersNamed) {
  const auto written = [](const std::string& version, const std::string& layers) {
    KerasFileBuilder builder;
    builder.text("", "model_config", R"({"class_name":"Sequential","config":[)" + layers + "]}");
    if (!version.empty()) builder.text("", "keras_version", version);
    builder.layer("d", {"d/kernel:0", "d/bias:0"});
    builder.dataset("model_weights/d/d/kernel:0", {4, 3}).dataset("model_weights/d/d/bias:0", {3});
    return builder.finish();
  };
  // Before 2.2.3 the layers were the configuration, the first of them with the shape of the input.
  const auto model = read(written("2.1.6", denseConfig("d", R"(,"batch_input_shape":[null,4])")));
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_EQ(model->producer, "keras 2.1.6");
  EXPECT_TRUE(read(written("", denseConfig("d", R"(,"batch_input_shape":[null,4])"))).ok());
  // Version 1 called options otherwise: where the weights tell them too it is read, else the layer is named.
  const auto first = read(written("1.2.2", R"({"class_name":"Dense","config":{"name":"d","output_dim":3,)"
                                           R"("batch_input_shape":[null,4]}})"));
  ASSERT_TRUE(first.ok()) << first.error().line();
  EXPECT_EQ(first->graph.value(first->graph.outputs()[0]).desc.shape, (Shape{kUnknownDim, 3}));
  EXPECT_THAT(refusal(written("1.2.2", R"({"class_name":"Convolution2D","config":{"name":"d","nb_filter":3,)"
                                       R"("batch_input_shape":[null,4,4,1]}})")),
              AllOf(HasSubstr("'d'"), HasSubstr("missing")));
}

TEST(HostileKeras, K5_WeightsWithoutAnArchitectureSaySo) {
  KerasFileBuilder legacy;
  legacy.texts("", "layer_names", {"d"}).group("d");
  EXPECT_THAT(refusal(legacy.bytes()), HasSubstr("weights but no architecture"));
  KerasFileBuilder newer;
  newer.group("layers/dense/vars");
  EXPECT_THAT(refusal(newer.bytes()), HasSubstr("weights but no architecture"));
  KerasFileBuilder unrelated;
  unrelated.dataset("data", {3});
  EXPECT_THAT(refusal(unrelated.bytes()), HasSubstr("no Keras model"));
}

TEST(HostileKeras, K5_AnArchiveMustHaveItsParts) {
  EXPECT_THAT(refusal(ZipBuilder()
                          .add({.name = "config.json", .content = "{}"})
                          .add({.name = "metadata.json", .content = "{}"})
                          .finish()),
              HasSubstr("model.weights.h5"));
}

// --- damage ---------------------------------------------------------------------------------------------------------

TEST(HostileKeras, AFileCutOffAnywhereIsRefused) {
  const std::string file = denseFile();
  for (std::size_t length = 0; length < file.size(); length += 7)
    EXPECT_FALSE(read(file.substr(0, length)).ok()) << length;
}

TEST(HostileKeras, AnAttributeThatSaysMoreThanItsMessageHoldsIsRefused) {
  const std::string file = denseFile(), name = "keras_version";
  // A message of version 1: eight bytes, the name in sixteen, then the type.
  const std::size_t at = file.find(name), type = at + 16;
  ASSERT_NE(at, std::string::npos);
  std::string elements = file, typeBytes = file, spaceBytes = file, endless = file;
  // Larger than a text of variable length is, and smaller: libhdf5 would read beyond the buffer it sizes by this.
  std::string smaller = file;
  elements.replace(type + 4, 4, ZipBuilder::number(1 << 20, 4));
  smaller.replace(type + 4, 4, ZipBuilder::number(11, 4));
  typeBytes.replace(at - 4, 2, ZipBuilder::number(0xffff, 2));
  spaceBytes.replace(at - 2, 2, ZipBuilder::number(0xffff, 2));
  endless[at + name.size()] = 'x'; // the end of the name
  for (const std::string& damaged : {elements, smaller, typeBytes, spaceBytes, endless})
    EXPECT_THAT(refusal(damaged), HasSubstr("says more than it holds"));
}

TEST(HostileKeras, RandomDamageIsRefusedOrHarmless) {
  const std::string file = denseFile();
  std::mt19937 random(11);
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = file;
    for (int k = 0; k < 1 + i % 3; ++k) damaged[random() % damaged.size()] = static_cast<char>(random());
    const auto model = read(damaged);
    if (!model.ok()) {
      EXPECT_FALSE(model.error().message.empty());
    }
  }
}

} // namespace
} // namespace tandem
