// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/trace_file.hpp"

#include "ui/models/json_scanner.hpp"

#include <QCoreApplication>
#include <QFile>
#include <QRegularExpression>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_map>

namespace tandem::ui {
namespace {

constexpr double kMostUs = 4e15; ///< over a century: differences of two such times still fit 64 bits in nanoseconds

TraceKind kindOf(const std::string& category) {
  static const std::unordered_map<std::string, TraceKind> kinds = {
      {"kernel", TraceKind::Kernel}, {"transfer", TraceKind::Transfer},     {"request", TraceKind::Request},
      {"queue", TraceKind::Queue},   {"preprocess", TraceKind::Preprocess}, {"compile", TraceKind::Compile}};
  const auto found = kinds.find(category);
  return found != kinds.end() ? found->second : TraceKind::Other;
}

template <class Number> bool parse(const std::string& text, Number& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

/// One event of the file.
struct Raw {
  std::string name, category, phase, pid, tid, id, argName;
  double ts = std::nan(""), dur = 0;
  std::uint64_t request = 0, dropped = 0;
  std::int64_t bytes = 0;
  std::int32_t node = -1;

  void reset() {
    for (std::string* text : {&name, &category, &phase, &pid, &tid, &id, &argName}) text->clear();
    ts = std::nan("");
    dur = 0;
    request = dropped = 0;
    bytes = 0;
    node = -1;
  }
};

class Reader {
 public:
  Reader(QIODevice& device, const std::string& name, const TraceLimits& limits)
      : m_json(device),
        m_name(name),
        m_limits(limits) {}

  Result<TraceFile> read(const std::atomic<bool>* cancel, const std::function<void(std::int64_t)>& progress) {
    m_cancel = cancel;
    m_progress = &progress;
    if (m_json.peek() == '[') {
      readEvents();
    } else if (m_json.expect('{')) {
      std::string key;
      for (bool first = true; m_json.more('}', first);) {
        if (!m_json.key(key)) break;
        if (key == "traceEvents" && m_json.peek() == '[') {
          m_found = true;
          readEvents();
        } else {
          m_json.skip();
        }
      }
    }
    if (m_stop) return *m_stop;
    if (!m_json.failed() && !m_json.atEnd()) m_json.fail("goes on after its end");
    if (m_json.failed())
      return makeError(ErrorCode::InputRejected, "the trace " + m_json.problem(), m_name,
                       "record it again, or choose a complete Chrome trace (JSON)");
    if (!m_found)
      return makeError(ErrorCode::InputRejected, "this is no trace: it has no list \"traceEvents\"", m_name,
                       "choose a file that `tandem run --trace`, Perfetto or Chrome wrote as JSON");
    finish();
    return std::move(m_file);
  }

 private:
  void stop(Error error) {
    if (!m_stop) m_stop = std::move(error);
    m_json.fail("stopped");
  }

  void readEvents() {
    m_found = true;
    if (!m_json.expect('[')) return;
    constexpr std::uint64_t kOften = 4096;
    std::uint64_t number = 0;
    for (bool first = true; m_json.more(']', first);) {
      if (number++ % kOften == 0) {
        if (m_cancel != nullptr && m_cancel->load())
          return stop(makeError(ErrorCode::Cancelled, "stopped", m_name, ""));
        if (*m_progress) (*m_progress)(m_json.position());
      }
      m_raw.reset();
      if (!readEvent()) return;
      take();
      if (m_count > m_limits.events)
        return stop(makeError(ErrorCode::InputRejected,
                              "the trace has more than " + std::to_string(m_limits.events) + " events", m_name,
                              "record a shorter run, or open it in Perfetto"));
      if (m_file.tracks.size() > m_limits.tracks)
        return stop(makeError(ErrorCode::InputRejected,
                              "the trace has more than " + std::to_string(m_limits.tracks) + " tracks", m_name,
                              "open it in Perfetto"));
    }
  }

  /// A member that is a text or a number; anything else is passed over and leaves `text` empty.
  bool value(std::string& text) {
    const char c = m_json.peek();
    if (c == '{' || c == '[') {
      text.clear();
      return m_json.skip();
    }
    bool isString = false;
    return m_json.scalar(text, isString);
  }

  bool readEvent() {
    if (!m_json.expect('{')) return false;
    for (bool first = true; m_json.more('}', first);) {
      if (!m_json.key(m_key)) return false;
      if (m_key == "args" && m_json.peek() == '{') {
        if (!readArguments()) return false;
        continue;
      }
      std::string* place = m_key == "name"  ? &m_raw.name
                           : m_key == "cat" ? &m_raw.category
                           : m_key == "ph"  ? &m_raw.phase
                           : m_key == "pid" ? &m_raw.pid
                           : m_key == "tid" ? &m_raw.tid
                           : m_key == "id"  ? &m_raw.id
                                            : &m_text;
      if (!value(*place)) return false;
      if (m_key == "ts" && !parse(m_text, m_raw.ts)) m_raw.ts = std::nan("");
      if (m_key == "dur" && !parse(m_text, m_raw.dur)) m_raw.dur = std::nan("");
    }
    return !m_json.failed();
  }

  bool readArguments() {
    if (!m_json.expect('{')) return false;
    for (bool first = true; m_json.more('}', first);) {
      if (!m_json.key(m_key) || !value(m_text)) return false;
      // What is no number of the right kind is as if it were not there.
      if (m_key == "request") (void)parse(m_text, m_raw.request);
      if (m_key == "dropped") (void)parse(m_text, m_raw.dropped);
      if (m_key == "bytes" && (!parse(m_text, m_raw.bytes) || m_raw.bytes < 0)) m_raw.bytes = 0;
      if (m_key == "node" && (!parse(m_text, m_raw.node) || m_raw.node < 0)) m_raw.node = -1;
      if (m_key == "name") m_raw.argName = m_text;
    }
    return !m_json.failed();
  }

  struct Open {
    double ts = 0;
    TraceEvent rest;
  };

  std::size_t trackOf(const std::string& pid, const std::string& tid) {
    m_trackKey.assign(pid).append(1, '\n').append(tid);
    const auto [found, isNew] = m_tracks.try_emplace(m_trackKey, m_file.tracks.size());
    if (isNew) {
      m_file.tracks.emplace_back();
      m_ids.emplace_back(pid, tid);
    }
    return found->second;
  }

  std::uint32_t labelOf(const std::string& name) {
    const auto [found, isNew] = m_labels.try_emplace(name, static_cast<std::uint32_t>(m_file.labels.size()));
    if (isNew) m_file.labels << QString::fromStdString(name);
    return found->second;
  }

  static bool usable(double us) { return std::isfinite(us) && std::fabs(us) <= kMostUs; }

  void add(std::size_t track, double fromUs, double toUs, TraceEvent event) {
    if (!usable(fromUs) || !usable(toUs) || toUs < fromUs) {
      ++m_file.unusable;
      return;
    }
    event.startNs = static_cast<std::int64_t>(std::llround(fromUs * 1e3));
    event.endNs = static_cast<std::int64_t>(std::llround(toUs * 1e3));
    m_firstNs = std::min(m_firstNs, event.startNs);
    m_file.tracks[track].events.push_back(event);
    ++m_count;
  }

  [[nodiscard]] TraceEvent details() {
    TraceEvent event;
    event.bytes = m_raw.bytes;
    event.request = m_raw.request;
    event.node = m_raw.node;
    event.label = labelOf(m_raw.name);
    event.kind = kindOf(m_raw.category);
    return event;
  }

  void begin(std::vector<Open>& open) { open.push_back({m_raw.ts, details()}); }

  void end(std::vector<Open>& open, std::size_t track) {
    if (open.empty()) {
      ++m_file.unusable;
      return;
    }
    add(track, open.back().ts, m_raw.ts, open.back().rest);
    open.pop_back();
  }

  void take() {
    const char phase = m_raw.phase.size() == 1 ? m_raw.phase[0] : 0;
    if (phase == 'M') return takeName();
    if (phase != 'X' && phase != 'B' && phase != 'E' && phase != 'b' && phase != 'e' && m_raw.dropped == 0) return;
    const std::size_t track = trackOf(m_raw.pid, m_raw.tid);
    m_file.tracks[track].dropped += m_raw.dropped;
    if (phase == 'X') add(track, m_raw.ts, m_raw.ts + m_raw.dur, details());
    if (phase == 'B') begin(m_nested[track]);
    if (phase == 'E') end(m_nested[track], track);
    if (phase != 'b' && phase != 'e') return;
    m_trackKey = std::to_string(track) + '\n' + m_raw.category + '\n' + m_raw.id + '\n' + m_raw.name;
    if (phase == 'b') {
      // Requests are async: their number is the id, their wait is told by its name.
      if (m_raw.request == 0) (void)parse(m_raw.id, m_raw.request);
      std::string key = m_trackKey;
      begin(m_async[key]);
      if (m_raw.category == "request" && m_raw.name == "queue") m_async[key].back().rest.kind = TraceKind::Queue;
    } else {
      const auto open = m_async.find(m_trackKey);
      if (open == m_async.end()) {
        ++m_file.unusable;
        return;
      }
      end(open->second, track);
      if (open->second.empty()) m_async.erase(open);
    }
  }

  void takeName() {
    if (m_raw.name == "process_name") m_processes[m_raw.pid] = m_raw.argName;
    if (m_raw.name == "thread_name") {
      const std::size_t track = trackOf(m_raw.pid, m_raw.tid);
      m_file.tracks[track].name = QString::fromStdString(m_raw.argName);
    }
  }

  void finish() {
    for (const auto& [track, open] : m_nested) m_file.unusable += open.size();
    for (const auto& [key, open] : m_async) m_file.unusable += open.size();
    for (std::size_t i = 0; i < m_file.tracks.size(); ++i) {
      TraceTrack& track = m_file.tracks[i];
      for (TraceEvent& event : track.events) {
        event.startNs -= m_firstNs;
        event.endNs -= m_firstNs;
      }
      const auto& [pid, tid] = m_ids[i];
      if (track.name.isEmpty())
        track.name = QCoreApplication::translate("TraceFile", "Thread %1").arg(QString::fromStdString(tid));
      if (m_processes.size() < 2) continue;
      const auto process = m_processes.find(pid);
      track.name += QStringLiteral(" (%1)").arg(
          QString::fromStdString(process != m_processes.end() && !process->second.empty() ? process->second : pid));
    }
  }

  JsonScanner m_json;
  std::string m_name, m_key, m_text, m_trackKey;
  TraceLimits m_limits;
  const std::atomic<bool>* m_cancel = nullptr;
  const std::function<void(std::int64_t)>* m_progress = nullptr;
  Raw m_raw;
  TraceFile m_file;
  std::unordered_map<std::string, std::size_t> m_tracks;
  std::vector<std::pair<std::string, std::string>> m_ids;
  std::unordered_map<std::string, std::uint32_t> m_labels;
  std::unordered_map<std::string, std::string> m_processes;
  std::unordered_map<std::size_t, std::vector<Open>> m_nested;
  std::unordered_map<std::string, std::vector<Open>> m_async;
  std::optional<Error> m_stop;
  std::int64_t m_firstNs = std::numeric_limits<std::int64_t>::max();
  std::size_t m_count = 0;
  bool m_found = false;
};

} // namespace

std::size_t TraceFile::count() const {
  std::size_t sum = 0;
  for (const TraceTrack& track : tracks) sum += track.events.size();
  return sum;
}

Result<TraceFile> readTrace(QIODevice& device, const std::string& name, const TraceLimits& limits,
                            const std::atomic<bool>* cancel, const std::function<void(std::int64_t)>& progress) {
  return Reader(device, name, limits).read(cancel, progress);
}

Result<TraceFile> readTraceFile(const QString& path, const TraceLimits& limits, const std::atomic<bool>* cancel,
                                const std::function<void(std::int64_t)>& progress) {
  QFile file(path);
  const std::string name = path.toStdString();
  if (!file.open(QIODevice::ReadOnly))
    return makeError(ErrorCode::InputRejected, "cannot open the trace: " + file.errorString().toStdString(), name,
                     "choose a file that exists and that you may read");
  if (file.isSequential())
    return makeError(ErrorCode::InputRejected, "this is no ordinary file", name, "choose a file that holds a trace");
  if (file.size() > limits.bytes)
    return makeError(ErrorCode::InputRejected,
                     "the trace has " + std::to_string(file.size() >> 20) + " MiB, more than the " +
                         std::to_string(limits.bytes >> 20) + " MiB that are read",
                     name, "record a shorter run, or open it in Perfetto");
  return readTrace(file, name, limits, cancel, progress);
}

bool looksLikeTrace(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly) || file.isSequential()) return false;
  constexpr qint64 kBeginning = 4096;
  const QByteArray begin = file.read(kBeginning).trimmed();
  return begin.contains("\"traceEvents\"") || (begin.startsWith('[') && begin.contains("\"ph\""));
}

namespace {

/// What runs, where, and whether it moves data: tracks of devices are called "REPLICA DEVICE" or "REPLICA DEVICE
/// transfers".
QRegularExpressionMatch deviceTrack(const QString& track) {
  static const QRegularExpression pattern(
      QStringLiteral("^(?:(.*) )?((?:CPU|GPU|OPENCL-CPU|SIM|ACCELERATOR):[^ ]+)( transfers)?$"));
  return pattern.match(track);
}

} // namespace

QString deviceOfTrack(const QString& track) { return deviceTrack(track).captured(2); }

QString trackTitle(const QString& track) {
  const QRegularExpressionMatch match = deviceTrack(track);
  if (!match.hasMatch()) return track;
  const QString who = match.captured(1), device = match.captured(2);
  const QString moves =
      match.captured(3).isEmpty() ? QString() : QCoreApplication::translate("TraceFile", " transfers");
  if (who.isEmpty() || who == device) return device + moves;
  return QCoreApplication::translate("TraceFile", "%1 on %2").arg(who, device) + moves;
}

} // namespace tandem::ui
