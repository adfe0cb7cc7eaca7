"""MLP on the handwritten digits of MNIST, as plain rows of pixels.

Run:     keras-recipes train mnist-mlp
Result:  0.986 mean test accuracy (lowest 0.984) over seeds 0 to 2, 77 s on two shared cores
         (AMD EPYC, TensorFlow 2.21), measured by `python benchmarks/recipe_results.py --large`
Follows: batch normalization (arXiv:1502.03167), dropout, a cosine with warm-up
"""

from recipes.settings import Data, Fit, Model, Optimizer, Recipe, Regularization, Schedule

RECIPE = Recipe(
    name="mnist-mlp",
    data=Data(name="mnist"),
    model=Model(builder="mlp", widths=(512, 512), normalization="batch"),
    regularization=Regularization(dropout=0.4),
    optimizer=Optimizer(name="adam", learning_rate=0.005),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=256, epochs=15, patience=None),
)
