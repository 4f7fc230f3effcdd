// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/file_list.hpp"
#include "engine/session/local_session.hpp"
#include "engine/session/pipeline_options.hpp"
#include "engine/session/pipeline_source.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <png.h>

namespace tandem::session {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PipelineInputs : public testing::Test {
 protected:
  void SetUp() override {
    m_folder = fs::path(testing::TempDir()) /
               (std::string("tandem_inputs_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(m_folder);
    fs::create_directories(m_folder);
    m_document = *m_state.open("sample:mnist", {}, CancelToken());
  }
  void TearDown() override { fs::remove_all(m_folder); }

  std::string write(const std::string& name, const std::string& text) const {
    fs::create_directories((m_folder / name).parent_path());
    std::ofstream(m_folder / name, std::ios::binary) << text;
    return (m_folder / name).string();
  }
  /// A gray picture that no other shade has.
  std::string picture(const std::string& name, int shade) const {
    const std::vector<std::uint8_t> pixels(40 * 30, static_cast<std::uint8_t>(shade));
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = 40;
    image.height = 30;
    image.format = PNG_FORMAT_GRAY;
    fs::create_directories((m_folder / name).parent_path());
    const std::string path = (m_folder / name).string();
    EXPECT_TRUE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr));
    return path;
  }
  InputOptions inputs(std::vector<std::string> files) const {
    InputOptions options;
    options.files = std::move(files);
    return options;
  }

  EngineState m_state;
  std::shared_ptr<const OpenDocument> m_document;
  fs::path m_folder;
};

std::shared_ptr<const RequestData> takeOne(InputPipeline& pipeline) {
  std::promise<Result<std::shared_ptr<const RequestData>>> promise;
  pipeline.take([&](auto taken) { promise.set_value(std::move(taken)); });
  auto taken = promise.get_future().get();
  EXPECT_TRUE(taken.ok()) << taken.error().line();
  return taken ? *taken : nullptr;
}

TEST_F(PipelineInputs, APipelineMakesWhatAPredictionReads) {
  const InputOptions options = inputs({picture("a.png", 10), picture("b.png", 90), picture("c.png", 200)});
  const InputReader reader = *InputReader::create(*m_document, options);
  auto source = PipelineSource::create(m_document, options);
  ASSERT_TRUE(source.ok()) << source.error().line();
  PipelineOptions threads;
  threads.threads = 2;
  InputPipeline pipeline(**source, {2}, threads);
  pipeline.start();
  for (std::size_t request = 0; request < 6; ++request) {
    const auto data = takeOne(pipeline);
    ASSERT_NE(data, nullptr);
    ASSERT_EQ(data->inputs.size(), 1u);
    EXPECT_EQ(data->inputs[0].shape(), (Shape{2, 1, 28, 28}));
    for (std::size_t slot = 0; slot < 2; ++slot) {
      const Tensor item = reader.read((request * 2 + slot) % 3)->tensors.at(0);
      const auto* have = static_cast<const std::byte*>(data->inputs[0].data()) + slot * item.bytes();
      EXPECT_EQ(std::memcmp(have, item.data(), item.bytes()), 0) << request << " " << slot;
    }
  }
  pipeline.stop();
  const PipelineStages stages = pipeline.statistics().stages;
  EXPECT_GT(stages.readNs, 0);
  EXPECT_GT(stages.decodeNs, 0);
  EXPECT_GT(stages.resizeNs, 0);
  EXPECT_GT(stages.normalizeNs, 0);
  EXPECT_GT(stages.batchNs, 0);
}

TEST_F(PipelineInputs, DamagedPicturesOfAFolderAreLeftOutAndNamedAlsoInFront) {
  write("pictures/a.png", "\x89PNG and nothing else");
  picture("pictures/b.png", 50);
  write("pictures/c.jpg", "no picture at all");
  picture("pictures/d.png", 150);
  auto source = PipelineSource::create(m_document, inputs({(m_folder / "pictures").string()}));
  ASSERT_TRUE(source.ok()) << source.error().line();
  EXPECT_EQ((*source)->first().label, "b.png");
  InputPipeline pipeline(**source, {1}, {});
  pipeline.start();
  for (int i = 0; i < 8; ++i) ASSERT_NE(takeOne(pipeline), nullptr);
  pipeline.stop();
  const PipelineStatistics statistics = pipeline.statistics();
  EXPECT_THAT(statistics.failedNames, ElementsAre("a.png", "c.jpg"));
  ASSERT_TRUE(statistics.firstError.has_value());
  EXPECT_THAT(statistics.firstError->where, HasSubstr("a.png"));
}

TEST_F(PipelineInputs, AFolderOfDamagedPicturesIsRefusedAtOnce) {
  write("pictures/a.png", "x");
  write("pictures/b.png", "y");
  auto source = PipelineSource::create(m_document, inputs({(m_folder / "pictures").string()}));
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, ErrorCode::InputRejected);
  EXPECT_THAT(source.error().where, HasSubstr("a.png"));
}

TEST_F(PipelineInputs, MadeUpDataIsMadeWhereNothingIsGivenAndItsTimeIsCounted) {
  auto source = PipelineSource::create(m_document, InputOptions());
  ASSERT_TRUE(source.ok()) << source.error().line();
  EXPECT_THAT((*source)->notes().at(1), HasSubstr("uniform(-1, 1)"));
  InputPipeline pipeline(**source, {1, 8}, {});
  pipeline.start();
  const auto first = takeOne(pipeline), second = takeOne(pipeline);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(first->items + second->items, 9);
  for (const auto& each : {first, second}) EXPECT_EQ(each->inputs[0].shape(), (Shape{each->items, 1, 28, 28}));
  pipeline.stop();
  EXPECT_GT(pipeline.statistics().stages.decodeNs, 0);
  EXPECT_EQ(pipeline.statistics().stages.resizeNs, 0);
}

TEST_F(PipelineInputs, TheSourceKnowsTheShapesThatReplicasAreCompiledFor) {
  auto source = PipelineSource::create(m_document, inputs({picture("a.png", 10)}));
  ASSERT_TRUE(source.ok());
  const auto bound = (*source)->bind(4);
  ASSERT_TRUE(bound.ok()) << bound.error().line();
  const auto shapes = (*source)->shapesOf(4, {});
  ASSERT_TRUE(shapes.ok());
  EXPECT_EQ(shapes->at(0), bound->graph.value(bound->graph.inputs()[0]).desc);
  EXPECT_EQ(shapes->at(0).shape, (Shape{4, 1, 28, 28}));
}

TEST_F(PipelineInputs, APipelineThatFitsNoMemoryIsRefusedBeforeItStarts) {
  auto source = PipelineSource::create(m_document, inputs({picture("a.png", 10)}));
  ASSERT_TRUE(source.ok());
  const int sizes[] = {1, 4096};
  EXPECT_TRUE((*source)->requireMemory(sizes, 1, 4).ok());
  const auto refused = (*source)->requireMemory(sizes, 1 << 30, 4); // 12 PiB
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::DeviceFailed);
  EXPECT_THAT(refused.error().message, HasSubstr("needs 13792273910202368 bytes for requests of 4096 item(s)"));
}

TEST_F(PipelineInputs, LookingForTheFirstItemCanBeCancelled) {
  const CancelToken cancel;
  cancel.cancel();
  const auto source = PipelineSource::create(m_document, inputs({picture("a.png", 10)}), cancel);
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, ErrorCode::Cancelled);
}

TEST_F(PipelineInputs, AListNamesFilesFromItsOwnFolder) {
  picture("data/a.png", 10);
  picture("data/more/b.png", 20);
  const std::string outside = picture("c.png", 30);
  const std::string list =
      write("data/list.txt", "# pictures\r\na.png\n\n  more/b.png  \n" + outside + "\n../c.png\n#d.png\n");
  const auto files = readFileList(list);
  ASSERT_TRUE(files.ok()) << files.error().line();
  std::vector<std::size_t> lines;
  for (const ListedFile& each : *files) {
    EXPECT_TRUE(fs::exists(each.path)) << each.path;
    lines.push_back(each.line);
  }
  EXPECT_THAT(lines, ElementsAre(2, 4, 5, 6));

  LocalSession session;
  const auto reply = call(session, method::kPredict, {{"model", "sample:mnist"}, {"inputs", {"@" + list}}});
  ASSERT_TRUE(reply.ok()) << reply.error().line();
  std::vector<std::string> labels;
  for (const Json& each : reply->at("predictions")) labels.push_back(each.at("input"));
  EXPECT_THAT(labels, ElementsAre("a.png", "b.png", "c.png", "c.png"));
}

TEST_F(PipelineInputs, ErrorsInAListNameTheLine) {
  picture("a.png", 10);
  const auto errorOf = [&](const std::string& text) {
    const std::string list = write("list.txt", text);
    const auto reader = InputReader::create(*m_document, inputs({"@" + list}));
    EXPECT_FALSE(reader.ok()) << text;
    return reader.ok() ? std::string() : reader.error().line();
  };
  EXPECT_THAT(errorOf("a.png\n# b\nmissing.png\n"), HasSubstr("list.txt line 3"));
  EXPECT_THAT(errorOf("a.png\n# b\nmissing.png\n"), HasSubstr("there is no such file"));
  EXPECT_THAT(errorOf("a.png\n@list.txt\n"), HasSubstr("a list cannot name another list"));
  EXPECT_THAT(errorOf("a.png\n@list.txt\n"), HasSubstr("list.txt line 2"));
  EXPECT_THAT(errorOf("random\n"), HasSubstr("there is no such file")); // data is not made up by a list
  EXPECT_THAT(errorOf("# nothing\n\n"), HasSubstr("the list names no file"));
  write("notes.gif", "GIF89a");
  EXPECT_THAT(errorOf("a.png\nnotes.gif\n"), HasSubstr("list.txt line 2"));
  EXPECT_THAT(errorOf("a.png\nnotes.gif\n"), HasSubstr("pictures of the kind .gif are not read"));
  EXPECT_THAT(InputReader::create(*m_document, inputs({"@"})).error().line(), HasSubstr("no name after the @"));
  EXPECT_THAT(InputReader::create(*m_document, inputs({"@" + (m_folder / "none.txt").string()})).error().line(),
              HasSubstr("none.txt"));
}

TEST(PipelineSettings, HaveDefaultsThatKeepEveryThreadAtWork) {
  EXPECT_FALSE(decodePipelineSpec(Json::object())->has_value());
  EXPECT_FALSE(decodePipelineSpec({{"pipeline", nullptr}})->has_value());
  const auto plain = decodePipelineSpec({{"pipeline", Json::object()}});
  ASSERT_TRUE(plain.ok() && plain->has_value());
  EXPECT_EQ(**plain, PipelineSpec());
  EXPECT_EQ((*plain)->prefetchOrDefault(), 4);
  const auto many = decodePipelineSpec({{"pipeline", {{"threads", 16}}}});
  ASSERT_TRUE(many.ok());
  EXPECT_EQ((*many)->prefetchOrDefault(), 32);
}

TEST(PipelineSettings, SurviveBeingWrittenAndRead) {
  const std::string core = std::to_string(CpuSet::available().cpus().back());
  for (const PipelineSpec& spec :
       {PipelineSpec{}, PipelineSpec{3, 0, "", true}, PipelineSpec{kMaxPipelineThreads, kMaxPrefetch, core, false}}) {
    const auto back = decodePipelineSpec({{"pipeline", encodePipelineSpec(spec)}});
    ASSERT_TRUE(back.ok()) << back.error().line();
    EXPECT_EQ(**back, spec);
    const auto options = pipelineOptions(spec);
    ASSERT_TRUE(options.ok());
    EXPECT_EQ(options->threads, spec.threads);
    EXPECT_EQ(options->prefetch, spec.prefetchOrDefault());
    EXPECT_EQ(options->cores.toString(), spec.cores);
    EXPECT_EQ(options->shuffle, spec.shuffle);
  }
}

TEST(PipelineSettings, OutOfRangeAreRefusedWithTheFlagThatSetsThem) {
  const auto errorOf = [](const Json& pipeline) {
    const auto spec = decodePipelineSpec({{"pipeline", pipeline}});
    EXPECT_FALSE(spec.ok()) << pipeline;
    if (spec.ok()) return std::string();
    EXPECT_EQ(spec.error().code, ErrorCode::Usage);
    return spec.error().line();
  };
  for (int threads : {0, -1, 257})
    EXPECT_THAT(errorOf({{"threads", threads}}), HasSubstr("(--preprocess-threads): between 1 and 256"));
  for (int prefetch : {0, -1, 4097})
    EXPECT_THAT(errorOf({{"prefetch", prefetch}}), HasSubstr("(--prefetch): between 1 and 4096"));
  for (const char* cores : {"x", "0-", "1023", "0,1023"})
    EXPECT_THAT(errorOf({{"cores", cores}}), HasSubstr("--preprocess-cores")) << cores;
  EXPECT_THAT(errorOf({{"thread", 2}}), HasSubstr("no setting \"thread\""));
  EXPECT_THAT(errorOf(3), HasSubstr("not an object"));
}

} // namespace
} // namespace tandem::session
