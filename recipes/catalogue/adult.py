"""MLP on incomes of Americans, above or below 50,000 dollars: mostly categories, classes of unequal size.

Run:     keras-recipes train adult
Result:  0.860 mean test accuracy, ROC AUC 0.913 (lowest accuracy 0.859) over seeds 0 to 2, 11 s on two shared cores
         (AMD EPYC, TensorFlow 2.21), measured by `python benchmarks/recipe_results.py --large`
Follows: learned vectors for categories of many kinds (arXiv:1604.06737), layer normalization (arXiv:1607.06450)
"""

from recipes.settings import Data, Fit, Model, Optimizer, Recipe, Regularization, Schedule

RECIPE = Recipe(
    name="adult",
    data=Data(name="adult"),
    model=Model(builder="mlp", widths=(128, 64), normalization="layer"),
    regularization=Regularization(dropout=0.3, l2=3e-4),
    optimizer=Optimizer(name="adam", learning_rate=0.01),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=256, epochs=15, patience=None),
)
