// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/kernel_library.hpp"

#include "engine/devices/opencl/detail/flight_gate.hpp"
#include "engine/devices/opencl/opencl_device.hpp"

#include <algorithm>
#include <set>
#include <thread>
#include <tuple>

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

/// PoCL gains nothing by builds side by side, as it holds a lock of its own around LLVM, and several contexts
/// (sub-devices) in its compiler at once have crashed: its builds go one at a time through the whole process.
std::mutex& oneAtATimeMutex() {
  static std::mutex mutex;
  return mutex;
}

std::size_t likedBy(std::string_view driver) {
  constexpr std::size_t kMost = 8; // each compiler takes memory
  return driver.starts_with("PoCL") ? 1 : std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMost);
}

/// Empty where the driver has none to give.
std::vector<unsigned char> binaryOf(cl_program program) {
  std::size_t size = 0;
  if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, nullptr) != CL_SUCCESS || size == 0 ||
      size > BinaryCache::kMaxEntryBytes)
    return {};
  std::vector<unsigned char> binary(size);
  unsigned char* pointer = binary.data();
  if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof pointer, &pointer, nullptr) != CL_SUCCESS) return {};
  return binary;
}

bool hasKernel(cl_program program, const std::string& kernel) {
  cl_int code = CL_SUCCESS;
  const KernelHandle handle(clCreateKernel(program, kernel.c_str(), &code));
  return code == CL_SUCCESS;
}

} // namespace

KernelLibrary::KernelLibrary(const DeviceContext& context, const std::string& deviceKey,
                             std::filesystem::path cacheDirectory, std::size_t buildsAtOnce)
    : m_context(context),
      m_deviceKey(deviceKey),
      m_cache(deviceKey.empty() ? std::filesystem::path() : std::move(cacheDirectory)),
      m_buildsAtOnce(buildsAtOnce > 0 ? buildsAtOnce : likedBy(context.info.driver)) {}

std::shared_ptr<KernelLibrary::Entry> KernelLibrary::entryOf(const KernelRequest& request) {
  std::lock_guard lock(m_mutex);
  std::shared_ptr<Entry>& entry = m_entries[request.source + ' ' + request.options + '\n' + request.generated];
  if (!entry) entry = std::make_shared<Entry>();
  return entry;
}

Result<cl_program> KernelLibrary::get(const KernelRequest& request) {
  const std::shared_ptr<Entry> entry = entryOf(request);
  std::lock_guard lock(entry->mutex);
  // What was built here has every kernel of its source; what was read from the disk may be anything.
  const bool lacking = entry->program && entry->fromDisk && !hasKernel(entry->program.get(), request.kernel);
  if (!entry->program || lacking) TANDEM_TRY(make(*entry, request));
  return entry->program.get();
}

Result<void> KernelLibrary::make(Entry& entry, const KernelRequest& request) {
  const std::string text = programText(request.source, request.generated);
  const std::string options = "-cl-std=CL1.2 " + request.options;
  entry.key = m_deviceKey + '\n' + options + '\n' + text;

  // One that turned out to lack a kernel is not read a second time.
  ProgramHandle made = entry.program ? ProgramHandle() : load(entry.key, options, request.kernel);
  entry.fromDisk = entry.stored = static_cast<bool>(made);
  if (made) {
    ++m_loaded;
  } else {
    made = TANDEM_TRY(build(request.source, text, options));
    ++m_built;
  }
  if (entry.program) entry.replaced.push_back(std::move(entry.program));
  entry.program = std::move(made);
  return {};
}

Result<void> KernelLibrary::prepare(std::span<const KernelRequest> requests, const CancelToken& cancel,
                                    const CompileProgress& progress) {
  std::vector<const KernelRequest*> programs; // of each program the first: threads would wait for one another
  std::set<std::tuple<std::string_view, std::string_view, std::string_view>> seen;
  for (const KernelRequest& request : requests)
    if (seen.emplace(request.source, request.options, request.generated).second) programs.push_back(&request);

  std::mutex mutex; // of progress and failure
  std::size_t next = 0;
  Result<void> status;
  const auto work = [&] {
    for (;;) {
      const KernelRequest* request = nullptr;
      {
        std::lock_guard lock(mutex);
        if (next == programs.size() || !status) return;
        if (status = cancel.check(); !status) return;
        request = programs[next++];
        if (progress)
          progress(static_cast<std::int64_t>(next - 1), static_cast<std::int64_t>(programs.size()),
                   "compiling kernel " + std::to_string(next) + " of " + std::to_string(programs.size()) + " for " +
                       m_context.info.id);
      }
      const Result<cl_program> built = get(*request);
      std::lock_guard lock(mutex);
      if (!built && status) status = built.error();
    }
  };
  std::vector<std::thread> helpers;
  for (std::size_t i = 1; i < std::min(m_buildsAtOnce, programs.size()); ++i) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  return status;
}

ProgramHandle KernelLibrary::load(const std::string& key, const std::string& options, const std::string& kernel) {
  const auto binary = m_cache.load(key);
  if (!binary) return ProgramHandle();
  std::unique_lock lock(oneAtATimeMutex(), std::defer_lock);
  if (m_buildsAtOnce == 1) lock.lock();
  const unsigned char* bytes = binary->data();
  const std::size_t size = binary->size();
  cl_int status = CL_SUCCESS;
  cl_int code = CL_SUCCESS;
  ProgramHandle program(
      clCreateProgramWithBinary(m_context.context.get(), 1, &m_context.device, &size, &bytes, &status, &code));
  if (code != CL_SUCCESS || status != CL_SUCCESS) return ProgramHandle();
  if (clBuildProgram(program.get(), 1, &m_context.device, options.c_str(), nullptr, nullptr) != CL_SUCCESS)
    return ProgramHandle();
  return hasKernel(program.get(), kernel) ? std::move(program) : ProgramHandle();
}

Result<ProgramHandle> KernelLibrary::build(std::string_view name, const std::string& text, const std::string& options) {
  std::unique_lock lock(oneAtATimeMutex(), std::defer_lock);
  if (m_buildsAtOnce == 1) lock.lock();
  const char* chars = text.c_str();
  const std::size_t length = text.size();
  cl_int code = CL_SUCCESS;
  ProgramHandle program(clCreateProgramWithSource(m_context.context.get(), 1, &chars, &length, &code));
  if (code != CL_SUCCESS) return m_context.failed("clCreateProgramWithSource", code);
  code = clBuildProgram(program.get(), 1, &m_context.device, options.c_str(), nullptr, nullptr);
  if (code == CL_SUCCESS) return program;
  Error error = m_context.failed("building the OpenCL kernel '" + std::string(name) + "' (" + options + ")", code);
  const std::string log = buildLog(program.get(), m_context.device);
  error.message += log.empty() ? ", and the driver gives no reason" : ": " + log;
  error.hint = "place these layers on another device, and report this with the driver's version";
  return error;
}

void KernelLibrary::persist() {
  std::vector<std::shared_ptr<Entry>> entries;
  {
    std::lock_guard lock(m_mutex);
    for (const auto& [id, entry] : m_entries) entries.push_back(entry);
  }
  bool any = false;
  for (const std::shared_ptr<Entry>& entry : entries) {
    std::lock_guard lock(entry->mutex);
    if (entry->stored || !entry->program) continue;
    constexpr std::chrono::milliseconds kPatience{200}; // what cannot be had now is asked for the next time
    std::vector<unsigned char> binary;
    entry->stored = FlightGate::ofProcess().alone(kPatience, [&] { binary = binaryOf(entry->program.get()); });
    if (!entry->stored) break; // whoever is under way would be held up once for every program
    if (binary.empty()) continue;
    m_cache.store(entry->key, binary);
    any = true;
  }
  if (any) m_cache.shrink();
}

} // namespace tandem::opencl
