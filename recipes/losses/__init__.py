"""Losses: Keras's own by name where they are right, ours where Keras is wrong or has none."""

from recipes.losses.crossentropy import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
from recipes.losses.focal import FocalCrossentropy as FocalCrossentropy
from recipes.losses.hinges import CrammerSingerHinge as CrammerSingerHinge
from recipes.losses.hinges import WestonWatkinsHinge as WestonWatkinsHinge
from recipes.losses.hinges import crammer_singer_hinge as crammer_singer_hinge
from recipes.losses.hinges import weston_watkins_hinge as weston_watkins_hinge
from recipes.losses.named import get as get
from recipes.losses.pairing import check_pair as check_pair
