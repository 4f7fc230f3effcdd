// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/icd_check.hpp"

#include "engine/base/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace tandem::opencl {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> registeredDrivers() {
  fs::path place = "/etc/OpenCL/vendors";
  for (const char* variable : {"OPENCL_VENDOR_PATH", "OCL_ICD_VENDORS"}) // the last one counts most
    if (const char* text = std::getenv(variable); text && *text) place = text;
  std::error_code error;
  std::vector<fs::path> files;
  if (fs::is_directory(place, error)) {
    for (fs::directory_iterator it(place, error), end; !error && it != end; it.increment(error))
      if (it->path().extension() == ".icd") files.push_back(it->path());
  } else {
    files.push_back(place);
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::int64_t timeoutNs() {
  constexpr double kDefaultS = 10;
  const char* text = std::getenv("TANDEM_DRIVER_TIMEOUT_S");
  const double seconds = text ? std::strtod(text, nullptr) : 0;
  return static_cast<std::int64_t>((seconds > 0 && seconds < 3600 ? seconds : kDefaultS) * 1e9);
}

/// The program beside this one; empty where it is missing.
fs::path checkProgram() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path() / "tandem-driver-check";
  return !error && access(program.c_str(), X_OK) == 0 ? program : fs::path();
}

/// One driver being asked.
struct Question {
  fs::path icd;
  pid_t pid = -1;
  int pipe = -1;
  std::string answer;
  int status = 0;
  bool ended = false;
};

void start(Question& question, const fs::path& program) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string name = program.string();
  std::string icd = question.icd.string();
  char* arguments[] = {name.data(), icd.data(), nullptr};
  if (posix_spawn(&question.pid, name.c_str(), &actions, nullptr, arguments, environ) != 0) question.pid = -1;
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (question.pid > 0)
    question.pipe = ends[0];
  else
    close(ends[0]);
}

/// Reads until every pipe is closed or the time is over.
void listen(std::vector<Question>& questions, std::int64_t untilNs) {
  for (;;) {
    std::vector<pollfd> polled;
    std::vector<Question*> open;
    for (Question& each : questions)
      if (each.pipe >= 0) polled.push_back({each.pipe, POLLIN, 0}), open.push_back(&each);
    const std::int64_t leftMs = (untilNs - nowNs()) / 1'000'000;
    if (open.empty() || leftMs <= 0) return;
    if (poll(polled.data(), polled.size(), static_cast<int>(leftMs)) < 0 && errno != EINTR) return;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (polled[i].revents == 0) continue;
      char text[512];
      const ssize_t count = read(open[i]->pipe, text, sizeof text);
      if (count > 0) {
        open[i]->answer.append(text, static_cast<std::size_t>(count));
      } else if (count == 0 || errno != EINTR) {
        close(std::exchange(open[i]->pipe, -1));
      }
    }
  }
}

/// Ends what still runs. A process that hangs inside the kernel cannot be collected: it is left behind.
void collect(Question& question) {
  if (question.pid <= 0) return;
  if (question.pipe >= 0) {
    kill(question.pid, SIGKILL);
    close(std::exchange(question.pipe, -1));
  } else {
    question.ended = true;
  }
  constexpr int kTries = 500;
  for (int i = 0; i < kTries && waitpid(question.pid, &question.status, WNOHANG) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void judge(Question& question, DriverCheck& result) {
  const std::string name = question.icd.filename().string();
  std::string library = libraryOf(question.icd);
  if (library.empty()) library = question.icd.string();
  const std::string leftOut = "; it is left out. Repair or remove it, or the file " + question.icd.string();
  while (!question.answer.empty() && question.answer.back() == '\n') question.answer.pop_back();
  if (question.pid > 0 && !question.ended) {
    result.problems.push_back({name, "the driver " + library + " did not answer within " +
                                         std::to_string(timeoutNs() / 1'000'000'000) + " s" + leftOut +
                                         " (TANDEM_DRIVER_TIMEOUT_S gives it longer)"});
  } else if (question.pid > 0 && WIFSIGNALED(question.status)) {
    result.problems.push_back({name, "the driver " + library + " crashed while it listed its devices (" +
                                         strsignal(WTERMSIG(question.status)) + ")" + leftOut});
  } else if (question.pid > 0 && question.answer.empty()) {
    result.problems.push_back(
        {name, "the driver " + library + " ended the program that asked for its devices" + leftOut});
  } else {
    // Could not be asked (no program for it): as harmless as before.
    if (!question.answer.empty() && question.answer != kDriverAnswers)
      result.problems.push_back({name, question.answer});
    result.harmless.push_back(question.icd);
    return;
  }
  result.dangerous.push_back(question.icd);
}

DriverCheck ask(const std::vector<fs::path>& drivers) {
  DriverCheck result;
  const fs::path program = checkProgram();
  std::vector<Question> questions;
  for (const fs::path& icd : drivers) {
    questions.emplace_back().icd = icd;
    if (!program.empty()) start(questions.back(), program);
  }
  listen(questions, nowNs() + timeoutNs());
  for (Question& question : questions) {
    collect(question);
    judge(question, result);
  }
  return result;
}

} // namespace

DriverCheck checkDrivers() {
  static std::mutex mutex;
  static std::map<std::vector<fs::path>, DriverCheck> known;
  const std::vector<fs::path> drivers = registeredDrivers();
  std::lock_guard lock(mutex);
  auto found = known.find(drivers);
  if (found == known.end()) found = known.emplace(drivers, ask(drivers)).first;
  return found->second;
}

HarmlessDriversOnly::HarmlessDriversOnly(const DriverCheck& check) {
  if (check.dangerous.empty()) return;
  std::error_code error;
  std::string folder = (fs::temp_directory_path(error) / "tandem_opencl_XXXXXX").string();
  if (error || !mkdtemp(folder.data()))
    folder = "/nonexistent"; // then rather no driver than one that crashes
  else
    m_folder = folder;
  for (const fs::path& icd : check.harmless) fs::copy_file(icd, m_folder / icd.filename(), error);
  if (const char* before = std::getenv("OCL_ICD_VENDORS")) m_wasSet = true, m_before = before;
  setenv("OCL_ICD_VENDORS", folder.c_str(), 1);
}

HarmlessDriversOnly::~HarmlessDriversOnly() {
  if (m_folder.empty()) return;
  if (m_wasSet)
    setenv("OCL_ICD_VENDORS", m_before.c_str(), 1);
  else
    unsetenv("OCL_ICD_VENDORS");
  std::error_code ignored;
  fs::remove_all(m_folder, ignored);
}

} // namespace tandem::opencl
