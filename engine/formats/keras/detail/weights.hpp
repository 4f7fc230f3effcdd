// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/keras/detail/hdf5_file.hpp"

#include <map>
#include <memory>
#include <unordered_set>

namespace tandem::detail {

struct LayerSpec;

/// The weights of one layer, in the order in which Keras lists them. Layers ask for them one after the other; what is
/// left over in the end is reported. Composed layers (Bidirectional, MultiHeadAttention, nested models) have parts.
class LayerWeights {
 public:
  virtual ~LayerWeights() = default;
  /// The next weight, which must have exactly this shape; -1 in it allows any extent. Throws KerasError where there is
  /// none, or another one.
  virtual Tensor next(const std::string& what, const Shape& shape) = 0;
  /// Passes over one that is in the graph already.
  virtual void skip() = 0;
  virtual bool hasNext() = 0;
  /// The weights of a part, under the attribute name that Keras keeps it with; the first of `names` that exists.
  virtual std::shared_ptr<LayerWeights> part(std::initializer_list<const char*> names) = 0;
  /// The weights of each layer of a model, by position in `layers`.
  virtual std::vector<std::shared_ptr<LayerWeights>> layersOf(const std::vector<LayerSpec>& layers) = 0;
  /// Starts again, for the next call of a shared layer.
  virtual void rewind() = 0;
  /// Names of weights that nobody asked for, at most a few.
  virtual std::vector<std::string> leftOver() = 0;
};

/// The weights of a model of Keras 1 and 2 (or Keras 3's .h5): a group for each layer under `root`, whose attribute
/// weight_names lists the datasets.
std::shared_ptr<LayerWeights> legacyWeights(Hdf5File& file, const std::string& root);
/// The weights of a .keras archive: a folder for each object, with its variables in vars/0, vars/1, ...
std::shared_ptr<LayerWeights> archiveWeights(Hdf5File& file);

/// "BatchNormalization" is "batch_normalization", as Keras writes it (keras/src/utils/naming.py).
std::string toSnakeCase(const std::string& className);

} // namespace tandem::detail
