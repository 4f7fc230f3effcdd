// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"
#include "engine/session/types.hpp"

#include <QString>

/// Texts that several panels show for engine values.
namespace tandem::ui {

[[nodiscard]] inline QString toQString(const std::string& text) { return QString::fromStdString(text); }

/// "1×64×56×56", "N×3×?×?" with symbols where the file names them, "scalar", "unknown shape".
[[nodiscard]] QString shapeText(const session::TensorSummary& tensor);
/// "float32 1×64×56×56".
[[nodiscard]] QString tensorText(const session::TensorSummary& tensor);
/// File name without folder, or the sample's name.
[[nodiscard]] QString sourceTitle(const QString& source);
[[nodiscard]] bool isSample(const QString& source);
/// "Native CPU", "OpenCL GPU", "OpenCL on the CPU", ...
[[nodiscard]] QString deviceKindText(const std::string& kind);
/// What a person would call the device: its hardware name, or for OpenCL on the processor "OpenCL on the CPU (PoCL)",
/// whose own name is a compiler target.
[[nodiscard]] QString deviceHeadline(const session::DeviceSummary& device);
/// "CPU:0  AMD Ryzen 5": id and hardware name, or driver for OpenCL on the processor; for combo boxes and menus.
[[nodiscard]] QString deviceLabel(const session::DeviceSummary& device);
/// `text` with device ids that lines are not broken inside of, except after a "+".
[[nodiscard]] QString unbrokenIds(QString text);
/// First line of an error: what happened. Starts with a capital letter.
[[nodiscard]] QString errorHeadline(const Error& error);
/// Second line: where, and what to do; may be empty.
[[nodiscard]] QString errorDetail(const Error& error);

} // namespace tandem::ui
