"""MLP on median house values of California districts: a table of numbers, one category and missing values.

Run:     keras-recipes train housing
Result:  0.812 mean test R2 (lowest 0.807) over seeds 0 to 2, 26 s on two shared cores
         (AMD EPYC, TensorFlow 2.21), measured by `python benchmarks/recipe_results.py --large`
Follows: no paper; settings chosen on validation rows
"""

from recipes.settings import Data, Fit, Model, Optimizer, Recipe, Regularization, Schedule

RECIPE = Recipe(
    name="housing",
    data=Data(name="housing"),
    model=Model(builder="mlp", widths=(256, 256), normalization="batch"),
    regularization=Regularization(dropout=0.1, l2=1e-4),
    optimizer=Optimizer(name="adam", learning_rate=0.01),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=256, epochs=60, patience=None),
)
