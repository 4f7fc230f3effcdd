// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFrame>
#include <QIcon>
#include <QImage>
#include <QLabel>
#include <QLineEdit>
#include <QList>
#include <QRectF>
#include <QString>
#include <QWidget>

class QAction;
class QBoxLayout;
class QTimer;
class QToolButton;

namespace tandem::ui {

/// A button that shows an icon; `text` is its tool tip and what a screen reader says.
QToolButton* toolButton(const QIcon& icon, const QString& text, const QString& objectName, QWidget* parent);

/// Icon, headline, explanation and buttons in the middle of an otherwise empty view.
class EmptyState : public QWidget {
  Q_OBJECT
 public:
  explicit EmptyState(QWidget* parent = nullptr);
  void setIcon(const QIcon& icon);
  void setText(const QString& headline, const QString& text);
  /// The first action becomes the default-looking button. Actions are not owned.
  void setActions(const QList<QAction*>& actions);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void applyTheme();
  QLabel* m_icon;
  QLabel* m_headline;
  QLabel* m_text;
  QBoxLayout* m_buttons;
};

/// A device's badge, colour and hatch with its label: "G0 Radeon RX 6600".
class DevicePill : public QWidget {
  Q_OBJECT
 public:
  explicit DevicePill(QWidget* parent = nullptr);
  /// `deviceIndex` picks the colour; `deviceId` the badge. An empty label shows the badge alone.
  void setDevice(int deviceIndex, const QString& deviceId, const QString& label);
  [[nodiscard]] QSize sizeHint() const override;
  [[nodiscard]] QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  int m_index = -1;
  QString m_badge, m_label;
};

/// Paints the badge box of a device into `rect` (for delegates and other painters).
void paintDeviceBadge(QPainter& painter, const QRectF& rect, int deviceIndex, const QString& badge,
                      const QPalette& palette);
/// The badge as an icon, for tables, combo boxes and menus.
[[nodiscard]] QIcon deviceIcon(int deviceIndex, const QString& deviceId, const QPalette& palette);

/// A one-line label that elides instead of forcing its width, and shows the whole text as a tooltip when elided.
class ElidedLabel : public QWidget {
  Q_OBJECT
 public:
  explicit ElidedLabel(const QString& text = {}, QWidget* parent = nullptr);
  void setText(const QString& text);
  [[nodiscard]] const QString& text() const { return m_text; }
  void setElideMode(Qt::TextElideMode mode);
  [[nodiscard]] QSize sizeHint() const override;
  [[nodiscard]] QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;

 private:
  QString m_text;
  Qt::TextElideMode m_mode = Qt::ElideMiddle;
};

/// A titled part of a panel that folds away.
class CollapsibleSection : public QWidget {
  Q_OBJECT
 public:
  explicit CollapsibleSection(const QString& title, QWidget* parent = nullptr);
  /// Takes ownership; replaces an earlier one.
  void setContent(QWidget* content);
  void setExpanded(bool expanded);
  [[nodiscard]] bool isExpanded() const;

 signals:
  void expandedChanged(bool expanded);

 private:
  QToolButton* m_header;
  QWidget* m_content = nullptr;
};

enum class MessageKind { Info, Success, Warning, Error };

/// A message across the top of a view with actions and a close button: "The worker died. [Run again]". Good news and
/// hints without actions leave by themselves, but not while the pointer rests on them.
class MessageBar : public QFrame {
  Q_OBJECT
 public:
  explicit MessageBar(QWidget* parent = nullptr); ///< hidden until the first message
  /// Shows the message. `detail` goes under the first line (where, and what to do). Actions are not owned; triggering
  /// one also closes the bar.
  void showMessage(MessageKind kind, const QString& text, const QString& detail = {},
                   const QList<QAction*>& actions = {});
  /// More than fits, for the message that is shown now.
  void setDetailToolTip(const QString& text);
  /// How long good news and hints stay; 8 s unless told.
  void setReadingTime(int ms);
  [[nodiscard]] QString text() const;
  [[nodiscard]] MessageKind kind() const { return m_kind; }

 signals:
  void closed();

 protected:
  void changeEvent(QEvent* event) override;
  void paintEvent(QPaintEvent* event) override;

 private:
  void applyTheme();
  void close();
  MessageKind m_kind = MessageKind::Info;
  QTimer* m_leave;
  QLabel* m_icon;
  QLabel* m_text;
  QLabel* m_detail;
  QBoxLayout* m_buttons;
  QToolButton* m_close;
};

/// One detected object, in pixels of the picture.
struct PictureBox {
  QRectF rect;
  QString label;
  double score = -1; ///< shown in percent when in [0, 1]
};

/// A picture scaled to the view, with labelled boxes on it.
class PictureView : public QWidget {
  Q_OBJECT
 public:
  explicit PictureView(QWidget* parent = nullptr);
  void setPicture(const QImage& image, const QList<PictureBox>& boxes = {});
  void setEmptyText(const QString& text);
  /// Where the picture is drawn in the widget; empty without a picture.
  [[nodiscard]] QRectF pictureRect() const;
  [[nodiscard]] QSize sizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  QImage m_image;
  QList<PictureBox> m_boxes;
  QString m_emptyText;
};

/// A search field: magnifier, clear button, Esc clears, a match count on the right, and a signal that waits for a short
/// pause in typing.
class FilterEdit : public QLineEdit {
  Q_OBJECT
 public:
  explicit FilterEdit(QWidget* parent = nullptr);
  /// Shown in the field, e.g. (3, 66) -> "3 of 66"; a negative count hides it.
  void setMatchCount(int matches, int total);

 signals:
  void filterChanged(const QString& text); ///< 120 ms after the last key, at once on clear
  void nextRequested();                    ///< Enter
  void previousRequested();                ///< Shift+Enter

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  void paintEvent(QPaintEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void updateIcon();
  QString m_count;
  QAction* m_iconAction;
};

} // namespace tandem::ui
