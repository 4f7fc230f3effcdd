// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/layers/layer_scene.hpp"

#include "ui/core/labels.hpp"
#include "ui/core/roofline_text.hpp"
#include "ui/core/units.hpp"

#include <QCoreApplication>
#include <QHash>

#include <set>

namespace tandem::ui {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("tandem::ui::LayersPanel", text); }

// Makes the scope and its parents on first use.
int scopeIndex(GraphScene& scene, QHash<QString, int>& known, const QString& path) {
  if (path.isEmpty()) return -1;
  int parent = -1;
  QString prefix;
  for (const QString& part : path.split(QLatin1Char('/'), Qt::SkipEmptyParts)) {
    prefix += QLatin1Char('/') + part;
    auto found = known.find(prefix);
    if (found == known.end()) found = known.insert(prefix, scene.addScope(parent, part));
    parent = *found;
  }
  return parent;
}

const session::TensorSummary* valueAt(const session::Document& document, int value) {
  return value >= 0 && static_cast<std::size_t>(value) < document.values.size()
             ? &document.values[static_cast<std::size_t>(value)]
             : nullptr;
}

} // namespace

ScenePlacement buildPlacement(const DocumentModel& document, const DeviceListModel& devices) {
  ScenePlacement placement;
  QHash<QString, int> numbers;
  const QStringList ids = devices.visibleIds();
  for (int i = 0; i < ids.size(); ++i) numbers.insert(ids[i], i);
  const auto numberOf = [&](const QString& id) { return numbers.value(id, kAutoDevice); };
  for (int node = 0; node < document.nodeCount(); ++node) {
    const QString requested = document.requestedOf(node), effective = document.effectiveOf(node);
    const bool known = document.document().nodes[static_cast<std::size_t>(node)].known;
    // Until the engine answers, what is asked for is what is drawn; a moved node keeps its mark from the last answer.
    placement.requested << numberOf(requested);
    placement.effective << numberOf(effective.isEmpty() || !document.isEffectiveCurrent() ? requested : effective);
    const QString reason = document.isEffectiveCurrent() ? document.reasonOf(node) : QString();
    quint8 flags = 0;
    if (!known) flags |= kNodeUnsupported;
    if (!reason.isEmpty()) flags |= kNodeFallback;
    placement.flags << flags;
    placement.reasons << (known ? reason : tr("unknown operator"));
  }
  return placement;
}

GraphScene buildScene(const DocumentModel& document, const DeviceListModel& devices) {
  GraphScene scene;
  QHash<QString, int> scopes;
  const auto& data = document.document();
  const ScenePlacement placement = buildPlacement(document, devices);
  for (int index = 0; index < document.nodeCount(); ++index) {
    const auto& node = data.nodes[static_cast<std::size_t>(index)];
    SceneNode box;
    box.name = toQString(node.name);
    box.title = toQString(node.op);
    if (!node.outputs.empty()) {
      if (const auto* output = valueAt(data, node.outputs.front())) box.subtitle = shapeText(*output);
    }
    box.scope = scopeIndex(scene, scopes, toQString(node.scope));
    box.requested = placement.requested[index];
    box.effective = placement.effective[index];
    box.flags = placement.flags[index];
    box.reason = placement.reasons[index];
    box.flops = node.flops;
    box.bytes = static_cast<double>(node.parameterBytes + node.activationBytes);
    scene.addNode(box);
  }
  for (int index = 0; index < document.nodeCount(); ++index) {
    std::set<int> seen;
    for (const int value : data.nodes[static_cast<std::size_t>(index)].inputs) {
      const auto* tensor = valueAt(data, value);
      if (tensor == nullptr || tensor->producer < 0 || !seen.insert(value).second) continue;
      scene.addEdge(tensor->producer, index, std::max<std::int64_t>(tensor->bytes, 0));
    }
  }
  return scene;
}

QString nodeToolTip(const DocumentModel& document, int node) {
  const auto& summary = document.document().nodes[static_cast<std::size_t>(node)];
  QStringList lines;
  lines << QStringLiteral("<b>%1</b> %2")
               .arg(toQString(summary.op).toHtmlEscaped(), toQString(summary.name).toHtmlEscaped());
  if (!summary.outputs.empty()) {
    if (const auto* output = valueAt(document.document(), summary.outputs.front()))
      lines << tensorText(*output).toHtmlEscaped();
  }
  if (summary.flops > 0)
    lines << QStringLiteral("%1, %2").arg(
        formatFlops(summary.flops), formatBytes(static_cast<double>(summary.parameterBytes + summary.activationBytes)));
  const QString requested = document.requestedOf(node), effective = document.effectiveOf(node);
  if (effective.isEmpty() || effective == requested)
    lines << tr("on %1").arg(requested);
  else
    lines << tr("asked for %1, runs on %2: %3").arg(requested, effective, document.reasonOf(node)).toHtmlEscaped();
  if (const session::LayerTime* layer = document.layerTimeOf(node); layer != nullptr) {
    const auto& first = document.document().nodes[static_cast<std::size_t>(layer->node)];
    QString text = layer->node == node
                       ? tr("%1 measured").arg(formatMs(layer->medianMs))
                       : tr("%1 measured, with %2").arg(formatMs(layer->medianMs), toQString(first.name));
    if (layer->roofFraction) text += tr(", %1 of peak (%2)").arg(roofShareText(*layer), roofText(*layer));
    lines << text.toHtmlEscaped();
  }
  return lines.join(QStringLiteral("<br>"));
}

} // namespace tandem::ui
