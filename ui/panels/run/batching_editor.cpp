// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/batching_editor.hpp"

#include "ui/core/theme.hpp"
#include "ui/core/units.hpp"
#include "ui/widgets/common/common.hpp"

#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QRegularExpressionValidator>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {

constexpr double kMostMs = 60'000;

std::vector<int> sizesOf(const QString& text) {
  std::vector<int> sizes;
  static const QRegularExpression separators(QStringLiteral("[/, ]+"));
  for (const QString& part : text.split(separators, Qt::SkipEmptyParts)) sizes.push_back(part.toInt());
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

QString textOf(const std::vector<int>& sizes) {
  QStringList parts;
  for (const int size : sizes) parts << QString::number(size);
  return parts.join(QStringLiteral("/"));
}

} // namespace

BatchingEditor::BatchingEditor(int index, const QString& who, const session::ReplicaSpec& spec, QWidget* parent)
    : QWidget(parent),
      m_batch(spec.batch) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  m_section = new CollapsibleSection(tr("Batching..."), this);
  auto* content = new QWidget(m_section);
  auto* form = new QFormLayout(content);
  form->setContentsMargins(fontMetrics().height(), 0, 0, 0);
  form->setVerticalSpacing(fontMetrics().height() / 4);
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  const auto named = [&](auto* widget, const char* name, const QString& title, const QString& help) {
    widget->setObjectName(QStringLiteral("replica_%1_%2").arg(QLatin1String(name)).arg(index));
    widget->setAccessibleName(tr("%1 of %2").arg(title, who));
    widget->setToolTip(help);
    form->addRow(title, widget);
    return widget;
  };
  m_preferred =
      named(new QLineEdit(textOf(spec.preferred), content), "preferred", tr("Preferred sizes"),
            tr("Sizes of joined batches to aim for, like \"4/8\": each is compiled of its own, and a batch is "
               "sent off at one of them where enough requests wait"));
  m_preferred->setPlaceholderText(tr("any, for example 4/8"));
  m_preferred->setValidator(new QRegularExpressionValidator(
      QRegularExpression(QStringLiteral("([1-9][0-9]{0,3}[/, ]*){0,16}")), m_preferred));
  const auto milliseconds = [&](double value, const QString& special) {
    auto* box = new QDoubleSpinBox(content);
    box->setRange(0, kMostMs);
    box->setDecimals(1);
    box->setValue(value);
    box->setSuffix(tr(" ms"));
    box->setSpecialValueText(special);
    connect(box, &QDoubleSpinBox::valueChanged, this, &BatchingEditor::edited);
    return box;
  };
  m_delay = named(milliseconds(spec.delayMs, tr("none")), "delay", tr("Longest wait"),
                  tr("How long a request may wait for others that it can be joined with. Longer waits fill batches, "
                     "which gives more items per second, and make single requests slower"));
  m_target = named(milliseconds(spec.targetMs, tr("off")), "target", tr("Target time"),
                   tr("Joined batches grow and shrink so that an execution takes at most that, up to \"Batch\""));
  m_section->setContent(content);
  m_section->setExpanded(false);
  layout->addWidget(m_section);
  m_text = new QLabel(this);
  m_text->setObjectName(QStringLiteral("replica_batching_%1").arg(index));
  m_text->setWordWrap(true);
  m_text->setTextFormat(Qt::PlainText);
  m_text->setContentsMargins(fontMetrics().height(), 0, 0, 0);
  layout->addWidget(m_text);
  connect(m_preferred, &QLineEdit::textEdited, this, &BatchingEditor::edited);
  updateText();
}

void BatchingEditor::edited() {
  updateText();
  emit changed();
}

void BatchingEditor::setBatch(int batch) {
  m_batch = batch;
  edited();
}

void BatchingEditor::writeTo(session::ReplicaSpec& spec) const {
  spec.preferred = sizesOf(m_preferred->text());
  spec.delayMs = m_delay->value();
  spec.targetMs = m_target->value();
}

QString BatchingEditor::problem() const {
  const std::vector<int> sizes = sizesOf(m_preferred->text());
  const bool any = !sizes.empty() || m_delay->value() > 0 || m_target->value() > 0;
  if (any && m_batch < 2) return tr("Requests are not joined: set \"Batch\" to 2 or more");
  if (!sizes.empty() && sizes.back() > m_batch)
    return tr("The preferred size %1 is above \"Batch\" (%2)").arg(sizes.back()).arg(m_batch);
  return {};
}

QString BatchingEditor::summary() const {
  QStringList parts;
  if (const auto sizes = sizesOf(m_preferred->text()); !sizes.empty()) parts << tr("sizes %1").arg(textOf(sizes));
  if (m_delay->value() > 0) parts << tr("waits up to %1").arg(formatMs(m_delay->value()));
  if (m_target->value() > 0) parts << tr("executions of at most %1").arg(formatMs(m_target->value()));
  return parts.join(QStringLiteral(", "));
}

void BatchingEditor::updateText() {
  const QString wrong = problem();
  QPalette colors = palette();
  colors.setColor(QPalette::WindowText,
                  wrong.isEmpty() ? colors.color(QPalette::PlaceholderText) : Theme::of(palette()).problem);
  m_text->setPalette(colors);
  m_text->setText(wrong.isEmpty() ? summary() : wrong);
  m_text->setVisible(!m_text->text().isEmpty());
}

} // namespace tandem::ui
