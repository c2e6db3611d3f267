"""Train a small byte-level GPT. One file, to be read and changed.

    PAWL_SEED=1 PAWL_BUDGET=260000 PAWL_OUT=out python train.py

reads data/train.npz (`text`, uint8 [bytes]), trains on PAWL_BUDGET tokens (a token is a byte), and writes
model.npz and config.json to PAWL_OUT. The same seed and the same code give the same bytes.
"""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

VOCABULARY = 256  # bytes
CONTEXT = 128  # bytes that a prediction may look back on

DEPTH = 2  # blocks
WIDTH = 64  # channels, a multiple of HEADS
HEADS = 4  # attention heads
ACTIVATION = "gelu"  # in the feed-forward part: relu, gelu or silu
INIT_STD = 0.02  # of all weight matrices at the start

BATCH_SIZE = 8  # windows per step
LEARNING_RATE = 2e-3  # at the top of the schedule
WARMUP = 0.1  # share of the steps that the rise to it takes
SCHEDULE = "cosine"  # the way down from it: constant, linear or cosine
BETA1 = 0.9  # AdamW's memory of gradients
BETA2 = 0.999  # AdamW's memory of squared gradients
WEIGHT_DECAY = 0.01  # of matrices only
GRADIENT_CLIP = 1.0  # largest norm of a step's gradient


class Attention(nn.Module):
    """Causal self-attention with several heads: [B, T, width] to [B, T, width]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, length, width))


class FeedForward(nn.Module):
    """Two layers, applied to every position alike."""

    def __init__(self, width: int, activation: str) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)
        self.activation = {"relu": F.relu, "gelu": F.gelu, "silu": F.silu}[activation]

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.activation(self.up(x)))


class Block(nn.Module):
    """Attention, then feed-forward, each normalised first and added to what came in."""

    def __init__(self, width: int, heads: int, activation: str) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2, self.feed_forward = nn.LayerNorm(width), FeedForward(width, activation)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


class GPT(nn.Module):
    """Bytes [B, T] to logits of the next byte [B, T, 256]. Position t sees bytes 0..t only."""

    def __init__(self, depth: int, width: int, heads: int, activation: str, context: int, init_std: float) -> None:
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, width)  # also the output layer: tied weights
        self.position = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads, activation) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=init_std)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token(tokens) + self.position.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.token.weight)


def model_config() -> dict[str, int | float | str]:
    """The constants that rebuild the model."""
    return {
        "depth": DEPTH,
        "width": WIDTH,
        "heads": HEADS,
        "activation": ACTIVATION,
        "context": CONTEXT,
        "init_std": INIT_STD,
    }


def save_model(model: GPT, folder: Path) -> None:
    """Write model.npz and config.json."""
    np.savez(folder / "model.npz", **{name: value.numpy() for name, value in model.state_dict().items()})
    (folder / "config.json").write_text(json.dumps(model_config(), indent=1) + "\n")


def load_model(folder: Path) -> GPT:
    """The model that `save_model` wrote; predict.py calls this."""
    model = GPT(**json.loads((folder / "config.json").read_text()))
    with np.load(folder / "model.npz", allow_pickle=False) as arrays:
        model.load_state_dict({name: torch.from_numpy(arrays[name]) for name in arrays.files})
    return model.eval()


def learning_rate(step: int, steps: int) -> float:
    """The rate at a step: up in a line, then down by SCHEDULE."""
    warmup = max(1, round(WARMUP * steps))
    if step < warmup:
        return LEARNING_RATE * (step + 1) / warmup
    left = 1 - (step - warmup) / max(1, steps - warmup)
    shape = {"constant": 1.0, "linear": left, "cosine": 0.5 * (1 - math.cos(math.pi * left))}
    return LEARNING_RATE * shape[SCHEDULE]


class AdamW:
    """Adam, with the decay of matrices kept apart from it. By hand: making torch.optim's costs 1.7 s in every run."""

    def __init__(self, model: GPT) -> None:
        self.parameters = list(model.parameters())
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move every parameter against its gradient, which is clipped first and dropped afterwards."""
        self.steps += 1
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = torch.stack([g.square().sum() for g in gradients]).sum().sqrt().item()
        clip = min(1.0, GRADIENT_CLIP / (norm + 1e-6))
        scale = -rate / (1 - BETA1**self.steps)
        unbias = math.sqrt(1 - BETA2**self.steps)
        for p, g, mean, square in zip(self.parameters, gradients, self.means, self.squares, strict=True):
            mean.mul_(BETA1).add_(g, alpha=clip * (1 - BETA1))
            square.mul_(BETA2).addcmul_(g, g, value=clip * clip * (1 - BETA2))
            if p.dim() == 2:
                p.mul_(1 - rate * WEIGHT_DECAY)
            p.addcdiv_(mean, square.sqrt().div_(unbias).add_(1e-8), value=scale)
            p.grad = None


def train(text: Tensor, seed: int, budget: int) -> tuple[GPT, float]:
    """Train on `budget` tokens of `text` (int64 [bytes]); the model and its last training loss in nats per byte."""
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    model = GPT(DEPTH, WIDTH, HEADS, ACTIVATION, CONTEXT, INIT_STD)
    optimizer = AdamW(model)
    steps = max(1, budget // (BATCH_SIZE * CONTEXT))
    reach = torch.arange(CONTEXT + 1)
    smooth = math.log(VOCABULARY)
    for step in range(steps):
        starts = torch.randint(len(text) - CONTEXT, (BATCH_SIZE, 1), generator=draw)
        windows = text[starts + reach]
        logits = model(windows[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        loss.backward()
        optimizer.step(learning_rate(step, steps))
        smooth += 0.1 * (loss.item() - smooth)
    return model, smooth


def main() -> None:
    seed, budget = int(os.environ["PAWL_SEED"]), int(os.environ["PAWL_BUDGET"])
    torch.set_num_threads(1)
    # the same as torch.use_deterministic_algorithms(True), which would import the compiler: 1.4 s
    torch.set_deterministic_debug_mode("error")
    with np.load("data/train.npz", allow_pickle=False) as arrays:
        text = torch.from_numpy(arrays["text"]).long()
    began = time.perf_counter()
    model, loss = train(text, seed, budget)
    seconds = time.perf_counter() - began
    save_model(model, Path(os.environ["PAWL_OUT"]))
    print("---")
    print(f"train_bits_per_byte: {loss / math.log(2):.6f}")
    print(f"parameters: {sum(p.numel() for p in model.parameters())}")
    print(f"tokens_per_second: {budget / seconds:.0f}")


if __name__ == "__main__":
    main()
