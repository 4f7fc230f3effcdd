// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/metrics/trace.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace tandem {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') {
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

void appendEvent(std::string& out, const TraceEvent& event, std::size_t track, std::string_view label,
                 std::int64_t originNs) {
  char numbers[192];
  std::snprintf(numbers, sizeof numbers, "\"ph\":\"X\",\"pid\":1,\"tid\":%zu,\"ts\":%.3f,\"dur\":%.3f", track,
                static_cast<double>(event.startNs - originNs) * 1e-3,
                static_cast<double>(event.endNs - event.startNs) * 1e-3);
  out += "{\"name\":\"" + escaped(label) + "\",\"cat\":\"" + std::string(toString(event.kind)) + "\"," + numbers +
         ",\"args\":{";
  if (event.request) out += "\"request\":" + std::to_string(event.request);
  if (event.bytes) out += std::string(event.request ? "," : "") + "\"bytes\":" + std::to_string(event.bytes);
  out += "}}";
}

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
             "}";
    for (const TraceEvent& event : trace.tracks[track].events) {
      out += ",\n";
      const bool known = event.label < trace.labels.size();
      appendEvent(out, event, track, known ? std::string_view(trace.labels[event.label]) : "?", originNs);
    }
  }
  return out + "\n]}\n";
}

} // namespace tandem
