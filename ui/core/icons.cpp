// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/icons.hpp"

#include <QFile>
#include <QGuiApplication>
#include <QIconEngine>
#include <QPainter>
#include <QPalette>
#include <QPixmap>
#include <QSvgRenderer>

// Resources of a static library are linked only when somebody asks for them; the macro works outside namespaces only.
static void initWorkbenchResources() { Q_INIT_RESOURCE(workbench); }

namespace tandem::ui {
namespace {

void ensureResources() {
  static const bool done = (initWorkbenchResources(), true);
  static_cast<void>(done);
}

class LineIconEngine : public QIconEngine {
 public:
  explicit LineIconEngine(QByteArray svg) : m_svg(std::move(svg)) {}

  void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override {
    const auto group = mode == QIcon::Disabled ? QPalette::Disabled : QPalette::Active;
    const auto role = mode == QIcon::Selected ? QPalette::HighlightedText : QPalette::WindowText;
    QByteArray svg = m_svg;
    svg.replace("currentColor", QGuiApplication::palette().color(group, role).name().toLatin1());
    QSvgRenderer renderer(svg);
    renderer.render(painter, QRectF(rect));
  }
  QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
    QPixmap picture(size);
    picture.fill(Qt::transparent);
    QPainter painter(&picture);
    paint(&painter, QRect(QPoint(), size), mode, state);
    return picture;
  }
  QIconEngine* clone() const override { return new LineIconEngine(m_svg); }

 private:
  QByteArray m_svg;
};

} // namespace

QIcon applicationIcon() {
  ensureResources();
  return QIcon(QStringLiteral(":/icons/tandem.svg"));
}

QString helpText(const QString& name) {
  ensureResources();
  QFile file(QStringLiteral(":/help/%1.html").arg(name));
  return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

QIcon icon(const QString& name) {
  ensureResources();
  QFile file(QStringLiteral(":/icons/%1.svg").arg(name));
  if (!file.open(QIODevice::ReadOnly)) return {};
  return QIcon(new LineIconEngine(file.readAll()));
}

} // namespace tandem::ui
