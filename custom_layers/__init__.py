"""Layers that Keras lacks. They know Keras only, and are registered under `package="keras_recipes"`."""

from custom_layers.activated_cell import ActivatedCell as ActivatedCell
from custom_layers.category_embedding import CategoryEmbedding as CategoryEmbedding
from custom_layers.date_parts import DateParts as DateParts
from custom_layers.feature_scale import FeatureScale as FeatureScale
from custom_layers.image_preparation import ImagePreparation as ImagePreparation
from custom_layers.inference_model import InferenceModel as InferenceModel
from custom_layers.maxout import Maxout as Maxout
from custom_layers.maxout_conv_1d import MaxoutConv1D as MaxoutConv1D
from custom_layers.maxout_conv_2d import MaxoutConv2D as MaxoutConv2D
from custom_layers.member_average import MemberAverage as MemberAverage
from custom_layers.member_dense import MemberDense as MemberDense
from custom_layers.member_model import MemberModel as MemberModel
from custom_layers.member_scale import MemberScale as MemberScale
from custom_layers.member_scale import RandomSigns as RandomSigns
from custom_layers.parametric_activation import ParametricActivation as ParametricActivation
from custom_layers.periodic_embedding import PeriodicEmbedding as PeriodicEmbedding
from custom_layers.piecewise_linear_embedding import PiecewiseLinearEmbedding as PiecewiseLinearEmbedding
from custom_layers.prelu import PReLU as PReLU
from custom_layers.randomized_leaky_relu import RandomizedLeakyReLU as RandomizedLeakyReLU
from custom_layers.scheduled_dropout import ScheduledDropout as ScheduledDropout
from custom_layers.sequence_preparation import SequencePreparation as SequencePreparation
from custom_layers.smooth_clip import SmoothClip as SmoothClip
from custom_layers.table_preparation import TablePreparation as TablePreparation
