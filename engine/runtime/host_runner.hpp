// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"

#include <list>
#include <set>

namespace tandem {

class ExecutionSlot;

/// Computes what has a shape that only the run tells, and control flow, on the host: node by node with reference
/// kernels, but costly nodes and the subgraphs of If, Loop and Scan are compiled for the shapes met and kept, so that
/// the next time they run at the speed of the host's kernels. One thread at a time.
class HostRunner {
 public:
  /// `host` is a native CPU and outlives the runner. `compiled` false: eager, see CompileOptions.
  HostRunner(Device& host, int threads, bool compiled);
  ~HostRunner();
  HostRunner(const HostRunner&) = delete;
  HostRunner& operator=(const HostRunner&) = delete;

  /// Compiled parts run on the calling thread from now on, which is bound to the host's cores already.
  void useCallingThread() { m_attach = true; }

  /// Results of one node of `graph`; an undefined tensor is an input left out. `graph` must live as long as the
  /// runner: compiled parts are found by its address.
  Result<std::vector<Tensor>> run(const Graph& graph, NodeId node, std::span<const Tensor> inputs,
                                  const CancelToken& cancel);

  /// Parts compiled so far; for tests.
  std::size_t compiledParts() const { return m_parts.size(); }

 private:
  /// What makes a compiled part fit: whose it is, its input shapes, and the elements that steer shapes.
  struct Key {
    const void* owner = nullptr;
    std::string signature;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Part {
    Key key;
    std::unique_ptr<ExecutionSlot> slot;
  };

  Result<std::vector<Tensor>> runBody(const Graph& body, std::span<const Tensor> inputs, const CancelToken& cancel);
  Result<std::vector<Tensor>> interpretBody(const Graph& body, std::span<const Tensor> inputs,
                                            const CancelToken& cancel);
  ExecutionSlot* find(const Key& key); ///< null where not compiled
  /// Null where the host has no kernels for it or the shapes cannot be told beforehand.
  ExecutionSlot* compile(const Key& key, const Graph& graph, std::span<const Tensor> inputs, const CancelToken& cancel);
  void refuse(const Key& key);
  static Result<std::vector<Tensor>> runPart(ExecutionSlot& slot, std::span<const Tensor> inputs,
                                             const CancelToken& cancel);

  Device& m_host;
  int m_threads;
  bool m_compiled;
  bool m_attach = false;
  std::list<Part> m_parts; ///< least recently used last
  std::set<Key> m_seen;    ///< bodies that ran once with this signature
  std::set<Key> m_refused; ///< cannot be compiled, or is not worth it; not asked again
};

} // namespace tandem
