// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/image.hpp"
#include "engine/formats/images/labels.hpp"
#include "engine/formats/images/preprocess.hpp"

#include <gmock/gmock.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <jpeglib.h>
#include <png.h>
#include <random>
#include <zlib.h>

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::span<const std::byte> bytesOf(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

/// Left half red, right half blue, top row white.
Image flag(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const std::uint8_t high = 255;
      const std::uint8_t other = y == 0 ? 255 : 0;
      const bool left = x < width / 2;
      for (std::uint8_t value : {left ? high : other, other, left ? other : high}) image.rgb.push_back(value);
    }
  return image;
}

std::string png(const Image& image, int format, const std::vector<std::uint8_t>& pixels) {
  png_image target{};
  target.version = PNG_IMAGE_VERSION;
  target.width = static_cast<png_uint_32>(image.width);
  target.height = static_cast<png_uint_32>(image.height);
  target.format = static_cast<png_uint_32>(format);
  png_alloc_size_t size = 0;
  EXPECT_TRUE(png_image_write_to_memory(&target, nullptr, &size, 0, pixels.data(), 0, nullptr));
  std::string bytes(size, '\0');
  EXPECT_TRUE(png_image_write_to_memory(&target, bytes.data(), &size, 0, pixels.data(), 0, nullptr));
  return bytes;
}

std::string jpeg(const Image& image, int orientation = 0) {
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &data, &size);
  codec.image_width = static_cast<JDIMENSION>(image.width);
  codec.image_height = static_cast<JDIMENSION>(image.height);
  codec.input_components = 3;
  codec.in_color_space = JCS_RGB;
  jpeg_set_defaults(&codec);
  jpeg_set_quality(&codec, 95, TRUE);
  jpeg_start_compress(&codec, TRUE);
  if (orientation) {
    unsigned char exif[32] = "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
    exif[25] = static_cast<unsigned char>(orientation);
    jpeg_write_marker(&codec, JPEG_APP0 + 1, exif, sizeof exif);
  }
  while (codec.next_scanline < codec.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(image.rgb.data()) + codec.next_scanline * codec.image_width * 3;
    jpeg_write_scanlines(&codec, &row, 1);
  }
  jpeg_finish_compress(&codec);
  std::string bytes(reinterpret_cast<const char*>(data), size);
  jpeg_destroy_compress(&codec);
  std::free(data);
  return bytes;
}

TEST(Images, PngComesBackExactly) {
  const Image image = flag(6, 4);
  auto back = decodeImage(bytesOf(png(image, PNG_FORMAT_RGB, image.rgb)), "t.png");
  ASSERT_TRUE(back.ok()) << back.error().line();
  EXPECT_EQ(back->width, 6);
  EXPECT_EQ(back->height, 4);
  EXPECT_EQ(back->rgb, image.rgb);
}

TEST(Images, TransparentPngBecomesWhite) {
  const std::vector<std::uint8_t> pixels{10, 20, 30, 0, 10, 20, 30, 255};
  auto back = decodeImage(bytesOf(png({2, 1, {}}, PNG_FORMAT_RGBA, pixels)), "t.png");
  ASSERT_TRUE(back.ok());
  EXPECT_THAT(back->rgb, ElementsAre(255, 255, 255, 10, 20, 30));
}

TEST(Images, GrayPngBecomesRgb) {
  auto back = decodeImage(bytesOf(png({2, 1, {}}, PNG_FORMAT_GRAY, {7, 200})), "t.png");
  ASSERT_TRUE(back.ok());
  EXPECT_THAT(back->rgb, ElementsAre(7, 7, 7, 200, 200, 200));
}

TEST(Images, JpegComesBackNearly) {
  const Image image = flag(64, 48);
  auto back = decodeImage(bytesOf(jpeg(image)), "t.jpg");
  ASSERT_TRUE(back.ok()) << back.error().line();
  ASSERT_EQ(back->rgb.size(), image.rgb.size());
  const std::size_t centreLeft = (24u * 64 + 10) * 3;
  EXPECT_NEAR(back->rgb[centreLeft], 255, 6);
  EXPECT_NEAR(back->rgb[centreLeft + 2], 0, 6);
}

TEST(Images, JpegIsTurnedUprightAsExifSays) {
  // The white top row of the stored picture ends up where the camera's orientation says.
  struct Case {
    int orientation, width, height, whiteX, whiteY, redX, redY;
  };
  const int w = 64, h = 48;
  for (const Case& each : {Case{1, w, h, 60, 0, 5, 40}, Case{2, w, h, 5, 0, 60, 40}, Case{3, w, h, 5, h - 1, 60, 5},
                           Case{4, w, h, 60, h - 1, 5, 5}, Case{5, h, w, 0, 60, 40, 5}, Case{6, h, w, h - 1, 60, 5, 5},
                           Case{7, h, w, h - 1, 5, 5, 60}, Case{8, h, w, 0, 5, 40, 60}}) {
    Image image = flag(w, h);
    for (std::size_t i = 0; i < static_cast<std::size_t>(w) * 8 * 3; ++i) image.rgb[i] = 255; // a thick white top
    auto back = decodeImage(bytesOf(jpeg(image, each.orientation)), "t.jpg");
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back->width, each.width) << each.orientation;
    EXPECT_EQ(back->height, each.height) << each.orientation;
    const auto at = [&](int x, int y, int c) {
      return int{back->rgb[(static_cast<std::size_t>(y) * static_cast<std::size_t>(back->width) +
                            static_cast<std::size_t>(x)) *
                               3 +
                           static_cast<std::size_t>(c)]};
    };
    EXPECT_GT(at(each.whiteX, each.whiteY, 1), 200) << each.orientation;
    EXPECT_GT(at(each.redX, each.redY, 0), 200) << each.orientation;
    EXPECT_LT(at(each.redX, each.redY, 2), 60) << each.orientation;
  }
}

TEST(Images, DamagedFilesGiveErrorsAndNeverCrash) {
  const Image image = flag(64, 48);
  const std::string files[] = {png(image, PNG_FORMAT_RGB, image.rgb), jpeg(image), jpeg(image, 6)};
  std::mt19937 random(7);
  for (const std::string& file : files) {
    for (std::size_t cut = 0; cut + 3 < file.size(); cut += 13) {
      auto result = decodeImage(bytesOf(std::string_view(file).substr(0, cut)), "cut");
      ASSERT_FALSE(result.ok()) << cut << " of " << file.size();
      EXPECT_EQ(result.error().code, ErrorCode::InputRejected);
    }
    for (int i = 0; i < 500; ++i) {
      std::string damaged = file;
      for (int k = 0; k < 3; ++k) damaged[random() % damaged.size()] = static_cast<char>(random());
      auto result = decodeImage(bytesOf(damaged), "damaged");
      if (result.ok()) {
        EXPECT_EQ(result->rgb.size(),
                  static_cast<std::size_t>(result->width) * static_cast<std::size_t>(result->height) * 3);
      } else {
        EXPECT_FALSE(result.error().message.empty());
      }
    }
  }
}

TEST(Images, HugePicturesAreRefusedBeforeTheyAreAllocated) {
  std::string file = jpeg(flag(16, 16));
  const std::size_t frame = file.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  for (std::size_t i = 5; i < 9; ++i) file[frame + i] = '\xf0'; // 61,680 x 61,680 pixels
  auto result = decodeImage(bytesOf(file), "huge.jpg");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().hint, HasSubstr("100 megapixels"));
}

TEST(Images, AHugePngHeaderOverNothingIsRefusedBeforeItIsAllocated) {
  const auto withSize = [](std::uint32_t width, std::uint32_t height) {
    std::string file = png(flag(2, 2), PNG_FORMAT_RGB, flag(2, 2).rgb);
    for (std::size_t i = 0; i < 4; ++i) {
      file[16 + i] = static_cast<char>(width >> (24 - 8 * i));
      file[20 + i] = static_cast<char>(height >> (24 - 8 * i));
    }
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(file.data()) + 12, 17);
    for (std::size_t i = 0; i < 4; ++i) file[29 + i] = static_cast<char>(crc >> (24 - 8 * i));
    return file;
  };
  ASSERT_TRUE(decodeImage(bytesOf(withSize(2, 2)), "p").ok());
  EXPECT_FALSE(decodeImage(bytesOf(withSize(0x7fffffff, 0x7fffffff)), "p").ok());
  EXPECT_FALSE(decodeImage(bytesOf(withSize(0xffffffff, 1)), "p").ok());
  EXPECT_THAT(decodeImage(bytesOf(withSize(9999, 9999)), "p").error().message, HasSubstr("too short"));
}

TEST(Images, SixteenBitPngIsConvertedAndCmykJpegIsNamed) {
  // libpng writes 16 bits from linear values; white and black stay what they are.
  const std::vector<std::uint16_t> linear{65535, 65535, 65535, 0, 0, 0};
  std::vector<std::uint8_t> pixels(12);
  std::memcpy(pixels.data(), linear.data(), 12);
  auto back = decodeImage(bytesOf(png({2, 1, {}}, PNG_FORMAT_LINEAR_RGB, pixels)), "t.png");
  ASSERT_TRUE(back.ok()) << back.error().line();
  EXPECT_THAT(back->rgb, ElementsAre(255, 255, 255, 0, 0, 0));

  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &data, &size);
  codec.image_width = codec.image_height = 8;
  codec.input_components = 4;
  codec.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&codec);
  jpeg_start_compress(&codec, TRUE);
  std::vector<JSAMPLE> row(32);
  for (std::size_t i = 0; i < 8; ++i) row[4 * i + 1] = row[4 * i + 2] = 0, row[4 * i] = row[4 * i + 3] = 255;
  for (int y = 0; y < 8; ++y) {
    JSAMPROW line = row.data();
    jpeg_write_scanlines(&codec, &line, 1);
  }
  jpeg_finish_compress(&codec);
  const std::string file(reinterpret_cast<const char*>(data), size);
  jpeg_destroy_compress(&codec);
  std::free(data);
  EXPECT_THAT(decodeImage(bytesOf(file), "t.jpg").error().message, HasSubstr("CMYK"));
}

TEST(Images, NothingOfThePictureBeforeIsLeft) {
  const Image image = flag(64, 48);
  const std::string good = png(image, PNG_FORMAT_RGB, image.rgb);
  ASSERT_TRUE(decodeImage(bytesOf(good), "a").ok());
  EXPECT_FALSE(decodeImage(bytesOf(std::string_view(good).substr(0, good.size() / 2)), "b").ok());
  Image black{64, 48, std::vector<std::uint8_t>(64 * 48 * 3)};
  auto back = decodeImage(bytesOf(png(black, PNG_FORMAT_RGB, black.rgb)), "c");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->rgb, black.rgb);
}

TEST(Images, OtherFilesAreNamedAsSuch) {
  EXPECT_THAT(decodeImage(bytesOf("GIF89a"), "x").error().message, HasSubstr("not a JPEG or PNG"));
  EXPECT_THAT(decodeImage({}, "x").error().message, HasSubstr("empty"));
  EXPECT_FALSE(readImage("/nonexistent/picture.png").ok());
}

TEST(Preprocess, AppliesOrderScaleMeanAndLayout) {
  Image image{2, 1, {10, 20, 30, 40, 50, 60}};
  PreprocessSpec spec;
  spec.width = 2, spec.height = 1;
  spec.order = ChannelOrder::Bgr;
  spec.scale = 0.5f;
  spec.mean = {1, 2, 3};
  spec.std = {2, 2, 2};
  auto planar = preprocess(image, spec);
  ASSERT_TRUE(planar.ok());
  EXPECT_EQ(planar->shape(), (Shape{1, 3, 1, 2}));
  EXPECT_THAT(planar->as<float>(), ElementsAre(7, 14.5f, 4, 11.5f, 1, 8.5f));
  spec.layout = ImageLayout::Nhwc;
  auto interleaved = preprocess(image, spec);
  ASSERT_TRUE(interleaved.ok());
  EXPECT_EQ(interleaved->shape(), (Shape{1, 1, 2, 3}));
  EXPECT_THAT(interleaved->as<float>(), ElementsAre(7, 4, 1, 14.5f, 11.5f, 8.5f));
}

TEST(Preprocess, ConvertsToOtherTypes) {
  Image image{1, 1, {255, 0, 0}};
  PreprocessSpec spec;
  spec.width = spec.height = 1;
  spec.type = DataType::UInt8;
  EXPECT_EQ(preprocess(image, spec)->asInt(0), 255);
  spec.type = DataType::Int8; // clamped, not wrapped
  EXPECT_EQ(preprocess(image, spec)->asInt(0), 127);
  spec.type = DataType::Float16;
  spec.order = ChannelOrder::Gray;
  auto gray = preprocess(image, spec);
  EXPECT_EQ(gray->shape(), (Shape{1, 1, 1, 1}));
  EXPECT_NEAR(gray->asDouble(0), 0.299 * 255, 0.05);
}

TEST(Preprocess, ResizesByStretchingCroppingAndLetterboxing) {
  // Four columns: 0, 0, 255, 255; two rows.
  Image image{4, 2, {}};
  for (int i = 0; i < 8; ++i)
    for (int c = 0; c < 3; ++c) image.rgb.push_back(i % 4 < 2 ? 0 : 255);
  PreprocessSpec spec;
  spec.order = ChannelOrder::Gray;
  spec.width = 2, spec.height = 2;
  spec.resize = ResizeMode::Stretch;
  // A triangle over four source columns: weights 3/8, 3/8, 1/8 and, at the border, renormalised.
  auto stretched = preprocess(image, spec);
  EXPECT_NEAR(stretched->asDouble(0), 255.0 / 7, 1);
  EXPECT_NEAR(stretched->asDouble(1), 255.0 * 6 / 7, 1);
  spec.resize = ResizeMode::CropCenter; // the two middle columns, as they are
  EXPECT_NEAR(preprocess(image, spec)->asDouble(0), 0, 1);
  EXPECT_NEAR(preprocess(image, spec)->asDouble(1), 255, 1);
  spec.resize = ResizeMode::Letterbox;
  spec.width = 4, spec.height = 4;
  auto boxed = preprocess(image, spec);
  EXPECT_EQ(boxed->asDouble(3), 0);
  EXPECT_NEAR(boxed->asDouble(7), 255, 1);
  EXPECT_EQ(boxed->asDouble(15), 0);
}

TEST(Preprocess, TurnsLightPicturesRound) {
  Image light{3, 3, std::vector<std::uint8_t>(27, 255)};
  light.rgb[12] = light.rgb[13] = light.rgb[14] = 0;
  PreprocessSpec spec;
  spec.width = spec.height = 3;
  spec.order = ChannelOrder::Gray;
  spec.invert = Invert::IfLight;
  EXPECT_NEAR(preprocess(light, spec)->asDouble(4), 255, 0.01);
  EXPECT_NEAR(preprocess(light, spec)->asDouble(0), 0, 0.01);
}

TEST(Preprocess, TextFormRoundTrips) {
  PreprocessSpec spec;
  ASSERT_TRUE(applyPreset("imagenet", spec));
  spec.width = 640, spec.height = 352;
  spec.resize = ResizeMode::Letterbox;
  spec.layout = ImageLayout::Nhwc;
  spec.type = DataType::Float16;
  spec.certain = true;
  auto back = parsePreprocess(toString(spec));
  ASSERT_TRUE(back.ok()) << back.error().line();
  EXPECT_EQ(*back, spec);
}

TEST(Preprocess, TextFormTakesPresetsAndFractionsAndRefusesTheRest) {
  auto spec = parsePreprocess("unit-bgr,resize=320x240,crop=none,scale=1/128,mean=1:2:3");
  ASSERT_TRUE(spec.ok()) << spec.error().line();
  EXPECT_EQ(spec->order, ChannelOrder::Bgr);
  EXPECT_EQ(spec->width, 320);
  EXPECT_EQ(spec->scale, 1.0f / 128);
  EXPECT_THAT(spec->mean, ElementsAre(1, 2, 3));
  EXPECT_TRUE(spec->certain);
  for (const char* bad : {"nonsense", "resize=0x4", "resize=4", "scale=1/0", "std=0", "mean=1:2", "order=xyz", "a=b",
                          "resize=4x4,imagenet", "type=string"})
    EXPECT_EQ(parsePreprocess(bad).error().code, ErrorCode::Usage) << bad;
  for (std::string_view name : preprocessPresets()) {
    PreprocessSpec each;
    EXPECT_TRUE(applyPreset(name, each));
  }
}

TEST(Preprocess, GuessesFromTheInputShape) {
  const auto guess = [](Shape shape, DataType type = DataType::Float32) {
    Graph graph;
    const ValueId input = graph.addInput("x", {type, std::move(shape)});
    graph.addOutput(input);
    return guessPreprocess(graph);
  };
  const PreprocessSpec classifier = guess({kUnknownDim, 3, 224, 224});
  EXPECT_EQ(classifier.order, ChannelOrder::Rgb);
  EXPECT_EQ(classifier.mean[0], 0.485f);
  EXPECT_EQ(classifier.resize, ResizeMode::CropCenter);
  EXPECT_FALSE(classifier.certain);
  const PreprocessSpec keras = guess({1, 299, 299, 3});
  EXPECT_EQ(keras.layout, ImageLayout::Nhwc);
  EXPECT_EQ(keras.width, 299);
  const PreprocessSpec bytes = guess({1, 300, 400, 3}, DataType::UInt8);
  EXPECT_EQ(bytes.scale, 1);
  EXPECT_EQ(bytes.type, DataType::UInt8);
  EXPECT_EQ(bytes.height, 300);
  const PreprocessSpec open = guess({kUnknownDim, 3, kUnknownDim, kUnknownDim});
  EXPECT_EQ(open.width, 224);
  EXPECT_FALSE(guess({1, 512}).takesPicture());
  EXPECT_FALSE(guess({1, 64, 28, 28}).takesPicture());
  EXPECT_FALSE(guessPreprocess(Graph()).takesPicture());
}

TEST(Preprocess, RefusesSpecsThatMakeNoSense) {
  const Image image = flag(4, 4);
  PreprocessSpec spec;
  spec.width = 0;
  EXPECT_EQ(preprocess(image, spec).error().code, ErrorCode::Usage);
  spec.width = 1 << 20;
  EXPECT_EQ(preprocess(image, spec).error().code, ErrorCode::Usage);
  spec.width = 8;
  spec.std[1] = 0;
  EXPECT_EQ(preprocess(image, spec).error().code, ErrorCode::Usage);
  EXPECT_EQ(preprocess(Image{}, PreprocessSpec{}).error().code, ErrorCode::InputRejected);
}

TEST(Labels, DropNumbersOnlyWhereEveryLineHasItsOwn) {
  const std::string path = ::testing::TempDir() + "tandem_labels.txt";
  std::ofstream(path) << "0,tench, Tinca tinca\r\n1: goldfish\n\n\n";
  EXPECT_FALSE(readLabels(path)->empty());
  EXPECT_THAT(*readLabels(path), ElementsAre("tench, Tinca tinca", "goldfish"));
  std::ofstream(path) << "0 day\n7 days\n";
  EXPECT_THAT(*readLabels(path), ElementsAre("0 day", "7 days"));
  std::ofstream(path) << "\n\n";
  EXPECT_EQ(readLabels(path).error().code, ErrorCode::InputRejected);
  std::remove(path.c_str());
}

} // namespace
} // namespace tandem
