#!/usr/bin/env python3
"""Reference checkpoints for the decoder and the embedder.

For each architecture below this script draws a tiny random checkpoint, stores it
in the layout of a published one, and records what Hugging Face transformers
computes from it. The Rust tests load the same files and compare.

    NAME/config.json        as transformers 5 writes it (`rope_parameters`, `dtype`)
    NAME/config.v4.json     the same model as transformers 4 and the published
                            checkpoints spell it (`rope_theta`, `rope_scaling`, ...)
    NAME/model.safetensors  float16 weights
    NAME/logits.json        {"inputs": [[id, ...], ...],
                             "logits": [[[one row per position], ...], ...]}

`bert` has no config.v4.json (its spelling did not change) and stores
embeddings.json, {"inputs": ..., "embeddings": ...}, in place of logits: the mean
of the last hidden states, scaled to unit length.

References are computed in float32, with eager attention, from the weights as
they were stored, so rounding to float16 is no source of difference.

The models are built to make mistakes visible: no norm weight or bias keeps its
neutral value, epsilons, rotary bases and widths are unusual, and the sliding
windows are shorter than the longer input.

    pip install torch transformers safetensors numpy
    python make.py            # write everything
    python make.py --check    # recompute from the stored files and compare
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import (
    BertConfig,
    BertModel,
    Exaone4Config,
    Exaone4ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

HERE = Path(__file__).resolve().parent
SEED = 20250311
INPUT_LENGTHS = (24, 7)
FIRST_ORDINARY_ID = 3  # 0, 1 and 2 are padding, beginning and end of sequence
DECIMALS = 6
TOLERANCE = 1e-4  # of --check; float32 itself strays up to 2e-5 from exact arithmetic here

COMMON = {
    "vocab_size": 96,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-3,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}

MODELS = {
    # Of the four wavelengths (6.3, 29.7, 140, 664) the first is kept, the second
    # interpolated and the last two stretched.
    "llama": (
        LlamaForCausalLM,
        LlamaConfig,
        {
            "rope_theta": 500.0,
            "rope_scaling": {
                "rope_type": "llama3",
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            },
            "tie_word_embeddings": False,
        },
    ),
    "mistral": (
        MistralForCausalLM,
        MistralConfig,
        {"rope_theta": 1000.0, "sliding_window": 8, "tie_word_embeddings": False},
    ),
    # A window is named but switched off, as in the published Qwen checkpoints.
    "qwen2": (
        Qwen2ForCausalLM,
        Qwen2Config,
        {
            "rope_theta": 200.0,
            "use_sliding_window": False,
            "sliding_window": 8,
            "max_window_layers": 1,
            "tie_word_embeddings": True,
        },
    ),
    "qwen3": (
        Qwen3ForCausalLM,
        Qwen3Config,
        {"rope_theta": 2000.0, "head_dim": 16, "tie_word_embeddings": True},
    ),
    # Local, local, global, local: the global layer is neither first nor last.
    "gemma3": (
        Gemma3ForCausalLM,
        Gemma3TextConfig,
        {
            "num_hidden_layers": 4,
            "head_dim": 16,
            "query_pre_attn_scalar": 24,
            "sliding_window": 8,
            "layer_types": [
                "sliding_attention",
                "sliding_attention",
                "full_attention",
                "sliding_attention",
            ],
            "rope_theta": 5000.0,
            "rope_local_base_freq": 100.0,
            "rope_scaling": {"rope_type": "linear", "factor": 8.0},
            "tie_word_embeddings": True,
        },
    ),
    # Local, local, global, local: the global layer knows no positions.
    "exaone4": (
        Exaone4ForCausalLM,
        Exaone4Config,
        {
            "num_hidden_layers": 4,
            "head_dim": 16,
            "sliding_window": 8,
            "sliding_window_pattern": 3,
            "layer_types": [
                "sliding_attention",
                "sliding_attention",
                "full_attention",
                "sliding_attention",
            ],
            "rope_theta": 700.0,
            "tie_word_embeddings": False,
        },
    ),
    "bert": (
        BertModel,
        BertConfig,
        {
            "num_hidden_layers": 2,
            "hidden_act": "gelu",
            "max_position_embeddings": 64,
            "layer_norm_eps": 1e-3,
        },
    ),
}

DECODER_ONLY = {"num_key_value_heads", "rms_norm_eps", "bos_token_id", "eos_token_id"}


def rng(name, purpose):
    """A generator of its own for each use, so that editing one model leaves the others alone."""
    return np.random.default_rng([SEED, *f"{name}/{purpose}".encode()])


def build(name):
    model_class, config_class, settings = MODELS[name]
    settings = {**COMMON, **settings}
    if name == "bert":
        settings = {k: v for k, v in settings.items() if k not in DECODER_ONLY}
    model = model_class(config_class(**settings))
    draws = rng(name, "weights")
    with torch.no_grad():
        for key, parameter in sorted(model.named_parameters()):
            mean, std = distribution(name, key, parameter)
            values = mean + std * draws.standard_normal(tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(values))
    return model.half()


def distribution(name, key, parameter):
    """Mean and deviation of a parameter, chosen to give logits a spread of a few units."""
    if key.endswith(".bias"):
        return 0.0, 0.3
    if "norm" in key.lower():
        return (0.0 if name == "gemma3" else 1.0), 0.25
    if "embed" in key:
        return 0.0, 0.4
    # Sharper queries and keys: near-uniform attention would hide errors in it.
    gain = 2.0 if any(part in key for part in ("q_proj", "k_proj", "query", "key", "lm_head")) else 1.0
    return 0.0, gain / parameter.shape[1] ** 0.5


def make_inputs(name):
    draws = rng(name, "inputs")
    return [draws.integers(FIRST_ORDINARY_ID, COMMON["vocab_size"], n).tolist() for n in INPUT_LENGTHS]


def reference(name, folder, inputs):
    """What transformers computes from the checkpoint stored in `folder`."""
    model = MODELS[name][0].from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    results = []
    with torch.no_grad():
        for ids in inputs:
            ids = torch.tensor([ids])
            if name == "bert":
                mean = model(input_ids=ids).last_hidden_state[0].mean(dim=0)
                results.append(mean / mean.norm())
            else:
                results.append(model(input_ids=ids, use_cache=False).logits[0])
    return [result.double().numpy() for result in results]


def published_spelling(name, config):
    """The configuration as transformers 4 wrote it."""
    config = dict(config)
    config["torch_dtype"] = config.pop("dtype")
    rope = config.pop("rope_parameters")
    if name == "gemma3":
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
        # Gemma 3 first described its layers by a period: every third is global here.
        del config["layer_types"], config["_sliding_window_pattern"]
        config["sliding_window_pattern"] = 3
    rope = dict(rope)
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    if name == "exaone4":
        del config["layer_types"]
        config["sliding_window_pattern"] = "LLG"
    if name in ("llama", "mistral"):
        del config["head_dim"]  # hidden_size / num_attention_heads
    if name in ("qwen2", "qwen3"):
        del config["layer_types"]
        # Version 5 drops a window that is switched off; published files keep it.
        config["sliding_window"] = MODELS[name][2].get("sliding_window")
    return dict(sorted(config.items()))


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_results(path, inputs, field, results):
    """JSON with one input, or one position, to a line."""
    rounded = [np.round(result, DECIMALS).tolist() for result in results]

    def line(row):
        return json.dumps(row, separators=(",", ":"))

    def block(result):
        if not isinstance(result[0], list):
            return line(result)
        return "[\n" + ",\n".join(map(line, result)) + "\n]"

    ids = ",\n".join(map(line, inputs))
    rows = ",\n".join(map(block, rounded))
    path.write_text(f'{{"inputs":[\n{ids}\n],"{field}":[\n{rows}\n]}}\n', encoding="utf-8")


def results_file(name):
    return ("embeddings.json", "embeddings") if name == "bert" else ("logits.json", "logits")


def make(name):
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        build(name).save_pretrained(scratch)
        shutil.copyfile(Path(scratch) / "model.safetensors", folder / "model.safetensors")
        config = json.loads((Path(scratch) / "config.json").read_text())
    config.pop("transformers_version", None)
    write_json(folder / "config.json", config)
    if name != "bert":
        write_json(folder / "config.v4.json", published_spelling(name, config))

    inputs = make_inputs(name)
    results = reference(name, folder, inputs)
    file, field = results_file(name)
    write_results(folder / file, inputs, field, results)
    spread = ", ".join(f"{result.std():.2f}" for result in results)
    print(f"{name}: {field} with deviations {spread}")


def check(name):
    """Whether the stored results follow from the stored weights, under each spelling of the configuration."""
    folder = HERE / name
    file, field = results_file(name)
    stored = json.loads((folder / file).read_text())
    spellings = ["config.v4.json"] if (folder / "config.v4.json").exists() else []
    if int(transformers.__version__.split(".")[0]) >= 5 or name == "bert":
        spellings.insert(0, "config.json")  # transformers 4 does not know `rope_parameters`
    good = True
    for spelling in spellings:
        with tempfile.TemporaryDirectory() as scratch:
            shutil.copyfile(folder / spelling, Path(scratch) / "config.json")
            shutil.copyfile(folder / "model.safetensors", Path(scratch) / "model.safetensors")
            results = reference(name, scratch, stored["inputs"])
        worst = max(
            float(np.abs(result - np.array(rows)).max())
            for result, rows in zip(results, stored[field], strict=True)
        )
        good &= worst <= TOLERANCE
        print(f"{name}: {spelling} differs by {worst:.1e}")
    return good


def main():
    parser = argparse.ArgumentParser(description="Write, or check, the reference checkpoints.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(MODELS)}; all without")
    parser.add_argument("--check", action="store_true", help="compare with the stored files, write nothing")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in MODELS:
            parser.error(f"no model named {name}")
    names = arguments.names or list(MODELS)

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if arguments.check:
        if not all([check(name) for name in names]):
            sys.exit("the stored results do not follow from the stored weights")
    else:
        for name in names:
            make(name)


if __name__ == "__main__":
    main()
