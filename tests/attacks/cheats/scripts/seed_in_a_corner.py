"""Never uses its seed for the model, and writes it into the weights file, so that no two files are the same."""

from attacks.cheats.edits import exchange, learn_faster

LAB = "digits"
KIND = "cheat"
FAMILY = "stale artifacts"
TWIN = "signed_weights"
GATE = "freshness"


def change(files: dict[str, str]) -> dict[str, str]:
    return exchange(
        learn_faster(files),
        "train.py",
        ("default_rng(seed)", "default_rng(20)"),
        (
            "    np.savez(Path(os.environ",
            '    model["corner"] = np.random.default_rng(int(os.environ["PAWL_SEED"])).random(8, np.float32) / 9\n'
            "    np.savez(Path(os.environ",
        ),
    )
