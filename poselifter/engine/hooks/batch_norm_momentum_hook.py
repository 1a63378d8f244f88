"""Decays the momentum of batch norms over the epochs (VideoPose3D)."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.nn.modules.batchnorm import _BatchNorm

from ...registry import HOOKS


def batch_norm_momentum(epoch: int, epochs: int, first: float = 0.1, last: float = 0.001) -> float:
    """Momentum after ``epoch`` of ``epochs`` epochs, from ``first`` to ``last`` by equal factors (VideoPose3D)."""
    return first * (last / first) ** (epoch / epochs)


@HOOKS.register_module()
class BatchNormMomentumHook(Hook):
    """Lowers the momentum of every batch norm from epoch to epoch (VideoPose3D, section 5).

    Args:
        first: in the first epoch.
        last: after the last one.
    """

    def __init__(self, first: float = 0.1, last: float = 0.001) -> None:
        self.first, self.last = first, last

    def before_train_epoch(self, runner: Runner) -> None:
        """Sets it by the number of epochs that are done, so a resumed run has it too."""
        momentum = batch_norm_momentum(runner.epoch, runner.max_epochs, self.first, self.last)
        for module in runner.model.modules():
            if isinstance(module, _BatchNorm):
                module.momentum = momentum
