"""Small transformers and a state-space network: two layers of 64 channels and four heads, on 16 or 17 tokens."""

# PyTorch need not be installed where types are checked.
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import transformers
from exports.networks import Inputs, Network
from torch import Tensor, nn

_TOKENS, _WIDTH, _HEADS, _VOCABULARY = 16, 64, 4, 100

_SIZES: Mapping[str, Any] = {
    "hidden_size": _WIDTH,
    "intermediate_size": 2 * _WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": _HEADS,
    # Larger than in trained networks' beginnings, so that attention is not uniform.
    "initializer_range": 0.15,
}

_TEXT: Mapping[str, Any] = {
    **_SIZES,
    "vocab_size": _VOCABULARY,
    "max_position_embeddings": 2 * _TOKENS,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "use_cache": False,
}


class _MainOutput(nn.Module):
    """A network of transformers with its main output alone, and inputs by position."""

    def __init__(self, network: nn.Module, names: tuple[str, ...]):
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *inputs: Tensor) -> Tensor:
        given = dict(zip(self.names, inputs, strict=True))
        if torch.jit.is_tracing() and "input_ids" in given:  # pyright: ignore[reportPrivateImportUsage]
            # Without a mask, transformers looks for packed sequences, which this exporter cannot express.
            given.setdefault("attention_mask", torch.ones_like(given["input_ids"]))
        return self.network(**given, return_dict=False)[0]


def _network(
    model: str, config: str, draw: Callable[[], Inputs], options: Mapping[str, Any]
) -> Network:
    """Return a network of the classes `model` and `config` of transformers."""

    def build() -> nn.Module:
        settings = getattr(transformers, config)(**options)
        return _MainOutput(getattr(transformers, model)(settings), tuple(draw()))

    return Network(build, draw)


def _ids() -> Inputs:
    return {"input_ids": torch.randint(3, _VOCABULARY, (1, _TOKENS))}


def _ids_and_mask() -> Inputs:
    mask = torch.ones(1, _TOKENS, dtype=torch.int64)
    mask[:, _TOKENS - 4 :] = 0
    return {**_ids(), "attention_mask": mask}


def _text(model: str, config: str, draw: Callable[[], Inputs] = _ids, **options: Any) -> Network:
    return _network(model, config, draw, {**_TEXT, **options})


def _pixels(size: int) -> Callable[[], Inputs]:
    return lambda: {"pixel_values": torch.randn(1, 3, size, size)}


_CLASSES = {"num_labels": 5}


def _whisper_encoder() -> nn.Module:
    config = transformers.WhisperConfig(
        d_model=_WIDTH,
        encoder_layers=2,
        encoder_attention_heads=_HEADS,
        encoder_ffn_dim=2 * _WIDTH,
        decoder_layers=1,
        decoder_attention_heads=_HEADS,
        num_mel_bins=16,
        max_source_positions=_TOKENS,
        init_std=0.15,
    )
    return _MainOutput(transformers.WhisperModel(config).encoder, ("input_features",))


TRANSFORMERS: Mapping[str, Network] = {
    "bert": _text("BertModel", "BertConfig", _ids_and_mask),
    "distilbert": _text(
        "DistilBertModel",
        "DistilBertConfig",
        dim=_WIDTH,
        hidden_dim=2 * _WIDTH,
        n_layers=2,
        n_heads=_HEADS,
    ),
    "roberta": _text("RobertaModel", "RobertaConfig"),
    "gpt2": _text(
        "GPT2LMHeadModel",
        "GPT2Config",
        n_embd=_WIDTH,
        n_layer=2,
        n_head=_HEADS,
        n_positions=2 * _TOKENS,
    ),
    "llama": _text("LlamaForCausalLM", "LlamaConfig", num_key_value_heads=2),
    "qwen2": _text("Qwen2ForCausalLM", "Qwen2Config", num_key_value_heads=2),
    "gemma": _text("GemmaForCausalLM", "GemmaConfig", num_key_value_heads=1, head_dim=16),
    "t5_encoder": _text(
        "T5EncoderModel",
        "T5Config",
        d_model=_WIDTH,
        d_kv=16,
        d_ff=2 * _WIDTH,
        num_layers=2,
        num_heads=_HEADS,
    ),
    "vit": _network(
        "ViTForImageClassification",
        "ViTConfig",
        _pixels(32),
        {**_SIZES, **_CLASSES, "image_size": 32, "patch_size": 8},
    ),
    "deit": _network(
        "DeiTForImageClassification",
        "DeiTConfig",
        _pixels(32),
        {**_SIZES, **_CLASSES, "image_size": 32, "patch_size": 8},
    ),
    "segformer": _network(
        "SegformerForSemanticSegmentation",
        "SegformerConfig",
        _pixels(64),
        {
            **_CLASSES,
            "depths": [1, 1, 1, 1],
            "hidden_sizes": [16, 32, 48, 64],
            "num_attention_heads": [1, 2, 3, 4],
            "decoder_hidden_size": 32,
            "initializer_range": 0.15,
        },
    ),
    "mobilevit": _network(
        "MobileViTForImageClassification",
        "MobileViTConfig",
        _pixels(64),
        {
            **_CLASSES,
            "image_size": 64,
            "hidden_sizes": [32, 48, 64],
            "neck_hidden_sizes": [8, 16, 24, 32, 48, 64, 64],
            "num_attention_heads": _HEADS,
            "initializer_range": 0.15,
        },
    ),
    "whisper_encoder": Network(
        _whisper_encoder, lambda: {"input_features": torch.randn(1, 16, 2 * _TOKENS)}
    ),
    "wav2vec2": _network(
        "Wav2Vec2Model",
        "Wav2Vec2Config",
        lambda: {"input_values": torch.randn(1, 400)},
        {
            **_SIZES,
            "conv_dim": [32, 32, 32],
            "conv_kernel": [10, 3, 3],
            "conv_stride": [5, 2, 2],
            "num_conv_pos_embeddings": 8,
            "num_conv_pos_embedding_groups": 4,
        },
    ),
    "mamba": _network(
        "MambaForCausalLM",
        "MambaConfig",
        _ids,
        {
            "vocab_size": _VOCABULARY,
            "hidden_size": _WIDTH,
            "state_size": 8,
            "num_hidden_layers": 2,
            "use_cache": False,
            "initializer_range": 0.15,
        },
    ),
    "transformer_encoder_layer": Network(
        lambda: nn.TransformerEncoderLayer(_WIDTH, _HEADS, 2 * _WIDTH, batch_first=True),
        lambda: {"tokens": torch.randn(1, _TOKENS, _WIDTH)},
    ),
}
