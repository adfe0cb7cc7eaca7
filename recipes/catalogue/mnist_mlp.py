"""MLP on the handwritten digits of MNIST, without knowledge of what is beside what.

Run:     keras-recipes train mnist-mlp
Result:  RESULT_mnist_mlp
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
