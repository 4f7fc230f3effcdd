// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/theme.hpp"

#include <QCoreApplication>
#include <QEvent>
#include <QStringList>

#include <algorithm>
#include <array>
#include <cmath>

namespace tandem::ui {
namespace {

// Okabe & Ito, "Color Universal Design" (2008): told apart by people with the common forms of colour blindness.
constexpr QRgb kBlue = 0xff0072b2;
constexpr QRgb kOrange = 0xffe69f00;
constexpr QRgb kGreen = 0xff009e73;
constexpr QRgb kPurple = 0xffcc79a7;
constexpr QRgb kSky = 0xff56b4e9;
constexpr QRgb kVermillion = 0xffd55e00;
constexpr QRgb kYellow = 0xfff0e442;
constexpr QRgb kGrey = 0xff999999;

constexpr std::array<QRgb, 5> kDeviceColors = {kBlue, kOrange, kGreen, kPurple, kSky};
constexpr std::array<Qt::BrushStyle, 7> kHatches = {Qt::NoBrush,    Qt::BDiagPattern, Qt::Dense6Pattern,
                                                    Qt::HorPattern, Qt::CrossPattern, Qt::FDiagPattern,
                                                    Qt::VerPattern};

double linear(double channel) {
  return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
}

// Relative luminance, WCAG 2.1.
double luminance(const QColor& color) {
  return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF());
}

QColor mix(const QColor& a, const QColor& b, double t) {
  const auto part = [t](int x, int y) { return static_cast<int>(std::lround(x + (y - x) * t)); };
  return {part(a.red(), b.red()), part(a.green(), b.green()), part(a.blue(), b.blue())};
}

struct PaletteColors {
  QRgb window, base, alternate, text, button, mid, highlight, link, disabled, toolTip;
};

QPalette makePalette(const PaletteColors& c) {
  QPalette p;
  const QColor window(c.window), text(c.text);
  p.setColor(QPalette::Window, window);
  p.setColor(QPalette::WindowText, text);
  p.setColor(QPalette::Base, QColor(c.base));
  p.setColor(QPalette::AlternateBase, QColor(c.alternate));
  p.setColor(QPalette::Text, text);
  p.setColor(QPalette::Button, QColor(c.button));
  p.setColor(QPalette::ButtonText, text);
  p.setColor(QPalette::BrightText, QColor(kVermillion));
  p.setColor(QPalette::ToolTipBase, QColor(c.toolTip));
  p.setColor(QPalette::ToolTipText, text);
  p.setColor(QPalette::PlaceholderText, QColor(c.disabled));
  p.setColor(QPalette::Highlight, QColor(c.highlight));
  p.setColor(QPalette::HighlightedText, Theme::textOn(QColor(c.highlight)));
  p.setColor(QPalette::Link, QColor(c.link));
  p.setColor(QPalette::LinkVisited, QColor(c.link));
  p.setColor(QPalette::Light, QColor(c.button).lighter(125));
  p.setColor(QPalette::Midlight, QColor(c.button).lighter(112));
  p.setColor(QPalette::Mid, QColor(c.mid));
  p.setColor(QPalette::Dark, QColor(c.mid).darker(125));
  p.setColor(QPalette::Shadow, QColor(0, 0, 0));
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
    p.setColor(QPalette::Disabled, role, QColor(c.disabled));
  p.setColor(QPalette::Disabled, QPalette::Highlight, QColor(c.mid));
  return p;
}

} // namespace

double Theme::contrast(const QColor& a, const QColor& b) {
  const double la = luminance(a), lb = luminance(b);
  return (std::max(la, lb) + 0.05) / (std::min(la, lb) + 0.05);
}

QColor Theme::textOn(const QColor& background) {
  const QColor black(Qt::black), white(Qt::white);
  return contrast(background, white) >= 4.5 || contrast(background, white) > contrast(background, black) ? white
                                                                                                         : black;
}

Theme Theme::of(const QPalette& palette) {
  Theme t;
  const QColor window = palette.color(QPalette::Active, QPalette::Window);
  const QColor text = palette.color(QPalette::Active, QPalette::WindowText);
  const QColor base = palette.color(QPalette::Active, QPalette::Base);
  t.dark = luminance(window) < luminance(text);
  t.window = base;
  t.surface = t.dark ? mix(base, text, 0.10) : mix(base, text, 0.02);
  t.frame = mix(base, text, t.dark ? 0.055 : 0.045);
  t.frameOutline = mix(base, text, t.dark ? 0.32 : 0.28);
  t.text = text;
  t.mutedText = mix(base, text, 0.66);
  t.grid = mix(base, text, t.dark ? 0.16 : 0.12);
  t.edge = mix(base, text, t.dark ? 0.58 : 0.55);
  t.transfer = t.dark ? QColor(0xff, 0x8a, 0x3d) : QColor(0xc2, 0x4f, 0x00);
  t.selection = t.dark ? QColor(0x7c, 0xc4, 0xff) : QColor(0x0b, 0x5f, 0xd0);
  t.searchHit = t.dark ? QColor(kYellow) : QColor(0xc9, 0xa8, 0x00);
  t.hover = text;
  t.problem = t.dark ? QColor(0xff, 0x7a, 0x45) : QColor(0xc4, 0x3c, 0x00);
  t.warning = t.dark ? QColor(kOrange) : QColor(0x9a, 0x67, 0x00);
  t.success = t.dark ? QColor(0x3f, 0xc9, 0x9a) : QColor(0x00, 0x7a, 0x58);
  t.info = t.dark ? QColor(kSky) : QColor(kBlue);
  return t;
}

DeviceStyle Theme::device(int index) const {
  DeviceStyle style;
  const int count = static_cast<int>(kDeviceColors.size());
  style.fill = index < 0 ? QColor(kGrey) : QColor(kDeviceColors[static_cast<std::size_t>(index % count)]);
  style.text = textOn(style.fill);
  style.outline = dark ? mix(style.fill, Qt::white, 0.45) : mix(style.fill, Qt::black, 0.45);
  if (index >= 0) style.hatch = kHatches[static_cast<std::size_t>(index) % kHatches.size()];
  return style;
}

QColor Theme::category(int index) const {
  static constexpr std::array<QRgb, 7> kColors = {kSky, kOrange, kGreen, kPurple, kBlue, kVermillion, kYellow};
  const int count = static_cast<int>(kColors.size());
  const QColor color(kColors[static_cast<std::size_t>(((index % count) + count) % count)]);
  return lineColor(color);
}

QColor Theme::lineColor(const QColor& color) const {
  QColor line = color;
  for (double t = 0.05; contrast(line, window) < 3.0 && t < 1; t += 0.05)
    line = mix(color, dark ? Qt::white : Qt::black, t);
  return line;
}

QColor Theme::heat(double t) {
  // Nine equally spaced points of viridis (Smith and van der Walt, matplotlib 1.5, CC0).
  static constexpr std::array<QRgb, 9> kViridis = {0xff440154, 0xff482878, 0xff3e4989, 0xff31688e, 0xff26828e,
                                                   0xff1f9e89, 0xff35b779, 0xff6ece58, 0xfffde725};
  const double position = std::clamp(std::isfinite(t) ? t : 0.0, 0.0, 1.0) * (kViridis.size() - 1);
  const auto low = std::min<std::size_t>(static_cast<std::size_t>(position), kViridis.size() - 2);
  return mix(QColor(kViridis[low]), QColor(kViridis[low + 1]), position - static_cast<double>(low));
}

QPalette lightPalette() {
  return makePalette({.window = 0xfff3f4f6,
                      .base = 0xffffffff,
                      .alternate = 0xfff5f7f9,
                      .text = 0xff1f2328,
                      .button = 0xfff8f9fa,
                      .mid = 0xffc4c9cf,
                      .highlight = 0xff0b5fd0,
                      .link = 0xff0b5fd0,
                      .disabled = 0xff8a9099,
                      .toolTip = 0xffffffff});
}

QPalette darkPalette() {
  return makePalette({.window = 0xff232629,
                      .base = 0xff1b1e20,
                      .alternate = 0xff212427,
                      .text = 0xffe8eaed,
                      .button = 0xff31363b,
                      .mid = 0xff4d5358,
                      .highlight = 0xff3d8fd9,
                      .link = 0xff7cc4ff,
                      .disabled = 0xff888e94,
                      .toolTip = 0xff31363b});
}

QString deviceBadge(const QString& deviceId) {
  if (deviceId.isEmpty()) return QStringLiteral("?");
  const qsizetype colon = deviceId.indexOf(QLatin1Char(':'));
  const QString kind = deviceId.left(colon), number = colon < 0 ? QString() : deviceId.mid(colon + 1);
  if (kind == QLatin1String("CPU"))
    return number == QLatin1String("0") ? QStringLiteral("C") : QLatin1Char('C') + number;
  if (kind == QLatin1String("OPENCL-CPU")) return QLatin1Char('O') + number;
  if (kind == QLatin1String("SIM")) return QStringLiteral("S");
  return kind.left(1).toUpper() + number.left(2);
}

QString deviceBadges(const QString& deviceIds) {
  QStringList badges;
  for (const QString& id : deviceIds.split(QLatin1Char('+'))) badges << deviceBadge(id.trimmed());
  return badges.join(QLatin1Char('+'));
}

ThemeNotifier::ThemeNotifier(QObject* parent) : QObject(parent) { parent->installEventFilter(this); }

ThemeNotifier& ThemeNotifier::instance() {
  auto* app = QCoreApplication::instance();
  Q_ASSERT(app != nullptr);
  auto* found = app->findChild<ThemeNotifier*>(QString(), Qt::FindDirectChildrenOnly);
  return found != nullptr ? *found : *new ThemeNotifier(app);
}

bool ThemeNotifier::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::ApplicationPaletteChange && watched == parent()) emit changed();
  return QObject::eventFilter(watched, event);
}

} // namespace tandem::ui
