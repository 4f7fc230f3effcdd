// SPDX-License-Identifier: GPL-3.0-or-later
// The same calls as call_bench in ONNX Runtime's C API, so that its figures carry no Python: the library of the PyPI
// package is loaded at run time. Command line: call_times.hpp; --library FILE is that library.
//
// No header of it is needed: the API is a table of function pointers that only ever grows at its end, so the places
// of the few functions used here are fixed (version 1 of the table; documentation of OrtApi).
#include "bench/micro/call_times.hpp"

#include <cstdio>
#include <dlfcn.h>
#include <map>
#include <stdexcept>

namespace tandem::bench {
namespace {

using Status = void*;
using Handle = void*;

enum Place : std::size_t {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSession = 7,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetGraphOptimizationLevel = 23,
  kSetIntraOpThreads = 24,
  kCreateTensorWithData = 49,
  kGetTensorMutableData = 51,
  kGetElementCount = 64,
  kGetTensorTypeAndShape = 65,
  kGetElementType = 60,
  kCreateCpuMemoryInfo = 69,
};
constexpr int kLogErrors = 3, kOptimizeAll = 99, kArenaAllocator = 1, kDefaultMemory = 0;

// Element types by their number in the API, which is that of onnx.TensorProto, and their size.
const std::map<std::string, std::pair<int, std::size_t>> kTypes = {
    {"float32", {1, 4}},  {"uint8", {2, 1}},    {"int8", {3, 1}},    {"uint16", {4, 2}},
    {"int16", {5, 2}},    {"int32", {6, 4}},    {"int64", {7, 8}},   {"bool", {9, 1}},
    {"float16", {10, 2}}, {"float64", {11, 8}}, {"uint32", {12, 4}}, {"uint64", {13, 8}}};

class Api {
 public:
  explicit Api(const std::string& library) {
    void* loaded = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!loaded) throw std::runtime_error(dlerror());
    struct Base {
      void* const* (*getApi)(std::uint32_t version);
      const char* (*getVersion)();
    };
    const auto getBase = reinterpret_cast<const Base* (*)()>(dlsym(loaded, "OrtGetApiBase"));
    if (!getBase) throw std::runtime_error(library + " is no ONNX Runtime");
    m_version = getBase()->getVersion();
    m_table = getBase()->getApi(1);
    if (!m_table) throw std::runtime_error(library + " does not offer version 1 of its API");
  }

  template <class... Arguments> void call(Place place, Arguments... arguments) const {
    using Function = Status (*)(Arguments...);
    if (Status status = reinterpret_cast<Function>(m_table[place])(arguments...)) {
      const auto message = reinterpret_cast<const char* (*)(Status)>(m_table[kGetErrorMessage]);
      throw std::runtime_error(message(status));
    }
  }
  const std::string& version() const { return m_version; }

 private:
  void* const* m_table = nullptr;
  std::string m_version;
};

Handle createSession(const Api& api, const CallOptions& options) {
  Handle env = nullptr, settings = nullptr, session = nullptr;
  api.call(kCreateEnv, kLogErrors, "bench", &env);
  api.call(kCreateSessionOptions, &settings);
  api.call(kSetIntraOpThreads, settings, options.threads);
  api.call(kSetGraphOptimizationLevel, settings, kOptimizeAll);
  api.call(kCreateSession, env, options.model.c_str(), settings, &session);
  return session;
}

std::vector<Handle> wrapInputs(const Api& api, CallOptions& options) {
  Handle memory = nullptr;
  api.call(kCreateCpuMemoryInfo, kArenaAllocator, kDefaultMemory, &memory);
  std::vector<Handle> values;
  for (CallInput& input : options.inputs) {
    const auto type = kTypes.find(input.type);
    if (type == kTypes.end()) throw std::runtime_error("element type " + input.type + " is unknown here");
    values.push_back(nullptr);
    api.call(kCreateTensorWithData, memory, static_cast<void*>(input.bytes.data()), input.bytes.size(),
             static_cast<const std::int64_t*>(input.shape.data()), input.shape.size(), type->second.first,
             &values.back());
  }
  return values;
}

void save(const Api& api, const std::vector<Handle>& outputs, const std::string& folder) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Handle info = nullptr;
    void* data = nullptr;
    std::size_t count = 0;
    int type = 0;
    api.call(kGetTensorTypeAndShape, outputs[i], &info);
    api.call(kGetElementCount, info, &count);
    api.call(kGetElementType, info, &type);
    api.call(kGetTensorMutableData, outputs[i], &data);
    for (const auto& [name, known] : kTypes)
      if (known.first == type && !saveOutput(folder, i, data, count * known.second))
        throw std::runtime_error(folder + ": outputs cannot be written");
  }
}

int bench(CallOptions& options) {
  const Api api(options.library);
  Handle session = createSession(api, options);
  const std::vector<Handle> inputs = wrapInputs(api, options);
  std::vector<const char*> inputNames, outputNames;
  for (const CallInput& input : options.inputs) inputNames.push_back(input.name.c_str());
  for (const std::string& output : options.outputs) outputNames.push_back(output.c_str());
  // Made by the first call and written again by the next ones, so that no call allocates its results.
  std::vector<Handle> outputs(outputNames.size(), nullptr);
  const auto call = [&] {
    api.call(kRun, session, Handle{}, static_cast<const char* const*>(inputNames.data()),
             static_cast<const Handle*>(inputs.data()), inputs.size(),
             static_cast<const char* const*>(outputNames.data()), outputNames.size(), outputs.data());
    return true;
  };
  const auto times = timeCalls(call, options.seconds);
  if (!options.saveTo.empty()) save(api, outputs, options.saveTo);
  printCallTimes(*times, ", \"version\": \"" + api.version() + "\"");
  return 0;
}

} // namespace
} // namespace tandem::bench

int main(int argc, char** argv) {
  auto options = tandem::bench::parseCallOptions(argc, argv);
  if (!options) return 2;
  try {
    return tandem::bench::bench(*options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
