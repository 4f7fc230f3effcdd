// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <string_view>

namespace tandem {

/// run_onnxruntime.py: reads session_options.json beside it.
extern const std::string_view kOnnxRuntimeLoader;
/// README.txt, after the first lines that name the model.
extern const std::string_view kOnnxRuntimeReadme;

} // namespace tandem
