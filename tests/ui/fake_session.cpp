// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ui/fake_session.hpp"

namespace tandem::ui::test {

class FakeSession final : public session::Session {
 public:
  explicit FakeSession(FakeEngine& engine) : m_engine(engine) {}

  std::uint64_t request(const std::string& method, const Json& params, session::ReplyFunction reply,
                        session::EventFunction event) override {
    m_engine.requests.push_back({method, params});
    if (method == session::method::kRun) {
      m_engine.m_runReply = std::move(reply);
      m_engine.m_runEvent = std::move(event);
      return ++m_number;
    }
    const auto handler = m_engine.handlers.find(method);
    reply(handler == m_engine.handlers.end() ? Result<Json>(Json::object()) : handler->second(params));
    return ++m_number;
  }
  void cancel(std::uint64_t) override { ++m_engine.cancels; }

 private:
  FakeEngine& m_engine;
  std::uint64_t m_number = 0;
};

Json twoDevices() {
  return {{"devices",
           {{{"id", "CPU:0"},
             {"kind", "cpu"},
             {"name", "Test CPU"},
             {"driver", "oneDNN"},
             {"memory_bytes", 1 << 30},
             {"compute_units", 2},
             {"cores", "0"},
             {"visible", true}},
            {{"id", "OPENCL-CPU:0"},
             {"kind", "opencl-cpu"},
             {"name", "Test OpenCL"},
             {"driver", "PoCL"},
             {"memory_bytes", 1 << 29},
             {"compute_units", 2},
             {"cores", "1"},
             {"precisions", {"model", "float16"}},
             {"visible", true}}}},
          {"problems", {{{"platform", "Broken"}, {"message", "cannot be loaded"}}}},
          {"advice", "No GPU was found."}};
}

Json smallDocument(const std::string& source, int handle) {
  const auto node = [](const char* name, const char* op, const char* scope, int input, int output) {
    return Json{{"name", name},
                {"op", op},
                {"scope", scope},
                {"version", 13},
                {"attributes", Json::array({Json::array({"group", "1"})})},
                {"inputs", Json::array({input})},
                {"outputs", Json::array({output})},
                {"flops", 2e6},
                {"parameter_bytes", 4096},
                {"activation_bytes", 8192}};
  };
  const auto value = [](const char* name, int producer, std::vector<int> consumers) {
    return Json{{"name", name}, {"type", "float32"},    {"shape", {1, 3, 8, 8}},
                {"bytes", 768}, {"producer", producer}, {"consumers", consumers}};
  };
  return {{"handle", handle},
          {"source", source},
          {"name", "small"},
          {"sha256", "abc"},
          {"opset", 13},
          {"nodes",
           {node("stem/conv", "Conv", "stem", 0, 1), node("stem/relu", "Relu", "stem", 1, 2),
            node("head/foo", "Foo", "head", 2, 3)}},
          {"values", {value("x", -1, {0}), value("a", 0, {1}), value("b", 1, {2}), value("y", 2, {})}},
          {"inputs", Json::array({0})},
          {"outputs", Json::array({3})}};
}

Json snapshotJson(double elapsedS) {
  const auto replica = [](const char* name, const char* device, double p50) {
    return Json{{"name", name},  {"devices", device}, {"completed", 10},  {"items_per_s", 50.0},
                {"p50_ms", p50}, {"p95_ms", p50 * 2}, {"p99_ms", p50 * 3}};
  };
  return {{"elapsed_s", elapsedS},
          {"phase", elapsedS < 0 ? "warmup" : "measure"},
          {"items_per_s", 100.0},
          {"replicas", {replica("cpu", "CPU:0", 4.0), replica("acc", "OPENCL-CPU:0", 8.0)}},
          {"devices", {{{"id", "CPU:0"}, {"busy_fraction", 0.9}}, {{"id", "OPENCL-CPU:0"}, {"busy_fraction", 0.5}}}},
          {"memory", {{{"id", "CPU:0"}, {"weights_bytes", 1 << 20}, {"activations_bytes", 1 << 18}}}},
          {"rss_bytes", 64 << 20}};
}

Json reportJson(bool stopped) {
  const Json latency = {{"count", 100}, {"mean", 5.0}, {"p50", 4.0}, {"p90", 6.0},
                        {"p95", 7.0},   {"p99", 9.0},  {"max", 11.0}};
  const auto replica = [&](const char* name, const char* device) {
    return Json{{"name", name}, {"devices", device}, {"requests", 50}, {"items_per_s", 50.0}, {"latency_ms", latency}};
  };
  return {{"throughput_per_s", 100.0},
          {"items_per_s", 100.0},
          {"duration_s", 1.0},
          {"requests", 100},
          {"failed", 0},
          {"stopped", stopped},
          {"latency_ms", latency},
          {"stages_ms", {{"queue", 1.0}, {"preprocess", 0.0}, {"transfer", 0.5}, {"compute", 3.0}}},
          {"startup_ms", {{"load", 1.0}, {"compile", 2.0}, {"warmup", 3.0}}},
          {"memory", {{"rss_bytes", 64 << 20}, {"devices", {{{"id", "CPU:0"}, {"weights_bytes", 1 << 20}}}}}},
          {"replicas", {replica("cpu", "CPU:0"), replica("acc", "OPENCL-CPU:0")}},
          {"devices", {{{"id", "CPU:0"}, {"busy_fraction", 0.9}}}},
          {"notes", {"too few samples for p99.9"}}};
}

namespace {

// As the engine would: exact nodes over the default, Foo moved from the accelerator to the CPU.
Result<Json> placementView(const Json& params) {
  const Json& placement = params.at("placement");
  Json view = {{"requested", Json::array()},
               {"effective", Json::array()},
               {"reason", Json::array()},
               {"detail", Json::array()},
               {"transfers", Json::array()}};
  int moved = 0;
  for (const char* name : {"stem/conv", "stem/relu", "head/foo"}) {
    const Json nodes = placement.value("nodes", Json::object());
    const std::string requested =
        nodes.contains(name) ? nodes.at(name).get<std::string>() : placement.at("default").get<std::string>();
    const bool moves = std::string(name) == "head/foo" && requested != "CPU:0";
    moved += moves ? 1 : 0;
    view["requested"].push_back(requested);
    view["effective"].push_back(moves ? "CPU:0" : requested);
    view["reason"].push_back(moves ? "unsupported op" : "");
    view["detail"].push_back(moves ? "no kernel for Foo" : "");
  }
  view["summary"] = "3 nodes (" + std::to_string(moved) + " unsupported op)";
  return view;
}

} // namespace

FakeEngine::FakeEngine() {
  handlers[session::method::kHello] = [this](const Json&) -> Result<Json> {
    return Json{{"protocol", 1}, {"version", "test"}, {"pid", 1000 + starts}};
  };
  const Handler devices = [](const Json&) -> Result<Json> { return twoDevices(); };
  handlers[session::method::kDevices] = devices;
  handlers[session::method::kConfigure] = devices;
  handlers[session::method::kModels] = [](const Json&) -> Result<Json> {
    return Json{{"models", {{{"name", "small"}, {"title", "Small"}, {"description", "three layers"}}}}};
  };
  handlers[session::method::kOpen] = [this](const Json& params) -> Result<Json> {
    const std::string source = params.value("model", std::string("/models/open-sizes.onnx"));
    if (source.find("bad") != std::string::npos)
      return makeError(ErrorCode::ModelRejected, "the file is no ONNX model", source, "choose an .onnx file");
    Json document = smallDocument(source, params.value("handle", 10 + starts));
    if (source.find("open-sizes") == std::string::npos) return document;
    const bool chosen = params.contains("dims") && params["dims"].contains("tokens");
    const int tokens = chosen ? params["dims"]["tokens"].get<int>() : 64;
    if (tokens > 512) return makeError(ErrorCode::Usage, "the model has 512 positions", "tokens", "choose fewer");
    document["values"][0]["shape"] = {1, tokens};
    document["free_dims"] = {{{"key", "tokens"},
                              {"where", {"x[1]"}},
                              {"size", tokens},
                              {"chosen", chosen},
                              {"reason", chosen ? "" : "length of a sequence"}}};
    return document;
  };
  handlers[session::method::kPlacement] = placementView;
  handlers[session::method::kExport] = [](const Json& params) -> Result<Json> {
    return Json{{"files", {params.at("folder").get<std::string>() + "/model.onnx"}}};
  };
  handlers[session::method::kPreview] = [](const Json& params) -> Result<Json> {
    if (params.value("preprocess", std::string()).find("std=0") != std::string::npos)
      return makeError(ErrorCode::Usage, "cannot read 'std=0'", "preprocessing", "std=1 leaves values alone");
    return Json{{"kind", "picture"}, {"input", "cat.png"}, {"width", 2},     {"height", 1},
                {"rgb", "/wAAAP8A"}, {"minimum", 0.0},     {"maximum", 1.0}, {"desc", "float32 1x3x1x2"}};
  };
  handlers[session::method::kPredict] = [](const Json&) -> Result<Json> {
    return Json{{"predictions",
                 {{{"input", "cat.png"},
                   {"top", {{{"index", 281}, {"label", "tabby cat"}, {"score", 0.75}}}},
                   {"latency_ms", 4.0},
                   {"summary", "3 nodes: 3 CPU:0"}}}}};
  };
}

SessionFactory FakeEngine::factory() {
  return [this](std::function<void(const session::WorkerEnd&)> ended) -> Result<std::unique_ptr<session::Session>> {
    if (failToStart) return makeError(ErrorCode::WorkerLost, "cannot start tandem-worker", "tandem-worker", "build it");
    ++starts;
    m_ended = std::move(ended);
    return std::unique_ptr<session::Session>(std::make_unique<FakeSession>(*this));
  };
}

int FakeEngine::count(const std::string& method) const {
  int found = 0;
  for (const auto& request : requests) found += request.method == method ? 1 : 0;
  return found;
}

Json FakeEngine::last(const std::string& method) const {
  for (auto it = requests.rbegin(); it != requests.rend(); ++it) {
    if (it->method == method) return it->params;
  }
  return nullptr;
}

void FakeEngine::kill(const std::string& message) {
  finishRun(makeError(ErrorCode::WorkerLost, message));
  m_ended({session::WorkerEnd::Cause::Killed, message, "CPU:0"});
}

void FakeEngine::sendSnapshot(const Json& snapshot) {
  if (m_runEvent) m_runEvent("snapshot", snapshot);
}

void FakeEngine::finishRun(const Result<Json>& report) {
  if (!m_runReply) return;
  const auto reply = std::exchange(m_runReply, nullptr);
  m_runEvent = nullptr;
  reply(report);
}

} // namespace tandem::ui::test
