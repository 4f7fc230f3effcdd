// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/widgets/cpu_map/cpu_map_geometry.hpp"

#include <QWidget>

namespace tandem::ui {

/// A map of the processor: nested boxes for packages, NUMA nodes, caches and cores, and every processor in the look of
/// the core set that has it. Processors are given to the brush's set by a click or by dragging over them (from one that
/// has them already: taken away from it); by keyboard with the arrow keys and Space, a digit for the set of that number
/// or Delete for none; Shift with an arrow key takes the set along. The widget changes nothing by itself.
class CpuMap : public QWidget {
  Q_OBJECT
 public:
  explicit CpuMap(QWidget* parent = nullptr);

  void setModel(const CpuMapModel& model);
  [[nodiscard]] const CpuMapModel& model() const { return m_model; }
  /// The set that clicks give processors to: an index of model().owners, or -1 for none.
  void setBrush(int owner) { m_brush = owner; }
  [[nodiscard]] int brush() const { return m_brush; }
  /// The map shows, and cannot be changed.
  void setReadOnly(bool readOnly);
  [[nodiscard]] bool isReadOnly() const { return m_readOnly; }

  /// Where a processor is, in this widget; empty for one that is not shown. For tests.
  [[nodiscard]] QRectF rectOf(int index) const;
  /// The processor's number, what it shares, and who has it.
  [[nodiscard]] QString describe(const CpuMapProcessor& processor) const;

  [[nodiscard]] QSize sizeHint() const override;
  [[nodiscard]] QSize minimumSizeHint() const override;
  [[nodiscard]] bool hasHeightForWidth() const override { return true; }
  [[nodiscard]] int heightForWidth(int width) const override;

 signals:
  /// The user gives processor `index` to set `owner`, -1: to none. Only for available processors, and only changes.
  void assigned(int index, int owner);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;
  bool event(QEvent* event) override;

 private:
  void layOut();
  void assign(int cell, int owner);
  void setFocused(int cell);
  void describeAll();

  CpuMapModel m_model;
  CpuMapLayout m_layout;
  int m_brush = 0;
  int m_stroke = -1; ///< owner that the stroke under way gives
  bool m_painting = false;
  bool m_readOnly = false;
  bool m_pointed = false; ///< focus came by the mouse: no ring
  QPointF m_last;
  int m_hovered = -1;
  int m_focused = 0;
};

} // namespace tandem::ui
