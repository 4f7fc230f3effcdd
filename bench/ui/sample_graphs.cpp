// SPDX-License-Identifier: GPL-3.0-or-later
#include "bench/ui/sample_graphs.hpp"

#include <algorithm>

namespace tandem::ui {
namespace {

struct Builder {
  GraphScene scene;
  int previous = -1;

  int node(const QString& op, const QString& name, int scope, const QString& shape, const QList<int>& inputs,
           qint64 bytes, double flops, int device) {
    SceneNode n;
    n.name = name;
    n.title = op;
    n.subtitle = shape;
    n.scope = scope;
    n.requested = n.effective = device;
    n.flops = flops;
    n.bytes = static_cast<double>(bytes);
    const int id = scene.addNode(n);
    for (const int input : inputs) scene.addEdge(input, id, bytes, input);
    return id;
  }
};

QString shape(int channels, int side) { return QStringLiteral("1×%1×%2×%2").arg(channels).arg(side); }

} // namespace

QList<CanvasDevice> sampleDevices() {
  return {{QStringLiteral("CPU:0"), QStringLiteral("Xeon, 2 cores"), {}},
          {QStringLiteral("GPU:0"), QStringLiteral("Radeon RX 6600"), {}}};
}

GraphScene squeezeNetLike() {
  Builder b;
  const int features = b.scene.addScope(-1, QStringLiteral("features"));
  int side = 111, x = -1;
  const auto add = [&](const QString& op, const QString& name, int scope, int channels, const QList<int>& inputs,
                       int device) {
    const qint64 bytes = 4LL * channels * side * side;
    const double flops =
        op == QLatin1String("Conv") ? static_cast<double>(bytes) * channels : static_cast<double>(bytes);
    return b.node(op, name, scope, shape(channels, side), inputs, bytes, flops, device);
  };
  x = add(QStringLiteral("Conv"), QStringLiteral("features.0"), features, 64, {}, 0);
  x = add(QStringLiteral("Relu"), QStringLiteral("features.1"), features, 64, {x}, 0);
  side = 55;
  x = add(QStringLiteral("MaxPool"), QStringLiteral("features.2"), features, 64, {x}, 0);
  const int channels[8] = {128, 128, 256, 256, 384, 384, 512, 512};
  for (int fire = 0; fire < 8; ++fire) {
    const QString name = QStringLiteral("fire%1").arg(fire + 2);
    const int scope = b.scene.addScope(features, name);
    const int device = fire < 4 ? 0 : 1, half = channels[fire] / 2;
    const auto in = [&](const QString& op, const char* part, int width, const QList<int>& inputs) {
      return add(op, name + QLatin1Char('/') + QLatin1String(part), scope, width, inputs, device);
    };
    x = in(QStringLiteral("Conv"), "squeeze", half / 4, {x});
    x = in(QStringLiteral("Relu"), "squeeze_relu", half / 4, {x});
    int left = in(QStringLiteral("Conv"), "expand1x1", half, {x});
    left = in(QStringLiteral("Relu"), "expand1x1_relu", half, {left});
    int right = in(QStringLiteral("Conv"), "expand3x3", half, {x});
    right = in(QStringLiteral("Relu"), "expand3x3_relu", half, {right});
    x = in(QStringLiteral("Concat"), "concat", channels[fire], {left, right});
    if (fire == 1 || fire == 3) {
      side /= 2;
      x = add(QStringLiteral("MaxPool"), QStringLiteral("features.pool%1").arg(fire), features, channels[fire], {x},
              device);
    }
  }
  const int classifier = b.scene.addScope(-1, QStringLiteral("classifier"));
  x = add(QStringLiteral("Dropout"), QStringLiteral("classifier.0"), classifier, 512, {x}, 1);
  x = add(QStringLiteral("Conv"), QStringLiteral("classifier.1"), classifier, 1000, {x}, 1);
  x = add(QStringLiteral("Relu"), QStringLiteral("classifier.2"), classifier, 1000, {x}, 1);
  side = 1;
  x = add(QStringLiteral("GlobalAveragePool"), QStringLiteral("classifier.3"), classifier, 1000, {x}, 0);
  x = add(QStringLiteral("Softmax"), QStringLiteral("output"), -1, 1000, {x}, 0);
  b.scene.setPlacement(x - 1, 1, 0, kNodeFallback, QStringLiteral("GlobalAveragePool has no kernel on GPU:0"));
  return b.scene;
}

GraphScene chainWithSkips(int count) {
  Builder b;
  QList<int> ids;
  for (int i = 0; i < count; ++i) {
    QList<int> inputs;
    if (i > 0) inputs.append(ids[i - 1]);
    const bool join = i % 8 == 7;
    if (join) inputs.append(ids[i - 5]);
    const QString op = join ? QStringLiteral("Add") : i % 2 == 0 ? QStringLiteral("Conv") : QStringLiteral("Relu");
    ids.append(b.node(op, QStringLiteral("node_%1").arg(i), -1, QStringLiteral("1×64×56×56"), inputs, 802816, 1e8 + i,
                      i < count / 2 ? 0 : 1));
  }
  return b.scene;
}

GraphScene unetLike(int count) {
  Builder b;
  QList<int> ids;
  const int half = count / 2;
  for (int i = 0; i < count; ++i) {
    QList<int> inputs;
    if (i > 0) inputs.append(ids[i - 1]);
    const int twin = count - 1 - i;
    if (i > half && twin % 5 == 0 && i - twin > 2) inputs.append(ids[twin]);
    ids.append(b.node(inputs.size() > 1 ? QStringLiteral("Concat") : QStringLiteral("Conv"),
                      QStringLiteral("node_%1").arg(i), -1, QStringLiteral("1×64×56×56"), inputs, 802816, 1e8,
                      i % 11 < 6 ? 0 : 1));
  }
  return b.scene;
}

GraphScene repeatedBlocks(int blocks) {
  Builder b;
  const QString width = QStringLiteral("1×128×768");
  int x = -1;
  for (int i = 0; i < blocks; ++i) {
    const QString name = QStringLiteral("block.%1").arg(i);
    const int outer = b.scene.addScope(-1, name), inner = b.scene.addScope(outer, QStringLiteral("attention"));
    const auto add = [&](const char* op, int scope, QList<int> inputs) {
      inputs.removeAll(-1);
      return b.node(QLatin1String(op), name + QLatin1Char('/') + QString::number(b.scene.nodeCount()), scope, width,
                    inputs, 393216, 1e8, i % 2);
    };
    const int norm = add("LayerNormalization", outer, {x});
    const int query = add("MatMul", inner, {norm}), key = add("MatMul", inner, {norm}),
              value = add("MatMul", inner, {norm});
    const int weights = add("Softmax", inner, {add("MatMul", inner, {query, key})});
    const int mixed = add("MatMul", inner, {weights, value});
    const int joined = add("Add", outer, {mixed, x});
    x = add("Add", outer, {add("Gemm", outer, {joined}), joined});
  }
  return b.scene;
}

} // namespace tandem::ui
