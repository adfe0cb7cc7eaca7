"""Convolutional network on the handwritten digits of MNIST in two epochs: 99 % within seconds.

Run:     keras-recipes train mnist-fast
Result:  0.991 mean test accuracy (lowest 0.990) over seeds 0 to 9, 34 s for the whole command on two cores
         (AMD EPYC, TensorFlow 2.21), 14 times less than the MNIST convnet of keras.io, measured by
         `python benchmarks/mnist_fast.py`
Follows: train_mnist_fast (one-cycle, short memories of Adam, narrow layers, no dropout), with a strided first layer and
         batch normalization (arXiv:1502.03167) of pooled values; chosen on validation rows
"""

from recipes.settings import Data, Fit, Model, Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="mnist-fast",
    data=Data(name="mnist", validation_fraction=0.05),
    model=Model(
        builder="convnet", widths=(16, 32), strided_stem=True, downsampling="max_first", normalization="batch",
        dense_widths=(128,),
    ),
    optimizer=Optimizer(name="adam", learning_rate=0.01, beta_2=0.9),
    schedule=Schedule(name="one_cycle"),
    fit=Fit(batch_size=256, epochs=2, patience=None, keep="last"),
)  # fmt: skip
