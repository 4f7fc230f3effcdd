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
  const auto& data = document.document();
  QStringList paths;
  for (const auto& node : data.nodes) paths.append(toQString(node.scope));
  const ScopeTree scopes = scopeTree(paths); // the numbers that DocumentModel::blocks() uses
  for (std::size_t scope = 0; scope < scopes.parents.size(); ++scope)
    scene.addScope(scopes.parents[scope], scopes.names[static_cast<qsizetype>(scope)]);
  for (int scope = 0; scope < scene.scopeCount(); ++scope)
    if (const BlockPlace place = document.blocks().ofScope(scope); place.block >= 0)
      scene.setScopeCopy(scope, place.copy, place.copies);
  const ScenePlacement placement = buildPlacement(document, devices);
  for (int index = 0; index < document.nodeCount(); ++index) {
    const auto& node = data.nodes[static_cast<std::size_t>(index)];
    SceneNode box;
    box.name = toQString(node.name);
    box.title = toQString(node.op);
    box.type = document.typeOf(index);
    box.subtitle = document.shapeOf(index);
    box.scope = scopes.ofNode[static_cast<std::size_t>(index)];
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
      scene.addEdge(tensor->producer, index, std::max<std::int64_t>(tensor->bytes, 0), value);
    }
  }
  return scene;
}

SceneTimes buildTimes(const DocumentModel& document) {
  SceneTimes times;
  const session::Profile* profile = document.measured();
  if (profile == nullptr) return times;
  for (int node = 0; node < document.nodeCount(); ++node) {
    const session::LayerTime* layer = document.layerTimeOf(node);
    times.ms << (layer == nullptr ? kNotMeasured : layer->node == node ? layer->medianMs : kMeasuredWithOther);
  }
  for (const session::ProfileTotal& total : profile->totals)
    if (total.device == "placement") times.transferMs = total.transferMs;
  return times;
}

QList<CanvasDevice> buildDevices(const DeviceListModel& devices) {
  QList<CanvasDevice> list;
  for (const QString& id : devices.visibleIds()) {
    CanvasDevice device{id, id, {}};
    if (const session::DeviceSummary* known = devices.find(id)) {
      device.host = known->kind == "cpu";
      if (known->probe) {
        device.toDeviceGbPerS = known->probe->toDeviceGbPerS;
        device.toHostGbPerS = known->probe->toHostGbPerS;
      }
    }
    list.append(device);
  }
  return list;
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
  if (const BlockPlace place = document.blocks().ofNode(node); place.block >= 0)
    lines << tr("%1 of %2 copies of a block of %3 layers").arg(place.copy + 1).arg(place.copies).arg(place.size);
  return lines.join(QStringLiteral("<br>"));
}

} // namespace tandem::ui
