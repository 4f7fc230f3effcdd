# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models there are to run, and where their files are: made on demand into a cache folder, or in the shared pack."""
import dataclasses
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tandem" / "bench"
PACK = ROOT.parent / "shared" / "conformance" / "models"

ARCHITECTURES = ["resnet50", "squeezenet", "mobilenet_v2", "shufflenet", "densenet121", "inception_v1", "vgg19", "yolox_nano",
                 "bert_base", "gpt2_6", "lstm_text"]
QUICK = ["resnet50", "squeezenet", "mobilenet_v2", "lstm_text"]
# Their results are sums of bytes: implementations that round differently differ by steps of the quantization.
BYTES = ["squeezenet_qoperator", "squeezenet_qdq", "feed_forward_int8"]
LAYERS = ["feed_forward", "lstm_layer", "gru_layer", "rnn_layer"]


@dataclasses.dataclass(frozen=True)
class Model:
    name: str
    real: pathlib.Path | None = None  # a file of the pack, which has the batch it has

    @property
    def tolerance(self):
        """Of a difference from ONNX Runtime, as a share of the greatest output."""
        return 0.05 if self.name in BYTES or "int8" in self.name else 2e-3 if "fp16" in self.name else 1e-3

    def file(self, batch, python):
        """Makes the file where it is not there yet."""
        if self.real:
            return self.real
        folder = CACHE / "models"
        file = folder / f"{self.name}_b{batch}.onnx"
        if not file.exists():
            maker = pathlib.Path(__file__).with_name("architectures.py")
            subprocess.run([python, maker, folder, self.name, "--batch", str(batch)], check=True, capture_output=True)
        return file


def pack_models():
    """The real models that have reference data; none where the pack is absent."""
    found = sorted(PACK.glob("*/*.onnx")) if PACK.is_dir() else []
    return [Model(file.stem, file) for file in found if (file.parent / "test_data" / file.stem).is_dir()]


def select(names):
    """Models by name, by group (quick, architectures, bytes, layers, real, all) or by file."""
    groups = {"quick": QUICK, "architectures": ARCHITECTURES, "bytes": BYTES, "layers": LAYERS}
    chosen = []
    for name in names:
        if name == "all":
            chosen += [Model(each) for each in ARCHITECTURES + BYTES + LAYERS] + pack_models()
        elif name == "real":
            chosen += pack_models()
        elif name in groups:
            chosen += [Model(each) for each in groups[name]]
        elif name in ARCHITECTURES + BYTES + LAYERS:
            chosen.append(Model(name))
        elif pathlib.Path(name).is_file():
            chosen.append(Model(pathlib.Path(name).stem, pathlib.Path(name).resolve()))
        else:
            real = [each for each in pack_models() if each.name == name]
            if not real:
                known = ", ".join([*groups, "real", "all", *ARCHITECTURES, *BYTES, *LAYERS])
                raise SystemExit(f"there is no model '{name}': give a file or one of {known}")
            chosen += real
    return list(dict.fromkeys(chosen))
