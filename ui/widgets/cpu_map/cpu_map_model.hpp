// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QString>

namespace tandem::ui {

enum class CpuMapKind { Uniform, Performance, Efficiency };

/// A logical processor on the map.
struct CpuMapProcessor {
  int index = 0; ///< the system's number
  int core = 0, package = 0, numaNode = 0;
  int cache = -1; ///< L3; -1 where unknown
  CpuMapKind kind = CpuMapKind::Uniform;
  bool available = true;
  int owner = -1; ///< into CpuMapModel::owners; -1 where no set has it
};

/// Who has processors: the device of a core set, and how it looks elsewhere.
struct CpuMapOwner {
  int number = 0; ///< picks the colour (Theme::device)
  QString id;     ///< "CPU:1"
  QString text;   ///< "CPU:1, OPENCL-CPU:1", for tool tips
};

/// What the map shows. Processors are in ascending order of their index.
struct CpuMapModel {
  QList<CpuMapProcessor> processors;
  QList<CpuMapOwner> owners;
};

} // namespace tandem::ui
