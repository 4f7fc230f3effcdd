// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/cpu_map/cpu_map_geometry.hpp"

#include <QCoreApplication>
#include <QSet>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tandem::ui {
namespace {

/// Boxes and cells at places of their own, to be moved as one.
struct Block {
  QSizeF size{0, 0};
  QList<CpuMapBox> boxes;
  QList<CpuMapCell> cells;
};

/// The numbers that say which box of each level a processor is in; the last one is the core.
constexpr std::size_t kLevels = 5;
using Path = std::array<int, kLevels>;
enum Level : std::size_t { kPackage, kNode, kCache, kKind, kCore };

struct Placed {
  Path path{};
  int processor = 0;
};

void append(Block& target, Block&& part, QPointF at) {
  for (CpuMapBox& box : part.boxes) {
    box.rect.translate(at);
    target.boxes.append(std::move(box));
  }
  for (CpuMapCell& cell : part.cells) {
    cell.rect.translate(at);
    target.cells.append(cell);
  }
  target.size = target.size.expandedTo(QSizeF(at.x() + part.size.width(), at.y() + part.size.height()));
}

/// Blocks one after another in rows of `width`.
Block inRows(QList<Block>&& parts, double width, double gap) {
  Block all;
  double x = 0, y = 0, rowHeight = 0;
  for (Block& part : parts) {
    if (x > 0 && x + part.size.width() > width) {
      y += rowHeight + gap;
      x = rowHeight = 0;
    }
    const QSizeF size = part.size;
    append(all, std::move(part), {x, y});
    x += size.width() + gap;
    rowHeight = std::max(rowHeight, size.height());
  }
  return all;
}

/// A titled box has room for its title, if `most` allows; letters are about half as wide as a title is high.
Block framed(Block&& inner, const QString& title, int depth, double padding, double titleHeight, double most) {
  Block block;
  const double top = title.isEmpty() ? padding : titleHeight;
  const double wanted = std::min(static_cast<double>(title.size() + 1) * titleHeight * 0.42, most);
  const QSizeF size(std::max(inner.size.width() + 2 * padding, wanted), inner.size.height() + top + padding);
  block.boxes.append({QRectF(QPointF(0, 0), size), depth, title});
  append(block, std::move(inner), {padding, top});
  block.size = size;
  return block;
}

/// Cells in lines of text: large enough for letters where processors are few.
double cellLines(qsizetype processors) {
  if (processors <= 16) return 2.3;
  if (processors <= 32) return 1.8;
  if (processors <= 96) return 1.3;
  return 0.85;
}

QString titleOf(std::size_t level, const CpuMapProcessor& processor, bool nodeIsPackage, bool several) {
  const auto translate = [](const char* text) { return QCoreApplication::translate("tandem::ui::CpuMap", text); };
  switch (level) {
  case kPackage:
    if (several && nodeIsPackage)
      return translate("Package %1, NUMA node %2").arg(processor.package).arg(processor.numaNode);
    return translate("Package %1").arg(processor.package);
  case kNode: return translate("NUMA node %1").arg(processor.numaNode);
  case kCache: return translate("L3 cache %1").arg(processor.cache);
  case kKind:
    return processor.kind == CpuMapKind::Efficiency ? translate("Efficiency cores") : translate("Performance cores");
  default: return {};
  }
}

/// True where some box of the level above holds more than one of `level`.
bool tellsApart(const QList<Placed>& placed, std::size_t level) {
  for (qsizetype i = 1; i < placed.size(); ++i) {
    const Path &a = placed[i - 1].path, &b = placed[i].path;
    const bool sameAbove = std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(level), b.begin());
    if (sameAbove && a[level] != b[level]) return true;
  }
  return false;
}

QList<Placed> placedOf(const CpuMapModel& model) {
  QList<Placed> placed;
  for (qsizetype i = 0; i < model.processors.size(); ++i) {
    const CpuMapProcessor& p = model.processors[i];
    placed.append({{p.package, p.numaNode, p.cache, static_cast<int>(p.kind), p.core}, static_cast<int>(i)});
  }
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) { return a.path < b.path; });
  return placed;
}

} // namespace

CpuMapLayout layoutCpuMap(const CpuMapModel& model, double width, double line) {
  CpuMapLayout layout;
  if (model.processors.isEmpty()) return layout;
  const QList<Placed> placed = placedOf(model);
  const double cell = std::round(cellLines(placed.size()) * line);
  const double gap = std::max(2.0, std::round(cell / 8)), corePadding = std::max(1.0, std::round(cell / 16));
  const double padding = std::round(line / 3), title = std::round(line * 1.25);
  layout.titleHeight = title;

  std::array<bool, kLevels> drawn{};
  drawn[kPackage] = drawn[kCore] = true;
  drawn[kNode] = tellsApart(placed, kNode);
  drawn[kCache] = tellsApart(placed, kCache);
  drawn[kKind] = tellsApart(placed, kKind);
  QSet<int> packages;
  for (const CpuMapProcessor& processor : model.processors) packages.insert(processor.package);

  double inner = width; // of the innermost titled box
  for (std::size_t level = kPackage; level < kCore; ++level)
    if (drawn[level]) inner -= 2 * padding;

  // From the cores outwards: what shares a path up to a level becomes one block of that level.
  struct Part {
    Path path;
    const CpuMapProcessor* first;
    Block block;
  };
  QList<Part> parts;
  for (const Placed& each : placed) {
    Block block;
    block.size = QSizeF(cell, cell);
    block.cells.append({QRectF(QPointF(0, 0), block.size), each.processor});
    parts.append({each.path, &model.processors[each.processor], std::move(block)});
  }
  for (std::size_t level = kLevels; level-- > 0;) {
    if (!drawn[level]) continue;
    QList<Part> outer;
    int depth = 0;
    for (std::size_t above = 0; above < level; ++above) depth += drawn[above] ? 1 : 0;
    for (qsizetype i = 0; i < parts.size();) {
      qsizetype end = i;
      QList<Block> members;
      const Path path = parts[i].path;
      const auto last = static_cast<std::ptrdiff_t>(level) + 1;
      for (; end < parts.size() && std::equal(path.begin(), path.begin() + last, parts[end].path.begin()); ++end)
        members.append(std::move(parts[end].block));
      const bool isCore = level == kCore;
      Block rows = inRows(std::move(members), inner, isCore ? corePadding : gap);
      const QString text = titleOf(level, *parts[i].first, !drawn[kNode], packages.size() > 1);
      outer.append({path, parts[i].first,
                    framed(std::move(rows), text, depth, isCore ? corePadding : padding, title, inner + 2 * padding)});
      i = end;
    }
    parts = std::move(outer);
    if (level < kCore) inner += 2 * padding;
  }
  QList<Block> packagesInRows;
  for (Part& part : parts) packagesInRows.append(std::move(part.block));
  Block all = inRows(std::move(packagesInRows), width, gap);
  std::stable_sort(all.boxes.begin(), all.boxes.end(),
                   [](const CpuMapBox& a, const CpuMapBox& b) { return a.depth < b.depth; });
  layout.boxes = std::move(all.boxes);
  layout.cells = std::move(all.cells);
  layout.size = all.size;
  return layout;
}

int cellAt(const CpuMapLayout& layout, QPointF point) {
  for (qsizetype i = 0; i < layout.cells.size(); ++i)
    if (layout.cells[i].rect.contains(point)) return static_cast<int>(i);
  return -1;
}

QList<int> cellsAlong(const CpuMapLayout& layout, QPointF from, QPointF to) {
  QList<int> touched;
  if (layout.cells.isEmpty()) return touched;
  const QPointF way = to - from;
  const double step = layout.cells.front().rect.width() / 4;
  const int steps = static_cast<int>(std::clamp(std::ceil(std::hypot(way.x(), way.y()) / step), 1.0, 4096.0));
  const int first = cellAt(layout, from);
  for (int i = 1; i <= steps; ++i) {
    const int cell = cellAt(layout, from + way * i / steps);
    if (cell >= 0 && cell != first && !touched.contains(cell)) touched.append(cell);
  }
  return touched;
}

int neighbourOf(const CpuMapLayout& layout, int cell, QPoint direction) {
  if (cell < 0 || cell >= layout.cells.size()) return layout.cells.isEmpty() ? -1 : 0;
  const QPointF from = layout.cells[cell].rect.center();
  const double size = layout.cells[cell].rect.width();
  int best = cell;
  double bestCost = std::numeric_limits<double>::max();
  for (qsizetype i = 0; i < layout.cells.size(); ++i) {
    const QPointF way = layout.cells[i].rect.center() - from;
    const double along = way.x() * direction.x() + way.y() * direction.y();
    const double across = std::abs(way.x() * direction.y()) + std::abs(way.y() * direction.x());
    if (along < size / 2) continue;
    // Sideways steps stay in the row; up and down may drift, as boxes need not stand below one another.
    if (direction.y() == 0 && across > size / 2) continue;
    const double cost = along + 2 * across;
    if (cost < bestCost) {
      bestCost = cost;
      best = static_cast<int>(i);
    }
  }
  return best;
}

} // namespace tandem::ui
