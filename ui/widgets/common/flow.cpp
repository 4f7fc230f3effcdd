// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/common/flow.hpp"

#include <algorithm>

namespace tandem::ui {

QList<QRect> flow(const QList<QSize>& sizes, int width, QSize gap) {
  QList<QRect> rects;
  int x = 0, top = 0, rowHeight = 0;
  for (const QSize& size : sizes) {
    const int w = std::min(size.width(), std::max(width, 0));
    if (x > 0 && x + w > width) {
      top += rowHeight + gap.height();
      x = rowHeight = 0;
    }
    rects.append({x, top, w, size.height()});
    x += w + gap.width();
    rowHeight = std::max(rowHeight, size.height());
  }
  // The rows have one height each, so that entries of different heights line up and "the last bottom" is the largest.
  for (qsizetype first = 0; first < rects.size();) {
    qsizetype last = first;
    int height = 0;
    for (; last < rects.size() && rects[last].top() == rects[first].top(); ++last)
      height = std::max(height, rects[last].height());
    for (; first < last; ++first) rects[first].setHeight(height);
  }
  return rects;
}

} // namespace tandem::ui
