// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/graph_canvas/canvas_painter.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"

#include <QElapsedTimer>
#include <QFutureWatcher>
#include <QPixmap>
#include <QTimer>

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

namespace tandem::ui {

/// What a layout task gives back; built off the UI thread.
struct LayoutOutcome {
  VisibleGraph graph;
  CanvasGeometry geometry;
};

struct GraphCanvas::Private {
  explicit Private(GraphCanvas* canvas);

  // graph_canvas.cpp
  void startLayout();
  void takeLayout();
  void showFirstView();
  void updateLooks();
  void toggleScope(int scope, bool collapsed, std::optional<QPointF> pointer);
  void scopeStateChanged();
  void applySelection(QList<int> nodes);
  void updateSelectedBoxes();
  void describeForAccessibility();
  void setView(const ViewTransform& newView);
  void setCurrentBox(int box);
  [[nodiscard]] int currentBox() const;
  [[nodiscard]] int boxOfNode(int node) const;
  [[nodiscard]] int boxOfScope(int scope) const;
  [[nodiscard]] int frameOfScope(int scope) const;
  [[nodiscard]] QList<int> nodesOfBox(int box) const;
  [[nodiscard]] QSizeF viewSize() const;
  [[nodiscard]] double minimumZoom() const;
  [[nodiscard]] CanvasPainter::Picture picture() const;
  [[nodiscard]] QString toolTipOf(int node) const;
  [[nodiscard]] QString scopeToolTip(int scope) const;
  [[nodiscard]] QString deviceName(int device) const;

  // canvas_view.cpp
  void invalidate();
  void paintStatic(QPainter& painter);
  void refreshCache(const QRect& viewport);
  void paintArea(QPainter& painter, const QRectF& area);
  void paintEmpty(QPainter& painter) const;
  void paintOverlay(QPainter& painter);
  void paintHalos(QPainter& painter, const QRectF& exposed);
  void paintIncidentEdges(QPainter& painter, int box);
  void paintMinimap(QPainter& painter);
  void renderMinimap();
  [[nodiscard]] QRectF minimapRect() const;
  [[nodiscard]] QPointF minimapToScene(QPointF viewPos) const;

  // canvas_legend.cpp
  void paintLegend(QPainter& painter);

  // canvas_paint.cpp
  [[nodiscard]] bool paintsNow() const { return (painting || paintHeld) && brush() >= 0; }
  [[nodiscard]] int brush() const;
  void setHeld(bool held);
  void beginStroke(QPointF pos);
  void strokeTo(QPointF pos);
  void finishStroke();
  void cancelStroke();
  void restoreCursor();
  void paintStroke(QPainter& painter);

  // canvas_drops.cpp
  [[nodiscard]] int edgeAtView(QPointF pos) const;
  [[nodiscard]] QString edgeToolTip(int edge) const;

  // canvas_input.cpp
  [[nodiscard]] int boxAtView(QPointF pos) const;
  [[nodiscard]] int frameAtView(QPointF pos) const;
  void hover(QPointF pos);
  void clickAt(QPointF pos, Qt::KeyboardModifiers modifiers);
  void selectBox(int box, Qt::KeyboardModifiers modifiers);
  void finishRubberBand(Qt::KeyboardModifiers modifiers);
  bool navigate(int key, Qt::KeyboardModifiers modifiers);
  [[nodiscard]] int neighbourAlongEdges(int box, bool down) const;
  bool handleKey(QKeyEvent* event);
  bool handlePlainKey(int key);
  [[nodiscard]] QList<int> dropTargets(QPointF pos) const;
  void revealBox(int box, bool readable);

  GraphCanvas* q;
  GraphScene scene;
  QList<CanvasDevice> devices;
  ColorMode mode = ColorMode::Device;
  Theme theme;
  CanvasPainter painter;
  QString emptyHeadline, emptyText;
  std::function<QString(int)> toolTipProvider;

  VisibleGraph graph; // what the geometry shows; lags behind the scene while a layout runs
  CanvasGeometry geometry;
  CanvasLooks looks;
  bool ready = false;
  bool layoutRunning = false;
  bool firstViewPending = false;
  int ensurePending = -1;
  struct Anchor {
    int scope;
    QPointF viewPos;
  };
  std::optional<Anchor> anchor; // where a toggled scope has to stay
  std::shared_ptr<std::atomic<bool>> cancel;
  QFutureWatcher<std::shared_ptr<LayoutOutcome>> watcher;

  ViewTransform view;
  QPixmap cache;
  ViewTransform cacheView;
  bool cacheValid = false;
  qint64 lastPaintMs = 0;
  QTimer sharpen; // repaints after a zoom that showed the scaled cache
  QPixmap minimap;
  bool minimapVisible = true, legendVisible = true;
  QRectF legendRect;
  std::vector<QRectF> legendRows;

  QList<int> selection;
  std::vector<int> selectedInBox; // per box: how many of its nodes are selected
  QList<int> highlighted;
  std::vector<char> highlightedBox;
  std::vector<float> boxActivity;
  QList<float> activity;
  int hoveredBox = -1;
  int hoveredNode = -1;
  int currentNode = -1, currentScope = -1; // keyboard position; survives a new layout

  bool painting = false, paintHeld = false;
  int brushDevice = -1; // as chosen; brush() is what can be used
  QList<int> strokeNodes;
  std::vector<char> strokeBox;

  enum class Drag { None, Pressed, Pan, RubberBand, ZoomRange, Minimap, Paint };
  Drag drag = Drag::None;
  QPointF pressPos, lastPos;
  Qt::MouseButton pressButton = Qt::NoButton;
  QList<int> dropNodes;
};

} // namespace tandem::ui
