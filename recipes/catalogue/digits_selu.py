"""Self-normalizing MLP (SELU, LeCun initialization, AlphaDropout) on 8 x 8 images of handwritten digits."""

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
