# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tables of this benchmark share: the sitting, `tandem run`, and ratios of what ran in the same round."""
import dataclasses
import pathlib
import statistics
import sys

BENCH = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(BENCH / "models"), str(BENCH / "peers")]

from contenders import Failed, Tandem  # noqa: E402

PREDICTIONS = 100  # in a window at least: Tandem counts what ended inside it, so that one more or less must not matter


@dataclasses.dataclass(frozen=True)
class Job:
    """What takes its turn in every round; `measure` returns figures by name."""
    name: str
    measure: object
    most_rounds: int | None = None


@dataclasses.dataclass(frozen=True)
class Sitting:
    """The program, the two processors, and the options of one run of the benchmark."""
    program: str
    cores: tuple
    options: object
    second: str = "OPENCL-CPU:1"  # what runs beside CPU:0; CPU:1 where there is no OpenCL

    def command(self, model, replicas, *words, only=None, seconds, warmup=None):
        """(command, processors) of one `tandem run`; `only` is the one processor that it may use, as core set 0."""
        cores = self.cores if only is None else (only,)
        words = ["run", model, "--cores", ";".join(map(str, cores)), "--json", "--duration", seconds, "--warmup",
                 self.options.warmup if warmup is None else warmup, *words]
        for replica in replicas:
            words += ["--replica", replica]
        return [self.program, *words], set(cores)

    def run(self, *model_and_words, **more):
        return checked(Tandem.call(*self.command(*model_and_words, **more)))

    def alone(self, device):
        """(replica, processor) of a device that has its core set for itself, in a process of its own."""
        kind, _, index = device.rpartition(":")
        return f"{kind}:0,threads=1", self.cores[int(index)]


def checked(report):
    """The report of a run in which everything went well."""
    if report["failed"]:
        raise Failed(f"{report['failed']} of {report['requests'] + report['failed']} requests failed")
    if not report["requests"]:
        raise Failed("no request was finished in time")
    return report


def latency(report):
    return {key: report["latency_ms"][key] for key in ("count", "p50", "p99", "mean")}


def verdict_of(report):
    """What the program itself says of its replicas together. One that finished nothing alone makes the verdict worthless."""
    parts = report.get("verdict", {}).get("parts", [])
    silent = [part["name"] for part in parts if part["alone_items_per_s"] <= 0]
    if not parts or silent:
        raise Failed(f"the verdict compares nothing: {', '.join(silent) or 'nobody'} finished a request alone")
    return {"alone_items_per_s": sum(part["alone_items_per_s"] for part in parts), "reached": report["verdict"]["reached"],
            "gain": report["verdict"]["gain"], "bound": report["verdict"]["bound"]}


def values(found, job, key="items_per_s"):
    """A job's figure in every round; none where it failed or was not asked."""
    entry = found.get(job, {})
    return [] if "error" in entry else [each[key] for each in entry.get("rounds", []) if key in each]


def shares(found, job, parts, key="items_per_s"):
    """In every round: the job's figure over the sum of its parts', which ran in the same round."""
    columns = [values(found, name, key) for name in (job, *parts)]
    return [whole / sum(each) for whole, *each in zip(*columns) if sum(each) > 0]


def spread(numbers):
    """Median, least and greatest of the rounds; None where there is none."""
    return {"median": statistics.median(numbers), "least": min(numbers), "greatest": max(numbers)} if numbers else None
