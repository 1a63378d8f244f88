"""mmengine's checkpoint hook, safe against a kill at any moment."""

import re
from collections.abc import Mapping
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook as _CheckpointHook
from mmengine.runner import Runner

from ...errors import InputError, reading
from ...registry import HOOKS
from ...utils import atomic_write


@HOOKS.register_module()
class CheckpointHook(_CheckpointHook):
    """Saves checkpoints; an old file goes only when the new one is complete.

    mmengine removes the oldest (or the best so far) before it writes, so a kill in between can leave none; it also
    writes ``last_checkpoint`` in place. Arguments are mmengine's.

    Raises:
        InputError: ``save_best`` names a metric that no evaluator reports.
    """

    _replaced: Mapping[str | None, str | None] = {}

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        self._remove_replaced()  # before a checkpoint is written that knows the newer ones alone
        outdated = None
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            # with the outdated one in the file, a training that is killed before its removal removes it when resumed
            runner.message_hub.update_info('keep_ckpt_ids', [*self.keep_ckpt_ids, step])
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                outdated = self.filename_tmpl.format(self.keep_ckpt_ids.popleft())
            self.keep_ckpt_ids.append(step)
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            with atomic_write(Path(runner.work_dir) / 'last_checkpoint') as temporary:
                temporary.write_text(self.last_ckpt)
        if outdated:
            self._remove(self.file_backend.join_path(self.out_dir, outdated))

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        if not self.save_best:
            return
        absent = [key for key in self.key_indicators if key != 'auto' and key not in metrics]
        if absent:
            raise InputError(
                f'default_hooks.checkpoint.save_best is {absent[0]!r}, but the evaluators report '
                f'{", ".join(metrics)}; name one of these'
            )
        before = self._replaced = dict(self._best())
        self._set_best(dict.fromkeys(before))  # mmengine then removes nothing
        super()._save_best_checkpoint(runner, metrics)
        self._remove_replaced()
        self._set_best({key: self._best()[key] or path for key, path in before.items()})

    def _remove_replaced(self) -> None:
        for key, path in self._replaced.items():
            if path and self._best()[key] not in (None, path):
                self._remove(path)
        self._replaced = {}

    def _best(self) -> dict[str | None, str | None]:
        return self.best_ckpt_path_dict if len(self.key_indicators) > 1 else {None: self.best_ckpt_path}

    def _set_best(self, paths: dict[str | None, str | None]) -> None:
        if None in paths:
            self.best_ckpt_path = paths[None]
        else:
            self.best_ckpt_path_dict.update(paths)

    def _remove(self, path: str) -> None:
        if is_main_process() and self.file_backend.isfile(path):
            self.file_backend.remove(path)

    def saved_checkpoints(self, work_dir: str) -> list[Path]:
        """Checkpoints from which training can go on.

        Args:
            work_dir: of the runner.

        Returns:
            The file named in ``last_checkpoint``, then older ones from new to
            old; without ``last_checkpoint`` all from new to old.
        """
        folder = Path(self.out_dir, Path(work_dir).name) if self.out_dir else Path(work_dir)
        pattern = re.compile(re.escape(self.filename_tmpl).replace(r'\{\}', r'(\d+)'))
        steps = {int(m[1]): path for path in folder.glob('*') if (m := pattern.fullmatch(path.name))}
        note = Path(work_dir, 'last_checkpoint')
        with reading(f'{note} cannot be read', 'remove it, or give --resume FILE'):
            last = pattern.fullmatch(Path(note.read_text().strip()).name) if note.is_file() else None
        return [steps[step] for step in sorted(steps, reverse=True) if last is None or step <= int(last[1])]
