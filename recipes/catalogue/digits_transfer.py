"""New head on the features of a small network trained on MNIST, for digits with fifty labelled 8 x 8 images.

Run:     keras-recipes train digits-transfer
Result:  0.953 mean test accuracy (lowest 0.930) over seeds 0 to 4; from random weights the same
         network 0.836, a small convnet 0.877 (`python benchmarks/transfer.py`)
Follows: Yosinski et al. 2014 (arXiv:1411.1792); head first, then all, slower towards the bottom (arXiv:1801.06146)
"""

from recipes.settings import Data, FineTune, Fit, Model, Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="digits-transfer",
    data=Data(name="digits", train_rows=50),
    model=Model(builder="transfer", body="mnist-small"),
    optimizer=Optimizer(name="adam", learning_rate=0.03),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=5, epochs=10, patience=None, keep="last"),
    fine_tune=FineTune(epochs=20, learning_rate=0.02, layer_decay=0.7),
)
