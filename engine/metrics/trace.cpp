// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/metrics/trace.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>

namespace tandem {
namespace {

/// Bytes of the UTF-8 character that `text` begins with; 0 where it begins with none (RFC 3629).
std::size_t characterBytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return 0;
  for (std::size_t i = 1; i < bytes; ++i)
    if ((byte(i) & 0xc0u) != 0x80u) return 0;
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool outside = (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf4 && byte(1) > 0x8f);
  return overlong || outside ? 0 : bytes;
}

/// As the inside of a JSON string. Names come from model files, so they need not be UTF-8; JSON must be.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0, bytes = 0; i < text.size(); i += std::max<std::size_t>(bytes, 1)) {
    const char c = text[i];
    bytes = characterBytes(text.substr(i));
    if (bytes != 1) {
      out += bytes == 0 ? std::string_view("\\ufffd") : text.substr(i, bytes);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += code;
    } else {
      out += c;
    }
  }
  return out;
}

/// With three decimals and a point: printf would write the comma of the user's locale.
std::string decimals(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 3);
  return end.ec == std::errc() ? std::string(text, end.ptr) : "0";
}

std::string microseconds(std::int64_t ns) { return decimals(static_cast<double>(ns) * 1e-3); }

void appendEvent(std::string& out, const TraceEvent& event, std::size_t track, std::string_view label,
                 std::int64_t originNs) {
  const std::string numbers = "\"ph\":\"X\",\"pid\":1,\"tid\":" + std::to_string(track) +
                              ",\"ts\":" + microseconds(event.startNs - originNs) +
                              ",\"dur\":" + microseconds(event.endNs - event.startNs);
  out += "{\"name\":\"" + escaped(label) + "\",\"cat\":\"" + std::string(toString(event.kind)) + "\"," + numbers +
         ",\"args\":{";
  const char* comma = "";
  const auto argument = [&](const char* key, const std::string& value) {
    out += std::string(comma) + '"' + key + "\":" + value;
    comma = ",";
  };
  if (event.request) argument("request", std::to_string(event.request));
  if (event.node.valid()) argument("node", std::to_string(event.node.index()));
  if (event.bytes) argument("bytes", std::to_string(event.bytes));
  // Bytes per nanosecond are gigabytes per second.
  if (event.bytes && event.endNs > event.startNs)
    argument("gb_per_s", decimals(static_cast<double>(event.bytes) / static_cast<double>(event.endNs - event.startNs)));
  out += "}}";
}

/// Requests overlap on their track, so they are "async" events there: one row per request in Perfetto, its wait and its
/// execution nested in it.
void appendAsync(std::string& out, const TraceEvent& event, std::size_t track, std::string_view label,
                 std::int64_t originNs) {
  const std::string common = "{\"name\":\"" + escaped(label) +
                             "\",\"cat\":\"request\",\"id\":" + std::to_string(event.request) +
                             ",\"pid\":1,\"tid\":" + std::to_string(track) + ",\"ts\":";
  out += common + microseconds(event.startNs - originNs) + ",\"ph\":\"b\"},\n";
  out += common + microseconds(event.endNs - originNs) + ",\"ph\":\"e\"}";
}

bool isAsync(TraceKind kind) { return kind == TraceKind::Request || kind == TraceKind::Queue; }

} // namespace

std::string_view toString(TraceKind kind) {
  switch (kind) {
  case TraceKind::Kernel: return "kernel";
  case TraceKind::Transfer: return "transfer";
  case TraceKind::Request: return "request";
  case TraceKind::Queue: return "queue";
  case TraceKind::Preprocess: return "preprocess";
  case TraceKind::Compile: return "compile";
  }
  return "other";
}

TraceWriter::TraceWriter(std::string track, std::size_t capacity)
    : m_track(std::move(track)),
      m_capacity(std::max<std::size_t>(capacity, 2)) {}

void TraceWriter::record(const TraceEvent& event) {
  std::lock_guard lock(m_mutex);
  if (m_events.size() >= m_capacity) {
    const std::size_t half = m_capacity / 2;
    m_events.erase(m_events.begin(), m_events.begin() + static_cast<std::ptrdiff_t>(half));
    m_dropped += half;
  }
  m_events.push_back(event);
}

TraceRecorder::TraceRecorder(std::size_t capacityPerTrack)
    : m_id([] {
        static std::atomic<std::uint64_t> count{0};
        return ++count;
      }()),
      m_capacity(capacityPerTrack) {}

TraceWriter* TraceRecorder::addTrack(std::string name) {
  std::lock_guard lock(m_mutex);
  return &m_writers.emplace_back(std::move(name), m_capacity);
}

std::uint32_t TraceRecorder::intern(std::string_view label) {
  std::lock_guard lock(m_mutex);
  auto [it, isNew] = m_labelIndex.try_emplace(std::string(label), static_cast<std::uint32_t>(m_labels.size()));
  if (isNew) m_labels.emplace_back(label);
  return it->second;
}

TraceRecorder::Copy TraceRecorder::copy() const {
  std::lock_guard lock(m_mutex);
  Copy copy;
  copy.labels = m_labels;
  for (const TraceWriter& writer : m_writers) {
    std::lock_guard writerLock(writer.m_mutex);
    copy.tracks.push_back({writer.m_track, writer.m_events, writer.m_dropped});
  }
  return copy;
}

std::vector<TraceEvent> TraceRecorder::eventsOf(std::uint64_t request) const {
  std::vector<TraceEvent> events;
  std::lock_guard lock(m_mutex);
  for (const TraceWriter& writer : m_writers) {
    std::lock_guard writing(writer.m_mutex);
    for (const TraceEvent& event : writer.m_events)
      if (event.request == request) events.push_back(event);
  }
  return events;
}

std::int64_t TraceRecorder::sumNs(TraceKind kind, std::uint64_t request) const {
  std::int64_t sum = 0;
  std::lock_guard lock(m_mutex);
  for (const TraceWriter& writer : m_writers) {
    std::lock_guard writing(writer.m_mutex);
    for (const TraceEvent& event : writer.m_events)
      if (event.kind == kind && event.request == request) sum += event.endNs - event.startNs;
  }
  return sum;
}

void TraceRecorder::clear() {
  std::lock_guard lock(m_mutex);
  for (TraceWriter& writer : m_writers) {
    std::lock_guard writerLock(writer.m_mutex);
    writer.m_events.clear();
    writer.m_dropped = 0;
  }
}

std::string toChromeTrace(const TraceRecorder::Copy& trace) {
  std::int64_t originNs = std::numeric_limits<std::int64_t>::max();
  for (const auto& track : trace.tracks)
    for (const TraceEvent& event : track.events) originNs = std::min(originNs, event.startNs);

  std::string out = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
  out += "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"args\":{\"name\":\"tandem\"}}";
  for (std::size_t track = 0; track < trace.tracks.size(); ++track) {
    out += ",\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":" + std::to_string(track) +
           ",\"args\":{\"name\":\"" + escaped(trace.tracks[track].name) + "\"}}";
    if (trace.tracks[track].dropped > 0)
      out += ",\n{\"name\":\"" + std::to_string(trace.tracks[track].dropped) +
             " older events dropped\",\"ph\":\"i\",\"s\":\"t\",\"pid\":1,\"ts\":0,\"tid\":" + std::to_string(track) +
             ",\"args\":{\"dropped\":" + std::to_string(trace.tracks[track].dropped) + "}}";
    for (const TraceEvent& event : trace.tracks[track].events) {
      out += ",\n";
      const bool known = event.label < trace.labels.size();
      const auto append = isAsync(event.kind) ? appendAsync : appendEvent;
      append(out, event, track, known ? std::string_view(trace.labels[event.label]) : "?", originNs);
    }
  }
  return out + "\n]}\n";
}

} // namespace tandem
