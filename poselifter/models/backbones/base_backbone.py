"""What every backbone promises."""

from abc import abstractmethod

import torch
from mmengine.model import BaseModule

from ...errors import InputError


class BaseBackbone(BaseModule):
    """Features of clips: ``forward`` is ``encode`` after ``embed``.

    Pretrainers corrupt the input before ``embed``, or features between the two.

    Args:
        num_frames: the largest T.
        num_joints: J.
        in_channels: C of the input.
        embed_dims: D of the features that ``encode`` returns.
        init_cfg: see mmengine.
        num_tokens: J' of the features: J (``None``), or 1 where a frame is a
            single token.
    """

    def __init__(
        self,
        num_frames: int,
        num_joints: int,
        in_channels: int,
        embed_dims: int,
        init_cfg: dict | None = None,
        num_tokens: int | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_frames, self.num_joints, self.num_tokens = num_frames, num_joints, num_tokens or num_joints
        self.in_channels, self.embed_dims = in_channels, embed_dims

    @abstractmethod
    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """Input (B, T, J, C) to tokens, positions included as far as the paper adds them here.

        Raises:
            InputError: the input has another shape than the backbone was built for.
        """

    @abstractmethod
    def encode(
        self, h: torch.Tensor, valid: torch.Tensor | None = None, return_layers: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, list[torch.Tensor]]:
        """Tokens to features.

        Args:
            h: what ``embed`` returned.
            valid: (B, T) bool, False for padded frames; they have no influence
                on other frames, and their own features mean nothing.
            return_layers: whether to return the output of every layer too.

        Returns:
            (B, T', J', D), or (that, the layers' outputs in order).
        """

    def forward(self, x: torch.Tensor, valid: torch.Tensor | None = None) -> torch.Tensor:
        """Input (B, T, J, C) to features (B, T', J', D); ``valid`` as in :meth:`encode`."""
        return self.encode(self.embed(x), valid)

    def output_frames(self, num_frames: int) -> torch.Tensor:
        """Which input frames the T' outputs stand for.

        Args:
            num_frames: T of the input.

        Returns:
            (T',) int64; here all.
        """
        return torch.arange(num_frames)

    def check_input(self, x: torch.Tensor) -> None:
        """Holds an input to (B, T, J, C) with T in 1 to ``num_frames``.

        Raises:
            InputError: it has another shape.
        """
        fits = x.ndim == 4 and x.shape[2:] == (self.num_joints, self.in_channels) and 1 <= x.shape[1] <= self.num_frames
        if not fits:
            raise InputError(
                f'{type(self).__name__} got an input of shape {tuple(x.shape)}, expected (B, T, {self.num_joints}, '
                f'{self.in_channels}) with T in 1 to {self.num_frames}; change the data or the num_frames, num_joints '
                f'and in_channels of the model'
            )
