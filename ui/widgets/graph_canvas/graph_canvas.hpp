// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/graph_canvas/graph_scene.hpp"

#include <QAbstractScrollArea>
#include <QList>
#include <QString>

#include <functional>
#include <memory>

namespace tandem::ui {

/// One device as the canvas and its legend name it. Its position in the list is the device index of nodes.
struct CanvasDevice {
  QString id;    ///< "GPU:0"
  QString name;  ///< for the legend
  QString badge; ///< deviceBadge(id) when empty
  /// What copies take is estimated from these: bandwidths between a device and the host, 0 = not measured.
  bool host = false;
  double toDeviceGbPerS = 0, toHostGbPerS = 0;
};

/// MIME type of a device dragged onto the canvas; the payload is the device id in UTF-8.
inline constexpr char kDeviceMimeType[] = "application/x-tandem-device";

enum class ColorMode { Device, Operator, Time, Flops, Bytes, Type, Support };

/// The graph view: layered drawing, pan, zoom, selection, placement keys, drop target. Custom painted with level of
/// detail; the layout runs in a task off the UI thread. Node numbers are those of the GraphScene; a collapsed scope
/// stands for all nodes inside, so selecting it selects them. UI thread only.
///
/// Keys (with focus): Space fit, +/- zoom, arrows along edges (Shift extends, Ctrl pans), Home/End first/last, Enter
/// expands a scope or activates a node, Backspace collapses the scope around, * and / expand and collapse all, 0 auto,
/// 1-9 device n, Ctrl+A all, Esc clear, M minimap, L legend, B (held) paints, Menu key.
/// Mouse: wheel zooms at the pointer (Ctrl finer, Shift pans sideways), drag pans, Shift+drag selects, Ctrl+drag zooms
/// to the range, double click expands or collapses a scope under the pointer. While painting, a drag puts what it
/// touches on the brush's device: one request when the button is released, none when Esc was pressed before.
class GraphCanvas : public QAbstractScrollArea {
  Q_OBJECT
 public:
  explicit GraphCanvas(QWidget* parent = nullptr);
  ~GraphCanvas() override;

  /// Replaces everything and fits when the layout is there. The selection is cleared.
  void setScene(GraphScene scene);
  [[nodiscard]] const GraphScene& scene() const;
  void setDevices(const QList<CanvasDevice>& devices);
  [[nodiscard]] const QList<CanvasDevice>& devices() const;

  /// New devices for all nodes (each list has nodeCount() entries; `flags` and `reasons` may be empty). Keeps the
  /// layout and the view.
  void setPlacement(const QList<int>& requested, const QList<int>& effective, const QList<quint8>& flags = {},
                    const QStringList& reasons = {});

  /// Times per node and of all copies, as GraphScene::setMeasured.
  void setMeasured(const QList<double>& ms, double transferMs = -1, bool stale = false);

  void setColorMode(ColorMode mode);
  [[nodiscard]] ColorMode colorMode() const;
  /// Text shown when there is no graph.
  void setEmptyText(const QString& headline, const QString& text);
  /// Asked for a node's tooltip when the pointer rests on it; plain or rich text. Default: name, devices and reason.
  void setToolTipProvider(std::function<QString(int node)> provider);

  void setScopeCollapsed(int scope, bool collapsed);
  void expandAll();
  void collapseAll();

  [[nodiscard]] QList<int> selection() const; ///< ascending
  /// Does nothing when equal; emits selectionChanged otherwise, so views can share a selection without loops.
  void setSelection(const QList<int>& nodes);
  /// Marks search results (halo); empty clears. Hidden nodes mark the scope that hides them.
  void setHighlighted(const QList<int>& nodes);
  /// Marks one node from outside (hover in another view); -1 clears.
  void setHovered(int node);
  /// Live heat drawn over the nodes, one value in [0, 1] per node; empty clears.
  void setActivity(const QList<float>& activity);

  /// Painting with the mouse. `device` is a position in devices(); while B is held number keys choose it.
  void setPainting(bool on);
  [[nodiscard]] bool isPainting() const;
  void setBrush(int device);
  [[nodiscard]] int brush() const; ///< -1 when there is no device

  [[nodiscard]] bool isLayoutDone() const;
  void fitToWindow();
  void zoomBy(double factor); ///< about the middle of the view
  [[nodiscard]] double zoom() const;
  /// Expands what hides the node and scrolls it into view; keeps the zoom unless the node would be unreadable.
  void ensureVisible(int node);
  /// Middle of the node's box (or of the scope that hides it) in viewport coordinates; (-1, -1) before the layout.
  [[nodiscard]] QPoint viewPosOf(int node) const;
  [[nodiscard]] QPoint viewPosOfScope(int scope) const;
  /// The node under a viewport position, -1 for none or a collapsed scope.
  [[nodiscard]] int nodeAt(QPoint viewportPos) const;
  /// The collapsed scope, or the expanded one whose title is there; -1 for none.
  [[nodiscard]] int scopeAt(QPoint viewportPos) const;

  void setMinimapVisible(bool visible);
  void setLegendVisible(bool visible);
  [[nodiscard]] bool isMinimapVisible() const;
  [[nodiscard]] bool isLegendVisible() const;

  static constexpr int kMaxPictureSide = 16384;
  static constexpr double kMaxPicturePixels = 1e8;
  /// What a picture at `scale` is reduced to so that it keeps to these.
  [[nodiscard]] double pictureScale(double scale, int maxSide = kMaxPictureSide) const;
  /// The whole graph; the longest side is limited to `maxSide` pixels. Null before the layout.
  [[nodiscard]] QImage toImage(double scale = 1.0, int maxSide = kMaxPictureSide) const;
  /// False when the file cannot be written or there is no layout yet.
  [[nodiscard]] bool exportPng(const QString& path, double scale = 2.0) const;
  [[nodiscard]] bool exportSvg(const QString& path) const;

  [[nodiscard]] QSize sizeHint() const override;

 signals:
  void selectionChanged(const QList<int>& nodes);
  /// A number key on the selection: 0 = auto, 1..9 = the device at position n-1. Or a stroke of the brush: any n.
  void assignRequested(const QList<int>& nodes, int deviceNumber);
  void contextMenuRequested(QPoint globalPos, const QList<int>& nodes);
  void deviceDropped(const QString& deviceId, const QList<int>& nodes);
  void expansionChanged();
  void hoverChanged(int node);  ///< -1 = none
  void nodeActivated(int node); ///< double click or Enter on a node
  void layoutFinished();
  void colorModeChanged(ColorMode mode);
  void paintingChanged(bool on);
  void brushChanged(int device);

 protected:
  bool event(QEvent* event) override;
  bool viewportEvent(QEvent* event) override;
  void changeEvent(QEvent* event) override;
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void keyReleaseEvent(QKeyEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dragMoveEvent(QDragMoveEvent* event) override;
  void dragLeaveEvent(QDragLeaveEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  struct Private;
  std::unique_ptr<Private> d;
};

} // namespace tandem::ui
