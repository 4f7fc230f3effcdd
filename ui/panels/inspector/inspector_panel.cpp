// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/inspector/inspector_panel.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/roofline_text.hpp"
#include "ui/core/theme.hpp"
#include "ui/core/units.hpp"
#include "ui/widgets/common/common.hpp"

#include <QComboBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollBar>
#include <QTextBrowser>
#include <QToolButton>
#include <QUrl>
#include <QVBoxLayout>

#include <map>

namespace tandem::ui {
namespace {

constexpr int kMixed = -2;
constexpr qsizetype kAttributeLimit = 300;

QString escaped(const std::string& text) { return toQString(text).toHtmlEscaped(); }

QString row(const QString& title, const QString& value) {
  return QStringLiteral("<tr><td style='padding-right:10px'>%1</td><td>%2</td></tr>").arg(title, value);
}

QString heading(const QString& text) { return QStringLiteral("<h4 style='margin-bottom:2px'>%1</h4>").arg(text); }

QString bytes(std::int64_t value) { return formatBytes(static_cast<double>(value)); }

QString nodeLink(int node, const std::string& name) {
  return QStringLiteral("<a href='node:%1'>%2</a>").arg(node).arg(escaped(name));
}

} // namespace

InspectorPanel::InspectorPanel(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("inspector_panel"));
  const int gap = fontMetrics().height() / 2;
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(gap, gap / 2, gap, gap);
  layout->setSpacing(gap / 2);
  auto* top = new QHBoxLayout;
  const auto button = [&](const QString& name, const QString& text) {
    auto* made = new QToolButton(this);
    made->setIcon(icon(name));
    made->setToolTip(text);
    made->setAccessibleName(text);
    made->setObjectName(QStringLiteral("inspector_") + name);
    made->setAutoRaise(true);
    top->addWidget(made);
    return made;
  };
  m_back = button(QStringLiteral("back"), tr("Selection before (Alt+Left)"));
  m_forward = button(QStringLiteral("forward"), tr("Next selection (Alt+Right)"));
  m_title = new QLabel(this);
  m_title->setObjectName(QStringLiteral("inspector_title"));
  m_title->setWordWrap(true);
  m_title->setTextInteractionFlags(Qt::TextSelectableByMouse);
  QFont bold = m_title->font();
  bold.setBold(true);
  m_title->setFont(bold);
  top->addWidget(m_title, 1);
  layout->addLayout(top);

  m_deviceRow = new QWidget(this);
  auto* deviceLayout = new QHBoxLayout(m_deviceRow);
  deviceLayout->setContentsMargins(0, 0, 0, 0);
  auto* label = new QLabel(tr("Put o&n"), m_deviceRow);
  m_device = new QComboBox(m_deviceRow);
  m_device->setObjectName(QStringLiteral("inspector_device"));
  m_device->setAccessibleName(tr("Device of the selected layers"));
  label->setBuddy(m_device);
  deviceLayout->addWidget(label);
  deviceLayout->addWidget(m_device, 1);
  layout->addWidget(m_deviceRow);

  m_text = new QTextBrowser(this);
  m_text->setObjectName(QStringLiteral("inspector_text"));
  m_text->setAccessibleName(tr("Layer details"));
  m_text->setOpenLinks(false);
  m_text->setFrameShape(QFrame::NoFrame);
  layout->addWidget(m_text, 1);

  m_refresh.setSingleShot(true);
  m_refresh.setInterval(0);
  connect(&m_refresh, &QTimer::timeout, this, &InspectorPanel::refresh);
  const auto later = [this] { m_refresh.start(); };
  connect(&m_workspace.selection, &SelectionModel::selectionChanged, this, later);
  connect(&m_workspace.selection, &SelectionModel::historyChanged, this, later);
  connect(&m_workspace.document, &DocumentModel::opened, this, later);
  connect(&m_workspace.document, &DocumentModel::sizesChanged, this, later);
  connect(&m_workspace.document, &DocumentModel::closed, this, later);
  connect(&m_workspace.document, &DocumentModel::placementChanged, this, later);
  connect(&m_workspace.document, &DocumentModel::effectiveChanged, this, later);
  connect(&m_workspace.document, &DocumentModel::profiled, this, later);
  connect(&m_workspace.devices, &DeviceListModel::changed, this, later);
  connect(m_back, &QToolButton::clicked, &m_workspace.selection, &SelectionModel::goBack);
  connect(m_forward, &QToolButton::clicked, &m_workspace.selection, &SelectionModel::goForward);
  connect(m_text, &QTextBrowser::anchorClicked, this, [this](const QUrl& link) {
    bool ok = false;
    const int node = link.path().toInt(&ok);
    if (ok && node >= 0 && node < m_workspace.document.nodeCount()) m_workspace.selection.reveal(node);
  });
  connect(m_device, &QComboBox::activated, this, [this](int index) {
    if (m_device->itemData(index).toInt() == kMixed) return;
    m_workspace.document.assign(m_workspace.selection.nodes(), m_device->itemData(index, Qt::UserRole + 1).toString());
  });
  refresh();
}

void InspectorPanel::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange) m_refresh.start();
  QWidget::changeEvent(event);
}

QString InspectorPanel::muted(const QString& text) const {
  return QStringLiteral("<span style='color:%1'>%2</span>").arg(Theme::of(palette()).mutedText.name(), text);
}

void InspectorPanel::fillDevices() {
  const auto& document = m_workspace.document;
  const QList<int>& nodes = m_workspace.selection.nodes();
  m_device->clear();
  const auto add = [this](const QString& text, const QString& id, int kind, const QIcon& picture = {}) {
    m_device->addItem(picture, text, kind);
    m_device->setItemData(m_device->count() - 1, id, Qt::UserRole + 1);
  };
  bool own = false, mixed = false;
  const QString first = document.requestedOf(nodes.first());
  for (const int node : nodes) {
    mixed = mixed || document.requestedOf(node) != first;
    own = own || document.placement().nodes.contains(document.document().nodes[static_cast<std::size_t>(node)].name);
  }
  if (mixed) add(tr("several devices"), {}, kMixed);
  const QStringList ids = m_workspace.devices.visibleIds();
  for (int i = 0; i < ids.size(); ++i) {
    const auto* device = m_workspace.devices.find(ids[i]);
    add(deviceLabel(*device), ids[i], i, deviceIcon(i, ids[i], palette()));
  }
  if (!mixed && !ids.contains(first)) add(tr("%1 (not there)").arg(first), first, -1);
  add(tr("Default (%1)").arg(toQString(document.placement().defaultDevice)), {}, -1);
  const int current = mixed ? 0 : own ? m_device->findData(first, Qt::UserRole + 1) : -1;
  m_device->setCurrentIndex(mixed || current >= 0                ? std::max(current, 0)
                            : document.placement().rules.empty() ? m_device->count() - 1
                                                                 : m_device->findData(first, Qt::UserRole + 1));
}

QString InspectorPanel::tensorHtml(int value, bool input) const {
  const auto& document = m_workspace.document.document();
  if (value < 0 || static_cast<std::size_t>(value) >= document.values.size())
    return QStringLiteral("<li>%1</li>").arg(muted(tr("left out")));
  const auto& tensor = document.values[static_cast<std::size_t>(value)];
  QString text = QStringLiteral("<li>%1<br>%2").arg(escaped(tensor.name), muted(tensorText(tensor).toHtmlEscaped()));
  if (tensor.bytes >= 0) text += muted(QStringLiteral(", ") + bytes(tensor.bytes));
  const auto name = [&](int node) { return document.nodes[static_cast<std::size_t>(node)].name; };
  if (input) {
    if (tensor.producer >= 0)
      text += tr("<br>from %1").arg(nodeLink(tensor.producer, name(tensor.producer)));
    else
      text += QStringLiteral("<br>") + muted(tensor.constant ? tr("constant") : tr("input of the model"));
  } else {
    QStringList links;
    for (const int consumer : tensor.consumers) links << nodeLink(consumer, name(consumer));
    text += links.isEmpty() ? QStringLiteral("<br>") + muted(tr("output of the model"))
                            : tr("<br>to %1").arg(links.join(QStringLiteral(", ")));
  }
  return text + QStringLiteral("</li>");
}

QString InspectorPanel::measuredHtml(int node) const {
  const session::LayerTime* layer = m_workspace.document.layerTimeOf(node);
  if (layer == nullptr) return {};
  QString time = formatMs(layer->medianMs);
  const auto& nodes = m_workspace.document.document().nodes;
  if (layer->node != node)
    time += tr(", with %1").arg(nodeLink(layer->node, nodes[static_cast<std::size_t>(layer->node)].name));
  QString html = row(muted(tr("Measured")), time) + row(muted(tr("Kernel")), escaped(layer->kernel));
  if (!layer->roofFraction) return html;
  return html + row(muted(tr("Of peak")), tr("%1 (%2)").arg(roofShareText(*layer), roofText(*layer)));
}

QString InspectorPanel::nodeHtml(int node) const {
  const auto& model = m_workspace.document;
  const auto& summary = model.document().nodes[static_cast<std::size_t>(node)];
  const Theme theme = Theme::of(palette());
  QString html = QStringLiteral("<table cellspacing='2'>");
  const QString domain = summary.domain.empty() ? QString() : escaped(summary.domain) + QLatin1Char('.');
  html +=
      row(muted(tr("Operator")), domain + escaped(summary.op) +
                                     (summary.version > 0 ? muted(tr(" version %1").arg(summary.version)) : QString()));
  if (!summary.scope.empty()) html += row(muted(tr("Scope")), escaped(summary.scope));
  const QString requested = model.requestedOf(node), effective = model.effectiveOf(node);
  html += row(muted(tr("Requested")), requested.toHtmlEscaped());
  html += row(muted(tr("Effective")), effective.isEmpty() ? muted(tr("not known yet")) : effective.toHtmlEscaped());
  const QString reason = model.reasonOf(node), detail = model.detailOf(node);
  if (!reason.isEmpty()) {
    html += row(
        muted(tr("Reason")),
        QStringLiteral("<span style='color:%1'><b>%2</b></span>").arg(theme.problem.name(), reason.toHtmlEscaped()));
    if (!detail.isEmpty()) html += row({}, detail.toHtmlEscaped());
  }
  if (!summary.known)
    html += row(muted(tr("Problem")), QStringLiteral("<span style='color:%1'>%2</span>")
                                          .arg(theme.problem.name(), tr("unknown operator: the model cannot run")));
  html += row(muted(tr("Work")), formatFlops(summary.flops));
  html += row(muted(tr("Parameters")), bytes(summary.parameterBytes));
  html += row(muted(tr("Activations")), bytes(summary.activationBytes));
  html += measuredHtml(node) + QStringLiteral("</table>");
  const QString list = QStringLiteral("<ul style='margin-left:-24px; margin-top:0px'>");
  html += heading(tr("Inputs")) + list;
  for (const int value : summary.inputs) html += tensorHtml(value, true);
  html += QStringLiteral("</ul>") + heading(tr("Outputs")) + list;
  for (const int value : summary.outputs) html += tensorHtml(value, false);
  html += QStringLiteral("</ul>");
  if (!summary.attributes.empty()) {
    html += heading(tr("Attributes")) + QStringLiteral("<table cellspacing='2'>");
    for (const auto& [name, value] : summary.attributes) {
      QString text = toQString(value);
      if (text.size() > kAttributeLimit) text = text.left(kAttributeLimit) + QChar(0x2026);
      html += row(muted(escaped(name)), text.toHtmlEscaped());
    }
    html += QStringLiteral("</table>");
  }
  return html;
}

QString InspectorPanel::selectionHtml(const QList<int>& nodes) const {
  const auto& model = m_workspace.document;
  double flops = 0, ms = 0;
  bool measured = false;
  std::int64_t parameters = 0, activations = 0;
  std::map<QString, int> operators, devices;
  int moved = 0;
  for (const int node : nodes) {
    const auto& summary = model.document().nodes[static_cast<std::size_t>(node)];
    flops += summary.flops;
    parameters += summary.parameterBytes;
    activations += summary.activationBytes;
    if (model.measuredMsOf(node) >= 0) {
      ms += model.measuredMsOf(node);
      measured = true;
    }
    ++operators[toQString(summary.op)];
    const QString effective = model.effectiveOf(node);
    ++devices[effective.isEmpty() ? model.requestedOf(node) : effective];
    moved += model.reasonOf(node).isEmpty() ? 0 : 1;
  }
  const auto counts = [](const std::map<QString, int>& map) {
    QStringList parts;
    for (const auto& [name, count] : map) parts << QStringLiteral("%1 %2").arg(count).arg(name.toHtmlEscaped());
    return parts.join(QStringLiteral("<br>"));
  };
  QString html = QStringLiteral("<table cellspacing='2'>");
  html += row(muted(tr("Runs on")), counts(devices));
  if (moved > 0) html += row(muted(tr("Moved")), tr("%n layer(s) not where asked", nullptr, moved));
  html += row(muted(tr("Work")), formatFlops(flops));
  html += row(muted(tr("Parameters")), bytes(parameters));
  html += row(muted(tr("Activations")), bytes(activations));
  if (measured) html += row(muted(tr("Measured")), formatMs(ms));
  html += row(muted(tr("Operators")), counts(operators));
  return html + QStringLiteral("</table>");
}

QString InspectorPanel::modelHtml() const {
  const auto& model = m_workspace.document;
  const auto& document = model.document();
  double flops = 0;
  std::int64_t parameters = 0;
  for (const auto& node : document.nodes) {
    flops += node.flops;
    parameters += node.parameterBytes;
  }
  QString html = QStringLiteral("<table cellspacing='2'>");
  html += row(muted(tr("Source")), escaped(document.source));
  if (!document.producer.empty()) html += row(muted(tr("Producer")), escaped(document.producer));
  if (document.opset > 0) html += row(muted(tr("Operator set")), QString::number(document.opset));
  html += row(muted(tr("Layers")), formatCount(model.nodeCount()));
  html += row(muted(tr("Work")), formatFlops(flops));
  html += row(muted(tr("Parameters")), bytes(parameters));
  if (!model.view().transfers.empty())
    html += row(muted(tr("Transfers")), tr("%1 of %2")
                                            .arg(formatCount(static_cast<double>(model.view().transfers.size())),
                                                 bytes(model.view().transferBytes)));
  html += QStringLiteral("</table>");
  const auto tensors = [&](const QString& title, const std::vector<int>& values) {
    html += heading(title) + QStringLiteral("<ul style='margin-left:-24px; margin-top:0px'>");
    for (const int value : values) {
      if (value < 0 || static_cast<std::size_t>(value) >= document.values.size()) continue;
      const auto& tensor = document.values[static_cast<std::size_t>(value)];
      html += QStringLiteral("<li>%1<br>%2</li>").arg(escaped(tensor.name), muted(tensorText(tensor).toHtmlEscaped()));
    }
    html += QStringLiteral("</ul>");
  };
  tensors(tr("Inputs"), document.inputs);
  tensors(tr("Outputs"), document.outputs);
  if (!document.unsupportedOperators.empty()) {
    html += heading(tr("Operators that Tandem does not have")) + QStringLiteral("<ul>");
    for (const auto& name : document.unsupportedOperators) html += QStringLiteral("<li>%1</li>").arg(escaped(name));
    html += QStringLiteral("</ul>") + muted(tr("The model can be viewed, but not run."));
  }
  return html;
}

void InspectorPanel::refresh() {
  const auto& selection = m_workspace.selection;
  m_back->setEnabled(selection.canGoBack());
  m_forward->setEnabled(selection.canGoForward());
  const QList<int>& nodes = selection.nodes();
  m_deviceRow->setVisible(!nodes.isEmpty());
  QString html;
  if (!m_workspace.document.isOpen()) {
    m_title->setText(tr("No model"));
    html =
        muted(tr("Open a model to see its layers. Select layers on the graph to see their shapes, work and devices."));
  } else if (nodes.isEmpty()) {
    m_title->setText(sourceTitle(m_workspace.document.source()));
    html = modelHtml();
  } else if (nodes.size() == 1) {
    m_title->setText(toQString(m_workspace.document.document().nodes[static_cast<std::size_t>(nodes.first())].name));
    html = nodeHtml(nodes.first());
  } else {
    m_title->setText(tr("%n layer(s) selected", nullptr, static_cast<int>(nodes.size())));
    html = selectionHtml(nodes);
  }
  if (!nodes.isEmpty()) fillDevices();
  const int position = m_text->verticalScrollBar()->value();
  m_text->setHtml(html);
  m_text->verticalScrollBar()->setValue(position);
}

} // namespace tandem::ui
