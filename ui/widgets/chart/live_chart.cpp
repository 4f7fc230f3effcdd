// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/chart/live_chart.hpp"

#include "ui/core/theme.hpp"
#include "ui/widgets/chart/axis_scale.hpp"
#include "ui/widgets/chart/chart_legend.hpp"

#include <QCategoryAxis>
#include <QChart>
#include <QChartView>
#include <QEvent>
#include <QGraphicsLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineSeries>
#include <QMouseEvent>
#include <QPainter>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <vector>

namespace tandem::ui {
namespace {

constexpr int kNotADevice = -2;
constexpr double kWindowSeconds = 60;

struct Series {
  QString name;
  QColor color;
  int device = kNotADevice;
  RingSeries ring;
  QList<QPointF> shown; // what the chart has now
  bool visible = true;
  QLineSeries* line = nullptr;
  Qt::PenStyle style = Qt::SolidLine;
};

// The value at `x`, from the nearest point at most a second away.
std::optional<double> valueAt(const QList<QPointF>& points, double x) {
  const auto after =
      std::lower_bound(points.begin(), points.end(), x, [](const QPointF& p, double v) { return p.x() < v; });
  auto nearest = after;
  if (after == points.end() || (after != points.begin() && x - std::prev(after)->x() < after->x() - x))
    nearest = after == points.begin() ? points.end() : std::prev(after);
  if (nearest == points.end() || std::fabs(nearest->x() - x) > 1.0) return std::nullopt;
  return nearest->y();
}

// Lies over the chart and lets the mouse through; a chart repaint does not touch it and the other way round.
class Overlay : public QWidget {
 public:
  using QWidget::QWidget;
  std::function<void(QPainter&)> paint;

 protected:
  void paintEvent(QPaintEvent*) override {
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    if (paint) paint(p);
  }
};

} // namespace

struct Mark {
  qint64 timeMs;
  QString text;
};

struct LiveChart::Private {
  LiveChart* q;
  QString title;
  Unit unit;
  AxisMaximum maximum;
  std::vector<Series> series;
  QChart* chart = nullptr;
  QChartView* view = nullptr;
  QCategoryAxis* x = nullptr;
  QCategoryAxis* y = nullptr;
  Overlay* overlay = nullptr;
  QHBoxLayout* header = nullptr;
  QLabel* titleLabel = nullptr;
  ChartLegend* legend = nullptr;
  Theme theme;
  bool paused = false;
  qint64 now = 0;
  qint64 lastSpoken = -1;
  std::vector<Mark> marks;
  double crosshair = 1;

  Private(LiveChart* chartWidget, const QString& chartTitle, Unit chartUnit)
      : q(chartWidget),
        title(chartTitle),
        unit(chartUnit),
        maximum(chartUnit) {}

  void build() {
    q->setAutoFillBackground(true);
    q->setBackgroundRole(QPalette::Base);
    titleLabel = new QLabel(title, q);
    QFont bold = titleLabel->font();
    bold.setWeight(QFont::DemiBold);
    titleLabel->setFont(bold);
    titleLabel->setMinimumHeight(q->fontMetrics().height() + 2); // as high as a corner widget
    header = new QHBoxLayout;
    header->setContentsMargins(8, 3, 4, 0);
    header->setSpacing(2);
    header->addWidget(titleLabel);
    header->addStretch(1);
    legend = new ChartLegend(q);
    QObject::connect(legend, &ChartLegend::toggled, q, [this](int i, bool on) { q->setSeriesVisible(i, on); });
    QObject::connect(legend, &ChartLegend::heightChanged, q, [this] { q->updateGeometry(); });
    auto* legendRow = new QHBoxLayout;
    legendRow->setContentsMargins(4, 0, 4, 0);
    legendRow->addWidget(legend);

    chart = new QChart;
    chart->setAnimationOptions(QChart::NoAnimation);
    chart->legend()->hide();
    chart->setBackgroundVisible(false);
    chart->setMargins(QMargins(4, 6, 10, 0));
    chart->layout()->setContentsMargins(0, 0, 0, 0);
    x = new QCategoryAxis(chart);
    x->setLabelsPosition(QCategoryAxis::AxisLabelsPositionOnValue);
    x->setRange(-kWindowSeconds, 0);
    for (int second = -60; second < 0; second += 15) x->append(LiveChart::tr("%1 s").arg(second), second);
    x->append(LiveChart::tr("now"), 0);
    y = new QCategoryAxis(chart);
    y->setLabelsPosition(QCategoryAxis::AxisLabelsPositionOnValue);
    chart->addAxis(x, Qt::AlignBottom);
    y->setTruncateLabels(false); // small charts would show dots instead of numbers
    chart->addAxis(y, Qt::AlignLeft);
    labelAxis();

    view = new QChartView(chart, q);
    view->setFrameShape(QFrame::NoFrame);
    view->setFocusPolicy(Qt::NoFocus);
    view->viewport()->setFocusPolicy(Qt::NoFocus);
    view->viewport()->setMouseTracking(true);
    view->viewport()->installEventFilter(q);
    view->setMinimumSize(0, 0);
    view->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    overlay = new Overlay(view);
    overlay->setAttribute(Qt::WA_TransparentForMouseEvents);
    overlay->paint = [this](QPainter& p) { paintOverlay(p); };
    auto* column = new QVBoxLayout(q);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(header);
    column->addLayout(legendRow);
    column->addWidget(view, 1);
  }

  void labelAxis() {
    for (const QString& label : y->categoriesLabels()) y->remove(label);
    const double top = maximum.value();
    const int steps = niceSteps(top, unit);
    y->setRange(0, top);
    for (int i = 0; i <= steps; ++i) {
      const QString label = formatTick(unit, top * i / steps);
      // QCategoryAxis refuses equal labels; spaces keep coarse ones apart.
      y->append(label + QString(y->categoriesLabels().count(label), QChar(0x200a)), top * i / steps);
    }
  }

  [[nodiscard]] QColor colorOf(const Series& s, int index) const {
    if (s.device != kNotADevice) {
      return theme.lineColor(theme.deviceColor(s.device));
    }
    return s.color.isValid() ? s.color : theme.category(index);
  }

  void applyTheme() {
    if (overlay == nullptr) return; // a palette event from inside build()
    theme = Theme::of(q->palette());
    view->setBackgroundBrush(theme.window);
    chart->setPlotAreaBackgroundVisible(false);
    QFont small = q->font();
    small.setPointSizeF(std::max(7.0, small.pointSizeF() - 2));
    for (QCategoryAxis* axis : {x, y}) {
      axis->setLabelsFont(small);
      axis->setLabelsBrush(theme.mutedText);
      axis->setGridLinePen(QPen(theme.grid, 1));
      axis->setLinePen(QPen(theme.grid, 1));
    }
    legend->setFont(small);
    for (std::size_t i = 0; i < series.size(); ++i) styleSeries(i);
  }

  void styleSeries(std::size_t i) {
    const QColor color = colorOf(series[i], static_cast<int>(i));
    series[i].line->setPen(QPen(color, 1.5, series[i].style, Qt::FlatCap, Qt::BevelJoin));
    legend->setLook(static_cast<int>(i), color, series[i].style, series[i].visible);
  }

  [[nodiscard]] QString spoken(const QString& name) const { return LiveChart::tr("Show %1 in %2").arg(name, title); }

  int add(Series s) {
    const int index = static_cast<int>(series.size());
    s.line = new QLineSeries(chart);
    s.line->setUseOpenGL(false);
    chart->addSeries(s.line);
    s.line->attachAxis(x);
    s.line->attachAxis(y);
    legend->add(s.name, spoken(s.name));
    series.push_back(std::move(s));
    styleSeries(series.size() - 1);
    return index;
  }

  void draw() {
    double largest = 0;
    for (Series& s : series) {
      s.shown = s.ring.points(now);
      if (!s.visible) continue;
      for (const QPointF& p : s.shown) largest = std::max(largest, p.y());
    }
    const double before = maximum.value();
    if (maximum.update(largest, now) != before) labelAxis();
    for (Series& s : series)
      if (s.visible) s.line->replace(s.shown);
    overlay->update();
    constexpr qint64 kSpeakEveryMs = 2000;
    if (lastSpoken < 0 || now - lastSpoken >= kSpeakEveryMs) {
      lastSpoken = now;
      q->setAccessibleDescription(q->summary());
    }
  }

  [[nodiscard]] bool hasData() const {
    return std::any_of(series.begin(), series.end(), [](const Series& s) { return !s.shown.isEmpty(); });
  }

  void paintOverlay(QPainter& p) {
    const QRectF plot = chart->plotArea();
    if (!hasData()) {
      p.setPen(theme.mutedText);
      p.drawText(plot, Qt::AlignCenter, LiveChart::tr("No data yet"));
      return;
    }
    if (paused) {
      p.setPen(theme.mutedText);
      p.drawText(plot.adjusted(0, 2, -6, 0), Qt::AlignRight | Qt::AlignTop, LiveChart::tr("Paused"));
    }
    paintMarks(p, plot);
    if (crosshair <= 0) paintCrosshair(p, plot);
  }

  [[nodiscard]] double secondsAgo(const Mark& mark) const { return static_cast<double>(mark.timeMs - now) / 1e3; }

  void paintMarks(QPainter& p, const QRectF& plot) {
    p.setPen(QPen(theme.warning, 1, Qt::DashLine));
    for (const Mark& mark : marks) {
      const double ago = secondsAgo(mark);
      if (ago > 0 || ago < -kWindowSeconds) continue;
      const double at = plot.right() + ago / kWindowSeconds * plot.width();
      p.drawLine(QPointF(at, plot.top()), QPointF(at, plot.bottom()));
    }
  }

  void paintCrosshair(QPainter& p, const QRectF& plot) {
    const double at = plot.right() + crosshair / kWindowSeconds * plot.width();
    p.setPen(QPen(theme.mutedText, 1));
    p.drawLine(QPointF(at, plot.top()), QPointF(at, plot.bottom()));
    QStringList lines{LiveChart::tr("%1 s").arg(QLocale().toString(crosshair, 'f', 1))};
    QList<QColor> colors{theme.mutedText};
    constexpr double kNearS = 0.8;
    for (const Mark& mark : marks) {
      if (std::abs(secondsAgo(mark) - crosshair) > kNearS) continue;
      lines.append(QFontMetrics(q->font()).elidedText(mark.text, Qt::ElideRight, static_cast<int>(plot.width() * 0.8)));
      colors.append(theme.warning);
    }
    for (std::size_t i = 0; i < series.size(); ++i) {
      const Series& s = series[i];
      if (!s.visible) continue;
      const auto value = valueAt(s.shown, crosshair);
      const QColor color = colorOf(s, static_cast<int>(i));
      lines.append(QStringLiteral("%1  %2").arg(s.name, value ? formatValue(unit, *value) : QStringLiteral("–")));
      colors.append(color);
      if (!value) continue;
      p.setBrush(color);
      p.setPen(QPen(theme.window, 1.5));
      p.drawEllipse(QPointF(at, plot.bottom() - std::min(*value / maximum.value(), 1.0) * plot.height()), 4, 4);
    }
    const QFontMetrics metrics(q->font());
    int width = 0;
    for (const QString& line : lines) width = std::max(width, metrics.horizontalAdvance(line));
    const int row = metrics.height() + 1;
    QRectF card(at + 10, plot.top() + 6, width + 28, row * static_cast<double>(lines.size()) + 10);
    if (card.right() > plot.right()) card.moveRight(at - 10);
    p.setPen(QPen(theme.frameOutline, 1));
    p.setBrush(theme.surface);
    p.drawRoundedRect(card, 4, 4);
    for (int i = 0; i < lines.size(); ++i) {
      const QRectF line(card.left() + 8, card.top() + 5 + i * row, card.width() - 16, row);
      if (i > 0) {
        p.setPen(Qt::NoPen);
        p.setBrush(colors[i]);
        p.drawRoundedRect(QRectF(line.left(), line.center().y() - 4, 8, 8), 2, 2);
      }
      p.setPen(i > 0 ? theme.text : theme.mutedText);
      p.drawText(line.adjusted(i > 0 ? 13 : 0, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft, lines[i]);
    }
  }
};

LiveChart::LiveChart(const QString& title, Unit unit, QWidget* parent)
    : QWidget(parent),
      d(std::make_unique<Private>(this, title, unit)) {
  d->build();
  d->applyTheme();
  setAccessibleName(title);
}

LiveChart::~LiveChart() = default;

int LiveChart::addSeries(const QString& name, const QColor& color, RingSeries::Aggregate aggregate) {
  return d->add({name, color, kNotADevice, RingSeries(aggregate), {}, true, nullptr, Qt::SolidLine});
}

int LiveChart::addDeviceSeries(const QString& name, int deviceIndex, RingSeries::Aggregate aggregate) {
  return d->add({name, {}, deviceIndex, RingSeries(aggregate), {}, true, nullptr, Qt::SolidLine});
}

void LiveChart::clearSeries() {
  for (Series& s : d->series) {
    d->chart->removeSeries(s.line);
    delete s.line;
  }
  d->legend->clear();
  d->series.clear();
  clearData();
}

int LiveChart::seriesCount() const { return static_cast<int>(d->series.size()); }

void LiveChart::setSeriesVisible(int series, bool visible) {
  Series& s = d->series.at(static_cast<std::size_t>(series));
  if (s.visible == visible) return;
  s.visible = visible;
  s.line->setVisible(visible);
  d->legend->setChecked(series, visible);
  d->styleSeries(static_cast<std::size_t>(series));
  d->draw();
}

bool LiveChart::isSeriesVisible(int series) const { return d->series.at(static_cast<std::size_t>(series)).visible; }

void LiveChart::setSeriesDescription(int series, const QString& description) {
  d->legend->describe(series, description, d->spoken(description));
}

void LiveChart::setSeriesStyle(int series, Qt::PenStyle style) {
  d->series.at(static_cast<std::size_t>(series)).style = style;
  d->styleSeries(static_cast<std::size_t>(series));
}

void LiveChart::setCornerWidget(QWidget* widget) {
  d->header->addWidget(widget);
  widget->show();
}

void LiveChart::append(int series, qint64 timeMs, double value) {
  d->series.at(static_cast<std::size_t>(series)).ring.add(timeMs, value);
}

void LiveChart::addMark(qint64 timeMs, const QString& text) {
  constexpr std::size_t kMost = 200; // what is older than a minute is not seen anyway
  if (d->marks.size() >= kMost) d->marks.erase(d->marks.begin());
  d->marks.push_back({timeMs, text});
}

void LiveChart::refresh(qint64 nowMs) {
  if (d->paused || !isVisible()) return;
  d->now = nowMs;
  d->draw();
}

void LiveChart::pause(bool paused) {
  if (paused == d->paused) return;
  d->paused = paused;
  // Smooth lines cost more than they show while the picture changes ten times a second.
  d->view->setRenderHint(QPainter::Antialiasing, paused);
  d->overlay->update();
}

bool LiveChart::isPaused() const { return d->paused; }

void LiveChart::clearData() {
  for (Series& s : d->series) {
    s.ring.clear();
    s.shown.clear();
    s.line->clear();
  }
  d->marks.clear();
  d->maximum.reset();
  d->labelAxis();
  d->lastSpoken = -1;
  d->overlay->update();
}

QString LiveChart::title() const { return d->title; }

QString LiveChart::summary() const {
  QStringList parts;
  for (const Series& s : d->series) {
    if (s.ring.isEmpty())
      parts.append(tr("%1: no data").arg(s.name));
    else
      parts.append(
          tr("%1: last %2, highest in a minute %3")
              .arg(s.name, formatValue(d->unit, s.ring.lastValue()), formatValue(d->unit, s.ring.maximum(d->now))));
  }
  for (const Mark& mark : d->marks) parts.append(tr("mark: %1").arg(mark.text));
  return QStringLiteral("%1. %2").arg(d->title, parts.join(QStringLiteral("; ")));
}

double LiveChart::yMaximum() const { return d->maximum.value(); }

QSize LiveChart::sizeHint() const { return {360, 200}; }
// Title and legend with enough below them for a readable plot.
QSize LiveChart::minimumSizeHint() const {
  constexpr int kPlot = 72;
  return {200, fontMetrics().height() + 4 + d->legend->minimumHeight() + kPlot};
}

void LiveChart::showCrosshair(double secondsAgo) {
  const double position = secondsAgo > 0 ? 1 : std::max(secondsAgo, -kWindowSeconds);
  if (position == d->crosshair) return;
  d->crosshair = position;
  d->overlay->update();
}

bool LiveChart::eventFilter(QObject* watched, QEvent* event) {
  if (watched != d->view->viewport()) return QWidget::eventFilter(watched, event);
  if (event->type() == QEvent::Resize) {
    d->overlay->setGeometry(d->view->rect());
    d->overlay->raise();
  } else if (event->type() == QEvent::MouseMove) {
    const QRectF plot = d->chart->plotArea();
    const QPointF pos = static_cast<QMouseEvent*>(event)->position();
    const bool inside = plot.contains(pos) && plot.width() > 0;
    showCrosshair(inside ? (pos.x() - plot.right()) / plot.width() * kWindowSeconds : 1);
    emit crosshairMoved(d->crosshair);
  } else if (event->type() == QEvent::Leave) {
    showCrosshair(1);
    emit crosshairMoved(1);
  }
  return QWidget::eventFilter(watched, event);
}

void LiveChart::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) d->applyTheme();
}

void LiveChart::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  if (!d->paused) d->draw();
}

} // namespace tandem::ui
