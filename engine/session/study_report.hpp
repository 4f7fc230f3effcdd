// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/study.hpp"
#include "engine/session/session.hpp"

namespace tandem::session {

/// A study as JSON ("tandem-study", version 1). `head` has what was asked: model, batches, ..., environment.
Json encodeStudy(const StudyOutcome& outcome, Json head);

/// The same for people, as Markdown, from that JSON.
std::string studyMarkdown(const Json& study);

} // namespace tandem::session
