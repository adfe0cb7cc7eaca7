"""Convolutional network on 8 x 8 images of handwritten digits."""

from recipes.settings import Data, Fit, Model, Optimizer, Recipe, Regularization, Schedule

RECIPE = Recipe(
    name="digits-convnet",
    data=Data(name="digits"),
    model=Model(builder="convnet", widths=(32, 64)),
    regularization=Regularization(dropout=0.5),
    optimizer=Optimizer(name="adam", learning_rate=0.003),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=32, epochs=40, patience=15),
)
