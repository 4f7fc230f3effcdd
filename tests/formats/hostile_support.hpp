// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "tests/formats/proto_builder.hpp"
#include "tests/formats/sanitized.hpp"

#include <cerrno>
#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::testing {

/// What reading a file came to, in a process of its own, so that its peak memory can be told and a crash is an outcome.
struct Outcome {
  bool alive = false; ///< it ended by itself
  bool opened = false;
  std::string text; ///< the error's line, or the first warning
  std::int64_t peakBytes = 0;
  double seconds = 0;
};

/// `work` returns the text; it starts with "ok" where the file opened.
template <class Work> Outcome inChild(Work work) {
  int pipes[2] = {};
  Outcome outcome;
  if (::pipe(pipes) != 0) return outcome;
  const auto started = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string text = work();
    std::size_t at = 0;
    while (at < text.size()) {
      const ssize_t written = ::write(pipes[1], text.data() + at, text.size() - at);
      if (written <= 0) break;
      at += static_cast<std::size_t>(written);
    }
    ::_exit(0);
  }
  ::close(pipes[1]);
  char buffer[4096];
  for (ssize_t got; (got = ::read(pipes[0], buffer, sizeof buffer)) != 0;) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    outcome.text.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(pipes[0]);
  int status = 0;
  struct rusage used {};
  ::wait4(child, &status, 0, &used);
  outcome.alive = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  outcome.opened = outcome.text.starts_with("ok");
  outcome.peakBytes = used.ru_maxrss * 1024;
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return outcome;
}

inline Outcome readInChild(const std::filesystem::path& path) {
  return inChild([&] {
    auto model = readOnnx(path);
    if (!model) return model.error().line() + " | " + model.error().message;
    return "ok " + (model->warnings.empty() ? std::string() : model->warnings.front());
  });
}

/// The rule for every hostile file: an answer, no death, at most 300 MB and twice the file. Sanitizers need more memory
/// than the program, so there only the answer counts.
inline void expectBounded(const Outcome& outcome, std::int64_t fileBytes, double seconds = 10) {
  EXPECT_TRUE(outcome.alive) << outcome.text;
  EXPECT_FALSE(outcome.text.empty());
  if constexpr (kAddressSanitized) return;
  EXPECT_LE(outcome.peakBytes, (std::int64_t{300} << 20) + 2 * fileBytes);
  EXPECT_LE(outcome.seconds, seconds);
}

/// Counts how often files that nobody should touch are opened.
class OpenWatch {
 public:
  OpenWatch() : m_queue(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}
  ~OpenWatch() { ::close(m_queue); }
  OpenWatch(const OpenWatch&) = delete;
  OpenWatch& operator=(const OpenWatch&) = delete;

  void add(const std::filesystem::path& path) {
    EXPECT_GE(::inotify_add_watch(m_queue, path.c_str(), IN_OPEN | IN_ACCESS), 0) << path;
  }
  int opens() {
    alignas(inotify_event) char buffer[4096];
    int count = 0;
    for (ssize_t got; (got = ::read(m_queue, buffer, sizeof buffer)) > 0;)
      for (ssize_t at = 0; at < got;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        if ((event->mask & IN_OPEN) != 0) ++count;
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    return count;
  }

 private:
  int m_queue;
};

/// A field of a protobuf message with the length said, which need not be true.
inline std::string varint(std::uint64_t value) {
  std::string text;
  for (; value > 0x7f; value >>= 7) text += static_cast<char>(0x80 | (value & 0x7f));
  return text + static_cast<char>(value);
}
inline std::string lengthDelimited(int field, std::uint64_t length, std::string_view content) {
  return varint(static_cast<std::uint64_t>(field) << 3 | 2) + varint(length) + std::string(content);
}

/// A folder of one test, empty at first and gone afterwards.
class ScratchFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    m_root = std::filesystem::path(::testing::TempDir()) /
             ("tandem_" + std::string(test->test_suite_name()) + "_" + test->name() + "_" + std::to_string(::getpid()));
    std::filesystem::remove_all(m_root);
    std::filesystem::create_directories(m_root);
  }
  void TearDown() override { std::filesystem::remove_all(m_root); }

  std::filesystem::path write(const std::string& name, std::string_view content) const {
    std::ofstream(m_root / name, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
    return m_root / name;
  }

  std::filesystem::path m_root;
};

} // namespace tandem::testing
