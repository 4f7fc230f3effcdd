// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QMainWindow>
#include <QMap>

class QActionGroup;
class QDockWidget;
class QLabel;
class QMenu;
class QStackedWidget;
class QTabBar;

namespace tandem::ui {

class ChartsPanel;
class DevicesPanel;
class ElidedLabel;
class InspectorPanel;
class LayersPanel;
class LogPanel;
class MessageBar;
class ParityPanel;
class ComparePanel;
class RooflinePanel;
class RunPanel;
class StartPage;
class TimelinePanel;

/// The workbench window: docks, menus, messages, and what happens between them.
class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  explicit MainWindow(Workspace& workspace, QWidget* parent = nullptr);
  ~MainWindow() override;

  void openModel(const QString& source, const QString& placementFile = {});
  void openPlacement(const QString& path);
  /// Opens a model, a placement or a trace, by its name; JSON by what it holds.
  void openAny(const QString& path);

  [[nodiscard]] Workspace& workspace() { return m_workspace; }
  [[nodiscard]] LayersPanel& layers() { return *m_layers; }
  [[nodiscard]] ChartsPanel& charts() { return *m_charts; }
  [[nodiscard]] RunPanel& runPanel() { return *m_run; }
  [[nodiscard]] ParityPanel& parityPanel() { return *m_parity; }
  [[nodiscard]] ComparePanel& comparePanel() { return *m_compare; }
  [[nodiscard]] RooflinePanel& rooflinePanel() { return *m_roofline; }
  [[nodiscard]] TimelinePanel& timelinePanel() { return *m_timeline; }
  [[nodiscard]] MessageBar& messages() { return *m_messages; }
  [[nodiscard]] QString summaryText() const;
  /// Every action of the window with a text, menus' order.
  [[nodiscard]] QList<QAction*> allActions() const;
  [[nodiscard]] QAction* action(const QString& objectName) const;
  /// The layout of the panels for one kind of work: "place", "run", "compare" or "learn". Others are ignored. What the
  /// user changes is kept per perspective, between starts, too.
  void setPerspective(const QString& id);
  [[nodiscard]] QString perspective() const { return m_perspective; }
  /// The current perspective as it comes.
  void resetLayout();
  /// The folder dialog is skipped.
  void exportOnnxRuntime(const QString& folder, bool overwrite);
  /// False after a failure, which is shown.
  bool savePlacementTo(const QString& path);

 protected:
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  using Slot = std::function<void()>;
  QAction* add(QMenu* menu, const QString& name, const QString& text, const Slot& slot,
               const QList<QKeySequence>& keys = {}, const QString& iconName = {});
  QDockWidget* addDock(Qt::DockWidgetArea area, const QString& name, const QString& title, QWidget* panel);
  void makeDocks();
  void makeMenus();
  void makeFileMenu();
  void makeEditMenu();
  void makeViewMenu();
  void makePlacementMenu();
  void makeLayerActions(QMenu* placement);
  void makeLayerMenu();
  void updateLayerActions();
  void makeRunMenu();
  void makeHelpMenu();
  void makePerspectives(QMenu* menu);
  void restorePerspective();
  void savePerspective();
  void enter(const QString& perspective);
  void arrange(const QString& perspective);
  void makeStatusBar();
  void connectModel();
  void fillRecent();
  void fillDeviceMenus();
  void updateActions();
  void updateTitle();
  void updateSummary();
  void showError(const Error& error);
  void showWorkerLost(const QString& message, const QString& device);
  void offerRecovery();

  void chooseModel();
  void choosePlacement();
  void savePlacement();
  void savePlacementAs();
  void exportPlacementJson();
  void chooseExportFolder();
  void closeModel();
  void addRule();
  void showParity();
  void showRoofline();
  void showTimeline();
  void showSizes();
  void showTuning();
  void showPalette();
  void showShortcuts();
  void showCompare();
  void showGuide();
  void showAbout();
  void applyTheme(ThemeChoice theme);
  /// Runs `then` at once, or after the user said what to do with an unsaved placement.
  void whenSaved(const Slot& then);

  Workspace& m_workspace;
  QStackedWidget* m_pages;
  StartPage* m_start;
  LayersPanel* m_layers;
  DevicesPanel* m_devices;
  InspectorPanel* m_inspector;
  RunPanel* m_run;
  ChartsPanel* m_charts;
  LogPanel* m_log;
  ParityPanel* m_parity;
  RooflinePanel* m_roofline;
  ComparePanel* m_compare;
  TimelinePanel* m_timeline;
  MessageBar* m_messages;
  QMap<QString, QDockWidget*> m_docks;
  QStringList m_dockOrder; ///< as they were added: the order of menus and keys
  QMap<QString, Qt::DockWidgetArea> m_dockAreas;
  QTabBar* m_perspectiveBar = nullptr;
  QString m_perspective;
  QMenu* m_recentMenu = nullptr;
  QMenu* m_placementMenu = nullptr;
  QMenu* m_allOnMenu = nullptr;
  QMenu* m_assignMenu = nullptr;
  QMenu* m_scopeMenu = nullptr;
  QMenu* m_operatorMenu = nullptr;
  QMenu* m_copiesMenu = nullptr;
  QMenu* m_layerMenu = nullptr; ///< of canvas and table
  QMenu* m_viewMenu = nullptr;
  QActionGroup* m_themes = nullptr;
  ElidedLabel* m_summary;
  QLabel* m_engineState;
  QMap<QString, QAction*> m_actions;
  Slot m_afterSave;
  bool m_closing = false;
};

} // namespace tandem::ui
