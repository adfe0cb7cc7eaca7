"""MLP on 8 x 8 images of handwritten digits, clipping its gradient norm."""

from recipes.settings import Data, Fit, Model, Optimizer, Recipe, Regularization, Schedule

RECIPE = Recipe(
    name="digits",
    data=Data(name="digits"),
    model=Model(builder="mlp", widths=(256, 128)),
    regularization=Regularization(dropout=0.2),
    optimizer=Optimizer(name="adam", learning_rate=0.002, global_clipnorm=1.0),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=32, epochs=60, patience=20),
)
