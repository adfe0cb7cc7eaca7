"""Convolutional network on the handwritten digits of MNIST.

Run:     keras-recipes train mnist-convnet
Result:  0.993 mean test accuracy (lowest 0.993) over seeds 0 to 2, 177 s on two shared cores
         (AMD EPYC, TensorFlow 2.21), measured by `python benchmarks/recipe_results.py --large`
Follows: the MNIST convnet of keras.io, with a third convolution and a cosine with warm-up
"""

from recipes.settings import Data, Fit, Model, Optimizer, Recipe, Regularization, Schedule

RECIPE = Recipe(
    name="mnist-convnet",
    data=Data(name="mnist"),
    model=Model(builder="convnet", widths=(32, 64, 128)),
    regularization=Regularization(dropout=0.5),
    optimizer=Optimizer(name="adam", learning_rate=0.003),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=128, epochs=6, patience=None),
)
