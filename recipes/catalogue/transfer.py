"""New head on a network of keras.applications, for photos in a folder for each class.

Run:     keras-recipes train transfer --data photos [--model.body EfficientNetB0] [--fine_tune.epochs 5]
Result:  depends on the photos; none is claimed. The weights of the body come from Keras's cache (~/.keras/models) or
         from --model.weights FILE; nothing is downloaded
Follows: Yosinski et al. 2014 (arXiv:1411.1792); the transfer learning guide of keras.io
"""

from recipes.settings import Data, FineTune, Fit, Model, Optimizer, Recipe, Regularization, Schedule

RECIPE = Recipe(
    name="transfer",
    data=Data(name="digits", image_size=(224, 224), color="rgb"),
    model=Model(builder="transfer", body="MobileNetV3Small"),
    regularization=Regularization(dropout=0.2),
    optimizer=Optimizer(name="adam", learning_rate=0.001),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=32, epochs=20, patience=5),
    fine_tune=FineTune(epochs=0, learning_rate=1e-5),
)
