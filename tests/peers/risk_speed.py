"""How long a batch of scores takes, beside LightGBM's own prediction on the very same features.

    pip install lightgbm pandas pyarrow
    haetae demo generate --seed 1 --scale 10 --out world
    haetae train risk --mapping demo --data world/declarations.csv --alone --export-features features
    python tests/peers/risk_speed.py HAETAE world/declarations.csv features

LightGBM learns from `features/train.csv` as many trees of as many leaves as the model that serves has, and predicts the
rows of all parts on two threads, from memory. HAETAE reads the same rows as CSV, makes their features, scores them and
writes JSON. Printed: seconds of each, of reading the CSV alone (pandas and pyarrow), and the ratio of HAETAE's time to
LightGBM's prediction plus that reading. The exit code is 1 where it is above 1.5.
"""

import json
import os
import subprocess
import sys
import time

import lightgbm
import pandas

LIMIT = 1.5
haetae, rows, folder = sys.argv[1:4]


def seconds(act):
    started = time.perf_counter()
    value = act()
    return time.perf_counter() - started, value


parts = [pandas.read_csv(f"{folder}/{name}.csv", engine="pyarrow") for name in ("train", "valid", "test")]
train = parts[0]
columns = [column for column in train.columns if column not in ("has_twin", "label")]
everything = pandas.concat(parts)[columns].to_numpy("float32")
home = os.environ.get("HAETAE_HOME", os.path.expanduser("~/.haetae"))
version = open(f"{home}/scoring/risk/CURRENT").read().strip()
report = json.load(open(f"{home}/scoring/risk/{version}/metrics.json"))
best = min(report["tried"], key=lambda tried: tried["valid_log_loss"])
model = lightgbm.LGBMClassifier(
    n_estimators=best["num_trees"], learning_rate=0.05, num_leaves=best["max_leaves"], n_jobs=2, verbose=-1
)
training, _ = seconds(lambda: model.fit(train[columns].to_numpy("float32"), train["label"]))
predicting = min(seconds(lambda: model.predict_proba(everything, num_threads=2))[0] for _ in range(3))
reading = min(seconds(lambda: pandas.read_csv(rows, engine=engine))[0] for engine in ("c", "pyarrow") for _ in range(2))
command = [haetae, "--home", home, "score", "risk", rows, "--json", "--reasons", "0"]
scoring = min(seconds(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True))[0] for _ in range(3))

allowed = LIMIT * predicting + reading
print(f"{len(everything)} rows, {len(columns)} features, {best['num_trees']} trees of {best['max_leaves']} leaves")
print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
print(f"LightGBM: training {training:.1f} s, prediction {predicting:.2f} s; reading alone {reading:.2f} s")
print(f"haetae: training {report['seconds']:.1f} s (all settings), reading, features, scores and writing {scoring:.2f} s")
print(f"{scoring:.2f} s of {allowed:.2f} s allowed ({LIMIT} times the prediction, and reading)")
sys.exit(scoring > allowed)
