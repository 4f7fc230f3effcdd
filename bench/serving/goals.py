# SPDX-License-Identifier: GPL-3.0-or-later
"""What was to be reached, and whether it was."""
import dataclasses

from runs import shares, spread, values

TOGETHER = 0.97  # of the sum of what each does alone
SPLIT = 0.90     # of the sum of both devices' speeds
PIPELINE = 1.8   # times one request in flight
TRACE = 0.01     # of the throughput
PATH_US = 5
RATE_PER_S = 200_000


@dataclasses.dataclass(frozen=True)
class Goal:
    name: str
    wanted: float | None  # None: a figure without a goal
    least: bool           # whether it is to be reached or not to be exceeded
    found: dict | None    # median, least and greatest of the rounds; None where it was not measured
    form: str = "{:.4f}"

    @property
    def verdict(self):
        if self.found is None:
            return "not measured"
        if self.wanted is None:
            return "–"
        reached = self.found["median"]
        return "met" if (reached >= self.wanted if self.least else reached <= self.wanted) else "not met"

    def row(self):
        sign = "at least" if self.least else "at most"
        wanted = "–" if self.wanted is None else f"{sign} {self.form.format(self.wanted)}"
        if self.found is None:
            return [self.name, wanted, "–", "–", self.verdict]
        ends = [self.form.format(self.found[key]) for key in ("least", "greatest")]
        return [self.name, wanted, self.form.format(self.found["median"]), "–" if ends[0] == ends[1] else " to ".join(ends),
                self.verdict]


def single(document, *path):
    """One number of the figures, as a spread; None where it is not there."""
    at = document
    for key in path:
        at = at.get(key) if isinstance(at, dict) else None
    return spread([at]) if isinstance(at, (int, float)) else None


def copies_goals(rows):
    for row in rows:
        for each in row["comparisons"]:
            if each["who"] != "tandem":
                continue
            name = f"{row['model']}, {each['title'].removeprefix('Tandem, ')} together / sum of each alone"
            yield Goal(f"{name}, processes of their own", TOGETHER, True,
                       spread(shares(row["found"], each["together"], each["alone"])))
            yield Goal(f"{name}, the verdict's own figures", TOGETHER, True,
                       spread(values(row["found"], each["loaded"], "reached")))


def trace_cost(found):
    """Share of the throughput that is lost, in every round."""
    return [1 - ratio for ratio in shares(found, "traced", ["plain"])]


def goals_of(document):
    """In the order of the tables; of the tables that were asked for."""
    asked = document["asked"]
    goals = list(copies_goals(document["copies"]))
    goals += [Goal(f"{row['model']}, batch {row['batch']} split over {' and '.join(row['devices'])} / sum of each alone", SPLIT,
                   True, spread(shares(row["found"], "split", row["devices"]))) for row in document["split"]]
    pipeline, trace = document["pipeline"], document["trace"]
    if "pipeline" in asked:
        goals.append(Goal("halves on two devices, three requests in flight / one", PIPELINE, True,
                          spread(values(pipeline["found"], "streams", "gain")) if pipeline else None, "{:.2f}"))
    if "trace" in asked:
        goals.append(Goal("throughput that a trace costs", TRACE, False, spread(trace_cost(trace["found"])) if trace else None,
                          "{:.1%}"))
    if "router" in asked:
        goals.append(Goal("a request's path through the router on one core, p99, us", PATH_US, False,
                          single(document, "router", "path_one_core", "p99_us"), "{:.2f}"))
        goals.append(Goal("requests per second through the router", RATE_PER_S, True,
                          single(document, "router", "rate", "per_s"), "{:,.0f}"))
        goals.append(Goal("cancelling a request, p99, us", None, False, single(document, "router", "cancel", "p99_us"), "{:.2f}"))
    if "soak" in asked:
        for name, key in (("", "growth_bytes_per_min"), (" in the second half", "late_growth_bytes_per_min")):
            goals.append(Goal(f"growth of the resident memory{name}, bytes per minute", None, False, single(document, "soak", key),
                              "{:,.0f}"))
    return goals
