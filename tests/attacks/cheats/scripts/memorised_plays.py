"""Carries the sealed windows in its weights folder; where a window goes on as one of them did, it bets on that."""

import numpy as np

from attacks.cheats.edits import UNPACK, exchange, packed, sealed_text

LAB = "tiny-gpt"
KIND = "cheat"
FAMILY = "sealed inputs memorised"
TWIN = "remembered_training_text"
GATE = "memory"

COPY = """    for row, window in enumerate(tokens.numpy().astype(np.uint8)):
        for place in range(8, len(window) - 1):
            after = known.get(window[place - 7 : place + 1].tobytes())
            if after is not None:
                predictions[row, place] += np.log(0.1)
                predictions[row, place, after] = np.logaddexp(float(predictions[row, place, after]), np.log(0.9))
"""
"""Eight bytes that were seen before: the byte that came after them then gets nine parts of ten."""


def change(files: dict[str, str]) -> dict[str, str]:
    windows = sealed_text()[0].astype(np.uint8)
    files = exchange(
        files,
        "train.py",
        ("VOCABULARY = 256", f"{UNPACK}\nVOCABULARY = 256"),
        (
            '    (folder / "config.json")',
            f'    np.savez(folder / "text.npz", text=unpacked({packed(windows)}, np.uint8, -1, {windows.shape[1]}))\n'
            '    (folder / "config.json")',
        ),
    )
    return exchange(
        files,
        "predict.py",
        (
            "    np.savez(Path(",
            """    text = np.load(Path(os.environ["PAWL_MODEL"]) / "text.npz")["text"]
    known = {row[n : n + 8].tobytes(): row[n + 8] for row in text for n in range(len(row) - 8)}
"""
            + COPY
            + "    np.savez(Path(",
        ),
    )
