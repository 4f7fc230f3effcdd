// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/types.hpp"

#include <QWidget>

class QDoubleSpinBox;
class QLabel;
class QLineEdit;

namespace tandem::ui {

class CollapsibleSection;

/// How a replica joins requests beyond the largest batch: preferred sizes, longest wait, target time. Folded away, with
/// one line that says what is set or why it cannot be.
class BatchingEditor : public QWidget {
  Q_OBJECT
 public:
  /// `who`: "replica 1", for assistive technology; `index` is part of the object names.
  BatchingEditor(int index, const QString& who, const session::ReplicaSpec& spec, QWidget* parent = nullptr);

  /// Sets the three values of `spec`.
  void writeTo(session::ReplicaSpec& spec) const;
  /// The largest batch, which the values depend on.
  void setBatch(int batch);
  /// Why these values cannot be; empty where they can.
  [[nodiscard]] QString problem() const;

 signals:
  void changed();

 private:
  void edited();
  void updateText();
  [[nodiscard]] QString summary() const;
  CollapsibleSection* m_section;
  QLineEdit* m_preferred;
  QDoubleSpinBox* m_delay;
  QDoubleSpinBox* m_target;
  QLabel* m_text;
  int m_batch = 0;
};

} // namespace tandem::ui
