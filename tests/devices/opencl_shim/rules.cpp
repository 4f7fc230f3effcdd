// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/opencl_shim/rules.hpp"

#include "tests/devices/opencl_shim/opencl_shim.hpp"

#include <cstdlib>
#include <cstring>
#include <sstream>

namespace tandem::test::shim {

State& State::instance() {
  static State* state = new State(); // drivers call until the very end of the process
  return *state;
}

State::State() {
  if (const char* text = std::getenv("TANDEM_OPENCL_SHIM")) parse(text);
}

void State::parse(const std::string& text) {
  std::istringstream list(text);
  std::string each;
  while (std::getline(list, each, ';')) {
    const std::size_t equals = each.find('=');
    if (equals == std::string::npos) continue;
    std::string left = each.substr(0, equals);
    const std::string right = each.substr(equals + 1);
    if (left == "max_alloc" || left == "memory" || left == "align" || left == "own_memory") {
      (left == "max_alloc"    ? maxAllocation
       : left == "memory"     ? memory
       : left == "own_memory" ? ownMemory
                              : alignment) = std::stoull(right);
      continue;
    }
    Rule rule;
    if (left.back() == '+') rule.onwards = true, left.pop_back();
    if (const std::size_t colon = left.find(':'); colon != std::string::npos) {
      rule.nth = std::stoul(left.substr(colon + 1));
      left.resize(colon);
    }
    if (const std::size_t at = left.find('@'); at != std::string::npos) {
      rule.device = std::stoi(left.substr(at + 1));
      left.resize(at);
    }
    rule.entry = left;
    if (right == "hold")
      rule.action = Action::Hold;
    else if (right == "flip")
      rule.action = Action::Flip;
    else if (right == "defer")
      rule.action = Action::Defer;
    else if (right == "abort")
      rule.action = Action::Abort;
    else {
      const std::size_t colon = right.find(':');
      rule.code = std::stoi(right.substr(0, colon));
      if (colon != std::string::npos) rule.log = right.substr(colon + 1);
    }
    m_rules.push_back(std::move(rule));
  }
}

void State::setRules(const std::string& text) {
  std::lock_guard lock(m_mutex);
  m_rules.clear();
  m_calls.clear();
  m_hits = 0;
  m_released = false;
  if (m_objects.empty()) m_devices.clear();
  maxAllocation = memory = alignment = ownMemory = 0;
  parse(text);
}

Verdict State::enter(const char* entry, int device) {
  Verdict verdict;
  {
    std::lock_guard lock(m_mutex);
    m_calls.push_back(entry);
    for (Rule& rule : m_rules) {
      if ((rule.entry != "*" && rule.entry != entry) || (rule.device >= 0 && rule.device != device)) continue;
      ++rule.seen;
      if (rule.seen != rule.nth && !(rule.onwards && rule.seen > rule.nth)) continue;
      if (verdict.action != Action::None) continue; // the first rule decides, all of them count
      verdict = {rule.action, rule.code, rule.log};
      ++m_hits;
    }
  }
  if (verdict.action == Action::Hold) waitForRelease();
  if (verdict.action == Action::Abort) std::abort();
  return verdict;
}

int State::deviceOf(const void* object) {
  std::lock_guard lock(m_mutex);
  if (auto found = m_objects.find(object); found != m_objects.end() && found->second.device >= 0)
    return found->second.device;
  auto device = m_devices.find(static_cast<cl_device_id>(const_cast<void*>(object)));
  return device == m_devices.end() ? -1 : device->second;
}

int State::numberDevice(cl_device_id device) {
  std::lock_guard lock(m_mutex);
  return m_devices.try_emplace(device, static_cast<int>(m_devices.size())).first->second;
}

void State::made(const char* kind, const void* object, int device) {
  if (!object) return;
  std::lock_guard lock(m_mutex);
  m_objects[object] = {kind, 1, device};
}

void State::retained(const void* object) {
  std::lock_guard lock(m_mutex);
  if (auto found = m_objects.find(object); found != m_objects.end()) ++found->second.references;
}

void State::released(const void* object) {
  std::lock_guard lock(m_mutex);
  auto found = m_objects.find(object);
  if (found == m_objects.end() || --found->second.references > 0) return;
  void* raw = const_cast<void*>(object);
  if (auto bytes = m_bytes.find(static_cast<cl_mem>(raw)); bytes != m_bytes.end()) {
    m_used -= bytes->second;
    m_bytes.erase(bytes);
  }
  m_deferred.erase(static_cast<cl_mem>(raw));
  m_arguments.erase(static_cast<cl_kernel>(raw));
  m_logs.erase(static_cast<cl_program>(raw));
  m_objects.erase(found);
}

cl_int State::admit(std::size_t bytes) {
  std::lock_guard lock(m_mutex);
  if (maxAllocation > 0 && bytes > maxAllocation) return CL_INVALID_BUFFER_SIZE;
  if (memory > 0 && m_used + bytes > memory) return CL_MEM_OBJECT_ALLOCATION_FAILURE;
  return CL_SUCCESS;
}

void State::allocated(cl_mem mem, std::size_t bytes, bool deferred) {
  std::lock_guard lock(m_mutex);
  m_bytes[mem] = bytes;
  m_used += bytes;
  if (deferred) m_deferred.insert(mem);
}

void State::partOf(cl_mem part, cl_mem whole) {
  std::lock_guard lock(m_mutex);
  if (m_deferred.contains(whole)) m_deferred.insert(part);
}

void State::setArgument(cl_kernel kernel, cl_uint index, std::size_t size, const void* value) {
  std::lock_guard lock(m_mutex);
  cl_mem mem = nullptr;
  if (value && size == sizeof mem) std::memcpy(&mem, value, sizeof mem);
  m_arguments[kernel][index] = mem;
}

bool State::usesDeferred(cl_mem mem) {
  std::lock_guard lock(m_mutex);
  return m_deferred.contains(mem);
}

bool State::usesDeferred(cl_kernel kernel) {
  std::lock_guard lock(m_mutex);
  for (const auto& [index, mem] : m_arguments[kernel])
    if (m_deferred.contains(mem)) return true;
  return false;
}

void State::setLog(cl_program program, std::string log) {
  std::lock_guard lock(m_mutex);
  m_logs[program] = std::move(log);
}

std::optional<std::string> State::logOf(cl_program program) {
  std::lock_guard lock(m_mutex);
  auto found = m_logs.find(program);
  return found == m_logs.end() ? std::nullopt : std::optional(found->second);
}

void State::waitForRelease() {
  std::unique_lock lock(m_mutex);
  ++m_held;
  m_wake.notify_all();
  m_wake.wait(lock, [&] { return m_released; });
  --m_held;
}

void State::release() {
  std::lock_guard lock(m_mutex);
  m_released = true;
  m_wake.notify_all();
}

void State::waitUntilHeld(int calls) {
  std::unique_lock lock(m_mutex);
  m_wake.wait(lock, [&] { return m_held >= calls; });
}

std::size_t State::calls() {
  std::lock_guard lock(m_mutex);
  return m_calls.size();
}

std::string State::nameOfCall(std::size_t n) {
  std::lock_guard lock(m_mutex);
  return n >= 1 && n <= m_calls.size() ? m_calls[n - 1] : "";
}

std::size_t State::hits() {
  std::lock_guard lock(m_mutex);
  return m_hits;
}

std::string State::alive() {
  std::lock_guard lock(m_mutex);
  std::map<std::string, int> counts;
  for (const auto& [object, each] : m_objects) counts[each.kind] += each.references;
  std::string text;
  for (const auto& [kind, count] : counts) text += (text.empty() ? "" : ", ") + kind + " " + std::to_string(count);
  return text;
}

void setRules(const std::string& rules) { State::instance().setRules(rules); }
std::size_t calls() { return State::instance().calls(); }
std::string nameOfCall(std::size_t n) { return State::instance().nameOfCall(n); }
std::size_t hits() { return State::instance().hits(); }
std::string alive() { return State::instance().alive(); }
void release() { State::instance().release(); }
void waitUntilHeld(int calls) { State::instance().waitUntilHeld(calls); }

} // namespace tandem::test::shim
