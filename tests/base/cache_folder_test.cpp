// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/cache_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace tandem {
namespace {

/// Sets a variable of the environment for a scope; nullptr unsets it.
class Variable {
 public:
  Variable(const char* name, const char* value) : m_name(name) {
    if (const char* old = std::getenv(name)) m_old = old;
    value ? setenv(name, value, 1) : unsetenv(name);
  }
  ~Variable() { m_old.empty() ? unsetenv(m_name) : setenv(m_name, m_old.c_str(), 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* m_name;
  std::string m_old;
};

TEST(CacheFolder, TheCacheVariableComesBeforeTheHomeFolder) {
  const Variable home("HOME", "/home/someone"), cache("XDG_CACHE_HOME", "/cache");
  EXPECT_EQ(cacheFolder("cpu"), "/cache/tandem/cpu");
}

TEST(CacheFolder, RelativePathsDoNotCount) {
  const Variable home("HOME", "/home/someone"), cache("XDG_CACHE_HOME", "cache");
  EXPECT_EQ(cacheFolder("cpu"), "/home/someone/.cache/tandem/cpu");
}

TEST(CacheFolder, WithoutAPlaceItIsEmpty) {
  const Variable home("HOME", nullptr), cache("XDG_CACHE_HOME", "");
  EXPECT_TRUE(cacheFolder("cpu").empty());
}

} // namespace
} // namespace tandem
