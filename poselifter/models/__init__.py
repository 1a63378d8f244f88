"""Models: layers, backbones, necks, heads, losses and the estimators that glue them."""

from typing import TYPE_CHECKING

from ..utils import import_on_demand

if TYPE_CHECKING:  # what editors and checkers of types see
    from .factory import Lifter, create_model, list_models

__getattr__ = import_on_demand(__name__, dict.fromkeys(('Lifter', 'create_model', 'list_models'), 'factory'))
