// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/timeline/slice_details.hpp"

#include "ui/core/units.hpp"
#include "ui/widgets/timeline/timeline_geometry.hpp"

#include <QGridLayout>
#include <QLabel>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {

QLabel* plain(const QString& text, QWidget* parent) {
  auto* label = new QLabel(text, parent);
  label->setTextFormat(Qt::PlainText); // names come from files
  return label;
}

} // namespace

SliceDetails::SliceDetails(QWidget* parent) : QScrollArea(parent) {
  setWidgetResizable(true);
  setFrameShape(QFrame::NoFrame);
  setAccessibleName(tr("Selected slice"));
  auto* content = new QWidget(this);
  auto* column = new QVBoxLayout(content);
  m_name = plain({}, content);
  m_name->setObjectName(QStringLiteral("slice_name"));
  m_name->setWordWrap(true);
  m_name->setTextInteractionFlags(Qt::TextSelectableByMouse);
  QFont bold = m_name->font();
  bold.setBold(true);
  m_name->setFont(bold);
  m_hint = plain(tr("Click a slice, or press . to begin. Drag over the tracks to sum up an area."), content);
  m_hint->setWordWrap(true);
  m_hint->setForegroundRole(QPalette::PlaceholderText);
  column->addWidget(m_name);
  column->addWidget(m_hint);
  // A grid: a form layout of Qt 6.4 writes beyond its memory when rows that wrap are hidden.
  auto* grid = new QGridLayout;
  grid->setColumnStretch(1, 1);
  const QString titles[kFields] = {tr("Start"), tr("Duration"), tr("Kind"),  tr("Device"),
                                   tr("Track"), tr("Request"),  tr("Bytes"), tr("Rate")};
  for (int field = 0; field < kFields; ++field) {
    m_titles[field] = plain(titles[field], content);
    m_values[field] = plain({}, content);
    m_values[field]->setWordWrap(true);
    m_values[field]->setTextInteractionFlags(Qt::TextSelectableByMouse);
    grid->addWidget(m_titles[field], field, 0, Qt::AlignTop);
    grid->addWidget(m_values[field], field, 1);
  }
  m_layer = new QToolButton(content);
  m_layer->setObjectName(QStringLiteral("slice_layer"));
  m_layer->setAccessibleName(tr("Select the layer"));
  m_layer->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  m_layerTitle = plain(tr("Layer"), content);
  grid->addWidget(m_layerTitle, kFields, 0);
  grid->addWidget(m_layer, kFields, 1);
  column->addLayout(grid);
  column->addStretch(1);
  setWidget(content);
  connect(m_layer, &QToolButton::clicked, this, &SliceDetails::layerRequested);
  clear();
}

void SliceDetails::set(Field field, const QString& text) {
  m_values[field]->setText(text);
  m_values[field]->setVisible(!text.isEmpty());
  m_titles[field]->setVisible(!text.isEmpty());
}

void SliceDetails::clear() {
  m_name->hide();
  m_name->clear();
  m_hint->show();
  for (int field = 0; field < kFields; ++field) set(static_cast<Field>(field), {});
  m_layer->hide();
  m_layerTitle->hide();
}

void SliceDetails::showSlice(const TimelineModel& model, const SliceRef& ref, const QString& layer) {
  const TimelineSlice& slice = model.slice(ref);
  const TimelineTrack& track = model.tracks()[static_cast<std::size_t>(ref.track)];
  const QString kinds[] = {tr("Kernel"),        tr("Transfer"), tr("Request"), tr("Waiting"),
                           tr("Preprocessing"), tr("Compile"),  tr("Event")};
  const auto duration = static_cast<double>(slice.durationNs());
  m_hint->hide();
  m_name->show();
  m_name->setText(model.label(slice));
  set(kStart, rulerText(static_cast<double>(slice.startNs), 100));
  set(kDuration, formatMs(duration / 1e6));
  set(kKind, kinds[static_cast<std::size_t>(slice.kind)]);
  set(kDevice, track.device >= 0 ? model.deviceIds()[track.device] : QString());
  set(kTrack, track.name);
  set(kRequest, slice.request > 0 ? QString::number(slice.request) : QString());
  set(kBytes, slice.bytes > 0 ? formatBytes(static_cast<double>(slice.bytes)) : QString());
  set(kRate, slice.bytes > 0 && duration > 0
                 ? tr("%1 GB/s").arg(formatValue(Unit::None, static_cast<double>(slice.bytes) / duration))
                 : QString());
  m_layer->setVisible(!layer.isEmpty());
  m_layerTitle->setVisible(!layer.isEmpty());
  // The end of a name tells more than its beginning; a tool button would cut both.
  const int room =
      std::max(m_layer->width() - fontMetrics().averageCharWidth() * 2, fontMetrics().averageCharWidth() * 16);
  m_layer->setText(fontMetrics().elidedText(layer, Qt::ElideLeft, room).replace(QLatin1Char('&'), QLatin1String("&&")));
  m_layer->setToolTip(tr("<p>Select %1 in the graph and in the tables</p>").arg(layer.toHtmlEscaped()));
  m_layer->setAccessibleName(tr("Select layer %1").arg(layer));
}

QString SliceDetails::text() const {
  QStringList lines{m_name->text()};
  for (int field = 0; field < kFields; ++field)
    if (!m_values[field]->text().isEmpty())
      lines << m_titles[field]->text() + QStringLiteral(": ") + m_values[field]->text();
  return lines.join(QLatin1Char('\n'));
}

} // namespace tandem::ui
