# SPDX-License-Identifier: GPL-3.0-or-later
"""One batch divided over two devices (`--route split`) against each device alone with the whole batch. What is possible is
that both work until the same moment: the sum of their speeds."""
from layers import ask
from runs import Job, latency

from contenders import Setting
from rounds import in_turns, long_enough, prepared


def speed(report, batch):
    """One batch is in flight at a time, so the mean latency says it: a window of few long predictions would count one more or
    less."""
    return {**latency(report), "items_per_s": batch * 1e3 / report["latency_ms"]["mean"]}


def split_model(samples, case):
    """(model, options) of what can be divided: files often have their batch written into a Reshape, so the program's own model
    of that name, with made-up inputs, where it has one."""
    if case.model in samples:
        return f"sample:{case.model}", []
    return case.file, ["--input", case.folder / "inputs.npz", "--no-state"]


def measure_split(sitting, model, batch, ort):
    devices = ("CPU:0", sitting.second)
    with prepared(sitting.program, ort.python, model, 1) as case:
        single = long_enough(ort, case, Setting(1, 1), [list(sitting.cores[:1])], 0)
        seconds = max(sitting.options.seconds, single * batch)
        source, words = split_model([each["name"] for each in ask(sitting.program, "models")["models"]], case)
        words += ["--batch", batch, "--scenario", "single-stream"]

        def alone(device):
            replica, core = sitting.alone(device)
            return speed(sitting.run(source, [replica], *words, only=core, seconds=seconds), batch)

        def split():
            report = sitting.run(source, [f"{device},threads=1" for device in devices], *words, "--route", "split",
                                 "--alone", 0, seconds=seconds)
            took = {part["name"]: part["items_per_s"] for part in report["replicas"]}
            return {**speed(report, batch), "share": took[devices[0]] / max(sum(took.values()), 1e-9)}

        jobs = [Job(device, lambda device=device: alone(device)) for device in devices] + [Job("split", split)]
        found = in_turns(jobs, sitting.options.rounds, lambda job: job.measure())
    return {"model": model.name if source == case.file else source, "batch": batch, "seconds": seconds,
            "devices": list(devices), "found": found}
