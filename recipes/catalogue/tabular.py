"""Small MLP for any table, classes or numbers; by itself, on breast_cancer."""

from recipes.settings import Data, Fit, Model, Optimizer, Recipe, Regularization, Schedule

RECIPE = Recipe(
    name="tabular",
    data=Data(name="breast_cancer"),
    model=Model(builder="mlp", widths=(64, 64)),
    regularization=Regularization(dropout=0.3, l2=1e-3),
    optimizer=Optimizer(name="adam", learning_rate=0.003, global_clipnorm=1.0),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=32, epochs=100, patience=30),
)
