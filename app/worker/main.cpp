// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/worker_server.hpp"

#include <unistd.h>

int main() {
  // Libraries and drivers print to standard output as they like: give them standard error and keep the pipe private.
  const int replies = dup(STDOUT_FILENO);
  if (replies < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return 1;
  return tandem::session::serveWorker(STDIN_FILENO, replies);
}
