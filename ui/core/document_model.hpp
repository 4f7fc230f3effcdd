// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/engine_bridge.hpp"
#include "ui/core/placement_file.hpp"
#include "ui/core/repeated_blocks.hpp"

#include <QList>
#include <QObject>
#include <QTimer>
#include <QUndoStack>

#include <optional>

namespace tandem::ui {

/// The open model and the placement that the user edits.
///
/// Edits go through the undo stack and show at once as requested devices; effective devices, reasons, transfers and
/// the summary come from the engine a moment later (isEffectiveCurrent()). A failed open leaves everything as it was.
/// When a worker is replaced the document is opened again silently.
class DocumentModel : public QObject {
  Q_OBJECT
 public:
  explicit DocumentModel(EngineBridge& engine, Autosave autosave, QObject* parent = nullptr);
  ~DocumentModel() override;

  [[nodiscard]] bool isOpen() const { return m_open; }
  [[nodiscard]] bool isOpening() const { return !m_opening.isEmpty(); }
  [[nodiscard]] const session::Document& document() const { return m_document; }
  [[nodiscard]] ModelRef ref() const;
  [[nodiscard]] QString source() const { return toSource(); }
  [[nodiscard]] int nodeCount() const { return static_cast<int>(m_document.nodes.size()); }
  /// False when operators are unknown: the model is for viewing only.
  [[nodiscard]] bool canRun() const { return m_open && m_document.unsupportedOperators.empty(); }

  [[nodiscard]] const session::PlacementDoc& placement() const { return m_placement; }
  /// The engine's last answer; its vectors have nodeCount() entries or none.
  [[nodiscard]] const session::PlacementView& view() const { return m_view; }
  [[nodiscard]] bool isEffectiveCurrent() const { return !m_refresh.isActive() && !m_inFlight && !m_dirty; }
  [[nodiscard]] QString requestedOf(int node) const;
  [[nodiscard]] QString effectiveOf(int node) const; ///< empty while unknown
  [[nodiscard]] QString reasonOf(int node) const;
  [[nodiscard]] QString detailOf(int node) const;
  /// The last measurement of every layer where it runs; nullptr before one, and after the shapes changed.
  [[nodiscard]] const session::Profile* measured() const { return m_profile ? &*m_profile : nullptr; }
  [[nodiscard]] bool isMeasuring() const { return m_measuring; }
  /// The placement has changed since measured().
  [[nodiscard]] bool isMeasuredStale() const { return m_profileStale; }
  /// What computes `node`, alone or with others; nullptr where that was not measured.
  [[nodiscard]] const session::LayerTime* layerTimeOf(int node) const;
  /// Median time of a node in ms, of the first one where several are computed together, so that a sum is right;
  /// negative where not measured.
  [[nodiscard]] double measuredMsOf(int node) const;
  [[nodiscard]] QUndoStack* undoStack() { return &m_undo; }
  [[nodiscard]] bool isModified() const { return !m_undo.isClean(); }
  [[nodiscard]] QString placementFile() const { return m_placementFile; }
  /// A file that holds the current placement, for commands: the saved one, or a copy in the user's cache.
  [[nodiscard]] Result<QString> placementOnDisk() const;

  /// Asynchronous: opened() or openFailed(). `placementFile` is loaded once the model is open.
  void open(const QString& source, const QString& placementFile = {});
  void recover(const UnsavedWork& work);
  void cancelOpen();
  void close();

  /// Edits. An empty device means the default. Edits with the same `gesture` (not 0) are one undo step.
  void assign(const QList<int>& nodes, const QString& device, quint64 gesture = 0);
  void assignAll(const QString& device);
  void addRule(const QString& match, const QString& device);
  void resetAll();
  /// Alternates devices along the layers' order, for teaching.
  void alternate(const QStringList& devices);
  Result<void> loadPlacement(const QString& path);
  /// Saves and remembers the path; the document is unmodified afterwards.
  Result<void> savePlacement(const QString& path);
  /// The changes may be lost: the user said so.
  void discardChanges();
  /// Times every layer where it runs: profiled() or profileFailed(), or neither when stopped.
  void profile();
  void stopProfile();
  /// Shows and measures the model with these sizes of what it leaves open; guesses for the rest. Asynchronous:
  /// `done` gets the error, or nullopt once the document has the new shapes (sizesChanged()).
  void setSizes(const EngineBridge::Sizes& sizes, std::function<void(const std::optional<Error>&)> done);
  /// Asks the engine again: the devices changed.
  void refreshEffective() { m_refresh.start(); }

  /// All nodes with the same operator as one of `nodes`.
  [[nodiscard]] QList<int> sameOperator(const QList<int>& nodes) const;
  /// `nodes` and everything that depends on them.
  [[nodiscard]] QList<int> downstream(const QList<int>& nodes) const;
  /// `nodes` and everything that they depend on.
  [[nodiscard]] QList<int> upstream(const QList<int>& nodes) const;
  /// The nodes that `nodes` read from, and that read them; without `nodes` themselves.
  [[nodiscard]] QList<int> producersOf(const QList<int>& nodes) const;
  [[nodiscard]] QList<int> consumersOf(const QList<int>& nodes) const;
  /// The node's first output, nullptr where it has none; its element type and shape as texts.
  [[nodiscard]] const session::TensorSummary* firstOutputOf(int node) const;
  [[nodiscard]] QString typeOf(int node) const;
  [[nodiscard]] QString shapeOf(int node) const;
  /// What occurs several times; found on the first call for a document.
  [[nodiscard]] const RepeatedBlocks& blocks() const;
  /// Nodes whose scope is one of the scopes of `nodes`, or inside them.
  [[nodiscard]] QList<int> sameScope(const QList<int>& nodes) const;

 signals:
  void opening(const QString& source);
  void opened();
  void openFailed(const tandem::Error& error);
  void closed();
  void sizesChanged();     ///< the same layers, other shapes
  void placementChanged(); ///< requested devices
  void effectiveChanged();
  void effectiveFailed(const tandem::Error& error);
  void modifiedChanged();
  void profiled();
  void profileFailed(const tandem::Error& error);
  void measuringChanged();
  void measuringProgress(double done, double total, const QString& text);
  /// Something the user should know that is no failure.
  void notice(const QString& text, const QString& detail);
  void idleChanged();

 private:
  friend class PlacementCommand;
  [[nodiscard]] QString toSource() const { return QString::fromStdString(m_document.source); }
  void adopt(const session::Document& document);
  void reopen();
  void push(session::PlacementDoc next, const QString& text, quint64 gesture = 0);
  void setPlacement(const session::PlacementDoc& placement);
  void requestEffective();
  void saveUnsaved();
  void forgetProfile();
  void takeProfile(const Result<session::Profile>& profile);

  EngineBridge& m_engine;
  Autosave m_autosave;
  session::Document m_document;
  mutable std::optional<RepeatedBlocks> m_blocks;
  EngineBridge::Sizes m_sizes; ///< chosen by the user; a replacement worker gets them again
  session::PlacementDoc m_placement;
  session::PlacementView m_view;
  std::optional<session::Profile> m_profile;
  std::vector<int> m_layerOf;  ///< by node: index into m_profile->times, or -1
  quint64 m_profileNumber = 0; ///< of the request whose answer counts
  QUndoStack m_undo;
  QTimer m_refresh, m_autosaveTimer;
  QString m_opening, m_placementFile;
  std::optional<UnsavedWork> m_recovering;
  bool m_open = false, m_inFlight = false, m_dirty = false, m_measuring = false, m_profileStale = false;
};

} // namespace tandem::ui
