// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/shell/workbench.hpp"

int main(int argc, char** argv) { return tandem::ui::runWorkbench(argc, argv); }
