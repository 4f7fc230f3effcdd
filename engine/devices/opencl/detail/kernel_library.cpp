// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/kernel_library.hpp"

#include <algorithm>
#include <array>

namespace tandem::opencl {
namespace {

struct Source {
  std::string_view name;
  std::string_view text;
};
constexpr Source kSources[] = {
#include "opencl/kernel_sources.inc"
};

std::string_view sourceText(std::string_view name) {
  for (const Source& source : kSources)
    if (source.name == name) return source.text;
  return {};
}

/// common.cl, the files of `names` ("a+b") and `generated`, each with its name in the compiler's messages.
std::string programText(std::string_view names, const std::string& generated) {
  std::string text(sourceText("common"));
  const auto add = [&](std::string_view name, std::string_view body) {
    TANDEM_ASSERT(!body.empty());
    text += "\n#line 1 \"" + std::string(name) + ".cl\"\n" + std::string(body);
  };
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find('+'));
    add(name, sourceText(name));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
  }
  if (!generated.empty()) add("generated", generated);
  return text;
}

/// The first lines that name an error, or the first lines at all: whole logs can have megabytes.
std::string shortened(const std::string& log) {
  constexpr std::size_t kMaxChars = 600;
  std::size_t start = log.find("error:");
  if (start == std::string::npos) start = 0;
  if (std::size_t line = log.rfind('\n', start); line != std::string::npos && start != 0) start = line + 1;
  std::string text = log.substr(start, kMaxChars);
  if (log.size() > start + kMaxChars) text += " ...";
  return text;
}

std::string buildLog(cl_program program, cl_device_id device) {
  std::size_t bytes = 0;
  clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &bytes);
  std::string log(bytes, '\0');
  if (bytes > 0) clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, bytes, log.data(), nullptr);
  while (!log.empty() && (log.back() == '\0' || log.back() == '\n')) log.pop_back();
  return shortened(log);
}

/// PoCL's compiler is one LLVM per process and several contexts (sub-devices) call into it; other drivers do not mind.
std::mutex& compilerMutex() {
  static std::mutex mutex;
  return mutex;
}

} // namespace

KernelLibrary::KernelLibrary(cl_context context, cl_device_id device, std::string deviceKey, std::string where,
                             std::filesystem::path cacheDirectory)
    : m_context(context),
      m_device(device),
      m_deviceKey(std::move(deviceKey)),
      m_where(std::move(where)),
      m_cache(std::move(cacheDirectory)) {}

Result<cl_program> KernelLibrary::get(std::string_view name, const std::string& options, const std::string& generated) {
  std::lock_guard lock(m_mutex);
  const std::string id = std::string(name) + ' ' + options + '\n' + generated;
  if (auto found = m_entries.find(id); found != m_entries.end()) return found->second.program.get();

  const std::string text = programText(name, generated);
  const std::string allOptions = "-cl-std=CL1.2 " + options;
  const std::string key = m_deviceKey + '\n' + allOptions + '\n' + text;

  Entry entry;
  entry.key = key;
  if (auto loaded = load(key, allOptions); loaded.ok() && *loaded) {
    entry.program = std::move(*loaded);
    entry.stored = true;
    ++m_loaded;
  } else {
    entry.program = TANDEM_TRY(build(name, text, allOptions));
    ++m_built;
  }
  return m_entries.emplace(id, std::move(entry)).first->second.program.get();
}

Result<ProgramHandle> KernelLibrary::load(const std::string& key, const std::string& options) {
  const auto binary = m_cache.load(key);
  if (!binary) return ProgramHandle();
  std::lock_guard lock(compilerMutex());
  const unsigned char* bytes = binary->data();
  const std::size_t size = binary->size();
  cl_int status = CL_SUCCESS;
  cl_int code = CL_SUCCESS;
  ProgramHandle program(clCreateProgramWithBinary(m_context, 1, &m_device, &size, &bytes, &status, &code));
  if (code != CL_SUCCESS || status != CL_SUCCESS) return ProgramHandle();
  if (clBuildProgram(program.get(), 1, &m_device, options.c_str(), nullptr, nullptr) != CL_SUCCESS)
    return ProgramHandle();
  return program;
}

Result<ProgramHandle> KernelLibrary::build(std::string_view name, const std::string& text, const std::string& options) {
  std::lock_guard lock(compilerMutex());
  const char* chars = text.c_str();
  const std::size_t length = text.size();
  cl_int code = CL_SUCCESS;
  ProgramHandle program(clCreateProgramWithSource(m_context, 1, &chars, &length, &code));
  if (code != CL_SUCCESS) return clFailed("clCreateProgramWithSource", code, m_where);
  code = clBuildProgram(program.get(), 1, &m_device, options.c_str(), nullptr, nullptr);
  if (code != CL_SUCCESS)
    return makeError(ErrorCode::DeviceFailed,
                     "building the OpenCL kernel '" + std::string(name) + "' (" + options + ") failed with " +
                         clErrorName(code) + ": " + buildLog(program.get(), m_device),
                     m_where, "place these layers on another device, and report this with the driver's version");
  return program;
}

void KernelLibrary::persist() {
  std::lock_guard lock(m_mutex);
  for (auto& [id, entry] : m_entries) {
    if (entry.stored) continue;
    entry.stored = true;
    std::size_t size = 0;
    if (clGetProgramInfo(entry.program.get(), CL_PROGRAM_BINARY_SIZES, sizeof size, &size, nullptr) != CL_SUCCESS ||
        size == 0)
      continue;
    std::vector<unsigned char> binary(size);
    unsigned char* pointer = binary.data();
    if (clGetProgramInfo(entry.program.get(), CL_PROGRAM_BINARIES, sizeof pointer, &pointer, nullptr) == CL_SUCCESS)
      m_cache.store(entry.key, binary);
  }
}

int KernelLibrary::builtCount() const {
  std::lock_guard lock(m_mutex);
  return m_built;
}

int KernelLibrary::loadedCount() const {
  std::lock_guard lock(m_mutex);
  return m_loaded;
}

} // namespace tandem::opencl
