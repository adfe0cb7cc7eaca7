"""Convolutional network on 8 x 8 images of handwritten digits.

Run:     keras-recipes train digits-convnet
Result:  0.988 mean test accuracy (lowest 0.983) over seeds 0 to 4, 9 s on two cores (AMD EPYC, TensorFlow 2.21),
         measured by `python benchmarks/recipe_results.py digits-convnet`
Follows: the MNIST convnet of keras.io, with padded convolutions, for images this small
"""

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
