// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/layers/layer_table.hpp"

#include "ui/widgets/common/common.hpp"

#include <QComboBox>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QKeyEvent>
#include <QStyledItemDelegate>

#include <algorithm>

namespace tandem::ui {
namespace {

/// Puts the device's badge before its id, and edits a requested device by choosing from a list.
class DeviceDelegate : public QStyledItemDelegate {
 public:
  DeviceDelegate(Workspace& workspace, QObject* parent) : QStyledItemDelegate(parent), m_workspace(workspace) {}

  QWidget* createEditor(QWidget* parent, const QStyleOptionViewItem& option, const QModelIndex&) const override {
    auto* editor = new QComboBox(parent);
    editor->setObjectName(QStringLiteral("device_cell"));
    editor->setAccessibleName(LayerTable::tr("Requested device"));
    for (const QString& id : m_workspace.devices.visibleIds())
      editor->addItem(deviceIcon(m_workspace.devices.numberOf(id), id, option.palette), id, id);
    editor->addItem(LayerTable::tr("Default"), QString());
    auto* self = const_cast<DeviceDelegate*>(this);
    connect(editor, &QComboBox::activated, self, [self, editor] {
      emit self->commitData(editor);
      emit self->closeEditor(editor);
    });
    return editor;
  }

  void updateEditorGeometry(QWidget* editor, const QStyleOptionViewItem& option, const QModelIndex&) const override {
    editor->setGeometry(option.rect); // over the badge as well
  }

  void setEditorData(QWidget* editor, const QModelIndex& index) const override {
    auto* box = static_cast<QComboBox*>(editor);
    box->setCurrentIndex(box->findData(index.data().toString()));
  }

  // Leaving the editor without a choice changes nothing. A row of the selection stands for all of it.
  void setModelData(QWidget* editor, QAbstractItemModel* model, const QModelIndex& index) const override {
    const auto* box = static_cast<QComboBox*>(editor);
    if (box->currentIndex() < 0) return;
    const QString device = box->currentData().toString();
    if (device == index.data().toString()) return;
    const int node = static_cast<const LayerProxyModel*>(model)->mapToSource(index).row();
    const QList<int>& selected = m_workspace.selection.nodes();
    m_workspace.document.assign(selected.contains(node) ? selected : QList<int>{node}, device);
  }

 protected:
  void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override {
    QStyledItemDelegate::initStyleOption(option, index);
    const QString id = index.data(LayerTableModel::kDeviceRole).toString();
    if (id.isEmpty()) return;
    option->icon = deviceIcon(m_workspace.devices.numberOf(id), id, option->palette);
    option->features |= QStyleOptionViewItem::HasDecoration;
  }

 private:
  Workspace& m_workspace;
};

} // namespace

LayerTable::LayerTable(Workspace& workspace, const LayerSearch& search, QWidget* parent)
    : QTreeView(parent),
      m_workspace(workspace),
      m_model(workspace.document, workspace.devices),
      m_proxy(search) {
  setObjectName(QStringLiteral("layer_table"));
  setAccessibleName(tr("Layers table"));
  m_proxy.setSourceModel(&m_model);
  setModel(&m_proxy);
  setItemDelegate(new DeviceDelegate(workspace, this));
  setRootIsDecorated(false);
  setUniformRowHeights(true);
  setAlternatingRowColors(true);
  setSortingEnabled(true);
  sortByColumn(LayerTableModel::kNumber, Qt::AscendingOrder);
  setSelectionMode(QAbstractItemView::ExtendedSelection);
  setEditTriggers(QAbstractItemView::DoubleClicked | QAbstractItemView::EditKeyPressed);
  setFrameShape(QFrame::NoFrame);
  setContextMenuPolicy(Qt::CustomContextMenu);
  header()->setSectionsMovable(true);
  connect(this, &QWidget::customContextMenuRequested, this,
          [this](QPoint position) { emit contextMenuAt(viewport()->mapToGlobal(position)); });
  connect(selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
    if (!m_selecting) m_workspace.selection.select(selectedNodes());
  });
  // A filter takes rows away, not layers out of the selection.
  connect(&search, &LayerSearch::changed, this, [this] { selectNodes(m_workspace.selection.nodes()); });
}

void LayerTable::setDefaultWidths() {
  const int em = fontMetrics().averageCharWidth();
  const int widths[LayerTableModel::kColumns] = {6, 24, 16, 18, 11, 13, 13, 13, 13, 17, 17, 22, 14, 11};
  for (int column = 0; column < LayerTableModel::kColumns; ++column) setColumnWidth(column, widths[column] * em);
}

void LayerTable::scrollToNode(int node) { scrollTo(m_proxy.mapFromSource(m_model.index(node, 0))); }

QList<int> LayerTable::selectedNodes() const {
  QList<int> nodes;
  for (const QModelIndex& row : selectionModel()->selectedRows()) nodes << m_proxy.mapToSource(row).row();
  return nodes;
}

void LayerTable::selectNodes(const QList<int>& nodes) {
  QList<int> current = selectedNodes();
  std::sort(current.begin(), current.end());
  if (current == nodes) return;
  QItemSelection rows;
  const int last = LayerTableModel::kColumns - 1;
  // Neighbouring rows are one range: thousands of ranges make every later change slow.
  QList<int> places;
  for (const int node : nodes)
    if (const QModelIndex index = m_proxy.mapFromSource(m_model.index(node, 0)); index.isValid()) places << index.row();
  std::sort(places.begin(), places.end());
  for (qsizetype i = 0; i < places.size();) {
    qsizetype end = i + 1;
    while (end < places.size() && places[end] == places[end - 1] + 1) ++end;
    rows.append(QItemSelectionRange(m_proxy.index(places[i], 0), m_proxy.index(places[end - 1], last)));
    i = end;
  }
  m_selecting = true;
  selectionModel()->select(rows, QItemSelectionModel::ClearAndSelect);
  m_selecting = false;
}

QString LayerTable::csv(const QList<int>& nodes) const {
  QList<int> rows, columns;
  for (const int node : nodes)
    if (const QModelIndex index = m_proxy.mapFromSource(m_model.index(node, 0)); index.isValid()) rows << index.row();
  std::sort(rows.begin(), rows.end());
  QList<int> ordered;
  for (const int row : rows) ordered << m_proxy.mapToSource(m_proxy.index(row, 0)).row();
  // What the filter hides is still what was asked for.
  for (const int node : nodes)
    if (!m_proxy.mapFromSource(m_model.index(node, 0)).isValid()) ordered << node;
  for (int place = 0; place < LayerTableModel::kColumns; ++place)
    if (const int column = header()->logicalIndex(place); !isColumnHidden(column)) columns << column;
  return m_model.csv(ordered, columns);
}

bool LayerTable::event(QEvent* event) {
  // Copying rows belongs to the table while it has the focus.
  if (event->type() == QEvent::ShortcutOverride && static_cast<QKeyEvent*>(event)->matches(QKeySequence::Copy)) {
    event->accept();
    return true;
  }
  return QTreeView::event(event);
}

void LayerTable::keyPressEvent(QKeyEvent* event) {
  const bool plain = !(event->modifiers() & (Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier));
  if (event->matches(QKeySequence::Copy)) {
    emit copyRequested();
  } else if (event->key() == Qt::Key_F2 && currentIndex().isValid()) { // in whatever column
    const QModelIndex cell = currentIndex().siblingAtColumn(LayerTableModel::kRequested);
    scrollTo(cell);
    edit(cell);
  } else if (plain && event->key() >= Qt::Key_0 && event->key() <= Qt::Key_9) {
    const int number = event->key() - Qt::Key_0;
    const QStringList ids = m_workspace.devices.visibleIds();
    if (number <= ids.size())
      m_workspace.document.assign(m_workspace.selection.nodes(), number == 0 ? QString() : ids[number - 1]);
  } else {
    QTreeView::keyPressEvent(event);
  }
}

} // namespace tandem::ui
