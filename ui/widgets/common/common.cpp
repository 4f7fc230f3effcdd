// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/common/common.hpp"

#include "ui/core/theme.hpp"

#include <QAction>
#include <QEvent>
#include <QHBoxLayout>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QPainter>
#include <QPushButton>
#include <QTimer>
#include <QToolButton>
#include <QToolTip>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {

constexpr int kTypingPauseMs = 120, kReadingMs = 8000;

void clearLayout(QBoxLayout* layout) {
  while (QLayoutItem* item = layout->takeAt(0)) {
    delete item->widget();
    delete item;
  }
}

void setColor(QWidget* widget, const QColor& color) {
  QPalette palette = widget->palette();
  palette.setColor(QPalette::WindowText, color);
  widget->setPalette(palette);
}

QPushButton* buttonFor(QAction* action, QWidget* parent) {
  auto* button = new QPushButton(action->icon(), action->text(), parent);
  button->setToolTip(action->toolTip());
  button->setEnabled(action->isEnabled());
  QObject::connect(button, &QPushButton::clicked, action, &QAction::trigger);
  QObject::connect(action, &QAction::enabledChanged, button, &QPushButton::setEnabled);
  return button;
}

// A disc with a sign, drawn so that it needs no icon theme.
QPixmap messageIcon(MessageKind kind, const Theme& theme, qreal ratio) {
  constexpr int kSide = 20;
  QPixmap pixmap(QSize(kSide, kSide) * ratio);
  pixmap.setDevicePixelRatio(ratio);
  pixmap.fill(Qt::transparent);
  QPainter p(&pixmap);
  p.setRenderHint(QPainter::Antialiasing);
  const QColor color = kind == MessageKind::Info      ? theme.info
                       : kind == MessageKind::Success ? theme.success
                       : kind == MessageKind::Warning ? theme.warning
                                                      : theme.problem;
  p.setPen(Qt::NoPen);
  p.setBrush(color);
  p.drawEllipse(QRectF(1, 1, 18, 18));
  p.setPen(QPen(Theme::textOn(color), 2.2, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
  switch (kind) {
  case MessageKind::Info:
    p.drawLine(QPointF(10, 9.5), QPointF(10, 14.5));
    p.drawPoint(QPointF(10, 5.8));
    break;
  case MessageKind::Warning:
    p.drawLine(QPointF(10, 5.2), QPointF(10, 10.8));
    p.drawPoint(QPointF(10, 14.5));
    break;
  case MessageKind::Success: p.drawPolyline(QPolygonF({{5.8, 10.4}, {8.8, 13.4}, {14.2, 7}})); break;
  case MessageKind::Error:
    p.drawLine(QPointF(7, 7), QPointF(13, 13));
    p.drawLine(QPointF(13, 7), QPointF(7, 13));
    break;
  }
  return pixmap;
}

} // namespace

QToolButton* toolButton(const QIcon& icon, const QString& text, const QString& objectName, QWidget* parent) {
  auto* button = new QToolButton(parent);
  button->setIcon(icon);
  button->setToolTip(text);
  button->setAccessibleName(text);
  button->setObjectName(objectName);
  return button;
}

EmptyState::EmptyState(QWidget* parent)
    : QWidget(parent),
      m_icon(new QLabel(this)),
      m_headline(new QLabel(this)),
      m_text(new QLabel(this)),
      m_buttons(new QHBoxLayout) {
  for (QLabel* label : {m_icon, m_headline, m_text}) label->setAlignment(Qt::AlignCenter);
  m_icon->hide();
  m_headline->setWordWrap(true);
  m_text->setWordWrap(true);
  m_buttons->setSpacing(8);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(24, 24, 24, 24);
  column->setSpacing(8);
  column->addStretch(1);
  column->addWidget(m_icon);
  column->addWidget(m_headline);
  column->addWidget(m_text);
  column->addSpacing(6);
  auto* row = new QHBoxLayout;
  row->addStretch(1);
  row->addLayout(m_buttons);
  row->addStretch(1);
  column->addLayout(row);
  column->addStretch(1);
  applyTheme();
}

void EmptyState::setIcon(const QIcon& icon) {
  m_icon->setPixmap(icon.pixmap(QSize(56, 56), devicePixelRatioF()));
  m_icon->setVisible(!icon.isNull());
}

void EmptyState::setText(const QString& headline, const QString& text) {
  m_headline->setText(headline);
  m_text->setText(text);
  m_text->setVisible(!text.isEmpty());
}

void EmptyState::setActions(const QList<QAction*>& actions) {
  clearLayout(m_buttons);
  for (QAction* action : actions) {
    QPushButton* button = buttonFor(action, this);
    button->setDefault(action == actions.front());
    m_buttons->addWidget(button);
  }
}

void EmptyState::applyTheme() {
  QFont large = font();
  large.setPointSizeF(large.pointSizeF() * 1.35);
  large.setWeight(QFont::DemiBold);
  m_headline->setFont(large);
  setColor(m_text, Theme::of(palette()).mutedText);
}

void EmptyState::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) applyTheme();
}

ElidedLabel::ElidedLabel(const QString& text, QWidget* parent) : QWidget(parent), m_text(text) {
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  setAccessibleName(text);
}

void ElidedLabel::setText(const QString& text) {
  if (text == m_text) return;
  m_text = text;
  setAccessibleName(text);
  updateGeometry();
  update();
}

void ElidedLabel::setElideMode(Qt::TextElideMode mode) {
  m_mode = mode;
  update();
}

QSize ElidedLabel::sizeHint() const {
  return {fontMetrics().horizontalAdvance(m_text) + 2, fontMetrics().height() + 2};
}

QSize ElidedLabel::minimumSizeHint() const {
  return {fontMetrics().horizontalAdvance(QStringLiteral("mmm…")), fontMetrics().height() + 2};
}

void ElidedLabel::paintEvent(QPaintEvent*) {
  QPainter p(this);
  p.setPen(palette().color(isEnabled() ? QPalette::Active : QPalette::Disabled, QPalette::WindowText));
  p.drawText(rect(), Qt::AlignLeft | Qt::AlignVCenter, fontMetrics().elidedText(m_text, m_mode, width()));
}

bool ElidedLabel::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip && toolTip().isEmpty()) {
    if (fontMetrics().horizontalAdvance(m_text) > width())
      QToolTip::showText(static_cast<QHelpEvent*>(event)->globalPos(), m_text, this);
    else
      QToolTip::hideText();
    return true;
  }
  return QWidget::event(event);
}

CollapsibleSection::CollapsibleSection(const QString& title, QWidget* parent)
    : QWidget(parent),
      m_header(new QToolButton(this)) {
  m_header->setText(title);
  m_header->setCheckable(true);
  m_header->setChecked(true);
  m_header->setAutoRaise(true);
  m_header->setArrowType(Qt::DownArrow);
  m_header->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  m_header->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  m_header->setFocusPolicy(Qt::TabFocus);
  QFont bold = m_header->font();
  bold.setWeight(QFont::DemiBold);
  m_header->setFont(bold);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(2);
  column->addWidget(m_header);
  connect(m_header, &QToolButton::toggled, this, [this](bool expanded) {
    m_header->setArrowType(expanded ? Qt::DownArrow : Qt::RightArrow);
    if (m_content != nullptr) m_content->setVisible(expanded);
    emit expandedChanged(expanded);
  });
}

void CollapsibleSection::setContent(QWidget* content) {
  delete m_content;
  m_content = content;
  if (content == nullptr) return;
  layout()->addWidget(content);
  content->setVisible(isExpanded());
}

void CollapsibleSection::setExpanded(bool expanded) { m_header->setChecked(expanded); }

bool CollapsibleSection::isExpanded() const { return m_header->isChecked(); }

MessageBar::MessageBar(QWidget* parent)
    : QFrame(parent),
      m_leave(new QTimer(this)),
      m_icon(new QLabel(this)),
      m_text(new QLabel(this)),
      m_detail(new QLabel(this)),
      m_buttons(new QHBoxLayout),
      m_close(new QToolButton(this)) {
  QFont bold = m_text->font();
  bold.setWeight(QFont::DemiBold);
  m_text->setFont(bold);
  for (QLabel* label : {m_text, m_detail}) {
    label->setWordWrap(true);
    label->setTextFormat(Qt::PlainText);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  }
  m_close->setAutoRaise(true);
  m_close->setText(QStringLiteral("✕"));
  m_close->setToolTip(tr("Close this message"));
  m_close->setAccessibleName(tr("Close this message"));
  auto* texts = new QVBoxLayout;
  texts->setSpacing(2);
  texts->addWidget(m_text);
  texts->addWidget(m_detail);
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(14, 8, 8, 8);
  row->setSpacing(10);
  row->addWidget(m_icon, 0, Qt::AlignTop);
  row->addLayout(texts, 1);
  row->addLayout(m_buttons);
  row->addWidget(m_close, 0, Qt::AlignTop);
  connect(m_close, &QToolButton::clicked, this, &MessageBar::close);
  m_leave->setSingleShot(true);
  m_leave->setInterval(kReadingMs);
  connect(m_leave, &QTimer::timeout, this, [this] {
    if (underMouse())
      m_leave->start();
    else
      close();
  });
  hide();
}

void MessageBar::close() {
  m_leave->stop();
  hide();
  emit closed();
}

void MessageBar::setDetailToolTip(const QString& text) { m_detail->setToolTip(text); }

void MessageBar::setReadingTime(int ms) { m_leave->setInterval(ms); }

void MessageBar::showMessage(MessageKind kind, const QString& text, const QString& detail,
                             const QList<QAction*>& actions) {
  m_kind = kind;
  m_text->setText(text);
  m_detail->setText(detail);
  m_detail->setVisible(!detail.isEmpty());
  m_detail->setToolTip({});
  const bool leaves = (kind == MessageKind::Success || kind == MessageKind::Info) && actions.isEmpty();
  if (leaves)
    m_leave->start();
  else
    m_leave->stop();
  clearLayout(m_buttons);
  for (QAction* action : actions) {
    QPushButton* button = buttonFor(action, this);
    connect(button, &QPushButton::clicked, this, [this] { hide(); });
    m_buttons->addWidget(button);
  }
  setAccessibleName(detail.isEmpty() ? text : text + QLatin1Char(' ') + detail);
  applyTheme();
  show();
  update();
}

QString MessageBar::text() const { return m_text->text(); }

void MessageBar::applyTheme() {
  const Theme theme = Theme::of(palette());
  m_icon->setPixmap(messageIcon(m_kind, theme, devicePixelRatioF()));
  setColor(m_detail, theme.mutedText);
}

void MessageBar::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) applyTheme();
}

void MessageBar::paintEvent(QPaintEvent*) {
  QPainter p(this);
  const Theme theme = Theme::of(palette());
  const QColor color = m_kind == MessageKind::Info      ? theme.info
                       : m_kind == MessageKind::Success ? theme.success
                       : m_kind == MessageKind::Warning ? theme.warning
                                                        : theme.problem;
  QColor tint = color;
  tint.setAlphaF(theme.dark ? 0.16F : 0.10F);
  p.fillRect(rect(), theme.window);
  p.fillRect(rect(), tint);
  p.fillRect(QRect(0, 0, 4, height()), color);
  p.setPen(theme.grid);
  p.drawLine(rect().bottomLeft(), rect().bottomRight());
}

FilterEdit::FilterEdit(QWidget* parent) : QLineEdit(parent), m_iconAction(new QAction(this)) {
  setClearButtonEnabled(true);
  setPlaceholderText(tr("Search"));
  addAction(m_iconAction, QLineEdit::LeadingPosition);
  updateIcon();
  auto* pause = new QTimer(this);
  pause->setSingleShot(true);
  pause->setInterval(kTypingPauseMs);
  connect(pause, &QTimer::timeout, this, [this] { emit filterChanged(text()); });
  connect(this, &QLineEdit::textChanged, this, [this, pause](const QString& text) {
    if (!text.isEmpty()) {
      pause->start();
      return;
    }
    pause->stop();
    setMatchCount(-1, 0);
    emit filterChanged(text);
  });
}

void FilterEdit::setMatchCount(int matches, int total) {
  m_count = matches < 0 ? QString() : tr("%1 of %2").arg(matches).arg(total);
  const int space = m_count.isEmpty() ? 0 : fontMetrics().horizontalAdvance(m_count) + 10;
  setTextMargins(0, 0, space, 0);
  setAccessibleDescription(m_count);
  update();
}

void FilterEdit::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Escape && !text().isEmpty()) {
    clear();
    return;
  }
  if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
    if (event->modifiers().testFlag(Qt::ShiftModifier))
      emit previousRequested();
    else
      emit nextRequested();
    event->accept();
    return;
  }
  QLineEdit::keyPressEvent(event);
}

void FilterEdit::paintEvent(QPaintEvent* event) {
  QLineEdit::paintEvent(event);
  if (m_count.isEmpty()) return;
  QPainter p(this);
  p.setPen(Theme::of(palette()).mutedText);
  constexpr int kClearButton = 26;
  p.drawText(rect().adjusted(0, 0, -kClearButton, 0), Qt::AlignRight | Qt::AlignVCenter, m_count);
}

void FilterEdit::changeEvent(QEvent* event) {
  QLineEdit::changeEvent(event);
  if (event->type() == QEvent::PaletteChange && m_iconAction != nullptr) updateIcon();
}

void FilterEdit::updateIcon() {
  QPixmap pixmap(32, 32);
  pixmap.setDevicePixelRatio(2);
  pixmap.fill(Qt::transparent);
  QPainter p(&pixmap);
  p.setRenderHint(QPainter::Antialiasing);
  p.setPen(QPen(Theme::of(palette()).mutedText, 1.6, Qt::SolidLine, Qt::RoundCap));
  p.drawEllipse(QRectF(2.5, 2.5, 8, 8));
  p.drawLine(QPointF(9.6, 9.6), QPointF(13.5, 13.5));
  p.end();
  m_iconAction->setIcon(pixmap);
}

} // namespace tandem::ui
