// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/pass_runner.hpp"

#include "engine/base/clock.hpp"
#include "engine/graph/verify.hpp"
#include "engine/passes/pass_list.hpp"

#include <algorithm>
#include <array>
#include <new>

namespace tandem {
namespace {

// The order matters: quantization before constants, which would turn quantized weights into floats; then constants,
// because everything else asks for them; products before batch normalisation,
// which folds into them; residuals before activations, which come last in a fused node.
constexpr std::array kPasses{
    Pass{"fold_quantization", "Compute on bytes between quantizations", passes::foldQuantization},
    Pass{"fold_constants", "Compute what does not depend on the inputs", passes::foldConstants},
    Pass{"remove_dead", "Remove what nobody reads", passes::removeDead},
    Pass{"remove_identity", "Remove operations that change nothing", passes::removeIdentity},
    Pass{"merge_slices", "Cut along several axes at once", passes::mergeSlices},
    Pass{"eliminate_common_subexpressions", "Compute once what several nodes compute alike",
         passes::eliminateCommonSubexpressions},
    Pass{"merge_transposes", "Merge transpositions that follow each other", passes::mergeTransposes},
    Pass{"fold_pad", "Let convolutions and pools do the padding", passes::foldPad},
    Pass{"fuse_attention", "Make one operation of attention: two products with a softmax between them",
         passes::fuseAttention},
    Pass{"fuse_layer_norm", "Make one operation of a layer normalization written as arithmetic", passes::fuseLayerNorm},
    Pass{"fuse_gelu", "Make one operation of Gelu written with erf or tanh", passes::fuseGelu},
    Pass{"fuse_shuffle", "Shuffle channels at once", passes::fuseShuffle},
    Pass{"fuse_swish", "Compute x * sigmoid(x) at once", passes::fuseSwish},
    Pass{"fuse_gemm", "Add the bias within the matrix product", passes::fuseGemm},
    Pass{"fold_batch_norm", "Fold normalisation and scaling into the weights before it", passes::foldBatchNorm},
    Pass{"fuse_gemm_activation", "Apply activations within the matrix product", passes::fuseGemmActivation},
    Pass{"fuse_conv_residual", "Add residuals within the convolution", passes::fuseConvResidual},
    Pass{"fuse_conv_activation", "Apply activations within the convolution", passes::fuseConvActivation},
};

Result<PassReport> runPass(const Pass& pass, Graph& graph, const PassContext& context) {
  const std::int64_t start = nowNs();
  PassReport report{std::string(pass.name), 0, 0};
  try {
    report.changes = TANDEM_TRY(pass.run(graph, context));
  } catch (const std::bad_alloc&) {
    return makeError(ErrorCode::DeviceFailed, "not enough memory on the host", "pass " + report.name,
                     "disable this pass, or use a smaller model");
  }
  if (auto intact = verify(graph); !intact)
    return makeError(ErrorCode::Internal, "the pass left a broken graph: " + intact.error().message,
                     report.name + ", " + intact.error().where, "disable this pass and report the model");
  report.milliseconds = toMs(nowNs() - start);
  return report;
}

} // namespace

std::span<const Pass> allPasses() { return kPasses; }

void resetOrigins(Graph& graph) {
  for (std::uint32_t n = 0; n < graph.nodes().size(); ++n) graph.node(NodeId(n)).origins = {NodeId(n)};
}

Result<std::vector<PassReport>> runPasses(Graph& graph, const PassContext& context, const PassOptions& options) {
  for (const std::string& name : options.disabled)
    if (std::none_of(kPasses.begin(), kPasses.end(), [&](const Pass& pass) { return pass.name == name; }))
      return makeError(ErrorCode::Usage, "there is no pass of this name", name, "see the list of passes");
  std::vector<PassReport> reports;
  for (const Pass& pass : kPasses) {
    if (options.disabled.contains(pass.name)) continue;
    TANDEM_TRY(context.cancel.check());
    reports.push_back(TANDEM_TRY(runPass(pass, graph, context)));
  }
  graph.compact();
  return reports;
}

} // namespace tandem
