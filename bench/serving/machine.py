# SPDX-License-Identifier: GPL-3.0-or-later
"""How busy the machine is with other work: figures of a machine that is not quiet are no verdict."""
import os
import pathlib
import resource
import time

WATCH_S = 1.0
QUIET = 0.05  # share of the processors that others may use
STOLEN = 0.01


def ticks(text):
    """{"busy", "stolen", "all"} of the first line of /proc/stat."""
    user, nice, system, idle, waiting, irq, soft, stolen = (int(each) for each in text.split("\n", 1)[0].split()[1:9])
    busy = user + nice + system + irq + soft
    return {"busy": busy, "stolen": stolen, "all": busy + idle + waiting + stolen}


def between(before, after):
    """Shares of the processors' time between two moments."""
    passed = max(after["all"] - before["all"], 1)
    return {key: (after[key] - before[key]) / passed for key in ("busy", "stolen")}


def now():
    return ticks(pathlib.Path("/proc/stat").read_text())


def watch():
    """What others do while the benchmark does nothing for a moment."""
    before = now()
    time.sleep(WATCH_S)
    return {**between(before, now()), "load": os.getloadavg()[0]}


def own_ticks():
    """What this process and those that it waited for have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used) * os.sysconf("SC_CLK_TCK")


def moment():
    return {**now(), "own": own_ticks()}


def others(before, after):
    """Shares of the processors' time that other programs had and that the machine below took, between two moment()s."""
    passed, own = max(after["all"] - before["all"], 1), after["own"] - before["own"]
    return {"busy": max(0.0, (after["busy"] - before["busy"] - own) / passed), "stolen": between(before, after)["stolen"]}


def siblings(cores):
    """Whether two of these processors are one core of the machine."""
    seen = []
    for core in cores:
        file = pathlib.Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
        seen.append(file.read_text().strip() if file.exists() else str(core))
    return len(set(seen)) < len(seen)


def warnings(before, during, after, shared):
    """Why the figures may be other than on a quiet machine; nothing there."""
    told = [f"Other programs used {each['busy']:.0%} of the processors {when} the run: the machine was busy, and goals may be "
            "met or missed for that reason alone."
            for when, each in (("before", before), ("during", during), ("after", after)) if each["busy"] > QUIET]
    if during["stolen"] > STOLEN:
        told.append(f"The machine below took {during['stolen']:.1%} of the processors' time during the run.")
    if shared:
        told.append("The two processors are threads of one core: they share its units, whatever the program does.")
    return told
