"""Convolutional network of fewer than 10,000 parameters on MNIST: the body of digits-transfer.

Run:     keras-recipes train mnist-small
Result:  0.989 test accuracy with seed 0, 180 s on two shared cores (AMD EPYC, TensorFlow 2.21);
         this run is shipped as saved_models/mnist-small, without its predictions
Follows: the MNIST convnet of keras.io, with batch normalization (arXiv:1502.03167) and an average over the image in
         front of the last layer (arXiv:1312.4400); images of half the size, closer to that of other sources, enlarged
         and reduced at random, since other sources frame their digits differently
"""

from recipes.settings import Augmentation, Data, Fit, Model, Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="mnist-small",
    data=Data(name="mnist", image_size=(16, 16)),
    model=Model(
        builder="convnet", widths="16 * 2 x 3", normalization="batch", pooling="average", max_parameters=10_000
    ),
    augmentation=Augmentation(shift=0.1, rotate=10, zoom=0.5),
    optimizer=Optimizer(name="adam", learning_rate=0.01),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=128, epochs=12, patience=None),
)
