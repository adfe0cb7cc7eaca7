"""Self-normalizing MLP (SELU, LeCun initialization, AlphaDropout) on 8 x 8 images of handwritten digits.

Run:     keras-recipes train digits-selu
Result:  0.969 mean test accuracy (lowest 0.961) over seeds 0 to 4, 7 s on two cores (AMD EPYC, TensorFlow 2.21),
         measured by `python benchmarks/recipe_results.py digits-selu`
Follows: arXiv:1706.02515, with the data's own scaling
"""

from recipes.settings import Data, Fit, Model, Optimizer, Recipe, Regularization, Schedule

RECIPE = Recipe(
    name="digits-selu",
    data=Data(name="digits"),
    model=Model(builder="mlp", widths=(128, 128, 128, 128), activation="selu"),
    regularization=Regularization(dropout=0.05),
    optimizer=Optimizer(name="adam", learning_rate=0.001, global_clipnorm=1.0),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=32, epochs=60, patience=20),
)
