// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/widgets/cpu_map/cpu_map_geometry.hpp"

#include <QPalette>

class QPainter;

namespace tandem::ui {

/// What is special about single cells; -1: nothing is.
struct CpuMapMarks {
  int hovered = -1;   ///< cell under the pointer
  int focused = -1;   ///< cell with the keyboard focus
  bool muted = false; ///< drawn faint: nothing can be changed now
};

/// Draws the map at (0, 0). A processor has the colour, hatch and letters of its owner; one that nobody has is empty,
/// one that is not available is crossed out by a hatch.
void paintCpuMap(QPainter& painter, const CpuMapModel& model, const CpuMapLayout& layout, const CpuMapMarks& marks,
                 const QPalette& palette);

} // namespace tandem::ui
