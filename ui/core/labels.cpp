// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/labels.hpp"

#include <QCoreApplication>
#include <QFileInfo>
#include <QRegularExpression>
#include <QStringList>
#include <algorithm>

namespace tandem::ui {
namespace {
QString tr(const char* text) { return QCoreApplication::translate("tandem::ui", text); }
} // namespace

QString shapeText(const session::TensorSummary& tensor) {
  if (!tensor.rankKnown) return tr("unknown shape");
  if (tensor.shape.empty()) return tr("scalar");
  QStringList dims;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    if (tensor.shape[i] >= 0) {
      dims << QString::number(tensor.shape[i]);
    } else {
      const bool named = i < tensor.dimNames.size() && !tensor.dimNames[i].empty();
      dims << (named ? toQString(tensor.dimNames[i]) : QStringLiteral("?"));
    }
  }
  return dims.join(QChar(0x00d7));
}

QString tensorText(const session::TensorSummary& tensor) {
  const QString type = tensor.type.empty() ? tr("unknown type") : toQString(tensor.type);
  return type + QLatin1Char(' ') + shapeText(tensor);
}

bool isSample(const QString& source) { return source.startsWith(QLatin1String("sample:")); }

QString sourceTitle(const QString& source) { return isSample(source) ? source.mid(7) : QFileInfo(source).fileName(); }

QString deviceKindText(const std::string& kind) {
  if (kind == "cpu") return tr("Native CPU");
  if (kind == "opencl-gpu") return tr("OpenCL GPU");
  if (kind == "opencl-cpu") return tr("OpenCL on the CPU");
  if (kind == "simulated") return tr("Simulated");
  return toQString(kind);
}

QString deviceHeadline(const session::DeviceSummary& device) {
  if (device.kind != "opencl-cpu") return toQString(device.name);
  const QString driver = toQString(device.driver).section(QLatin1Char(' '), 0, 0);
  const QString kind = deviceKindText(device.kind);
  return driver.isEmpty() ? kind : tr("%1 (%2)").arg(kind, driver);
}

QString deviceLabel(const session::DeviceSummary& device) {
  const bool byDriver = device.kind == "opencl-cpu" && !device.driver.empty();
  return toQString(device.id) + QStringLiteral("  ") + toQString(byDriver ? device.driver : device.name);
}

QString unbrokenIds(QString text) {
  static const QRegularExpression id(QStringLiteral("[A-Z][A-Z-]*:\\w+(\\+[A-Z][A-Z-]*:\\w+)*"));
  const QString wordJoiner(QChar(0x2060)), zeroWidthSpace(QChar(0x200b));
  for (qsizetype from = 0;;) {
    const auto match = id.match(text, from);
    if (!match.hasMatch()) return text;
    QString whole = match.captured();
    for (const char* sign : {"-", ":"})
      whole.replace(QLatin1String(sign), wordJoiner + QLatin1String(sign) + wordJoiner);
    whole.replace(QLatin1String("+"), QLatin1String("+") + zeroWidthSpace);
    text.replace(match.capturedStart(), match.capturedLength(), whole);
    from = match.capturedStart() + whole.size();
  }
}

QString errorHeadline(const Error& error) {
  QString text = toQString(error.message);
  if (!text.isEmpty()) text[0] = text[0].toUpper();
  return text;
}

QString errorDetail(const Error& error) {
  constexpr std::size_t kMaxShown = 12; // what fits above the documents; the log has all of them
  QStringList parts;
  for (std::size_t i = 0; i < std::min(error.problems.size(), kMaxShown); ++i)
    parts << QStringLiteral("\u2022 ") + toQString(error.problems[i]);
  if (error.problems.size() > kMaxShown)
    parts << tr("... and %1 more in the log").arg(error.problems.size() - kMaxShown);
  if (!error.where.empty()) parts << tr("Where: %1").arg(toQString(error.where));
  if (!error.hint.empty()) {
    QString hint = toQString(error.hint);
    hint[0] = hint[0].toUpper();
    parts << hint;
  }
  return parts.join(QLatin1Char('\n'));
}

} // namespace tandem::ui
