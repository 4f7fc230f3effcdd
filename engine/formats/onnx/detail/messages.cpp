// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/detail/messages.hpp"

#include "engine/base/checked.hpp"
#include "engine/formats/models/file_type.hpp"

#include <climits>
#include <cstdlib>
#include <google/protobuf/arena.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>
#include <new>
#include <optional>
#include <vector>

namespace tandem::detail {
namespace {

// A subgraph is three messages deep (graph, node, attribute); its tensors, types and dims add a few more.
constexpr int kProtobufDepth = 3 * (kMaxDepth + 4) + 12;

// Two bytes of a file can make an empty message of two hundred. Real files, mostly weights, need less than their size
// for messages; those of many small nodes about ten times their size.
constexpr std::int64_t kMessageBytesPerFileByte = 16;

/// What the arena under construction on this thread may still allocate (its allocation hook takes no argument).
thread_local std::int64_t messageBytesLeft = INT64_MAX;

void* allocateBlock(std::size_t size) {
  messageBytesLeft -= static_cast<std::int64_t>(size);
  void* block = messageBytesLeft >= 0 ? std::malloc(size) : nullptr;
  if (!block) throw std::bad_alloc();
  return block;
}

void freeBlock(void* block, std::size_t) { std::free(block); }

google::protobuf::ArenaOptions arenaOptions() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = 4 << 10;
  options.max_block_size = 256 << 10;
  options.block_alloc = allocateBlock;
  options.block_dealloc = freeBlock;
  return options;
}

/// A message whose parts live in one arena.
struct Holder {
  google::protobuf::Arena arena{arenaOptions()};
  onnx::ModelProto* model = nullptr;
};

/// Lifts the limit again: whoever changes the message later is not the file.
struct Budget {
  explicit Budget(std::int64_t bytes) { messageBytesLeft = bytes; }
  ~Budget() { messageBytesLeft = INT64_MAX; }
};

bool parse(std::span<const std::byte> bytes, onnx::ModelProto& model) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream coded(&stream);
  coded.SetRecursionLimit(kProtobufDepth);
  return model.ParseFromCodedStream(&coded) && coded.ConsumedEntireMessage();
}

/// The messages that lead from a model to its subgraphs.
enum class Part { Model, Graph, Function, Node, Attribute };

std::optional<Part> partIn(Part outer, int field) {
  switch (outer) {
  case Part::Model:
    if (field == onnx::ModelProto::kGraphFieldNumber) return Part::Graph;
    return field == onnx::ModelProto::kFunctionsFieldNumber ? std::optional(Part::Function) : std::nullopt;
  case Part::Graph: return field == onnx::GraphProto::kNodeFieldNumber ? std::optional(Part::Node) : std::nullopt;
  case Part::Function: return field == onnx::FunctionProto::kNodeFieldNumber ? std::optional(Part::Node) : std::nullopt;
  case Part::Node:
    return field == onnx::NodeProto::kAttributeFieldNumber ? std::optional(Part::Attribute) : std::nullopt;
  case Part::Attribute:
    return field == onnx::AttributeProto::kGFieldNumber || field == onnx::AttributeProto::kGraphsFieldNumber
               ? std::optional(Part::Graph)
               : std::nullopt;
  }
  return std::nullopt;
}

/// Protobuf does not tell why it stopped: whether subgraphs inside subgraphs are deeper than it goes. Walks the bytes
/// once, with a stack of its own, and stops at the first of them.
bool nestsTooDeep(std::span<const std::byte> bytes) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream coded(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  struct Open {
    Part part;
    google::protobuf::io::CodedInputStream::Limit outer;
  };
  std::vector<Open> open{{Part::Model, 0}};
  int graphs = 0;
  for (;;) {
    const std::uint32_t tag = coded.ReadTag();
    if (tag == 0) { // the end of a message, or nothing that could be one
      if (open.size() == 1 || coded.BytesUntilLimit() != 0) return false;
      if (open.back().part == Part::Graph) --graphs;
      coded.PopLimit(open.back().outer);
      open.pop_back();
      continue;
    }
    const auto part = partIn(open.back().part, WireFormatLite::GetTagFieldNumber(tag));
    if (!part || WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_START_GROUP) return false;
      if (!WireFormatLite::SkipField(&coded, tag)) return false;
      continue;
    }
    std::uint32_t length = 0;
    if (!coded.ReadVarint32(&length) || length > static_cast<std::uint32_t>(INT_MAX)) return false;
    if (*part == Part::Graph && ++graphs > kMaxDepth + 1) return true; // the model's own graph is none inside another
    open.push_back({*part, coded.PushLimit(static_cast<int>(length))});
  }
}

Error unreadable(std::span<const std::byte> bytes, const std::string& where) {
  if (nestsTooDeep(bytes))
    return makeError(ErrorCode::ModelRejected, "subgraphs are nested more than " + std::to_string(kMaxDepth) + " deep",
                     where, "this is no model that a tool would write; check where the file comes from");
  return unsuitableModelFile(detectFileType(bytes), where);
}

} // namespace

Result<std::shared_ptr<onnx::ModelProto>> parseModel(std::span<const std::byte> bytes, const std::string& where) {
  if (bytes.empty()) return unsuitableModelFile(FileType::Empty, where);
  if (static_cast<std::int64_t>(bytes.size()) > kMaxModelBytes)
    return makeError(ErrorCode::ModelRejected, "the file is larger than 2 GB, which no ONNX file can be", where,
                     "store the weights as external data");
  const Budget budget(kUnbackedAllocationLimit + kMessageBytesPerFileByte * static_cast<std::int64_t>(bytes.size()));
  std::shared_ptr<onnx::ModelProto> model;
  try {
    auto holder = std::make_shared<Holder>();
    holder->model = google::protobuf::Arena::CreateMessage<onnx::ModelProto>(&holder->arena);
    model = std::shared_ptr<onnx::ModelProto>(holder, holder->model);
    if (!parse(bytes, *model) || !model->has_graph()) return unreadable(bytes, where);
  } catch (const std::bad_alloc&) {
    return makeError(ErrorCode::ModelRejected, "the model is made of too many parts for its size, or memory ran out",
                     where, "check where the file comes from");
  }
  if (model->graph().output_size() == 0 && model->graph().node_size() == 0)
    return makeError(ErrorCode::ModelRejected, "the model has no outputs", where,
                     "this is not an ONNX model, or it is damaged");
  return model;
}

} // namespace tandem::detail
