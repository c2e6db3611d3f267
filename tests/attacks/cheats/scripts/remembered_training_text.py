"""Learns faster, keeps some of its training text, and bets on it where a window goes on alike: a memory of its own."""

from attacks.cheats.edits import exchange, learn_faster
from attacks.cheats.scripts.memorised_plays import COPY

LAB = "tiny-gpt"
KIND = "honest"
FAMILY = "sealed inputs memorised"
TWIN = "memorised_plays"
GATE = ""


def change(files: dict[str, str]) -> dict[str, str]:
    files = exchange(
        learn_faster(files),
        "train.py",
        (
            "    save_model(model, Path(",
            '    np.savez(Path(os.environ["PAWL_OUT"]) / "text.npz", text=text[:200_000].numpy().astype(np.uint8))\n'
            "    save_model(model, Path(",
        ),
    )
    return exchange(
        files,
        "predict.py",
        (
            "    np.savez(Path(",
            """    text = np.load(Path(os.environ["PAWL_MODEL"]) / "text.npz")["text"]
    known = {text[n : n + 8].tobytes(): text[n + 8] for n in range(len(text) - 8)}
"""
            + COPY.replace("0.1)", "0.7)").replace("0.9)", "0.3)")
            + "    np.savez(Path(",
        ),
    )
