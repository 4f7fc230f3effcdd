// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/codec.hpp"
#include "engine/session/local_session.hpp"
#include "tests/formats/proto_builder.hpp"

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <optional>

namespace tandem::session {

/// Hostile models and inputs in a session, on every device there is; a folder of each test's own.
class HostileRun : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    m_root = std::filesystem::path(::testing::TempDir()) / (std::string("tandem_hostile_run_") + test->name());
    std::filesystem::remove_all(m_root);
    std::filesystem::create_directories(m_root);
    auto list = decodeDevices(*call(m_session, method::kDevices, Json::object()));
    ASSERT_TRUE(list.ok()) << list.error().line();
    for (const DeviceSummary& device : list->devices) m_devices.push_back(device.id);
  }
  void TearDown() override { std::filesystem::remove_all(m_root); }

  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(m_root / name, std::ios::binary) << bytes;
    return (m_root / name).string();
  }
  std::string save(const testing::ModelBuilder& builder) const { return write("m.onnx", builder.bytes()); }

  /// A .npy file of version 1.0; `type` as "<f4", `shape` as "(2, 3)".
  std::string npy(const std::string& name, const std::string& type, const std::string& shape,
                  std::string_view bytes) const {
    std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
    header.append(63 - (10 + header.size()) % 64, ' ') += '\n';
    const char length[] = {static_cast<char>(header.size()), static_cast<char>(header.size() >> 8)};
    return write(name, std::string("\x93NUMPY\x01\0", 8) + std::string(length, 2) + header + std::string(bytes));
  }
  template <class T>
  std::string npy(const std::string& name, const std::string& type, const std::string& shape,
                  const std::vector<T>& values) const {
    return npy(name, type, shape,
               std::string_view(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
  }

  /// Without input files a model without inputs runs once.
  Result<Json> predict(const std::string& model, const std::string& device,
                       const std::vector<std::string>& inputs = {}) {
    return call(m_session, method::kPredict, {{"model", model}, {"device", device}, {"inputs", inputs}});
  }

  LocalSession m_session;
  std::vector<std::string> m_devices;
  std::filesystem::path m_root;
};

/// A request that somebody waits for on another thread's behalf.
class Awaited {
 public:
  Awaited(LocalSession& session, const std::string& method, const Json& params)
      : m_session(session),
        m_id(session.request(
            method, params,
            [this](Result<Json> reply) {
              const std::lock_guard lock(m_mutex);
              m_reply = std::move(reply);
              m_changed.notify_all();
            },
            [this](const std::string&, const Json&) {
              const std::lock_guard lock(m_mutex);
              m_started = true;
              m_changed.notify_all();
            })) {}
  void cancel() { m_session.cancel(m_id); }
  /// Until its first progress, or its end.
  void waitForStart() {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [&] { return m_started || m_reply; });
  }
  bool isDoneWithin(std::chrono::milliseconds time) {
    std::unique_lock lock(m_mutex);
    return m_changed.wait_for(lock, time, [&] { return m_reply.has_value(); });
  }
  Result<Json> reply() {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [&] { return m_reply.has_value(); });
    return *m_reply;
  }

 private:
  LocalSession& m_session;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  bool m_started = false;
  std::optional<Result<Json>> m_reply;
  std::uint64_t m_id; ///< last: the replies use what is above
};

inline onnx::TensorProto& wholeNumbers(testing::ModelBuilder& builder, const std::string& name,
                                       std::vector<std::int64_t> values, bool scalar = false) {
  auto& tensor = builder.weight(name, {}, {});
  if (!scalar) tensor.add_dims(static_cast<std::int64_t>(values.size()));
  tensor.set_data_type(onnx::TensorProto::INT64);
  for (std::int64_t value : values) tensor.add_int64_data(value);
  return tensor;
}

inline void describeWholeNumbers(testing::ModelBuilder& builder, const std::string& name,
                                 std::vector<std::int64_t> dims) {
  testing::ModelBuilder::describe(*builder.graph().add_input(), name, std::move(dims), onnx::TensorProto::INT64);
}

} // namespace tandem::session
