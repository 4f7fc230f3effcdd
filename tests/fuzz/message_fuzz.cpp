// SPDX-License-Identifier: GPL-3.0-or-later
// The session's messages as the window gets them from a worker that may answer anything: lines from a descriptor, JSON,
// and every decoder.
#include "engine/session/codec.hpp"
#include "engine/session/line_io.hpp"
#include "engine/session/profile_types.hpp"
#include "tests/fuzz/fuzz_input.hpp"

#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

using namespace tandem;
using namespace tandem::session;

namespace {

void decodeAll(const Json& json) {
  (void)decodeDevices(json).ok();
  (void)decodeSamples(json).ok();
  (void)decodeDocument(json).ok();
  (void)decodePlacementView(json).ok();
  (void)decodeSnapshot(json).ok();
  (void)decodeReport(json).ok();
  (void)decodePredictions(json).ok();
  (void)decodeExport(json).ok();
  (void)decodeError(json).line();
  constexpr std::size_t kNodes = 3;
  if (auto profile = decodeProfile(json, kNodes))
    fuzz::require(decodeProfile(encodeProfile(*profile), kNodes).ok(), "a profile survives its message");
  if (auto placement = decodePlacement(json)) {
    auto again = decodePlacement(encodePlacement(*placement));
    fuzz::require(again.ok() && *again == *placement, "a placement survives its message");
  }
  if (auto deployment = decodeDeployment(json, "fuzz"))
    fuzz::require(decodeDeployment(encodeDeployment(*deployment), "again").ok(), "a deployment survives its file");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int file = ::memfd_create("fuzz", MFD_CLOEXEC);
  fuzz::require(file >= 0 && ::write(file, data, size) == static_cast<ssize_t>(size), "the input fits into memory");
  ::lseek(file, 0, SEEK_SET);
  std::size_t seen = 0;
  const bool whole = readLines(file, [&](std::string_view line) {
    seen += line.size();
    fuzz::require(!line.empty() && line.find('\n') == std::string_view::npos, "a line is one line");
    if (auto json = parseJson(line, "fuzz")) decodeAll(*json);
    return true;
  });
  fuzz::require(whole && seen <= size, "a short input is read to its end");
  ::close(file);
  return 0;
}
