// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/weights.hpp"

#include "engine/formats/keras/detail/config.hpp"
#include "engine/formats/keras/detail/keras_error.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace tandem::detail {
namespace {

constexpr std::size_t kMaxNamed = 5; ///< left-over weights that messages name
constexpr int kMaxModelDepth = 32;

bool fits(const Shape& actual, const Shape& wanted) {
  if (actual.rank() != wanted.rank()) return false;
  for (std::size_t i = 0; i < actual.rank(); ++i)
    if (wanted[i] != kUnknownDim && wanted[i] != actual[i]) return false;
  return true;
}

/// An ordered list of datasets with a position.
class DatasetList {
 public:
  DatasetList(Hdf5File& file, std::vector<std::string> paths) : m_file(&file), m_paths(std::move(paths)) {}

  Tensor next(const std::string& what, const Shape& shape) {
    if (m_position >= m_paths.size()) throw KerasError("the weight '" + what + "' is missing");
    const std::string& path = m_paths[m_position];
    const Shape actual = m_file->shape(path);
    if (!fits(actual, shape))
      throw KerasError("the weight '" + what + "' has the shape " + actual.toString() + " in place of " +
                       shape.toString());
    Tensor tensor = m_file->read(path);
    skip();
    return tensor;
  }
  void skip() { m_furthest = std::max(m_furthest, ++m_position); }
  bool hasNext() const { return m_position < m_paths.size(); }
  void rewind() { m_position = 0; }
  const std::string& current() const { return m_paths[m_position]; }
  Hdf5File& file() const { return *m_file; }
  std::vector<std::string> unused() const {
    std::vector<std::string> names(m_paths.begin() + static_cast<std::ptrdiff_t>(m_furthest), m_paths.end());
    if (names.size() > kMaxNamed) names.resize(kMaxNamed);
    return names;
  }

 private:
  Hdf5File* m_file;
  std::vector<std::string> m_paths;
  std::size_t m_position = 0;
  std::size_t m_furthest = 0;
};

// --- .h5 ------------------------------------------------------------------------------------------------------------

/// The layers of this model and of all models in it.
void collectNames(const LayerSpec& model, std::set<std::string>& names, int depth) {
  if (depth > kMaxModelDepth) throw KerasError("models are nested too deep");
  for (const LayerSpec& layer : layersOf(model)) {
    names.insert(layer.name);
    if (layer.isModel()) collectNames(layer, names, depth + 1);
  }
}

/// The parts of a path, from its beginning.
std::vector<std::string> partsOf(const std::string& path) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// One group of the file: the weights of a layer with all of its parts, in one list.
class LegacyGroup : public LayerWeights, public std::enable_shared_from_this<LegacyGroup> {
 public:
  /// `group` stands in front of each name.
  LegacyGroup(Hdf5File& file, std::string group, std::vector<std::string> names)
      : m_list(file, prefixed(group, names)),
        m_group(std::move(group)),
        m_names(std::move(names)) {}

  Tensor next(const std::string& what, const Shape& shape) override { return m_list.next(what, shape); }
  void skip() override { m_list.skip(); }
  bool hasNext() override { return m_list.hasNext(); }
  void rewind() override { m_list.rewind(); }
  std::shared_ptr<LayerWeights> part(std::initializer_list<const char*>) override { return shared_from_this(); }
  std::vector<std::string> leftOver() override { return m_distributed ? m_foreign : m_list.unused(); }

  /// The list holds the trainable weights of all layers of the model and then the others, so only names tell which
  /// weight belongs to which layer: they have it as one of their parts ("conv1/kernel:0", "model/conv1/kernel").
  std::vector<std::shared_ptr<LayerWeights>> layersOf(const std::vector<LayerSpec>& layers) override {
    m_distributed = true;
    std::map<std::string, std::size_t> owner;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      std::set<std::string> inner;
      if (layers[i].isModel()) collectNames(layers[i], inner, 1);
      for (const std::string& name : inner) owner.emplace(name, i);
    }
    for (std::size_t i = 0; i < layers.size(); ++i) owner[layers[i].name] = i; // the nearer one wins
    std::vector<std::vector<std::string>> names(layers.size());
    for (const std::string& name : m_names) {
      const std::vector<std::string> parts = partsOf(name);
      auto found = owner.end();
      for (std::size_t i = 0; i + 1 < parts.size() && found == owner.end(); ++i) found = owner.find(parts[i]);
      if (found != owner.end())
        names[found->second].push_back(name);
      else if (m_foreign.size() < kMaxNamed)
        m_foreign.push_back(name);
    }
    std::vector<std::shared_ptr<LayerWeights>> result;
    for (auto& list : names) result.push_back(std::make_shared<LegacyGroup>(m_list.file(), m_group, std::move(list)));
    return result;
  }

 private:
  static std::vector<std::string> prefixed(const std::string& group, const std::vector<std::string>& names) {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(group + "/" + name);
    return paths;
  }

  DatasetList m_list;
  std::string m_group;
  std::vector<std::string> m_names;
  std::vector<std::string> m_foreign;
  bool m_distributed = false;
};

/// A list that Keras divides into "name0", "name1", ... where it does not fit into one attribute (64 KB).
std::optional<std::vector<std::string>> dividedTexts(Hdf5File& file, const std::string& path, const std::string& name) {
  if (auto whole = file.texts(path, name)) return whole;
  std::optional<std::vector<std::string>> all;
  for (int i = 0; i < 4096; ++i) {
    auto part = file.texts(path, name + std::to_string(i));
    if (!part) break;
    if (!all) all.emplace();
    all->insert(all->end(), part->begin(), part->end());
    if (all->size() > 1'000'000) throw KerasError("the HDF5 attribute '" + name + "' is too large");
  }
  return all;
}

/// The whole of model_weights.
class LegacyRoot : public LayerWeights {
 public:
  LegacyRoot(Hdf5File& file, std::string root) : m_file(file), m_root(std::move(root)) {}

  Tensor next(const std::string& what, const Shape&) override {
    throw KerasError("the weight '" + what + "' belongs to no layer");
  }
  void skip() override {}
  bool hasNext() override { return false; }
  void rewind() override {}
  std::shared_ptr<LayerWeights> part(std::initializer_list<const char*>) override { return nullptr; }
  std::vector<std::string> leftOver() override { return m_foreign; }

  std::vector<std::shared_ptr<LayerWeights>> layersOf(const std::vector<LayerSpec>& layers) override {
    const auto groups = dividedTexts(m_file, m_root, "layer_names");
    if (!groups) throw KerasError("the HDF5 group 'model_weights' has no list of layers");
    std::map<std::string, std::vector<std::string>> names;
    for (const std::string& group : *groups) {
      const std::string path = m_root.empty() ? group : m_root + "/" + group;
      if (!m_file.hasGroup(path)) throw KerasError("the weights of the layer '" + group + "' are missing");
      names[group] = dividedTexts(m_file, path, "weight_names").value_or(std::vector<std::string>());
    }
    std::vector<std::shared_ptr<LayerWeights>> result;
    std::set<std::string> known;
    for (const LayerSpec& layer : layers) {
      known.insert(layer.name);
      const std::string path = m_root.empty() ? layer.name : m_root + "/" + layer.name;
      result.push_back(std::make_shared<LegacyGroup>(m_file, path, names[layer.name]));
    }
    for (const auto& [group, list] : names)
      if (!list.empty() && !known.contains(group) && m_foreign.size() < kMaxNamed) m_foreign.push_back(group);
    return result;
  }

 private:
  Hdf5File& m_file;
  std::string m_root;
  std::vector<std::string> m_foreign;
};

// --- .keras ---------------------------------------------------------------------------------------------------------

/// What has been read of an archive, shared by all of its objects.
using UsedPaths = std::set<std::string>;

std::vector<std::string> variablesIn(Hdf5File& file, const std::string& path) {
  const std::string folder = path.empty() ? "vars" : path + "/vars";
  std::vector<std::string> paths;
  for (int i = 0; i < 65'536 && file.hasDataset(folder + "/" + std::to_string(i)); ++i)
    paths.push_back(folder + "/" + std::to_string(i));
  return paths;
}

/// The folder of one object.
class ArchiveFolder : public LayerWeights {
 public:
  ArchiveFolder(Hdf5File& file, std::string path, std::shared_ptr<UsedPaths> used)
      : m_list(file, variablesIn(file, path)),
        m_path(std::move(path)),
        m_used(std::move(used)) {}

  Tensor next(const std::string& what, const Shape& shape) override {
    if (m_list.hasNext()) m_used->insert(m_list.current());
    return m_list.next(what, shape);
  }
  void skip() override { m_list.skip(); }
  bool hasNext() override { return m_list.hasNext(); }
  void rewind() override { m_list.rewind(); }

  std::shared_ptr<LayerWeights> part(std::initializer_list<const char*> names) override {
    for (const char* name : names)
      if (m_list.file().hasGroup(inside(name)))
        return std::make_shared<ArchiveFolder>(m_list.file(), inside(name), m_used);
    return std::make_shared<ArchiveFolder>(m_list.file(), inside(*names.begin()), m_used);
  }

  std::vector<std::shared_ptr<LayerWeights>> layersOf(const std::vector<LayerSpec>& layers) override {
    Hdf5File& file = m_list.file();
    std::string folder = inside("layers");
    if (!file.hasGroup(folder)) folder = inside("_layer_checkpoint_dependencies"); // Keras 2.12 and 2.13
    const std::map<std::string, std::string> named = foldersByName(folder);
    std::map<std::string, int> uses;
    std::vector<std::shared_ptr<LayerWeights>> result;
    for (const LayerSpec& layer : layers) {
      std::string path;
      // Functions are no layers for Keras 3 and have no folder.
      const bool counts = !layer.isOperation() || layer.className.find("Lambda") != std::string::npos;
      if (counts) {
        const std::string base = toSnakeCase(layer.className);
        const int use = uses[base]++;
        path = folder + "/" + base + (use == 0 ? "" : "_" + std::to_string(use));
        if (const auto it = named.find(layer.name); it != named.end()) path = it->second;
      } else {
        path = folder + "/" + layer.name + "/none";
      }
      result.push_back(std::make_shared<ArchiveFolder>(file, path, m_used));
    }
    return result;
  }

  std::vector<std::string> leftOver() override {
    if (!m_path.empty()) return m_list.unused();
    std::vector<std::string> found;
    std::vector<std::pair<std::string, int>> open{{"", 0}};
    std::size_t seen = 0;
    while (!open.empty() && found.size() < kMaxNamed) {
      const auto [path, depth] = open.back();
      open.pop_back();
      // Groups may contain each other in a circle.
      if (depth > 64) throw KerasError("the HDF5 groups are nested too deep");
      for (const Hdf5File::Link& link : m_list.file().links(path)) {
        if (++seen > 200'000) throw KerasError("the HDF5 file has too many names");
        const std::string full = path.empty() ? link.name : path + "/" + link.name;
        if (link.isGroup && !isForTraining(link.name, depth)) open.emplace_back(full, depth + 1);
        if (link.isDataset && !m_used->contains(full)) found.push_back(full);
      }
    }
    return found;
  }

 private:
  std::string inside(const std::string& name) const { return m_path.empty() ? name : m_path + "/" + name; }

  /// State of training and of random numbers, which predictions do not need.
  static bool isForTraining(const std::string& name, int depth) {
    if (depth == 0) return name != "layers" && name != "_layer_checkpoint_dependencies" && name != "vars";
    return name == "seed_generator" || name == "_random_generator" || name == "random_generator";
  }

  /// Newer files repeat the layer's name as an attribute of its variables' folder.
  std::map<std::string, std::string> foldersByName(const std::string& folder) {
    std::map<std::string, std::string> named;
    Hdf5File& file = m_list.file();
    if (!file.hasGroup(folder)) return named;
    for (const Hdf5File::Link& link : file.links(folder)) {
      const std::string path = folder + "/" + link.name;
      if (!link.isGroup || !file.hasGroup(path + "/vars")) continue;
      if (const auto name = file.text(path + "/vars", "name", 4096)) named.emplace(*name, path);
    }
    return named;
  }

  DatasetList m_list;
  std::string m_path;
  std::shared_ptr<UsedPaths> m_used;
};

} // namespace

std::shared_ptr<LayerWeights> legacyWeights(Hdf5File& file, const std::string& root) {
  return std::make_shared<LegacyRoot>(file, root);
}

std::shared_ptr<LayerWeights> archiveWeights(Hdf5File& file) {
  return std::make_shared<ArchiveFolder>(file, std::string(), std::make_shared<UsedPaths>());
}

std::string toSnakeCase(const std::string& className) {
  const auto isUpper = [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; };
  const auto isLower = [](char c) { return std::islower(static_cast<unsigned char>(c)) != 0; };
  // An underscore before an upper-case letter that a lower-case one follows, and between lower and upper case.
  std::string snake;
  for (std::size_t i = 0; i < className.size(); ++i) {
    const char c = className[i];
    if (i > 0 && isUpper(c)) {
      const bool wordBegins = i + 1 < className.size() && isLower(className[i + 1]);
      if (wordBegins || isLower(className[i - 1])) snake += '_';
    }
    snake += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return snake;
}

} // namespace tandem::detail
