// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/labels.hpp"

#include <QCoreApplication>
#include <QFileInfo>
#include <QStringList>

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

QString deviceLabel(const session::DeviceSummary& device) {
  return toQString(device.id) + QStringLiteral("  ") + toQString(device.name);
}

QString errorHeadline(const Error& error) {
  QString text = toQString(error.message);
  if (!text.isEmpty()) text[0] = text[0].toUpper();
  return text;
}

QString errorDetail(const Error& error) {
  QStringList parts;
  if (!error.where.empty()) parts << tr("Where: %1").arg(toQString(error.where));
  if (!error.hint.empty()) {
    QString hint = toQString(error.hint);
    hint[0] = hint[0].toUpper();
    parts << hint;
  }
  return parts.join(QLatin1Char('\n'));
}

} // namespace tandem::ui
