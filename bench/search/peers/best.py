"""The incumbent of a peer that keeps none itself: what scored lowest so far, noise and all."""

from __future__ import annotations


class Best:
    def __init__(self) -> None:
        self.loss, self.point = float("inf"), ()

    def after(self, point: tuple[int, ...], loss: float) -> tuple[int, ...]:
        if loss < self.loss:
            self.loss, self.point = loss, point
        return self.point
