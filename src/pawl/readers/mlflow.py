"""An MLflow experiment through MLflow's own client: a database or a server. Needs `pip install 'pawl-ai[mlflow]'`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pawl.errors import ConfigError, did_you_mean
from pawl.hostile import one_line
from pawl.readers import columns, files, tracked
from pawl.readers.tracked import Choice, Tracked
from pawl.trials import Log

SCHEMES = ("http://", "https://", "mlflow+", "databricks")
SQLITE = b"SQLite format 3\0"
MOST_RUNS = 50_000


@dataclass(frozen=True)
class MlflowReader:
    """A tracking server (http://...) or database (sqlite:///mlflow.db, or the file itself). `experiment`: its name,
    where there are several; the others name a metric, and parameters or tags."""

    experiment: str = ""
    metric: str = ""
    direction: str = ""
    status: str = ""
    seed: str = ""
    variant: str = ""

    def knows(self, source: str) -> bool:
        """An address of a server, or a database with MLflow's tables."""
        if source.startswith(SCHEMES):
            return True
        path = source.removeprefix("sqlite:///")
        return files.head(path).startswith(SQLITE) and b"latest_metrics" in files.head(path, 2**20)

    def read(self, source: str) -> Log:
        """Raises ConfigError: MLflow is not installed, no such experiment, several and no name, no metric."""
        shown = columns.shown(source)
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise ConfigError(
                "reading an MLflow database or server needs MLflow", "pip install 'pawl-ai[mlflow]'"
            ) from error
        if ("://" not in source or source.startswith("sqlite://")) and not self.knows(source):
            # opened by MLflow, any other file would become one
            raise ConfigError(f"{shown} is not a database of MLflow's", "pawl judge mlflow.db")
        path = Path(source.removeprefix("sqlite:///"))
        if path.is_file() and set(str(path.resolve())) & set("?#%"):
            # in an address they would mean something else, and MLflow would make another database
            raise ConfigError(f"{shown}: MLflow cannot open a path with ?, # or %", f"cp {shown} /tmp/mlflow.db")
        uri = f"sqlite:///{path.resolve()}" if path.is_file() else source
        try:
            client = MlflowClient(tracking_uri=uri)
            found = {one.name: one.experiment_id for one in client.search_experiments()}
            holding = {name: id for name, id in found.items() if client.search_runs([id], max_results=1)}
            name = self.experiment or (next(iter(holding)) if len(holding) == 1 else "")
            if name not in found:
                self._unknown(shown, name, sorted(holding or found))
            runs = _all(client, found[name])
        except ConfigError:
            raise
        except Exception as error:  # a damaged database or a strange server makes MLflow raise nearly anything
            raise ConfigError(
                f"{shown} cannot be read by MLflow: {columns.shown(str(error))}", "mlflow doctor"
            ) from error
        choice = Choice(self.metric, self.direction, self.status, self.seed, self.variant)
        return tracked.log(shown, "mlflow", one_line(name), runs, choice)

    def _unknown(self, shown: str, name: str, names: list[str]) -> None:
        listed = ", ".join(one_line(known) for known in names[:10]) or "none"
        raise ConfigError(
            f"{shown} has the experiments {listed}; which one?{did_you_mean(name, names) if name else ''}",
            f"--experiment {one_line(names[0]) if names else 'NAME'}",
        )


def _all(client: Any, experiment: str) -> list[Tracked]:
    found, token = list[Tracked](), None
    while True:
        page = client.search_runs(
            [experiment], max_results=1000, order_by=["attributes.start_time ASC"], page_token=token
        )
        found += [
            Tracked(
                run.info.run_name or run.info.run_id, run.info.status, run.info.start_time or 0, dict(run.data.metrics),
                dict(run.data.params), {k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")},
            )
            for run in page
        ]  # fmt: skip
        token = page.token
        if not token or len(found) > MOST_RUNS:
            return found
