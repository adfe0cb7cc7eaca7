"""Builders of networks, networks as tables, and the model that is saved."""

from recipes.models.body import check_body as check_body
from recipes.models.building import BUILDERS as BUILDERS
from recipes.models.building import build as build
from recipes.models.convnet import convnet as convnet
from recipes.models.mlp import mlp as mlp
from recipes.models.recurrent import recurrent as recurrent
from recipes.models.residual import residual as residual
from recipes.models.serving import serving_model as serving_model
from recipes.models.table import ModelTable as ModelTable
from recipes.models.table import model_table as model_table
from recipes.models.transfer import transfer as transfer
