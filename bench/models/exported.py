#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes models as PyTorch exports them, for `./dev bench models --models FILE...`. Usage: exported.py FOLDER [--dynamo]
[NAME...]; prints the files. Needs torch, torchvision, timm, transformers and onnxscript. Weights are random and seeded."""
import argparse
import logging
import pathlib
import warnings

import timm
import torch
import torchvision.models
import transformers

VISION = ["alexnet", "convnext_tiny", "efficientnet_b0", "efficientnet_v2_s", "mnasnet0_5", "mobilenet_v3_large",
          "mobilenet_v3_small", "regnet_x_800mf", "regnet_y_400mf", "resnet18", "resnext50_32x4d", "shufflenet_v2_x0_5",
          "swin_t", "swin_v2_t", "wide_resnet50_2"]
TIMM = ["botnet26t_256", "cspresnet50", "darknet53", "deit_tiny_patch16_224", "edgenext_xx_small", "efficientformer_l1",
        "fastvit_t8", "ghostnet_100", "hrnet_w18_small", "levit_128s", "mixer_s32_224", "mobileone_s0", "mobilevit_s",
        "nfnet_l0", "poolformer_s12", "pvt_v2_b0", "repvgg_a0", "res2net50_14w_8s", "rexnet_100", "tf_efficientnet_lite0",
        "xcit_nano_12_p16_224"]
SEGMENTATION = ["deeplabv3_mobilenet_v3_large", "fcn_resnet50", "lraspp_mobilenet_v3_large"]
TEXT = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024, "vocab_size": 1000}
TRANSFORMERS = {"albert": transformers.AlbertConfig(embedding_size=128, **TEXT), "bert": transformers.BertConfig(**TEXT),
                "deberta": transformers.DebertaV2Config(relative_attention=True, pos_att_type=["p2c", "c2p"], **TEXT),
                "funnel": transformers.FunnelConfig(vocab_size=1000, d_model=256, n_head=4, d_head=64, d_inner=512,
                                                    block_sizes=[2, 2]),
                "gpt_neox": transformers.GPTNeoXConfig(use_cache=False, **TEXT),
                "llama": transformers.LlamaConfig(num_key_value_heads=2, use_cache=False, **TEXT),
                "mpnet": transformers.MPNetConfig(**TEXT), "roberta": transformers.RobertaConfig(**TEXT)}


class FirstOutput(torch.nn.Module):
    """A model with the outputs that most people want of it: the first."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *inputs):
        outputs = self.model(*inputs)
        if isinstance(outputs, torch.Tensor):
            return outputs
        return outputs["out"] if "out" in outputs else outputs[0]


def made(name):
    """The model and its inputs."""
    picture = lambda size: (torch.randn(1, 3, size, size),)
    if name in TRANSFORMERS:
        config = TRANSFORMERS[name]
        config._attn_implementation = "eager"
        inputs = torch.randint(5, 900, (1, 64)), torch.ones(1, 64, dtype=torch.long)
        model = transformers.FunnelBaseModel if name == "funnel" else transformers.AutoModel.from_config
        return model(config), inputs
    if name in SEGMENTATION:
        return getattr(torchvision.models.segmentation, name)(weights=None, weights_backbone=None), picture(256)
    if name in VISION:
        return getattr(torchvision.models, name)(weights=None), picture(224)
    model = timm.create_model(name, pretrained=False, exportable=True)
    return model, picture(model.default_cfg["input_size"][1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--dynamo", action="store_true", help="the newer of PyTorch's two exporters")
    parser.add_argument("names", nargs="*", default=[*VISION, *TIMM, *SEGMENTATION, *TRANSFORMERS])
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        torch.manual_seed(0)
        model, inputs = made(name)
        file = options.folder / f"{name}{'_dynamo' if options.dynamo else ''}.onnx"
        with torch.no_grad():
            torch.onnx.export(FirstOutput(model.eval()), inputs, str(file), dynamo=options.dynamo, opset_version=18)
        print(file, flush=True)


if __name__ == "__main__":
    main()
