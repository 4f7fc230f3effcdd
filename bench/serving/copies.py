# SPDX-License-Identifier: GPL-3.0-or-later
"""Two copies of a model on a core of its own each: what they do together, of what each does alone. Tandem's replicas and the
peers' sessions take turns in the same rounds; alone, together in one process, and as two processes, which is what the
machine itself allows."""
import copy

from runs import PREDICTIONS, Job, checked, latency, verdict_of

from contenders import Failed, Peer, Setting, Tandem
from rounds import agrees, differences, in_turns, long_enough, prepared

ONE, TWO = Setting(1, 1), Setting(2, 1)


def start_ms(report):
    """Until the last replica could serve; the warm-up of the load is not part of it."""
    start = report["startup_ms"]
    return start["load"] + start["compile"] + sum(each["cost"]["warmup_ms"] for each in report["replicas"])


class Copies:
    """Tandem's jobs for one model. One request per replica is in flight, as the peers have it; `loaded` keeps two per replica
    waiting or running and asks the program for its verdict."""

    def __init__(self, sitting, case, seconds):
        self.sitting, self.model, self.seconds = sitting, case.file, seconds
        self.words = ["--input", case.folder / "inputs.npz", "--no-state"]
        self.starts = {}

    def alone(self, device, seconds=None):
        replica, core = self.sitting.alone(device)
        report = self.sitting.run(self.model, [replica], *self.words, "--scenario", "single-stream", only=core,
                                  seconds=seconds or self.seconds)
        self.starts[device] = start_ms(report)
        return {**latency(report), "items_per_s": report["items_per_s"], "rss_bytes": report["memory"]["rss_bytes"],
                "start_ms": self.starts[device]}

    def together(self, pair):
        report = self.sitting.run(self.model, [f"{device},threads=1" for device in pair], *self.words, "--scenario", "closed:2",
                                  "--route", "least-loaded", "--alone", 0, seconds=self.seconds)
        cost = report["replicas"][-1]["cost"]
        return {**latency(report), "items_per_s": report["items_per_s"], "rss_bytes": report["memory"]["rss_bytes"],
                "copy_ms": cost["compile_ms"] + cost["warmup_ms"], "copy_bytes": cost["copy_bytes"],
                "shared_bytes": cost["shared_bytes"]}

    def loaded(self, pair):
        report = self.sitting.run(self.model, [f"{device},threads=1" for device in pair], *self.words, "--scenario", "closed:4",
                                  "--alone", self.seconds, seconds=self.seconds)
        return {"items_per_s": report["items_per_s"], **verdict_of(report)}

    def processes(self, pair):
        """Who starts sooner warms up for longer, so that both measure at the same time."""
        latest, running = max(self.starts[device] for device in pair), []
        try:
            for device in pair:
                replica, core = self.sitting.alone(device)
                running.append(Tandem.start(*self.sitting.command(
                    self.model, [replica], *self.words, "--scenario", "single-stream", only=core, seconds=self.seconds,
                    warmup=self.sitting.options.warmup + (latest - self.starts[device]) * 1e-3)))
            reports = [checked(Tandem.finish(process)) for process in running]
        finally:
            for process in running:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        return {"items_per_s": sum(each["items_per_s"] for each in reports)}


def one_process(peer):
    """The peer with all its copies in one process."""
    whole = copy.copy(peer)
    whole.script = "together.py"
    return whole


def pairs_of(sitting):
    pairs = [("CPU:0", "CPU:1")]
    return pairs if sitting.second == "CPU:1" else [*pairs, ("CPU:0", sitting.second)]


def comparison(who, title, alone, together, processes=None, loaded=None):
    """Which jobs of a row belong together; names of jobs."""
    return {"who": who, "title": title, "alone": alone, "together": together, "processes": processes, "loaded": loaded}


def tandem_jobs(copies, pairs):
    """Jobs and comparisons of Tandem for one model."""
    devices = list(dict.fromkeys(device for pair in pairs for device in pair))
    jobs = [Job(f"tandem, {device}", lambda device=device: copies.alone(device)) for device in devices]
    told = []
    for pair in pairs:
        name = f"tandem, {' and '.join(pair)}"
        kinds = {kind: f"{name}, {kind}" for kind in ("together", "processes", "loaded")}
        jobs += [Job(job, lambda pair=pair, kind=kind: getattr(copies, kind)(pair)) for kind, job in kinds.items()]
        told.append(comparison("tandem", f"Tandem, {' and '.join(pair)}", [f"tandem, {device}" for device in pair], **kinds))
    return jobs, told


def peer_jobs(peer, case, cores, seconds, warmup):
    """Jobs and the comparison of a peer for one model. The copies of one whose threads belong to the process are alone where
    the process has one core."""
    measure = lambda who, setting, sets: lambda: who.measure(case, setting, sets, seconds, warmup)
    alone = [f"{peer.name}, core {core}" for core in cores]
    jobs = [Job(name, measure(peer, ONE, [[core]]), peer.most_rounds) for name, core in zip(alone, cores)]
    each = [[core] for core in cores]
    kinds = {"together": f"{peer.name}, together", "processes": f"{peer.name}, processes"}
    jobs.append(Job(kinds["together"], measure(one_process(peer), TWO, [each]), peer.most_rounds))
    jobs.append(Job(kinds["processes"], measure(peer, TWO, each), peer.most_rounds))
    return jobs, comparison(peer.name, peer.title, alone, **kinds)


def measure_copies(sitting, model, contenders):
    """The row of one model: what was found by job, and the comparisons to draw."""
    options, cores = sitting.options, list(sitting.cores)
    reference = next(each for each in contenders if each.name == "ort")
    with prepared(sitting.program, reference.python, model, 1) as case:
        taking = [each for each in contenders if each.takes(case)]
        apart = differences(taking, reference, reference.python, case, cores[0])
        wrong = {name: {"rounds": [], "error": why if isinstance(why, str) else f"results differ by {why:.1e}"}
                 for name, why in apart.items() if not agrees(why, model.tolerance)}
        seconds = long_enough(reference, case, ONE, [cores[:1]], options.seconds, PREDICTIONS)
        if "tandem" in wrong:
            raise Failed(f"Tandem's results are wrong: {wrong['tandem']['error']}")
        copies, pairs = Copies(sitting, case, seconds), pairs_of(sitting)[:1 if "opencl" in wrong else None]
        # Builds and measures kernels that are new here, and tells how long a start takes.
        for device in dict.fromkeys(device for pair in pairs for device in pair):
            copies.alone(device, max(0.5, seconds / 10))
        jobs, told = tandem_jobs(copies, pairs)
        for peer in taking:
            if isinstance(peer, Peer) and peer.name not in wrong:
                more, each = peer_jobs(peer, case, cores, seconds, options.warmup)
                jobs += more
                told.append(each)
        found = in_turns(jobs, options.rounds, lambda job: job.measure())
    return {"model": model.name, "seconds": seconds, "differences": apart, "found": {**found, **wrong}, "comparisons": told}
