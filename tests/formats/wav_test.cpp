// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/audio/wav.hpp"
#include "tests/formats/conformance_data.hpp"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;

std::string number(std::uint64_t value, int size) {
  std::string text;
  for (int i = 0; i < size; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

struct WavFacts {
  int code = 1, channels = 1, rate = 16000, bits = 16;
  bool extensible = false;
  std::string data = std::string("\x00\x40", 2);
};

std::string formatChunk(const WavFacts& facts) {
  const int block = facts.channels * facts.bits / 8;
  const auto u = [](int value) { return static_cast<std::uint64_t>(value); };
  std::string format = number(u(facts.extensible ? 0xfffe : facts.code), 2) + number(u(facts.channels), 2) +
                       number(u(facts.rate), 4) + number(u(facts.rate * block), 4) + number(u(block), 2) +
                       number(u(facts.bits), 2);
  if (facts.extensible)
    format += number(22, 2) + number(u(facts.bits), 2) + number(0, 4) + number(u(facts.code), 2) +
              std::string("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71", 14);
  return "fmt " + number(format.size(), 4) + format;
}

std::string riff(const std::string& chunks) { return "RIFF" + number(chunks.size() + 4, 4) + "WAVE" + chunks; }

std::string wav(const WavFacts& facts) {
  return riff(formatChunk(facts) + "LIST" + number(3, 4) + "abc" + '\0' + "data" + number(facts.data.size(), 4) +
              facts.data);
}

Result<AudioClip> decoded(const std::string& file) {
  return decodeWav(std::as_bytes(std::span(file.data(), file.size())), "a.wav");
}

std::vector<float> samplesOf(const WavFacts& facts) {
  auto clip = decoded(wav(facts));
  EXPECT_TRUE(clip.ok()) << clip.error().line();
  return clip.ok() ? clip->samples : std::vector<float>();
}

TEST(Wav, ReadsEveryWidth) {
  using namespace std::string_literals;
  EXPECT_THAT(samplesOf({.bits = 8, .data = "\x00\x80\xc0"s}), ElementsAre(-1.f, 0.f, 0.5f));
  EXPECT_THAT(samplesOf({.bits = 16, .data = "\x00\x80\x00\x40"s}), ElementsAre(-1.f, 0.5f));
  EXPECT_THAT(samplesOf({.bits = 24, .data = "\x00\x00\x80\x00\x00\x40"s}), ElementsAre(-1.f, 0.5f));
  EXPECT_THAT(samplesOf({.bits = 32, .data = "\x00\x00\x00\x80\x00\x00\x00\x40"s}), ElementsAre(-1.f, 0.5f));
  EXPECT_THAT(samplesOf({.code = 3, .bits = 32, .data = number(std::bit_cast<std::uint32_t>(0.25f), 4)}),
              ElementsAre(0.25f));
  EXPECT_THAT(samplesOf({.code = 3, .bits = 64, .data = number(std::bit_cast<std::uint64_t>(-0.75), 8)}),
              ElementsAre(-0.75f));
}

TEST(Wav, ReadsTheExtensibleForm) {
  using namespace std::string_literals;
  EXPECT_THAT(samplesOf({.bits = 16, .extensible = true, .data = "\x00\x80"s}), ElementsAre(-1.f));
  EXPECT_THAT(
      samplesOf({.code = 3, .bits = 32, .extensible = true, .data = number(std::bit_cast<std::uint32_t>(2.f), 4)}),
      ElementsAre(2.f));
}

TEST(Wav, MixesChannelsDown) {
  using namespace std::string_literals;
  auto clip = decoded(wav({.channels = 2, .data = "\x00\x40\x00\x00\x00\x80\x00\x80"s}));
  ASSERT_TRUE(clip.ok()) << clip.error().line();
  EXPECT_EQ(clip->channels, 2);
  EXPECT_EQ(clip->sampleRate, 16000);
  EXPECT_THAT(clip->samples, ElementsAre(0.25f, -1.f));
}

TEST(Wav, TakesAnOpenLengthForTheRestOfTheFile) {
  const std::string file = riff(formatChunk({}) + "data" + number(0xffffffff, 4) + std::string("\x00\x40\x00\x80", 4));
  auto clip = decoded(file);
  ASSERT_TRUE(clip.ok()) << clip.error().line();
  EXPECT_EQ(clip->samples.size(), 2U);
}

TEST(Wav, RefusesHostileHeaders) {
  const auto refusal = [](const std::string& file) {
    auto clip = decoded(file);
    EXPECT_FALSE(clip.ok());
    return clip.ok() ? std::string() : clip.error().line();
  };
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_THAT(refusal("fLaC and more bytes"), HasSubstr("FLAC"));
  EXPECT_THAT(refusal("RF64" + number(0, 4) + "WAVE"), HasSubstr("variant"));
  EXPECT_THAT(refusal(wav({.channels = 0})), HasSubstr("0 channels"));
  EXPECT_THAT(refusal(wav({.channels = 65})), HasSubstr("65 channels"));
  EXPECT_THAT(refusal(wav({.rate = 0})), HasSubstr("0 samples per second"));
  EXPECT_THAT(refusal(wav({.bits = 12})), HasSubstr("12 bits"));
  EXPECT_THAT(refusal(wav({.code = 2, .bits = 4})), HasSubstr("format 2"));
  EXPECT_THAT(refusal(wav({.code = 85})), HasSubstr("format 85"));
  EXPECT_THAT(refusal(wav({.data = ""})), HasSubstr("no sample"));
  EXPECT_THAT(refusal(riff("data" + number(2, 4) + "ab")), HasSubstr("does not say its format"));
  EXPECT_THAT(refusal(riff(formatChunk({}))), HasSubstr("no samples"));
  EXPECT_THAT(refusal(riff("fmt " + number(4, 4) + "abcd")), HasSubstr("cut off"));
  EXPECT_THAT(refusal(riff(formatChunk({}) + "data" + number(0x7fffffff, 4) + "ab")), HasSubstr("cut off"));
  EXPECT_THAT(refusal(riff("junk" + number(0xffffffff, 4))), HasSubstr("cut off"));
  std::string file = wav({});
  file[32] = 3; // bytes per block
  EXPECT_THAT(refusal(file), HasSubstr("contradict"));
}

TEST(Wav, SurvivesCuttingEverywhere) {
  const std::string file = wav({.channels = 2, .extensible = true, .data = std::string(8, 'x')});
  for (std::size_t size = 0; size < file.size(); ++size) EXPECT_FALSE(decoded(file.substr(0, size)).ok()) << size;
}

TEST(Resample, KeepsATone) {
  AudioClip clip{44100, 1, std::vector<float>(44100)};
  const auto tone = [](double rate, std::size_t i) {
    return static_cast<float>(std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / rate));
  };
  for (std::size_t i = 0; i < clip.samples.size(); ++i) clip.samples[i] = tone(44100, i);
  for (int rate : {8000, 16000, 48000}) {
    auto got = resampled(clip, rate);
    ASSERT_TRUE(got.ok()) << got.error().line();
    EXPECT_EQ(got->sampleRate, rate);
    ASSERT_EQ(got->samples.size(), static_cast<std::size_t>(rate));
    for (std::size_t i = 200; i + 200 < got->samples.size(); i += 37)
      ASSERT_THAT(got->samples[i], FloatNear(tone(rate, i), 2e-3f)) << rate << " " << i;
  }
}

TEST(Resample, RemovesWhatTheLowerRateCannotHold) {
  AudioClip clip{48000, 1, std::vector<float>(48000)};
  for (std::size_t i = 0; i < clip.samples.size(); ++i) // 10 kHz does not fit in 16000 samples per second
    clip.samples[i] = static_cast<float>(std::sin(2 * std::numbers::pi * 10000 * static_cast<double>(i) / 48000));
  auto got = resampled(clip, 16000);
  ASSERT_TRUE(got.ok());
  for (std::size_t i = 200; i + 200 < got->samples.size(); ++i) ASSERT_LT(std::abs(got->samples[i]), 2e-3f) << i;
}

TEST(Resample, RefusesRatesThatMakeNoSense) {
  const AudioClip clip{1, 1, std::vector<float>(1000)};
  EXPECT_FALSE(resampled(clip, 0).ok());
  EXPECT_FALSE(resampled(clip, kMaxSampleRate + 1).ok());
  EXPECT_THAT(resampled(clip, kMaxSampleRate).error().line(), HasSubstr("grow"));
}

TEST(Wav, ReadsTheSharedRecording) {
  TANDEM_NEED_CONFORMANCE("models/silero-vad-v5/samples/speech_8s_16k.wav");
  auto clip = readWav(folder);
  ASSERT_TRUE(clip.ok()) << clip.error().line();
  EXPECT_EQ(clip->sampleRate, 16000);
  EXPECT_EQ(clip->samples.size(), 128000U);
}

} // namespace
} // namespace tandem
