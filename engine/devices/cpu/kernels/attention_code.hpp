// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>

// What the vector code of attention works on. It is compiled once per instruction set (attention_vectors.hpp), so this
// header includes nothing that has inline functions: the linker must not keep a copy that needs AVX-512.

namespace tandem::cpu {

/// One matrix of float32, addressed by strides in elements.
struct AttentionMatrix {
  const float* data = nullptr;
  std::int64_t row = 0;
  std::int64_t column = 0;
};

/// softmax(scale * q k + mask) v for some queries of one head. Rows of v and y are contiguous.
struct AttentionBlock {
  std::int64_t queries = 0; ///< at most AttentionCode::queries
  std::int64_t keys = 0;
  std::int64_t depth = 0;
  std::int64_t width = 0;
  float scale = 1;
  AttentionMatrix q; ///< rows: queries
  AttentionMatrix k; ///< rows: along the depth, columns: keys
  AttentionMatrix v; ///< rows: keys
  float* y = nullptr;
  std::int64_t yRow = 0;
  AttentionMatrix mask;        ///< added to the scores; no data: none; one row for all (row = 0) is read as it lies
  const float* tile = nullptr; ///< instead of `mask`: what maskTile() made of it
  const std::uint32_t* keep = nullptr; ///< what keepTile() made of the condition; null: none
  float fill = 0;                      ///< scores where `keep` has no bits
  /// Keys from here on are masked for all these queries: they are left out where their weight would be zero.
  std::int64_t seenKeys = 0;
  float* scratch = nullptr; ///< attentionScratch() elements, aligned
};

/// The functions for one instruction set. Tiles hold [key][query], `queries` columns.
struct AttentionCode {
  const char* name;
  std::int64_t queries; ///< of one block
  std::int64_t lanes;
  void (*attend)(const AttentionBlock& block);
  /// A mask with a row per query, turned; columns beyond `queries` repeat the first. Returns the first key from which
  /// on all are so low that no finite score makes them count.
  std::int64_t (*maskTile)(const AttentionMatrix& mask, std::int64_t queries, std::int64_t keys, float* tile);
  /// All bits set where the condition is `kept`. Returns the first key from which on nothing is kept.
  std::int64_t (*keepTile)(const bool* keep, std::int64_t row, std::int64_t column, bool kept, std::int64_t queries,
                           std::int64_t keys, std::uint32_t* tile);
};

/// Elements of scratch memory that a block needs.
std::int64_t attentionScratch(const AttentionCode& code, std::int64_t keys, std::int64_t depth, std::int64_t width);

extern const AttentionCode kAttentionPlain;
#if defined(__x86_64__)
extern const AttentionCode kAttentionAvx2;
extern const AttentionCode kAttentionAvx512;
inline constexpr const AttentionCode* kAttentionVersions[] = {&kAttentionPlain, &kAttentionAvx2, &kAttentionAvx512};
#else
inline constexpr const AttentionCode* kAttentionVersions[] = {&kAttentionPlain};
#endif

} // namespace tandem::cpu
