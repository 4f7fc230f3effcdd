// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/codec.hpp"

namespace tandem::session {

/// How B's tensor differs from A's (runtime/tensor_difference.hpp says how each figure is made).
struct ParityFigures {
  double maxAbs = 0, maxRel = 0, rms = 0, relativeRms = 0, cosine = 1;
  double worst = 0; ///< largest error divided by what the tolerance allows; over 1 is a mismatch; may be infinite
  std::int64_t elements = 0, over = 0, special = 0; ///< special: NaN or infinity on one side only
  std::int64_t worstIndex = -1;
  double worstA = 0, worstB = 0; ///< may be NaN or infinite
  std::string problem;           ///< cannot be compared: another type or shape
};

struct ParityLayer {
  int node = -1; ///< index into Document::nodes
  std::string name, op;
  std::string deviceA, deviceB, kernelA, kernelB;
  std::string value; ///< the output that differs most
  std::string type;
  std::vector<std::int64_t> shape;
  ParityFigures local;       ///< the layer alone, on the same inputs
  ParityFigures accumulated; ///< with everything before it
  std::string note;          ///< why it was not compared; empty where it was
  bool over = false;
};

struct ParityOutput {
  std::string name, type;
  std::vector<std::int64_t> shape;
  ParityFigures compiled;         ///< A compiled against B compiled, by the element-wise rule
  ParityFigures layers;           ///< the same, every layer run by itself
  ParityFigures fusionA, fusionB; ///< each placement compiled against its own layers one by one
  bool over = false;
};

/// Numeric comparison of two placements.
struct Parity {
  std::string model, nameA, nameB, summaryA, summaryB, input;
  int compared = 0, over = 0, failed = 0, known = 0; ///< layers; `over` includes failed ones
  bool passed = true;                                ///< no layer and no output over its tolerance
  std::vector<ParityLayer> layers;                   ///< worst first
  std::vector<ParityOutput> outputs;
};

/// One side of a comparison: a device id, or a placement, and what it computes in.
struct ParitySide {
  std::string device;
  std::string precision = "model"; ///< or "float16"
  std::optional<PlacementDoc> placement;
  std::string placementFile; ///< for the command line
};

struct ParitySpec {
  ParitySide a, b;
  std::vector<std::string> inputs; ///< files; empty: synthetic data
  std::string preprocess;
  std::optional<double> rtol, atol; ///< unset: by element type
};

/// The parameters of a `parity` request, without the model.
Json encodeParitySpec(const ParitySpec& spec);
Result<Parity> decodeParity(const Json& json);
/// The `tandem` command line that does the same: shell-quoted, for "Copy as command".
std::string parityCommand(const std::string& source, const ParitySpec& spec, const std::string& cores);

} // namespace tandem::session
