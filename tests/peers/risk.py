"""LightGBM and XGBoost on the very features of `haetae train risk --export-features DIR`.

    pip install lightgbm xgboost scikit-learn pandas
    python tests/peers/risk.py DIR [REPORT.json]

Each learns from the training rows and is stopped by the validation rows, at three sizes; the one with the least log loss
on the validation rows counts. REPORT.json is what `haetae train risk --json` printed: its figures stand beside, and the
exit code is 1 where a peer's area lies above ours.
"""

import json
import sys
import time

import lightgbm
import numpy
import pandas
import xgboost
from sklearn.metrics import log_loss, roc_auc_score

folder = sys.argv[1]
parts = {name: pandas.read_csv(f"{folder}/{name}.csv") for name in ("train", "valid", "test")}
features = {name: part.drop(columns=["has_twin", "label"]) for name, part in parts.items()}
labels = {name: part["label"].to_numpy() for name, part in parts.items()}
alone = parts["test"]["has_twin"].to_numpy() == 0


def precision(scores, share):
    first = numpy.argsort(-scores, kind="stable")[: int(len(scores) * share)]
    return labels["test"][first].mean()


def light(leaves):
    model = lightgbm.LGBMClassifier(
        n_estimators=2000, learning_rate=0.05, num_leaves=leaves, random_state=7, n_jobs=2, verbose=-1
    )
    model.fit(
        features["train"],
        labels["train"],
        eval_set=[(features["valid"], labels["valid"])],
        callbacks=[lightgbm.early_stopping(50, verbose=False)],
    )
    return model


def extreme(depth):
    model = xgboost.XGBClassifier(
        n_estimators=2000, learning_rate=0.05, max_depth=depth, random_state=7, n_jobs=2, early_stopping_rounds=50
    )
    model.fit(features["train"], labels["train"], eval_set=[(features["valid"], labels["valid"])], verbose=False)
    return model


def best(grow, sizes):
    models = [grow(size) for size in sizes]
    losses = [log_loss(labels["valid"], model.predict_proba(features["valid"])[:, 1]) for model in models]
    return models[int(numpy.argmin(losses))], min(losses)


print(f"{'':12} {'AUC':>7} {'P@5%':>7} {'P@10%':>7} {'alone':>7} {'valid loss':>11} {'seconds':>8}")
areas = []
for name, grow, sizes in (("LightGBM", light, (15, 31, 63)), ("XGBoost", extreme, (4, 5, 6))):
    started = time.time()
    model, loss = best(grow, sizes)
    scores = model.predict_proba(features["test"])[:, 1]
    area = roc_auc_score(labels["test"], scores)
    lonely = roc_auc_score(labels["test"][alone], scores[alone])
    areas.append((name, area, lonely))
    print(
        f"{name:12} {area:7.4f} {precision(scores, 0.05):7.4f} {precision(scores, 0.10):7.4f} {lonely:7.4f} "
        f"{loss:11.4f} {time.time() - started:8.1f}"
    )

if len(sys.argv) > 2:
    report = json.load(open(sys.argv[2]))
    test = report["test"]
    loss = min(tried["valid_log_loss"] for tried in report["tried"])
    print(
        f"{'haetae':12} {test['auc']:7.4f} {test['precision_at_5pct']:7.4f} {test['precision_at_10pct']:7.4f} "
        f"{test['twin_free']['auc']:7.4f} {loss:11.4f} {report['seconds']:8.1f}"
    )
    sys.exit(any(area > test["auc"] or lonely > test["twin_free"]["auc"] for _, area, lonely in areas))
