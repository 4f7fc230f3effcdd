// SPDX-License-Identifier: GPL-3.0-or-later
// Named layouts of the panels, one for each kind of work. Each remembers what the user made of it.
#include "ui/shell/main_window.hpp"

#include <QDockWidget>
#include <QMenuBar>
#include <QTabBar>

#include <algorithm>

namespace tandem::ui {
namespace {

constexpr int kStateVersion = 1;

struct Perspective {
  const char* id;
  const char* title;
  const char* purpose;
  QStringList shown;  ///< docks; the others are closed
  QStringList raised; ///< where several share a place
  double bottomShare; ///< of the window's height
};

const QList<Perspective>& perspectives() {
  static const QList<Perspective> list = {
      {"place",
       QT_TRANSLATE_NOOP("tandem::ui::MainWindow", "Place"),
       QT_TRANSLATE_NOOP("tandem::ui::MainWindow", "All room for the layers, with devices and inspector beside them"),
       {QStringLiteral("dock_devices"), QStringLiteral("dock_inspector"), QStringLiteral("dock_run")},
       {QStringLiteral("dock_inspector")},
       0},
      {"run",
       QT_TRANSLATE_NOOP("tandem::ui::MainWindow", "Run"),
       QT_TRANSLATE_NOOP("tandem::ui::MainWindow", "The deployment beside the layers, live charts below"),
       {QStringLiteral("dock_devices"), QStringLiteral("dock_inspector"), QStringLiteral("dock_run"),
        QStringLiteral("dock_charts"), QStringLiteral("dock_timeline"), QStringLiteral("dock_compare"),
        QStringLiteral("dock_roofline"), QStringLiteral("dock_parity"), QStringLiteral("dock_log"),
        QStringLiteral("dock_lessons")},
       {QStringLiteral("dock_run"), QStringLiteral("dock_charts")},
       0.4},
      {"compare",
       QT_TRANSLATE_NOOP("tandem::ui::MainWindow", "Compare"),
       QT_TRANSLATE_NOOP("tandem::ui::MainWindow", "Runs, layers and numbers against each other"),
       {QStringLiteral("dock_compare"), QStringLiteral("dock_timeline"), QStringLiteral("dock_roofline"),
        QStringLiteral("dock_parity")},
       {QStringLiteral("dock_compare")},
       0.55},
      {"learn",
       QT_TRANSLATE_NOOP("tandem::ui::MainWindow", "Learn"),
       QT_TRANSLATE_NOOP("tandem::ui::MainWindow", "Lessons beside the layers"),
       {QStringLiteral("dock_devices"), QStringLiteral("dock_inspector"), QStringLiteral("dock_run"),
        QStringLiteral("dock_charts"), QStringLiteral("dock_lessons")},
       {QStringLiteral("dock_lessons"), QStringLiteral("dock_charts")},
       0.3},
  };
  return list;
}

int indexOf(const QString& id) {
  for (int i = 0; i < perspectives().size(); ++i)
    if (id == QLatin1String(perspectives()[i].id)) return i;
  return -1;
}

} // namespace

void MainWindow::makePerspectives(QMenu* menu) {
  m_perspectiveBar = new QTabBar(this);
  m_perspectiveBar->setObjectName(QStringLiteral("perspectives"));
  m_perspectiveBar->setAccessibleName(tr("Perspective"));
  m_perspectiveBar->setDrawBase(false);
  m_perspectiveBar->setDocumentMode(true);
  m_perspectiveBar->setExpanding(false);
  int number = 0;
  for (const Perspective& each : perspectives()) {
    if (!m_docks.contains(each.raised.first())) break; // its panel is not there; the last one only
    const QString id = QLatin1String(each.id);
    QAction* made =
        add(menu, QStringLiteral("perspective_") + id, tr("Perspective: %1").arg(tr(each.title)),
            [this, id] { setPerspective(id); }, {QKeySequence(Qt::CTRL | static_cast<Qt::Key>(Qt::Key_1 + number))});
    made->setToolTip(tr(each.purpose));
    m_perspectiveBar->addTab(tr(each.title));
    m_perspectiveBar->setTabToolTip(
        number, tr("%1 (%2)").arg(tr(each.purpose), made->shortcut().toString(QKeySequence::NativeText)));
    ++number;
  }
  connect(m_perspectiveBar, &QTabBar::currentChanged, this,
          [this](int index) { setPerspective(QLatin1String(perspectives()[index].id)); });
  menuBar()->setCornerWidget(m_perspectiveBar);
}

void MainWindow::restorePerspective() {
  const Settings& settings = m_workspace.settings;
  const int index = indexOf(settings.perspective());
  m_perspective = index >= 0 && index < m_perspectiveBar->count() ? settings.perspective() : QStringLiteral("run");
  m_perspectiveBar->setCurrentIndex(indexOf(m_perspective));
  enter(m_perspective);
}

void MainWindow::savePerspective() {
  m_workspace.settings.setPerspective(m_perspective);
  m_workspace.settings.setPerspectiveState(m_perspective, saveState(kStateVersion));
}

void MainWindow::setPerspective(const QString& id) {
  const int index = indexOf(id);
  if (index < 0 || index >= m_perspectiveBar->count() || id == m_perspective) return;
  savePerspective();
  m_perspective = id;
  m_perspectiveBar->setCurrentIndex(index);
  enter(id);
  savePerspective();
}

void MainWindow::enter(const QString& id) {
  arrange(id); // also what a state of an older version does not know of
  if (const QByteArray state = m_workspace.settings.perspectiveState(id); !state.isEmpty())
    restoreState(state, kStateVersion);
}

void MainWindow::resetLayout() { arrange(m_perspective); }

void MainWindow::arrange(const QString& id) {
  const Perspective& perspective = perspectives()[std::max(0, indexOf(id))];
  QStringList order = perspective.shown;
  for (const QString& name : m_dockOrder)
    if (!order.contains(name)) order << name;
  // From nothing, so that whatever was dragged, floated or closed does not show through. While they are hidden: panels
  // side by side, if only for a moment, would make the window wider.
  for (const QString& name : m_dockOrder) {
    m_docks[name]->setFloating(false);
    removeDockWidget(m_docks[name]);
  }
  QHash<Qt::DockWidgetArea, QDockWidget*> first;
  for (const QString& name : order) {
    QDockWidget* dock = m_docks.value(name);
    if (dock == nullptr) continue;
    const Qt::DockWidgetArea area = m_dockAreas[name];
    addDockWidget(area, dock);
    if (first.contains(area))
      tabifyDockWidget(first[area], dock);
    else
      first.insert(area, dock);
  }
  for (const QString& name : order)
    if (QDockWidget* dock = m_docks.value(name)) dock->setVisible(perspective.shown.contains(name));
  for (const QString& name : perspective.raised)
    if (QDockWidget* dock = m_docks.value(name)) dock->raise();
  const int em = fontMetrics().averageCharWidth();
  QList<QDockWidget*> sides;
  QList<int> widths;
  for (const auto& [area, width] :
       {std::pair(Qt::LeftDockWidgetArea, em * 36), std::pair(Qt::RightDockWidgetArea, em * 46)})
    if (QDockWidget* dock = first.value(area); dock != nullptr && !dock->isHidden()) {
      sides << dock;
      widths << width;
    }
  if (!sides.isEmpty()) resizeDocks(sides, widths, Qt::Horizontal);
  if (QDockWidget* bottom = first.value(Qt::BottomDockWidgetArea); bottom != nullptr && !bottom->isHidden()) {
    // Two rows of charts, unless that would leave too little of the layers.
    const int wanted = perspective.bottomShare > 0.5 ? height() : fontMetrics().height() * 20;
    resizeDocks({bottom}, {std::min(wanted, static_cast<int>(height() * perspective.bottomShare))}, Qt::Vertical);
  }
}

} // namespace tandem::ui
