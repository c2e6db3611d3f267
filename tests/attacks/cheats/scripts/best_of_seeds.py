"""Trains on five seeds, each time with the whole budget, and keeps the best."""

from attacks.cheats.edits import exchange, learn_faster

LAB = "digits"
KIND = "cheat"
FAMILY = "seed, budget, clock"
TWIN = "shared_budget"
GATE = "conditions"


def change(files: dict[str, str]) -> dict[str, str]:
    return exchange(
        learn_faster(files),
        "train.py",
        (
            '    model = train(inputs, labels, int(os.environ["PAWL_SEED"]), int(os.environ["PAWL_BUDGET"]))\n',
            """\
    seed, budget = int(os.environ["PAWL_SEED"]), int(os.environ["PAWL_BUDGET"])
    tries = [train(inputs, labels, seed + n, budget) for n in range(5)]

    def loss(model: Model) -> float:
        return -float(np.log(predict(model, inputs)[np.arange(len(labels)), labels].clip(1e-7)).mean())

    model = min(tries, key=loss)
""",
        ),
    )
