// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/gallery/gallery.hpp"

#include <map>

namespace tandem::gallery {

/// A sample and how to build it; one function per architecture returns one.
struct Sample {
  GallerySample facts;
  Graph (*build)(const GallerySample& facts) = nullptr;
};

struct ConvSpec {
  std::int64_t channels = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t pad = 0;
  std::int64_t groups = 1;
  bool bias = false;
};

/// Writes graphs as short programs: every call adds a node in the current scope and returns its output. Node names are
/// the scope and the type ("fire2/squeeze/Conv"), weights are named after their node.
class GraphBuilder {
 public:
  GraphBuilder(const GallerySample& facts, std::string_view inputName);

  ValueId input() const { return m_graph.inputs().front(); }
  std::int64_t channels(ValueId value) const { return m_channels.at(value); }

  ValueId conv(ValueId x, const ConvSpec& spec);
  ValueId batchNorm(ValueId x, float gamma = 1);
  ValueId relu(ValueId x) { return add("Relu", {x}, channels(x)); }
  ValueId relu6(ValueId x);
  ValueId maxPool(ValueId x, std::int64_t kernel, std::int64_t stride, std::int64_t pad = 0);
  ValueId globalAveragePool(ValueId x) { return add("GlobalAveragePool", {x}, channels(x)); }
  ValueId sum(ValueId a, ValueId b) { return add("Add", {a, b}, channels(a)); }
  ValueId concat(ValueId a, ValueId b);
  /// [N, C, H, W] to [N, C*H*W], where H*W is `positions`.
  ValueId flatten(ValueId x, std::int64_t positions = 1);
  /// Fully connected, with bias.
  ValueId dense(ValueId x, std::int64_t outputs);
  ValueId softmax(ValueId x);

  /// Names the output, checks the graph and gives it away.
  Graph finish(ValueId output, std::string outputName);

  /// Enters a scope until the end of the block: `auto scope = builder.scope("fire2");`
  class Scope {
   public:
    Scope(GraphBuilder& builder, const std::string& name) : m_builder(builder), m_outer(builder.m_scope) {
      m_builder.m_scope += name + "/";
    }
    ~Scope() { m_builder.m_scope = m_outer; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    GraphBuilder& m_builder;
    std::string m_outer;
  };
  [[nodiscard]] Scope scope(const std::string& name) { return {*this, name}; }

 private:
  ValueId add(const std::string& type, std::vector<ValueId> inputs, std::int64_t outputChannels,
              Attributes attributes = {});
  ValueId scalar(const std::string& name, float value);
  std::string weightName(const std::string& part) const { return m_graph.name + "/" + m_scope + part; }

  Graph m_graph;
  std::string m_scope;
  std::map<ValueId, std::int64_t> m_channels;
  std::map<std::string, int> m_uses; ///< of a node name, so that a second one in the same scope differs
};

} // namespace tandem::gallery
