// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/layers/search_bar.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"
#include "ui/widgets/common/common.hpp"

#include <QAbstractItemView>
#include <QCompleter>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QStandardItemModel>
#include <QToolButton>

#include <set>

namespace tandem::ui {
namespace {

constexpr int kTextRole = Qt::UserRole + 1;
constexpr int kVisibleCompletions = 10;

QString helpTable() {
  QString rows;
  for (const FilterHint& hint : LayerFilter::hints())
    rows += QStringLiteral("<tr><td><b>%1</b>&nbsp;&nbsp;</td><td>%2</td></tr>")
                .arg(hint.example.toHtmlEscaped(), hint.meaning.toHtmlEscaped());
  return LayerSearchBar::tr("Words and filters that must all match:") + QStringLiteral("<table>%1</table>").arg(rows) +
         LayerSearchBar::tr("Enter goes to the next hit, Shift+Enter to the one before, Ctrl+Enter selects all.");
}

} // namespace

LayerSearchBar::LayerSearchBar(Workspace& workspace, LayerSearch& search, QWidget* parent)
    : QWidget(parent),
      m_workspace(workspace),
      m_search(search) {
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(2);
  m_edit = new FilterEdit(this);
  m_edit->setObjectName(QStringLiteral("layer_filter"));
  m_edit->setAccessibleName(tr("Find layers"));
  m_edit->setPlaceholderText(tr("Find layers: name, op:Conv, dev:CPU:0, t>1ms"));
  m_edit->setToolTip(helpTable());
  row->addWidget(m_edit, 1);
  m_previous =
      toolButton(icon(QStringLiteral("back")), tr("Hit before (Shift+F3)"), QStringLiteral("previous_hit"), this);
  m_next = toolButton(icon(QStringLiteral("forward")), tr("Next hit (F3)"), QStringLiteral("next_hit"), this);
  m_select = toolButton(icon(QStringLiteral("layers")), tr("Select all hits (Ctrl+Enter)"),
                        QStringLiteral("select_hits"), this);
  for (QToolButton* button : {m_previous, m_next, m_select}) {
    button->setAutoRaise(true);
    button->hide();
    row->addWidget(button);
  }
  auto* filters = new QToolButton(this);
  filters->setObjectName(QStringLiteral("filter_help"));
  filters->setText(tr("Filters"));
  filters->setAccessibleName(tr("Filters"));
  filters->setToolTip(helpTable());
  filters->setAutoRaise(true);
  filters->setPopupMode(QToolButton::InstantPopup);
  auto* menu = new QMenu(filters);
  for (const FilterHint& hint : LayerFilter::hints()) {
    QAction* insert = menu->addAction(hint.example + u'\t' + hint.meaning);
    connect(insert, &QAction::triggered, this, [this, text = hint.text] {
      const bool joined = m_edit->text().isEmpty() || m_edit->text().endsWith(u' ');
      m_edit->setText(m_edit->text() + (joined ? QString() : QStringLiteral(" ")) + text);
      m_edit->setFocus(Qt::OtherFocusReason);
    });
  }
  filters->setMenu(menu);
  row->addWidget(filters);
  m_problem = new QLabel(parent);
  m_problem->setObjectName(QStringLiteral("filter_problem"));
  m_problem->setTextFormat(Qt::RichText);
  m_problem->setWordWrap(true);
  m_problem->setContentsMargins(fontMetrics().height() / 2, 0, fontMetrics().height() / 2, fontMetrics().height() / 3);
  m_problem->hide();

  m_completions = new QStandardItemModel(this);
  m_completer = new QCompleter(m_completions, this);
  m_completer->setWidget(m_edit);
  m_completer->setCaseSensitivity(Qt::CaseInsensitive);
  m_completer->setCompletionRole(kTextRole);
  m_completer->setMaxVisibleItems(kVisibleCompletions);
  m_completer->popup()->installEventFilter(this);
  connect(m_completer, qOverload<const QModelIndex&>(&QCompleter::activated), this, &LayerSearchBar::complete);
  fillCompletions();

  connect(m_edit, &FilterEdit::filterChanged, &m_search, &LayerSearch::setText);
  connect(m_edit, &QLineEdit::textEdited, this, &LayerSearchBar::offerCompletions);
  connect(m_edit, &FilterEdit::nextRequested, this, [this] { emit stepRequested(1); });
  connect(m_edit, &FilterEdit::previousRequested, this, [this] { emit stepRequested(-1); });
  connect(m_next, &QToolButton::clicked, this, [this] { emit stepRequested(1); });
  connect(m_previous, &QToolButton::clicked, this, [this] { emit stepRequested(-1); });
  connect(m_select, &QToolButton::clicked, this, &LayerSearchBar::selectHitsRequested);
  connect(&m_search, &LayerSearch::changed, this, &LayerSearchBar::showHits);
  connect(&m_workspace.document, &DocumentModel::opened, this, &LayerSearchBar::fillCompletions);
  connect(&m_workspace.devices, &DeviceListModel::changed, this, &LayerSearchBar::fillCompletions);
}

void LayerSearchBar::focusField() {
  m_edit->setFocus(Qt::ShortcutFocusReason);
  m_edit->selectAll();
}

void LayerSearchBar::clear() { m_edit->clear(); }

void LayerSearchBar::showHits() {
  const bool active = m_search.isActive();
  m_edit->setMatchCount(active ? static_cast<int>(m_search.hits().size()) : -1, m_workspace.document.nodeCount());
  for (QToolButton* button : {m_previous, m_next, m_select}) {
    button->setVisible(active);
    button->setEnabled(!m_search.hits().isEmpty());
  }
  showProblem();
}

// The wrong part of the filter, marked, and what is wrong with it. A hint where nothing can match.
void LayerSearchBar::showProblem() {
  const auto& error = m_search.filter().error();
  if (error) {
    const QString text = m_search.text();
    const QString color = Theme::of(palette()).problem.name();
    m_problem->setText(QStringLiteral("%1<span style=\"color:%2\"><b><u>%3</u></b></span>%4 &nbsp; %5")
                           .arg(text.left(error->position).toHtmlEscaped(), color,
                                text.mid(error->position, error->length).toHtmlEscaped(),
                                text.mid(error->position + error->length).toHtmlEscaped(),
                                error->message.toHtmlEscaped()));
  } else if (m_search.filter().asksForTime() && m_workspace.document.measured() == nullptr) {
    m_problem->setText(tr("No layer was measured yet: Run &gt; Measure each layer where it runs (F8)"));
  } else {
    m_problem->clear();
  }
  m_problem->setVisible(!m_problem->text().isEmpty());
}

void LayerSearchBar::fillCompletions() {
  m_completions->clear();
  const auto offer = [this](const QString& text, const QString& meaning) {
    auto* item = new QStandardItem(text + QStringLiteral("    ") + meaning);
    item->setData(text, kTextRole);
    m_completions->appendRow(item);
  };
  for (const FilterHint& hint : LayerFilter::hints())
    if (hint.text.size() > 1) offer(hint.text, hint.meaning + QStringLiteral(", ") + hint.example);
  std::set<QString> operators, types;
  for (int node = 0; node < m_workspace.document.nodeCount(); ++node) {
    operators.insert(toQString(m_workspace.document.document().nodes[static_cast<std::size_t>(node)].op));
    types.insert(m_workspace.document.typeOf(node));
  }
  for (const QString& each : operators) offer(QStringLiteral("op:") + each, {});
  for (const QString& id : m_workspace.devices.visibleIds()) {
    offer(QStringLiteral("dev:") + id, {});
    offer(QStringLiteral("req:") + id, {});
  }
  for (const QString& each : types)
    if (!each.isEmpty()) offer(QStringLiteral("type:") + each, {});
}

qsizetype LayerSearchBar::wordStart() const {
  const qsizetype cursor = m_edit->cursorPosition();
  const qsizetype space = cursor > 0 ? m_edit->text().lastIndexOf(u' ', cursor - 1) : -1;
  const qsizetype start = space + 1;
  return start < cursor && m_edit->text()[start] == u'-' ? start + 1 : start;
}

void LayerSearchBar::offerCompletions() {
  const QString word = m_edit->text().mid(wordStart(), m_edit->cursorPosition() - wordStart());
  m_completer->setCompletionPrefix(word);
  const bool single = m_completer->completionCount() == 1 &&
                      m_completer->currentIndex().data(kTextRole).toString().compare(word, Qt::CaseInsensitive) == 0;
  if (word.isEmpty() || m_completer->completionCount() == 0 || single) {
    m_completer->popup()->hide();
    return;
  }
  const int wide = m_completer->popup()->sizeHintForColumn(0) + 40;
  m_completer->complete(QRect(0, 0, std::max(wide, 200), m_edit->height()));
}

void LayerSearchBar::complete(const QModelIndex& index) {
  const QString text = index.data(kTextRole).toString();
  if (text.isEmpty()) return;
  const qsizetype start = wordStart(), end = m_edit->cursorPosition();
  m_edit->setText(m_edit->text().left(start) + text + m_edit->text().mid(end));
  m_edit->setCursorPosition(static_cast<int>(start + text.size()));
}

bool LayerSearchBar::eventFilter(QObject* watched, QEvent* event) {
  if (watched == m_completer->popup() && event->type() == QEvent::KeyPress) {
    const int key = static_cast<QKeyEvent*>(event)->key();
    const QModelIndex current = m_completer->popup()->currentIndex();
    if (key == Qt::Key_Escape) { // closes the list only; the field would forget its text
      m_completer->popup()->hide();
      return true;
    }
    if (key == Qt::Key_Return || key == Qt::Key_Enter || key == Qt::Key_Tab) {
      m_completer->popup()->hide();
      if (current.isValid()) {
        complete(current);
        return true;
      }
    }
  }
  return QWidget::eventFilter(watched, event);
}

} // namespace tandem::ui
