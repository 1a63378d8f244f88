"""Log processor with short lines."""

from typing import Any

from mmengine.runner import LogProcessor

from ..registry import LOG_PROCESSORS


@LOG_PROCESSORS.register_module()
class MotionLogProcessor(LogProcessor):
    """mmengine's log processor, without the metrics of single groups in the line after an epoch.

    ``MPJPE/walk`` and its like stand in the metric's tables, in the scalars and in ``--out``; there are dozens of them.
    """

    def get_log_after_epoch(self, *args: Any, **kwargs: Any) -> tuple[dict, str]:
        """See mmengine; only the text is shortened."""
        tag, text = super().get_log_after_epoch(*args, **kwargs)
        head, *items = text.split('  ')
        return tag, '  '.join([head, *(item for item in items if '/' not in item.split(':')[0])])
