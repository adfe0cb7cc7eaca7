"""GRU on the adding problem: the sum of two marked numbers in a sequence of 50.

Run:     keras-recipes train adding
Result:  5.0e-5 mean test MSE (greatest 5.9e-5) over seeds 0 to 2, where the mean of the targets has 0.167; 39 to 104 s
         on two cores shared with other work (AMD EPYC, TensorFlow 2.21)
Follows: the task of Le et al. 2015 (arXiv:1504.00941), with 10,000 rows; settings chosen on validation rows of the
         seeds 10 and 11
"""

from recipes.settings import Data, Fit, Model, Optimizer, Recipe, Schedule

RECIPE = Recipe(
    name="adding",
    data=Data(name="adding:50"),
    model=Model(builder="recurrent", cell="gru", widths=(64,)),
    optimizer=Optimizer(name="adam", learning_rate=0.01, global_clipnorm=1.0),
    schedule=Schedule(name="cosine"),
    fit=Fit(batch_size=128, epochs=15, patience=None),
)
