// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/kernel.hpp"

namespace tandem::cpu {

/// One argument of a oneDNN primitive and where its memory comes from.
struct DnnlArgument {
  enum class From { Input, Output, Scratch, Weights };
  int id = 0; ///< DNNL_ARG_...
  dnnl::memory::desc desc;
  From from = From::Input;
  std::size_t index = 0;          ///< Input, Output: of the node
  std::int64_t scratchOffset = 0; ///< Scratch: bytes
  WeightsPtr weights;             ///< Weights
};

DnnlArgument inputArgument(int id, const dnnl::memory::desc& desc, std::size_t index);
DnnlArgument outputArgument(int id, const dnnl::memory::desc& desc, std::size_t index);
DnnlArgument scratchArgument(int id, const dnnl::memory::desc& desc, std::int64_t offset);
DnnlArgument weightsArgument(int id, const dnnl::memory::desc& desc, WeightsPtr weights);

/// Primitives that run one after the other as one kernel. Scratch memory is given out by this object.
class DnnlKernelBuilder {
 public:
  /// Attributes that every primitive here is created with: scratch memory comes from the arena.
  static dnnl::primitive_attr attributes();
  /// Reserves bytes of the step's scratch memory and returns their offset.
  std::int64_t reserve(std::size_t bytes);
  /// Adds a primitive with its scratchpad.
  template <class PrimitiveDesc, class Primitive>
  void add(const PrimitiveDesc& desc, const Primitive& primitive, std::vector<DnnlArgument> arguments) {
    const dnnl::memory::desc scratchpad = desc.scratchpad_desc();
    if (scratchpad.get_size() > 0)
      arguments.push_back(scratchArgument(DNNL_ARG_SCRATCHPAD, scratchpad, reserve(scratchpad.get_size())));
    append(primitive, std::move(arguments));
  }
  /// Brings an input into another layout at run time; the result is an argument for the next primitive.
  DnnlArgument reorderedInput(int id, const dnnl::memory::desc& from, const dnnl::memory::desc& to, std::size_t index);
  std::int64_t scratchBytes() const { return m_scratchBytes; }
  std::shared_ptr<const Kernel> finish();

 private:
  void append(const dnnl::primitive& primitive, std::vector<DnnlArgument> arguments);

  struct Call {
    dnnl::primitive primitive;
    std::vector<DnnlArgument> arguments;
  };
  std::vector<Call> m_calls;
  std::int64_t m_scratchBytes = 0;
};

/// "onednn jit:avx512_core".
std::string dnnlName(const char* implementation);
/// True for the loops that oneDNN falls back to; ours are no worse, and say what they are.
bool isDnnlReference(const char* implementation);

/// A copy of one value from one layout into another, as a kernel with one input and one output.
std::shared_ptr<const Kernel> makeReorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to,
                                          std::int64_t& scratchBytes);
/// A copy of `bytes` bytes from input 0 to output 0.
std::shared_ptr<const Kernel> makeCopy(std::size_t bytes);

} // namespace tandem::cpu
