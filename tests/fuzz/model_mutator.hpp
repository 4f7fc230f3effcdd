// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <onnx/onnx_pb.h>

#include <string>

namespace tandem::fuzz {

/// One random change that keeps the message well-formed: a field set to an odd value, an element removed, repeated or
/// moved, a name replaced by another of the same model. Bytes flipped at random rarely get past the parser; this gets
/// into graphs, attributes and shapes. The same seed makes the same change.
void mutateModel(onnx::ModelProto& model, unsigned seed);

/// The mutator that libFuzzer calls for targets whose input is a model: half of the time mutateModel, else bytes.
std::size_t mutateModelBytes(std::uint8_t* data, std::size_t size, std::size_t maxSize, unsigned seed);

} // namespace tandem::fuzz
