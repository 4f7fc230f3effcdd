// SPDX-License-Identifier: GPL-3.0-or-later
// Writes small valid inputs for every fuzz target: fuzz_seeds FOLDER makes FOLDER/<target>/<seed>. Nothing is stored in
// the repository, so a seed never lags behind its format.
#include "engine/formats/tensors/npy.hpp"
#include "engine/formats/tensors/tensor_pb.hpp"
#include "engine/ops/op_def.hpp"
#include "engine/placement/placement_file.hpp"
#include "tests/formats/rich_model.hpp"
#include "tests/formats/zip_builder.hpp"
#include "tests/fuzz/keras_fixtures.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
// jpeglib.h needs stdio.h before it.
#include <jpeglib.h>
#include <png.h>

namespace fs = std::filesystem;
using namespace tandem;
using testing::ModelBuilder;

namespace {

void write(const fs::path& path, std::string_view content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

/// One node on small weights, so that shape inference evaluates the reference kernel as well.
std::string oneNode(const OpDef& op, bool constant) {
  ModelBuilder builder;
  builder.model.mutable_opset_import(0)->set_version(20);
  auto* domain = builder.model.add_opset_import();
  domain->set_domain("com.microsoft");
  domain->set_version(1);
  std::vector<std::string> inputs;
  for (int i = 0; i < std::max<int>(op.minInputs, 1); ++i) {
    inputs.push_back("w" + std::to_string(i));
    if (constant)
      builder.weight(inputs.back(), {1, 2, 2, 2}, {1, 0, 2, 1, 1, -1, 0.5F, 3});
    else
      builder.input(inputs.back(), {1, 2, 2, 2});
  }
  builder.output("y");
  builder.node(std::string(op.type), inputs, {"y"}).set_domain(std::string(op.domain));
  return builder.bytes();
}

void writeModels(const fs::path& folder) {
  write(folder / "rich", testing::richModel());
  for (const OpDef* op : allOps())
    for (bool constant : {false, true})
      write(folder / (std::string(op->type) + (constant ? "_constant" : "_input")), oneNode(*op, constant));
}

void writeTensors(const fs::path& root) {
  int count = 0;
  for (DataType type : {DataType::Float32, DataType::Float16, DataType::Int64, DataType::UInt8, DataType::Bool})
    for (const Shape& shape : {Shape{}, Shape{2, 3}, Shape{0}, Shape{1, 2, 1, 2}}) {
      const Tensor tensor = Tensor::zeros({type, shape});
      const std::string name = std::to_string(count++);
      fs::create_directories(root / "tensor_pb");
      fs::create_directories(root / "npy");
      if (!writeTensorPb(root / "tensor_pb" / name, tensor) || !writeNpy(root / "npy" / name, tensor)) std::abort();
    }
  onnx::TensorProto typed;
  typed.set_data_type(onnx::TensorProto::INT32);
  typed.add_dims(3);
  for (int value : {1, -2, 3}) typed.add_int32_data(value);
  write(root / "tensor_pb" / "typed", typed.SerializeAsString());
}

std::string contentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void writeTables(const fs::path& root) {
  using testing::ZipBuilder;
  const std::string array = contentOf(root / "npy" / "1");
  for (bool deflate : {false, true}) {
    ZipBuilder zip;
    zip.add({.name = "a.npy", .content = array, .deflate = deflate}).add({.name = "b/c.npy", .content = array});
    write(root / "npz" / (deflate ? "deflated" : "stored"), zip.finish());
  }
  ZipBuilder large;
  large.add({.name = "a.npy", .content = array});
  write(root / "npz" / "zip64", large.finish64(1, large.central().size(), large.file().size()));

  write(root / "csv" / "header", "a,b,\"c, \"\"d\"\"\"\n1,2.5,-3e4\n4,5,6\n");
  write(root / "csv" / "comma", "1,5;2,25\r\n3;4\r\n");
  write(root / "csv" / "tabs", "1\t2\n3\t4");
  write(root / "word_piece" / "vocabulary", std::string("[PAD]\n[UNK]\n[CLS]\n[SEP]\nab\n##c\n\0Abc abc, x", 41));
  write(root / "word_piece" / "text", "Ab b\xcc\x81 \xe4\xb8\xad\xc3\xa9. aab");

  const auto wav = [](int format, int channels, int bits, const std::string& samples) {
    const auto number = [](std::uint64_t value, int size) { return ZipBuilder::number(value, size); };
    const int frame = channels * bits / 8;
    const std::string body = "WAVEfmt " + number(16, 4) + number(static_cast<unsigned>(format), 2) +
                             number(static_cast<unsigned>(channels), 2) + number(8000, 4) +
                             number(8000U * static_cast<unsigned>(frame), 4) + number(static_cast<unsigned>(frame), 2) +
                             number(static_cast<unsigned>(bits), 2) + "data" + number(samples.size(), 4) + samples;
    return "RIFF" + number(body.size(), 4) + body;
  };
  for (int bits : {8, 16, 24, 32}) write(root / "wav" / std::to_string(bits), wav(1, 2, bits, std::string(96, 'a')));
  write(root / "wav" / "float", wav(3, 1, 32, std::string(32, '\0')));
}

std::string jpegOf(int components, bool progressive) {
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &buffer, &size);
  codec.image_width = 19;
  codec.image_height = 17;
  codec.input_components = components;
  codec.in_color_space = components == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(&codec);
  if (progressive) jpeg_simple_progression(&codec);
  jpeg_start_compress(&codec, TRUE);
  unsigned char row[19 * 3];
  for (int y = 0; y < 17; ++y) {
    for (int x = 0; x < 19 * components; ++x) row[x] = static_cast<unsigned char>(x * 7 + y * 13);
    JSAMPROW rows = row;
    jpeg_write_scanlines(&codec, &rows, 1);
  }
  jpeg_finish_compress(&codec);
  std::string bytes(reinterpret_cast<char*>(buffer), size);
  std::free(buffer);
  jpeg_destroy_compress(&codec);
  return bytes;
}

std::string pngOf(std::uint32_t format) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = 9;
  image.height = 7;
  image.format = format;
  std::vector<unsigned char> pixels(PNG_IMAGE_SIZE(image), 100);
  std::vector<unsigned char> palette(1024, 50);
  image.colormap_entries = 200;
  std::string bytes(100'000, '\0');
  png_alloc_size_t size = bytes.size();
  if (!png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, palette.data())) std::abort();
  bytes.resize(size);
  return bytes;
}

void writePictures(const fs::path& root) {
  for (int components : {1, 3})
    for (bool progressive : {false, true})
      write(root / "jpeg" / (std::to_string(components) + (progressive ? "p" : "b")), jpegOf(components, progressive));
  int count = 0;
  for (const std::uint32_t format :
       std::initializer_list<std::uint32_t>{PNG_FORMAT_RGB, PNG_FORMAT_RGBA, PNG_FORMAT_GRAY, PNG_FORMAT_GA,
                                            PNG_FORMAT_RGB | PNG_FORMAT_FLAG_COLORMAP, PNG_FORMAT_LINEAR_RGB_ALPHA})
    write(root / "png" / std::to_string(count++), pngOf(format));
}

void writeTexts(const fs::path& root) {
  write(root / "text" / "labels", "1cat\ndog\n");
  write(root / "text" / "numbered", "1"
                                    "0,cat\n1: dog\n2 bird\n");
  write(root / "text" / "spec",
        "0resize=8x9,crop=center,order=bgr,scale=1/255,mean=0.4:0.5:0.6,std=2,layout=nhwc,invert=light,type=float32");
  write(root / "text" / "preset", "0imagenet,resize=7x7,crop=letterbox");
  auto placement = Placement("CPU:0").withNode("conv1", "GPU:0").withModel({"m", std::string(64, 'a'), 3});
  for (const char* match : {"layer1/*", "op:Conv", "scope:layer1", "re:conv[0-9]+"})
    placement = *placement.withRule(match, "SIM:gpu");
  write(root / "placement" / "all", toJson(placement));
}

void writeMessages(const fs::path& folder) {
  write(
      folder / "document",
      R"({"handle":1,"source":"m","name":"m","sha256":"","producer":"p","opset":17,"nodes":[{"name":"a","op":"Relu","domain":"","scope":"s","version":14,"known":true,"attributes":[["axis","1"]],"inputs":[0],"outputs":[1],"flops":1.5,"parameter_bytes":1,"activation_bytes":2}],"values":[{"name":"x","type":"float32","shape":[1,-1],"rank_known":true,"dim_names":["","N"],"bytes":-1,"constant":false,"producer":-1,"consumers":[0]},{"name":"y","type":"","shape":[],"rank_known":false,"dim_names":[],"bytes":4,"constant":false,"producer":0,"consumers":[]}],"inputs":[0],"outputs":[1],"unsupported_operators":[],"warnings":["w"],"preprocess":"","preprocess_certain":false,"labels_file":"","detector":""})"
      "\n");
  write(
      folder / "devices",
      R"({"devices":[{"id":"CPU:0","kind":"cpu","name":"n","vendor":"v","driver":"d","platform":"p","note":"","compute_units":2,"memory_bytes":1,"max_allocation_bytes":1,"memory_limit_bytes":5,"unified_memory":true,"visible":true,"cores":"0-1","probe":{"gflops":1,"memory_gb_per_s":2,"to_device_gb_per_s":3,"to_host_gb_per_s":4,"launch_us":5,"round_trip_us":6}}],"problems":[{"platform":"p","message":"m"}],"advice":""})"
      "\n");
  write(
      folder / "deployment",
      R"({"format":"tandem-deployment","version":1,"replicas":[{"device":"CPU:0","name":"a","threads":1,"streams":2,"batch":8},{"placement":{"format":"tandem-placement","version":1,"model":{"name":"m","sha256":"","nodes":2},"default":"CPU:0","rules":[{"match":"*","device":"GPU:0"}],"nodes":{"a":"b"}}}],"route":"split","scenario":"closed:2","batches":[1,8],"duration_s":2.5})"
      "\n");
  write(
      folder / "profile",
      R"({"model":"m","batch":1,"times":[{"node":0,"nodes":[0,1],"requested":"CPU:0","device":"CPU:0","kernel":"k","mean_ms":1,"min_ms":0.5,"median_ms":0.9,"reference":true,"flops":1e6,"least_bytes":4096,"gflop_per_s":1.1,"gb_per_s":0.5,"flop_per_byte":244,"roof":"compute","roof_ms":0.5,"roof_fraction":0.55,"compute_fraction":0.55,"memory_fraction":0.1}],"totals":[{"device":"CPU:0","mean_ms":1,"median_ms":1,"transfer_ms":0,"compile_ms":3,"summary":"s","flops":1e6,"unknown_layers":0,"gflop_per_s":1,"peak_fraction":0.5,"roof_fraction":0.5}],"peaks":[{"device":"CPU:0","threads":1,"gflops":2,"memory_gb_per_s":5}]})"
      "\n"
      R"({"id":1,"error":{"code":"model-rejected","message":"m","where":"w","hint":"h"}})"
      "\n");
}

void writeKeras(const fs::path& folder) {
  for (std::size_t i = 0; i < fuzz::kKerasFixtures; ++i) {
    const std::string number = std::to_string(i);
    write(folder / ("file" + number), fuzz::kerasFixture(i));
    write(folder / ("config" + number), number + fuzz::configOf(i));
  }
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: fuzz_seeds FOLDER\n"), 2;
  const fs::path root = argv[1];
  writeModels(root / "model");
  writeModels(root / "round_trip");
  writeTensors(root);
  writeTables(root);
  writePictures(root);
  writeTexts(root);
  writeKeras(root / "keras");
  writeMessages(root / "message");
  return 0;
}
