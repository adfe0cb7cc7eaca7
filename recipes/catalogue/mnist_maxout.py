"""Maxout on MNIST, without knowing that the rows are images.

Run:     keras-recipes train mnist-maxout
Result:  to be measured
Follows: Goodfellow et al. 2013 (arXiv:1302.4389), with a bound for the gradient, without which it diverges at this rate
"""

from recipes.settings import Data, Fit, Model, Optimizer, Recipe, Regularization, Schedule

RECIPE = Recipe(
    name="mnist-maxout",
    data=Data(name="mnist"),
    model=Model(builder="mlp", widths=(240, 240), activation="maxout", pieces=5),
    regularization=Regularization(input_dropout=0.2, dropout=0.5, max_norm=2.0),
    optimizer=Optimizer(name="nesterov", learning_rate=0.05, global_clipnorm=1.0),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=128, epochs=60),
)
