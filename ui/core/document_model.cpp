// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/document_model.hpp"

#include "ui/core/labels.hpp"

#include <QDir>
#include <QStandardPaths>
#include <QUndoCommand>

namespace tandem::ui {

/// One change of the placement; painting merges into one.
class PlacementCommand : public QUndoCommand {
 public:
  PlacementCommand(DocumentModel& model, session::PlacementDoc next, const QString& text, quint64 gesture)
      : QUndoCommand(text),
        m_model(model),
        m_before(model.m_placement),
        m_after(std::move(next)),
        m_gesture(gesture) {}
  int id() const override { return m_gesture == 0 ? -1 : 1; }
  bool mergeWith(const QUndoCommand* other) override {
    const auto* next = static_cast<const PlacementCommand*>(other);
    if (next->m_gesture != m_gesture) return false;
    m_after = next->m_after;
    return true;
  }
  void undo() override { m_model.setPlacement(m_before); }
  void redo() override { m_model.setPlacement(m_after); }

 private:
  DocumentModel& m_model;
  session::PlacementDoc m_before, m_after;
  quint64 m_gesture;
};

namespace {

constexpr int kUndoLimit = 200;
constexpr int kRefreshDelayMs = 15;
constexpr int kAutosaveDelayMs = 700;

template <class T> const T* entry(const std::vector<T>& values, int index) {
  return index >= 0 && static_cast<std::size_t>(index) < values.size() ? &values[static_cast<std::size_t>(index)]
                                                                       : nullptr;
}

} // namespace

DocumentModel::DocumentModel(EngineBridge& engine, Autosave autosave, QObject* parent)
    : QObject(parent),
      m_engine(engine),
      m_autosave(std::move(autosave)) {
  m_undo.setUndoLimit(kUndoLimit);
  m_refresh.setSingleShot(true);
  m_refresh.setInterval(kRefreshDelayMs);
  m_autosaveTimer.setSingleShot(true);
  m_autosaveTimer.setInterval(kAutosaveDelayMs);
  connect(&m_refresh, &QTimer::timeout, this, &DocumentModel::requestEffective);
  connect(&m_autosaveTimer, &QTimer::timeout, this, &DocumentModel::saveUnsaved);
  connect(&m_undo, &QUndoStack::cleanChanged, this, [this] {
    m_autosaveTimer.start();
    emit modifiedChanged();
  });
  connect(&m_engine, &EngineBridge::workerLost, this, [this] { m_document.handle = 0; });
  connect(&m_engine, &EngineBridge::workerReady, this, [this](bool replacement) {
    if (replacement && m_open) reopen();
  });
}

// The stack tells of its last change while it is destroyed.
DocumentModel::~DocumentModel() { m_undo.disconnect(this); }

ModelRef DocumentModel::ref() const { return {m_document.handle, toSource()}; }

void DocumentModel::open(const QString& source, const QString& placementFile) {
  m_opening = source;
  emit opening(source);
  emit idleChanged();
  m_engine.open(source, {}, [this, placementFile](const Result<session::Document>& document) {
    m_opening.clear();
    if (!document.ok()) {
      m_recovering.reset();
      if (document.error().code != ErrorCode::Cancelled) emit openFailed(document.error());
      emit idleChanged();
      return;
    }
    adopt(*document);
    if (!placementFile.isEmpty()) {
      const auto loaded = loadPlacement(placementFile);
      if (!loaded.ok()) emit openFailed(loaded.error());
    }
    emit idleChanged();
  });
}

void DocumentModel::recover(const UnsavedWork& work) {
  m_recovering = work;
  open(work.source);
}

void DocumentModel::cancelOpen() { m_engine.cancelOpen(); }

void DocumentModel::adopt(const session::Document& document) {
  const int oldHandle = m_open ? m_document.handle : 0;
  m_document = document;
  m_blocks.reset();
  m_sizes.clear();
  for (const session::FreeDimSummary& dim : document.freeDims)
    if (dim.chosen) m_sizes[dim.key] = dim.size;
  m_open = true;
  m_view = {};
  forgetProfile();
  m_placementFile.clear();
  m_placement = {};
  m_placement.modelName = document.name;
  m_placement.modelSha256 = document.sha256;
  m_placement.modelNodes = nodeCount();
  m_undo.clear();
  if (oldHandle != 0 && oldHandle != document.handle) m_engine.close(oldHandle);
  m_refresh.start();
  emit opened();
  emit modifiedChanged();
  if (m_recovering) {
    const UnsavedWork work = *m_recovering;
    m_recovering.reset();
    m_placementFile = work.placementFile;
    push(work.placement, tr("recover unsaved placement"));
    Autosave::discard(work);
  }
}

void DocumentModel::reopen() {
  m_engine.open(toSource(), m_sizes, [this](const Result<session::Document>& document) {
    if (!document.ok()) {
      emit openFailed(document.error());
      return;
    }
    if (document->nodes.size() != m_document.nodes.size() || document->sha256 != m_document.sha256) {
      // The file changed on disk: show what is there now, the old placement still applies by name.
      const session::PlacementDoc kept = m_placement;
      adopt(*document);
      push(kept, tr("keep placement"));
      return;
    }
    m_document.handle = document->handle;
    m_inFlight = false;
    m_refresh.start();
    emit idleChanged();
  });
}

void DocumentModel::setSizes(const EngineBridge::Sizes& sizes, std::function<void(const std::optional<Error>&)> done) {
  m_engine.resize(m_document.handle, sizes, [this, sizes, done](const Result<session::Document>& resized) {
    if (!resized.ok()) {
      done(resized.error());
      return;
    }
    // Another model may have been opened meanwhile.
    if (resized->handle == m_document.handle && resized->nodes.size() == m_document.nodes.size()) {
      m_document = *resized;
      m_sizes = sizes;
      forgetProfile(); // measured with other sizes
      m_refresh.start();
      emit sizesChanged();
      emit idleChanged();
    }
    done(std::nullopt);
  });
}

void DocumentModel::close() {
  if (!m_open) return;
  m_engine.close(m_document.handle);
  m_document = {};
  m_blocks.reset();
  m_placement = {};
  m_view = {};
  forgetProfile();
  m_placementFile.clear();
  m_open = false;
  m_undo.clear();
  m_refresh.stop();
  emit closed();
  emit modifiedChanged();
}

QString DocumentModel::requestedOf(int node) const {
  const auto* summary = entry(m_document.nodes, node);
  if (summary == nullptr) return {};
  const auto own = m_placement.nodes.find(summary->name);
  if (own != m_placement.nodes.end()) return toQString(own->second);
  // Rules are matched by the engine only; its last answer holds while it computes the next.
  if (!m_placement.rules.empty()) {
    const auto* known = entry(m_view.requested, node);
    if (known != nullptr) return toQString(*known);
  }
  return toQString(m_placement.defaultDevice);
}

QString DocumentModel::effectiveOf(int node) const {
  const auto* device = entry(m_view.effective, node);
  return device != nullptr ? toQString(*device) : QString();
}

QString DocumentModel::reasonOf(int node) const {
  const auto* reason = entry(m_view.reason, node);
  return reason != nullptr ? toQString(*reason) : QString();
}

QString DocumentModel::detailOf(int node) const {
  const auto* detail = entry(m_view.detail, node);
  return detail != nullptr ? toQString(*detail) : QString();
}

const session::LayerTime* DocumentModel::layerTimeOf(int node) const {
  const auto* layer = entry(m_layerOf, node);
  return layer != nullptr && m_profile ? entry(m_profile->times, *layer) : nullptr;
}

double DocumentModel::measuredMsOf(int node) const {
  const session::LayerTime* layer = layerTimeOf(node);
  return layer != nullptr && layer->node == node ? layer->medianMs : -1;
}

void DocumentModel::push(session::PlacementDoc next, const QString& text, quint64 gesture) {
  if (!m_open || next == m_placement) return;
  m_undo.push(new PlacementCommand(*this, std::move(next), text, gesture));
}

void DocumentModel::setPlacement(const session::PlacementDoc& placement) {
  m_placement = placement;
  m_profileStale = m_profile.has_value() || m_measuring;
  m_refresh.start();
  m_autosaveTimer.start();
  emit placementChanged();
  emit idleChanged();
}

void DocumentModel::assign(const QList<int>& nodes, const QString& device, quint64 gesture) {
  session::PlacementDoc next = m_placement;
  for (const int node : nodes) {
    const auto* summary = entry(m_document.nodes, node);
    if (summary == nullptr) continue;
    if (device.isEmpty())
      next.nodes.erase(summary->name);
    else
      next.nodes[summary->name] = device.toStdString();
  }
  const QString what = tr("%n layer(s)", nullptr, static_cast<int>(nodes.size()));
  push(std::move(next), device.isEmpty() ? tr("reset %1").arg(what) : tr("put %1 on %2").arg(what, device), gesture);
}

void DocumentModel::assignAll(const QString& device) {
  session::PlacementDoc next = m_placement;
  next.defaultDevice = device.toStdString();
  next.rules.clear();
  next.nodes.clear();
  push(std::move(next), tr("put all layers on %1").arg(device));
}

void DocumentModel::addRule(const QString& match, const QString& device) {
  session::PlacementDoc next = m_placement;
  next.rules.emplace_back(match.toStdString(), device.toStdString());
  push(std::move(next), tr("put %1 on %2").arg(match, device));
}

void DocumentModel::resetAll() {
  session::PlacementDoc next = m_placement;
  next.defaultDevice = session::PlacementDoc().defaultDevice;
  next.rules.clear();
  next.nodes.clear();
  push(std::move(next), tr("reset placement"));
}

void DocumentModel::alternate(const QStringList& devices) {
  if (devices.isEmpty()) return;
  session::PlacementDoc next = m_placement;
  next.rules.clear();
  next.nodes.clear();
  for (int node = 0; node < nodeCount(); ++node)
    next.nodes[m_document.nodes[static_cast<std::size_t>(node)].name] = devices[node % devices.size()].toStdString();
  push(std::move(next), tr("alternate layers over %1").arg(devices.join(QStringLiteral(", "))));
}

Result<void> DocumentModel::loadPlacement(const QString& path) {
  session::PlacementDoc next = TANDEM_TRY(readPlacementFile(path));
  const bool foreign = !next.modelSha256.empty() && next.modelSha256 != m_document.sha256;
  if (foreign)
    emit notice(tr("This placement was made for another model, %1").arg(toQString(next.modelName)),
                tr("Layers are matched by name; those that are not in %1 are ignored.").arg(sourceTitle(source())));
  next.modelName = m_document.name;
  next.modelSha256 = m_document.sha256;
  next.modelNodes = nodeCount();
  push(std::move(next), tr("load placement"));
  m_placementFile = path;
  m_undo.setClean();
  emit modifiedChanged();
  return {};
}

Result<QString> DocumentModel::placementOnDisk() const {
  if (!isModified() && !m_placementFile.isEmpty()) return m_placementFile;
  const QString folder =
      QStandardPaths::writableLocation(QStandardPaths::GenericCacheLocation) + QStringLiteral("/tandem/placements");
  QDir().mkpath(folder);
  const QString name = QDir::toNativeSeparators(sourceTitle(source())).section(QLatin1Char('.'), 0, 0);
  const QString file = folder + QLatin1Char('/') + name + QStringLiteral(".placement.json");
  TANDEM_TRY(writePlacementFile(file, m_placement));
  return file;
}

Result<void> DocumentModel::savePlacement(const QString& path) {
  if (auto written = writePlacementFile(path, m_placement); !written.ok()) return written;
  m_placementFile = path;
  m_undo.setClean();
  m_autosave.remove();
  emit modifiedChanged();
  return {};
}

void DocumentModel::discardChanges() {
  m_undo.setClean();
  m_autosave.remove();
}

void DocumentModel::requestEffective() {
  if (!m_open || !m_engine.isReady()) return;
  // At most one question is under way; edits made meanwhile are asked about together afterwards.
  if (m_inFlight) {
    m_dirty = true;
    return;
  }
  m_inFlight = true;
  m_dirty = false;
  const std::string source = m_document.source;
  m_engine.placement(ref(), m_placement, [this, source](const Result<session::PlacementView>& view) {
    m_inFlight = false;
    const bool same = m_open && m_document.source == source;
    if (same && !m_dirty && view.ok()) {
      m_view = *view;
      emit effectiveChanged();
    } else if (same && !view.ok() && view.error().code != ErrorCode::WorkerLost) {
      emit effectiveFailed(view.error());
    }
    if (m_dirty) requestEffective();
    emit idleChanged();
  });
}

void DocumentModel::saveUnsaved() {
  if (m_open && isModified())
    static_cast<void>(m_autosave.write({toSource(), m_placementFile, m_placement, {}}).ok());
  else
    m_autosave.remove();
}

void DocumentModel::profile() {
  if (!m_open || m_measuring) return;
  m_measuring = true;
  m_profileStale = false;
  const quint64 number = ++m_profileNumber;
  emit measuringChanged();
  m_engine.profile(
      ref(), nodeCount(), m_placement,
      [this, number](const Result<session::Profile>& profile) {
        if (number == m_profileNumber) takeProfile(profile);
      },
      [this, number](double done, double total, const QString& text) {
        if (number == m_profileNumber && m_measuring) emit measuringProgress(done, total, text);
      });
}

void DocumentModel::stopProfile() {
  if (m_measuring) m_engine.cancelProfile();
}

void DocumentModel::takeProfile(const Result<session::Profile>& profile) {
  m_measuring = false;
  if (profile.ok()) {
    m_profile = *profile;
    m_layerOf.assign(m_document.nodes.size(), -1);
    for (std::size_t i = 0; i < m_profile->times.size(); ++i)
      for (const int node : m_profile->times[i].nodes) m_layerOf[static_cast<std::size_t>(node)] = static_cast<int>(i);
    emit profiled();
  } else if (profile.error().code != ErrorCode::Cancelled && profile.error().code != ErrorCode::WorkerLost) {
    emit profileFailed(profile.error()); // a lost worker has its own message
  }
  emit measuringChanged();
}

void DocumentModel::forgetProfile() {
  m_profile.reset();
  m_layerOf.clear();
  m_profileStale = false;
  ++m_profileNumber;
  if (!m_measuring) return;
  m_engine.cancelProfile();
  m_measuring = false;
  emit measuringChanged();
}

} // namespace tandem::ui
